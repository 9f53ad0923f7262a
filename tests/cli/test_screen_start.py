"""What is there before the screen draws: the list as it was left, or an engine that begins."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaltui.cli import main
from evaltui.domain.list_page import ListPage
from evaltui.page_shelf import PageShelf
from evaltui.recall import TargetMirror, first_status
from evaltui.settings import Settings, load_settings
from evaltui.tracking.target import resolve_target
from evaltui.ui import running
from tests.domain.builders import make_run, make_table

PAGE = ListPage((120, 40), (118, 14), "block", "Runs 1", 1_000.0, ((("text", "kept"),),))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """Collect what the screen would be run with, in a home of its own."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "DATABRICKS_", "EVALTUI_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(main, "refusal", lambda: None)
    calls: list[dict[str, Any]] = []

    def run_app(settings: Settings, **options: Any) -> int:
        early = options["early"]
        calls.append({**options, "alive": early is not None and early._process.poll() is None})
        return 0

    monkeypatch.setattr(running, "run_app", run_app)
    yield calls
    gc.enable()  # the screen would have done it


def test_where_nothing_was_kept_an_engine_begins_first(shown: list[dict[str, Any]]) -> None:
    assert main.main([]) == 0
    (call,) = shown
    assert call["page"] is None
    assert call["recall"]() is None
    assert call["alive"]
    assert call["early"]._process is None, "a screen that does not take it lets go of it"


@pytest.mark.parametrize("of", ["this", "another"])
def test_where_a_list_was_kept_it_is_shown_and_the_engine_waits(
    shown: list[dict[str, Any]], of: str
) -> None:
    settings = load_settings({}, os.environ)
    kept = settings if of == "this" else replace(settings, experiment="another")
    target = resolve_target(kept, os.environ)
    assert TargetMirror(target).keep(make_table(make_run("a" * 32)), first_status(target))
    PageShelf(kept, os.environ).put(PAGE)
    assert main.main([]) == 0
    (call,) = shown
    if of == "this":
        assert call["page"] == PAGE
        assert call["early"] is None
        assert call["recall"]().table.size == 1
    else:
        assert call["page"] is None
        assert call["alive"]
        assert call["recall"]() is None
