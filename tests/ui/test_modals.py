"""Help, picker, confirm, path prompt, and the words for a terminal that is too small."""

from __future__ import annotations

from pathlib import Path

import pytest
from pane_app import PaneApp, screen_text, settle
from textual import events
from textual.app import App
from textual.content import Content
from textual.widgets import Input

from evaltui.ui.keys import ALL_KEYS, APP_KEYS, WATCH_KEYS
from evaltui.ui.screens.confirm import ConfirmScreen
from evaltui.ui.screens.help import GROUPS, HelpScreen
from evaltui.ui.screens.path_prompt import PathPrompt, complete_directory
from evaltui.ui.screens.picker import Picker
from evaltui.ui.screens.too_small import TooSmallScreen, fit_to

OPTIONS = [
    ("previous", Content("previous run of the same mode")),
    ("best", Content("best by overall quality")),
    ("tagged", Content("tagged on the experiment")),
    ("none", Content("no baseline [b]at all[/b]")),
]


def ask(app: App[int], screen: object) -> list[object]:
    answers: list[object] = []
    app.push_screen(screen, answers.append)  # type: ignore[arg-type,call-overload]
    return answers


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], "best"),
        (["j", "enter"], "tagged"),
        (["k", "k", "enter"], "previous"),
        (["G", "j", "enter"], "none"),
        (["G", "g", "enter"], "previous"),
        (["escape"], None),
        (["q"], None),
        (["slash", "t", "a", "g", "enter"], "tagged"),
        (["e", "x", "p", "enter"], "tagged"),
        (["o", "f", "down", "enter"], "previous"),
        (["z", "z", "enter", "escape"], None),
    ],
)
async def test_the_picker_moves_narrows_and_picks(keys: list[str], answer: str | None) -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        answers = ask(app, Picker("Baseline", OPTIONS, current="best"))
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        assert answers == [answer]


async def test_a_letter_that_moves_the_list_is_text_once_typing_began() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        ask(app, Picker("Sort", OPTIONS))
        await settle(pilot)
        await pilot.press("slash", "j", "k", "q", "G")
        await settle(pilot)
        assert app.screen.query_one(Input).value == "jkqG"


async def test_options_are_text_and_no_markup() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        ask(app, Picker("Title [/b]", OPTIONS))
        await settle(pilot)
        text = "\n".join(screen_text(app))
        assert "no baseline [b]at all[/b]" in text
        assert "Title [/b]" in text


async def test_an_empty_picker_can_be_left() -> None:
    app = PaneApp()
    async with app.run_test(size=(80, 24)) as pilot:
        answers = ask(app, Picker("Nothing", []))
        await settle(pilot)
        await pilot.press("j", "enter", "escape")
        await settle(pilot)
        assert answers == [None]


@pytest.mark.parametrize(
    ("key", "answer"), [("y", True), ("enter", True), ("n", False), ("escape", False)]
)
async def test_a_question_is_answered_by_one_key(key: str, answer: bool) -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        lines = ["Leave?", "2 directories go unwatched: [/x]\x1b[2J"]
        answers = ask(app, ConfirmScreen(lines, yes="leave", no="stay"))
        await settle(pilot)
        text = "\n".join(screen_text(app))
        assert "y leave   n stay" in text
        assert "[/x]\ufffd[2J" in text
        await pilot.press(key)
        await settle(pilot)
        assert answers == [answer]


async def test_help_lists_every_key_of_the_place_with_its_id() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 50)) as pilot:
        ask(app, HelpScreen((*APP_KEYS, *WATCH_KEYS), {"watch.retry": "x,f5"}))
        await settle(pilot)
        lines = screen_text(app)
        text = "\n".join(lines)
        for key in (*APP_KEYS, *WATCH_KEYS):
            assert key.id in text
        assert "Everywhere" in text
        assert "Files on watch" in text
        rebound = next(line for line in lines if "watch.retry" in line)
        assert "x f5" in rebound
        assert "(rebound)" in rebound
        await pilot.press("question_mark")
        await settle(pilot)
        assert not isinstance(app.screen, HelpScreen)


async def test_help_scrolls_where_it_does_not_fit() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        ask(app, HelpScreen(ALL_KEYS, {}))
        await settle(pilot)
        before = screen_text(app)
        await pilot.press("G")
        await settle(pilot)
        assert screen_text(app) != before
        assert ALL_KEYS[-1].help in "\n".join(screen_text(app))


def test_every_group_of_keys_has_a_heading() -> None:
    assert {key.pane for key in ALL_KEYS} <= set(GROUPS)


def test_ids_are_unique() -> None:
    ids = [key.id for key in ALL_KEYS]
    assert len(ids) == len(set(ids))


async def test_the_prompt_takes_an_existing_directory_only(tmp_path: Path) -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        answers = ask(app, PathPrompt("Watch", str(tmp_path)))
        await settle(pilot)
        await pilot.press("slash", "n", "o", "enter")
        await settle(pilot)
        assert answers == []
        assert "no such directory" in "\n".join(screen_text(app))
        await pilot.press("backspace", "backspace", "enter")
        await settle(pilot)
        assert answers == [f"{tmp_path}/"]


async def test_tab_completes_and_escape_leaves(tmp_path: Path) -> None:
    (tmp_path / "reports-mcp").mkdir()
    app = PaneApp()
    async with app.run_test(size=(100, 20)) as pilot:
        answers = ask(app, PathPrompt("Watch", f"{tmp_path}/re"))
        await settle(pilot)
        await pilot.press("tab")
        await settle(pilot)
        assert app.screen.query_one(Input).value == f"{tmp_path}/reports-mcp/"
        await pilot.press("escape")
        await settle(pilot)
        assert answers == [None]


def test_completion_adds_what_all_candidates_share(tmp_path: Path) -> None:
    for name in ("runs-a", "runs-b", ".hidden", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "runs-file").write_text("")
    assert complete_directory(f"{tmp_path}/r") == (f"{tmp_path}/runs-", ["runs-a", "runs-b"])
    assert complete_directory(f"{tmp_path}/.h") == (f"{tmp_path}/.hidden/", [".hidden"])
    assert complete_directory(f"{tmp_path}/x") == (f"{tmp_path}/x", [])
    assert complete_directory("/nonexistent/x") == ("/nonexistent/x", [])
    assert complete_directory("~nobody-has-this-name/x") == ("~nobody-has-this-name/x", [])
    assert complete_directory("\0") == ("\0", [])


class Fitting(PaneApp):
    """Covers itself while it is too small."""

    def on_resize(self, event: events.Resize) -> None:
        fit_to(self, event.size)


async def test_too_small_says_so_and_comes_back() -> None:
    app = Fitting()
    async with app.run_test(size=(80, 24)) as pilot:
        for size, covered in [
            ((20, 5), True),
            ((1, 1), True),
            ((39, 10), True),
            ((40, 9), True),
            ((40, 10), False),
            ((10, 40), True),
            ((200, 60), False),
        ]:
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert isinstance(app.screen, TooSmallScreen) is covered, size
        await pilot.resize_terminal(20, 5)
        await settle(pilot)
        assert "too small" in "\n".join(screen_text(app))
