"""Which display draws the screen, and that a changed Textual is noticed before it draws."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any

import pytest
from scripted import batch, make_app, runs, screen_text, store, until
from textual.app import App

from evaltui.settings import Settings
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.lean import updates
from evaltui.ui.lean.choice import choose_display
from evaltui.ui.lean.updates import unknown_parts

XTERM = {"TERM": "xterm-256color"}


def test_the_textual_at_hand_is_known() -> None:
    assert unknown_parts() == ""
    assert unknown_parts(EvaltuiApp(Settings())) == ""
    assert updates.installed_version() == version("textual")


@pytest.mark.parametrize(
    "term",
    [
        "xterm",
        "xterm-256color",
        "xterm-kitty",
        "alacritty",
        "tmux-256color",
        "screen.xterm-256color",
        "foot",
        "linux",
        "st-256color",
        "rxvt-unicode-256color",
    ],
)
def test_known_terminals_get_the_lean_display(term: str) -> None:
    choice = choose_display("auto", {"TERM": term}, unknown="")
    assert choice.lean
    assert choice.erase is not term.startswith("screen")


@pytest.mark.parametrize("environ", [{}, {"TERM": ""}, {"TERM": "vt100"}, {"TERM": "stranger"}])
def test_unknown_terminals_get_textuals_own_unless_asked(environ: dict[str, str]) -> None:
    choice = choose_display("auto", environ, unknown="")
    assert not choice.lean
    assert "TERM" in str(choice)
    assert choose_display("lean", environ, unknown="").lean


@pytest.mark.parametrize("wish", ["auto", "lean"])
def test_an_unknown_textual_draws_by_itself(wish: str) -> None:
    choice = choose_display(wish, XTERM, unknown="Textual 9.0 has another Strip.crop")
    assert not choice.lean
    assert choice.refused is (wish == "lean")
    assert "Strip.crop" in str(choice)


def test_the_switch_turns_the_lean_display_off() -> None:
    assert not choose_display("textual", XTERM, unknown="").lean
    assert EvaltuiApp(Settings(display="textual"))._lean is None


def _display_with_more(self: App[Any], screen: Any, renderable: Any, more: int) -> None:
    """Textual's method with another parameter."""


def _crops_one_less(self: Any, start: int, end: int | None = None) -> Any:
    return self.divide([start, (end or self.cell_length) - 1])[-1]


def test_a_changed_textual_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "installed_version", lambda: "9.1.0")
    assert "9.1.0" in unknown_parts()
    monkeypatch.undo()

    parts = dict(updates._SIGNATURES)
    parts["App._display"] = (_display_with_more, parts["App._display"][1])
    monkeypatch.setattr(updates, "_SIGNATURES", parts)
    assert "App._display" in unknown_parts()
    monkeypatch.undo()

    monkeypatch.setattr(updates.Strip, "crop", _crops_one_less)
    assert "otherwise" in unknown_parts()
    monkeypatch.undo()

    app = EvaltuiApp(Settings())
    del app._sync_available
    assert "_sync_available" in unknown_parts(app)


async def test_with_an_unknown_textual_the_screen_comes_up_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(updates, "KNOWN_MAJOR", "7")
    with caplog.at_level(logging.INFO, logger="evaltui"):
        app = make_app(store(), runs(*batch()))
    assert app._lean is None
    assert "is not 7.x" in caplog.text
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "eval_mcp_1211" in screen_text(app))
