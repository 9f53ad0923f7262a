"""The first frame needs none of the modules that take long to import."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from scripted import main_of, make_app, until
from textual.css import stylesheet

from evaltui.settings import Settings
from evaltui.ui.screens.too_small import TooSmallScreen

SLOW = ("numpy", "_hashlib", "importlib.metadata", "evaltui.ui.main_screen", "evaltui.engine.link")
NEVER = ("mlflow", "pandas", "sqlalchemy", "databricks", "requests")


def _loaded_by(module: str) -> set[str]:
    script = f"import {module}, sys; print('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=180
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("name", [*SLOW, *NEVER])
def test_the_first_frame_does_without(name: str) -> None:
    assert name not in _loaded_by("evaltui.ui.app")


@pytest.mark.parametrize("name", ["numpy", *NEVER])
def test_the_page_that_was_kept_is_found_without(name: str) -> None:
    assert name not in _loaded_by("evaltui.page_shelf")


@pytest.mark.parametrize("name", NEVER)
def test_the_whole_screen_does_without(name: str) -> None:
    assert name not in _loaded_by("evaltui.ui.conductor")


_AS_A_PROGRAM = """
import sys
from evaltui.cli import main

def run(app, **options):
    print("\\n".join(sys.modules))

main.refusal = lambda: None
import evaltui.cli.main
modules = set(sys.modules)
assert not [name for name in modules if name.startswith("textual")], modules
from evaltui.ui.app import EvaltuiApp
EvaltuiApp.run = run
sys.exit(main.main([]))
"""


@pytest.fixture(scope="module")
def loaded_by_the_program(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return what the whole program has imported when its screen begins to run."""
    place = tmp_path_factory.mktemp("program")
    environ = {"HOME": str(place), "PATH": os.defpath, "EVALTUI_STATE_DIR": str(place)}
    result = subprocess.run(
        [sys.executable, "-c", _AS_A_PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
        env=environ,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("name", [*SLOW, *NEVER, "evaltui.ui.client", "argparse"])
def test_the_program_begins_to_draw_without(name: str, loaded_by_the_program: set[str]) -> None:
    assert "evaltui.ui.running" in loaded_by_the_program
    assert "evaltui.ui.engine_spawn" in loaded_by_the_program
    assert name not in loaded_by_the_program


async def test_what_styles_the_first_frame_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: Counter[tuple[object, str]] = Counter()

    def counting(scope: str, css: str, *args: Any, **options: Any) -> Any:
        parsed[scope, css] += 1
        return parse(scope, css, *args, **options)

    parse = stylesheet.parse
    monkeypatch.setattr(stylesheet, "parse", counting)
    app = make_app(settings=Settings(theme="light"))
    async with app.run_test() as pilot:
        assert app.theme == "evaltui-light"
        assert app.has_class("-light-mode")
        assert set(parsed.values()) == {1}, [css for (_, css), n in parsed.items() if n > 1]
        app.theme = "evaltui-dark"  # other colours: now it is
        await until(pilot, lambda: max(parsed.values()) > 1)
        assert app.screen.styles.background.hex == "#12161B"


async def test_the_rest_is_fetched_once_the_first_frame_is_out() -> None:
    app = make_app()
    fetched_with: list[bool] = []
    prepare = app._prepare
    app._prepare = lambda: fetched_with.append(app._opening.painted) or prepare()  # type: ignore[method-assign,func-returns-value]
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.conductor is not None)
    assert fetched_with == [True]


async def test_the_rest_is_fetched_behind_a_cover() -> None:
    app = make_app()
    async with app.run_test(size=(30, 8)) as pilot:
        await until(pilot, lambda: app.conductor is not None)
        assert isinstance(app.screen, TooSmallScreen)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: app.screen is main_of(app))
