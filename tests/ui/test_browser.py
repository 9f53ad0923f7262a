"""Opening web pages: where a browser makes sense, and what is shown where none does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from scripted import batch, link_of, main_of, make_app, run, runs, store, until
from textual.pilot import Pilot
from waiting import wait_for

from evaltui.engine.link import Verb
from evaltui.ui.browser import no_browser, open_in_browser
from evaltui.ui.screens.text_view import TextView

PAGE = "http://ml.example.com/#/experiments/1/runs/abc"


@pytest.mark.parametrize(
    ("environ", "platform", "words"),
    [
        ({"DISPLAY": ":0"}, "linux", ""),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", ""),
        ({}, "linux", "no display"),
        ({}, "darwin", ""),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}, "linux", "SSH"),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", "SSH"),
        ({"SSH_TTY": "/dev/pts/1", "BROWSER": "/opt/helper.sh"}, "linux", ""),
        ({"BROWSER": "/usr/bin/w3m -F"}, "linux", "w3m"),
        ({"DISPLAY": ":0", "BROWSER": "  "}, "linux", ""),
    ],
)
def test_a_browser_is_opened_only_where_somebody_sees_it(
    environ: dict[str, str], platform: str, words: str
) -> None:
    found = no_browser(environ, platform)
    assert words in found
    assert bool(found) == bool(words)


def browser(folder: Path, *lines: str) -> dict[str, str]:
    """Return an environment with a browser that notes what it is given."""
    script = folder / "my browser.sh"
    script.write_text("\n".join(["#!/bin/sh", f'printf "%s" "$1" > "{folder}/opened"', *lines]))
    script.chmod(0o700)
    plain = folder / "browser"
    plain.symlink_to(script)
    return {"PATH": os.defpath, "BROWSER": str(plain), "TERM": "xterm"}


def written(path: Path) -> bool:
    """Whether a shell has written a file: it makes it before that."""
    return path.exists() and bool(path.read_text())


async def test_the_browser_gets_the_address_and_no_terminal(tmp_path: Path) -> None:
    environ = browser(tmp_path, f'(: < /dev/tty) 2> "{tmp_path}/tty" && exit 3', "exit 0")
    address = "http://h/#/compare-runs?runs=%5B%22a%22%5D&x='$(touch pwned)'"
    assert await open_in_browser(address, environ)
    wait_for(lambda: written(tmp_path / "opened"), "the browser")
    assert (tmp_path / "opened").read_text() == address
    wait_for(lambda: written(tmp_path / "tty"), "the word that there was no terminal to open")
    assert not (tmp_path / "pwned").exists()


async def test_a_browser_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaltui.ui.browser._WAIT_S", 120.0)
    assert not await open_in_browser(PAGE, browser(tmp_path, "exit 1"))


async def test_a_browser_that_stays_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaltui.ui.browser._WAIT_S", 0.2)
    environ = browser(tmp_path, f'echo $$ > "{tmp_path}/pid"', "exec sleep 30")
    assert await open_in_browser(PAGE, environ)
    wait_for(lambda: written(tmp_path / "pid"), "its pid")
    os.kill(int((tmp_path / "pid").read_text()), 15)


# -- the screen -----------------------------------------------------------------------------------


def page(address: str = PAGE, command: str = "", note: str = "") -> dict[str, str]:
    return {"address": address, "command": command, "note": note}


def _text_of(app: Any) -> str:
    assert isinstance(app.screen, TextView)
    return "\n".join(line.plain for line in app.screen._lines)


async def _ready(pilot: Pilot[Any], app: Any) -> None:
    await until(pilot, lambda: len(main_of(app).session.bench.order) > 0)


def _asked(app: Any) -> list[list[str]]:
    return [list(args["run_ids"]) for verb, args in link_of(app).asked if verb is Verb.PAGE]


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")


@pytest.mark.usefixtures("remote")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_over_ssh_the_link_is_shown_whole_and_copied(size: tuple[int, int]) -> None:
    long = f"http://ml.example.com/#/compare-runs?runs={'a' * 300}"
    app = make_app(store(), runs(*batch()), answers={Verb.PAGE: page(long)})
    async with app.run_test(size=size) as pilot:
        await _ready(pilot, app)
        cursor = main_of(app).session.bench.cursor_id
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, TextView))
        assert _asked(app) == [[cursor]]
        assert "SSH" in _text_of(app)
        assert long in _text_of(app)
        assert app.clipboard == long
        await pilot.press("escape")
        assert app.screen is main_of(app)


@pytest.mark.usefixtures("remote")
async def test_an_embedded_store_says_what_to_start_and_copies_that() -> None:
    command = "mlflow server --backend-store-uri 'sqlite:////home/ada/my store.db' --port 5000"
    answer = page(command=command, note="run the command")
    app = make_app(store(), runs(*batch()), answers={Verb.PAGE: answer})
    async with app.run_test(size=(120, 40)) as pilot:
        await _ready(pilot, app)
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, TextView))
        assert _asked(app) == [[]]
        assert command in _text_of(app)
        assert PAGE in _text_of(app)
        assert app.clipboard == command


@pytest.mark.usefixtures("remote")
async def test_in_the_diff_the_page_is_that_of_the_comparison() -> None:
    first, second = run("r1", hours_ago=2), run("r2", hours_ago=1)
    app = make_app(store(), runs(second, first), answers={Verb.PAGE: page()})
    async with app.run_test(size=(120, 40)) as pilot:
        await _ready(pilot, app)
        await pilot.press("c", "o")
        await until(pilot, lambda: bool(_asked(app)))
        difference = main_of(app).difference()
        assert difference is not None
        assert difference.baseline is not None
        shown = [difference.baseline.run_id, *(it.run_id for it in difference.candidates)]
        assert _asked(app) == [shown]
        assert len(shown) == 2


async def test_where_there_is_a_display_the_browser_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", browser(tmp_path)["BROWSER"])
    app = make_app(store(), runs(*batch()), answers={Verb.PAGE: page()})
    async with app.run_test(size=(120, 40)) as pilot:
        await _ready(pilot, app)
        await pilot.press("o")
        await until(pilot, lambda: written(tmp_path / "opened"))
        assert (tmp_path / "opened").read_text() == PAGE
        assert app.screen is main_of(app)
        assert app.clipboard == ""


@pytest.mark.usefixtures("remote")
async def test_a_page_that_there_is_not_is_one_line() -> None:
    app = make_app(store(), runs(*batch()), answers={Verb.PAGE: "not in the store yet"})
    async with app.run_test(size=(80, 24)) as pilot:
        await _ready(pilot, app)
        await pilot.press("o")
        await until(pilot, lambda: "not in the store yet" in main_of(app).footer.flashed)
        assert app.screen is main_of(app)
