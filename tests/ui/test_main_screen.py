"""The keys of the main screen, and live refresh under the hands of a person."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from scripted import (
    NOW_S,
    ScriptedLink,
    batch,
    evaluation,
    link_of,
    main_of,
    make_app,
    run,
    runs,
    screen_text,
    session_of,
    store,
    until,
    watching,
)
from textual.pilot import Pilot
from textual.widgets import Input

from evaltui.domain.events import FileRow, FileState, Notice, StoreState, WatchRole
from evaltui.engine.link import FilesChanged, Noticed, Verb
from evaltui.settings import Settings
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.client import EngineDown, EngineUp
from evaltui.ui.main_screen import MainScreen
from evaltui.ui.screens.help import HelpScreen
from evaltui.ui.screens.path_prompt import PathPrompt
from evaltui.ui.screens.picker import Picker
from evaltui.ui.screens.too_small import TooSmallScreen
from evaltui.ui.widgets.filter_bar import FilterBar


class _Driven:
    """An application under test with shorthands."""

    def __init__(self, app: EvaltuiApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def main(self) -> MainScreen:
        return main_of(self.app)

    @property
    def link(self) -> ScriptedLink:
        return link_of(self.app)

    @property
    def cursor(self) -> str:
        bench = session_of(self.app).bench
        return bench.name_of(bench.cursor_id)

    @property
    def said(self) -> str:
        return self.main.footer.flashed

    @property
    def text(self) -> str:
        return screen_text(self.app)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rest()

    async def rest(self) -> None:
        await until(self.pilot, lambda: self.main.follows)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(self.pilot, condition)


@asynccontextmanager
async def driven(
    *script: Any,
    size: tuple[int, int] = (120, 40),
    settings: Settings | None = None,
    answers: dict[Verb, Any] | None = None,
    listed: int = 16,
) -> AsyncIterator[_Driven]:
    app = make_app(
        *(script or (store(), watching(), runs(*batch()))), settings=settings, answers=answers
    )
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: session_of(app).bench.total == listed)
        one = _Driven(app, pilot)
        await one.rest()
        yield one


# -- moving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("j", "eval_mcp_1210"),
        ("j j k", "eval_mcp_1210"),
        ("down down up", "eval_mcp_1210"),
        ("G", "eval_vanilla_sdk_1209"),
        ("end home", "eval_mcp_1211"),
        ("G g", "eval_mcp_1211"),
        ("k", "eval_mcp_1211"),
        ("pagedown", "eval_vanilla_sdk_1201"),
        ("ctrl+d ctrl+u", "eval_mcp_1211"),
    ],
)
async def test_keys_move_the_cursor(keys: str, expected: str) -> None:
    async with driven() as one:
        if keys == "pagedown":
            await one.pilot.press("j", "j", "j")
            before = one.cursor
            await one.press("pagedown")
            assert session_of(one.app).bench.position > 3
            assert before == expected
        else:
            await one.press(*keys.split())
            assert one.cursor == expected


async def test_a_cursor_move_repaints_two_cells_of_the_list() -> None:
    async with driven() as one:
        painted: list[Any] = []
        original = one.main.run_list.refresh
        one.main.run_list.refresh = lambda *regions, **kw: (  # type: ignore[method-assign]
            painted.extend(regions),
            original(*regions, **kw),
        )[1]
        await one.press("j")
        assert [(region.x, region.width, region.height) for region in painted] == [(0, 1, 1)] * 2


async def test_ten_thousand_runs_draw_only_what_is_on_the_screen() -> None:
    rows = [
        run(f"r{n:05d}", hours_ago=n / 10, metrics={"overall_quality_score": n % 100 / 100})
        for n in range(10_000)
    ]
    async with driven(store(), runs(*rows), listed=10_000) as one:
        drawn: list[int] = []
        original = one.main._rows.cells
        one.main._rows.cells = lambda row, plan: drawn.append(row) or original(row, plan)  # type: ignore[func-returns-value,method-assign]
        await one.press("G")
        await one.press("g", "pagedown", "j")
        assert len(drawn) < 200
        assert session_of(one.app).bench.cursor_id in one.text


# -- live refresh ---------------------------------------------------------------------------------


async def test_a_new_run_appears_and_the_cursor_stays() -> None:
    async with driven() as one:
        await one.press("j", "j")
        before = one.cursor
        one.link.say(runs(run("fresh", name="brand_new_run", hours_ago=0.1)))
        await one.until(lambda: session_of(one.app).bench.total == 17)
        await one.rest()
        assert one.cursor == before
        assert "brand_new_run" in one.text
        assert "Runs 17" in one.text


async def test_filter_sort_and_marks_survive_a_refresh() -> None:
    async with driven() as one:
        await one.press("slash", *"mcp", "enter", "space", "left_square_bracket")
        one.link.say(runs(evaluation(3, mode="vanilla_sdk", hours_ago=0.1), evaluation(11)))
        await one.until(lambda: session_of(one.app).bench.total == 17)
        bench = session_of(one.app).bench
        assert len(bench.order) == 13
        assert len(bench.marks) == 1
        assert not bench.sort.descending


async def test_nothing_is_repainted_when_nothing_changed() -> None:
    async with driven() as one:
        frames: list[Any] = []
        original = one.app._display
        one.app._display = lambda screen, what: (frames.append(what), original(screen, what))[1]  # type: ignore[method-assign]
        one.link.say(store())
        one.link.say(runs())
        for _ in range(5):
            await one.pilot.pause()
        assert [frame for frame in frames if frame is not None] == []


async def test_follow_keeps_the_cursor_on_the_newest_run() -> None:
    async with driven() as one:
        await one.press("F")
        one.link.say(runs(run("fresh", hours_ago=0.1)))
        await one.until(lambda: one.cursor == "fresh")
        await one.press("j")
        assert not session_of(one.app).bench.follow


# -- filter and sort ------------------------------------------------------------------------------


async def test_a_filter_works_while_it_is_typed_and_counts() -> None:
    async with driven() as one:
        await one.press("slash", *"vanilla")
        assert len(session_of(one.app).bench.order) == 3
        assert "3 of 16" in one.text
        await one.press("enter")
        assert not one.main.query_one(FilterBar).display
        await one.press("j")
        assert one.cursor == "eval_vanilla_sdk_1205"
        await one.press("escape")
        assert len(session_of(one.app).bench.order) == 16


async def test_escape_in_the_filter_clears_it() -> None:
    async with driven() as one:
        await one.press("slash", *"nothing-like-it")
        assert "no run matches" in one.text
        await one.press("escape")
        assert len(session_of(one.app).bench.order) == 16
        assert one.app.focused is one.main.run_list


async def test_letters_in_the_filter_are_no_commands() -> None:
    async with driven() as one:
        await one.press("slash", *"qbrj?")
        assert one.main.query_one(Input).value == "qbrj?"
        assert one.app.is_running


async def test_the_sort_menu_sorts_by_a_metric_best_first() -> None:
    async with driven() as one:
        await one.press("s")
        assert isinstance(one.app.screen, Picker)
        await one.press("slash", *"overall", "enter")
        await one.press("g")
        assert one.cursor == "eval_mcp_1210"
        await one.press("left_square_bracket", "g")
        assert one.cursor == "eval_mcp_1207"
        assert "overall_quality_score asc" in one.text


# -- marks, diff, baseline ------------------------------------------------------------------------


async def test_marked_runs_are_compared_in_columns() -> None:
    async with driven(size=(120, 50)) as one:
        await one.press("space", "space", "j", "space")
        assert "3 marked" in one.text
        assert "C eval_mcp_1211" in one.text
        await one.press("U")
        assert not session_of(one.app).bench.marks


async def test_a_range_is_marked() -> None:
    async with driven() as one:
        await one.press("space", "j", "j", "v")
        assert len(session_of(one.app).bench.marks) == 4


async def test_c_shows_the_diff_and_escape_goes_back() -> None:
    async with driven(size=(80, 24)) as one:
        await one.press("j", "c")
        assert "A eval_mcp_1209" in one.text
        assert "B eval_mcp_1210" in one.text
        await one.press("equals_sign")
        assert "hides" in one.text
        await one.press("escape")
        assert one.main.pane == "runs"


async def test_the_diff_follows_the_cursor() -> None:
    async with driven() as one:
        assert "B eval_mcp_1211" in one.text
        await one.press("j")
        assert "B eval_mcp_1210" in one.text


async def test_without_a_baseline_the_diff_says_why() -> None:
    async with driven(store(), runs(run("only")), listed=1) as one:
        assert "no baseline: no earlier finished run of mode mcp" in one.text


async def test_b_shares_the_baseline_and_u_takes_it_back() -> None:
    async with driven(answers={Verb.BASELINE: {"shared": True}}) as one:
        await one.press("j", "b")
        assert one.said == "baseline eval_mcp_1210: shared, undo: u"
        assert (Verb.BASELINE, {"run_id": "10a7c4e19bm"}) in one.link.asked
        assert "baseline eval_mcp_1210" in one.text.splitlines()[1]
        await one.press("u")
        assert one.link.asked[-1] == (Verb.BASELINE, {"run_id": None})


async def test_the_baseline_picker_holds_for_a_session_with_read_only() -> None:
    async with driven(store(read_only=True), runs(*batch())) as one:
        await one.press("B")
        assert isinstance(one.app.screen, Picker)
        await one.press("slash", *"1203", "enter")
        assert "in this session only" in one.said
        assert "baseline eval_mcp_1203 (this session)" in one.text


async def test_a_baseline_that_somebody_else_set_shows_up() -> None:
    async with driven() as one:
        one.link.say(store(baseline_run_id="02a7c4e19bm"))
        await one.until(lambda: "baseline eval_mcp_1202" in one.text)
        await one.rest()
        assert "A eval_mcp_1202" in one.text


# -- panes ----------------------------------------------------------------------------------------


async def test_number_keys_and_tab_go_to_panes() -> None:
    async with driven(size=(90, 30)) as one:
        for key, pane in zip(
            "23456", ("diff", "trends", "cases", "watch", "artifacts"), strict=True
        ):
            await one.press(key)
            assert one.main.pane == pane
            assert one.main.query_one(f"#{pane}").display
            assert not one.main.run_list.is_on_screen or one.main.pane == "runs"
        await one.press("tab")
        assert one.main.pane == "runs"
        await one.press("shift+tab")
        assert one.main.pane == "artifacts"


async def test_wide_screens_keep_the_list_beside_every_pane() -> None:
    async with driven(size=(180, 50)) as one:
        await one.press("3")
        assert one.main.query_one("#list-box").display
        assert one.main.query_one("#trends").display


DETAIL = {
    "params": [["model", "claude"]],
    "tags": [["mode", "mcp"]],
    "metrics": [["overall_quality_score", 0.84]],
    "artifacts": [["report.json", 1024]],
    "case_columns": ["app", "status"],
    "case_rows": [["churn-dashboard", "fail"], ["revenue", "pass"]],
    "link": "http://mlflow/#/run",
}


async def test_enter_opens_the_run_with_its_cases() -> None:
    async with driven(answers={Verb.DETAIL: DETAIL}) as one:
        await one.press("j", "enter")
        await one.until(lambda: "churn-dashboard" in one.text)
        assert (Verb.DETAIL, {"run_id": "10a7c4e19bm"}) in one.link.asked
        await one.press("6")
        assert "report.json" in one.text
        await one.press("escape")
        assert one.main.pane == "runs"


async def test_a_detail_that_cannot_be_had_is_told() -> None:
    async with driven(answers={Verb.DETAIL: "the server hangs"}) as one:
        await one.press("enter")
        await one.until(lambda: "the server hangs; try again" in one.text)


async def test_a_local_row_has_no_detail_to_ask_for() -> None:
    rows = (*batch(), run("local:5", name="waiting", hours_ago=0.2))
    async with driven(store(), runs(*rows), listed=17) as one:
        await one.press("enter")
        await one.until(lambda: "the store does not have this run yet" in one.text)
        assert not [verb for verb, _ in one.link.asked if verb is Verb.DETAIL]


async def test_help_lists_the_keys_of_the_pane() -> None:
    async with driven() as one:
        await one.press("question_mark")
        assert isinstance(one.app.screen, HelpScreen)
        await one.press("escape")
        assert one.app.screen is one.main


async def test_the_palette_runs_a_command() -> None:
    async with driven() as one:
        await one.press("colon")
        assert isinstance(one.app.screen, Picker)
        await one.press("slash", *"trends of", "enter")
        assert one.main.pane == "trends"


# -- watching -------------------------------------------------------------------------------------


async def test_the_empty_state_counts_reports_and_w_watches_them() -> None:
    answers = {
        Verb.SURVEY: {"path": "/home/ada/evals", "reports": 14, "more": False, "env_file": ""},
        Verb.WATCH: {"path": "/home/ada/evals"},
    }
    async with driven(store(), runs(), listed=0, answers=answers) as one:
        await one.until(lambda: "14 reports below /home/ada/evals" in one.text)
        await one.press("w")
        assert (Verb.WATCH, {"path": "/home/ada/evals"}) in one.link.asked
        assert one.said == "watching /home/ada/evals"


async def test_with_runs_on_the_screen_w_asks_which_directory(tmp_path: Path) -> None:
    answers = {Verb.WATCH: "that is watched already"}
    async with driven(store(), runs(*batch()), answers=answers) as one:
        session_of(one.app).cwd = str(tmp_path)
        await one.press("w")
        assert one.said == "nothing is watched; w again picks a directory"
        await one.press("w")
        assert isinstance(one.app.screen, PathPrompt)
        assert not [verb for verb, _ in one.link.asked if verb is Verb.WATCH]
        await one.press("enter")
        await one.until(lambda: one.said == "that is watched already; try again")
        assert one.link.asked[-1] == (Verb.WATCH, {"path": str(tmp_path)})


async def test_an_empty_listing_ends_the_connecting() -> None:
    async with driven(store(), runs(), listed=0) as one:
        await one.until(lambda: "no runs in" in one.text)


async def test_a_poll_without_news_repaints_nothing() -> None:
    async with driven() as one:
        frames: list[Any] = []
        original = one.app._display
        one.app._display = lambda screen, what: (frames.append(what), original(screen, what))[1]  # type: ignore[method-assign]
        for second in range(3):
            one.link.say(store(data_at_s=NOW_S + second))
            await one.pilot.pause()
        await one.pilot.pause()
        assert [frame for frame in frames if frame is not None] == []


async def test_files_on_watch_show_up_while_they_are_looked_at() -> None:
    async with driven() as one:
        await one.press("5")
        row = FileRow(1, 1, "/home/ada/evals/broken.json", FileState.QUARANTINED, "not JSON", "fix")
        one.link.say(FilesChanged((row,)))
        await one.until(lambda: "broken.json" in one.text)
        await one.press("R")
        assert (Verb.RETRY, {"path": "/home/ada/evals/broken.json"}) in one.link.asked


# -- the engine and the store ---------------------------------------------------------------------


async def test_the_frame_is_there_before_the_engine() -> None:
    go_on = threading.Event()
    app = make_app(recall=lambda: go_on.wait(60) and None)
    async with app.run_test(size=(80, 24)) as pilot:
        assert app.conductor is None
        assert "evaltui" in screen_text(app)
        go_on.set()
        await until(pilot, lambda: link_of(app).alive)
        await until(pilot, lambda: "connecting" in screen_text(app))


async def test_a_dead_engine_leaves_the_list_and_says_when_it_starts_again() -> None:
    async with driven() as one:
        one.link.say(EngineDown("the engine was ended by SIGKILL", 4.0))
        await one.until(lambda: "ENGINE DOWN" in one.text)
        assert "eval_mcp_1211" in one.text
        assert "starts again at 14:22" in one.text
        await one.press("r")
        assert one.link.retried == 1
        one.link.say(EngineUp(again=True))
        await one.until(lambda: "ENGINE DOWN" not in one.text)


async def test_offline_keeps_the_list_and_says_what_still_works() -> None:
    async with driven(size=(160, 40)) as one:
        one.link.say(
            store(state=StoreState.OFFLINE, error="connection refused", next_try_s=NOW_S + 60)
        )
        await one.until(lambda: "OFFLINE since 14:12" in one.text)
        assert "next try 14:23" in one.text
        assert "new reports wait in the journal" in one.text
        one.link.say(store())
        await one.until(lambda: "OFFLINE" not in one.text)


async def test_r_and_p_are_wishes_to_the_engine() -> None:
    async with driven() as one:
        await one.press("r")
        await one.press("p")
        assert [*one.link.asked[-2:]] == [(Verb.REFRESH, {}), (Verb.PAUSE, {"on": True})]
        one.link.say(store(state=StoreState.PAUSED))
        await one.until(lambda: "PAUSED" in one.text)
        await one.press("p")
        assert one.link.asked[-1] == (Verb.PAUSE, {"on": False})


async def test_a_notice_is_a_toast() -> None:
    async with driven() as one:
        one.link.say(Noticed(Notice("warning", "two runs became one", "see the log")))
        await one.until(lambda: one.said == "two runs became one (see the log)")


async def test_loading_counts_what_has_come() -> None:
    rows = [run(f"r{n}") for n in range(30)]
    async with driven(store(), runs(*rows, complete=False), listed=30) as one:
        assert "Runs 30 loading" in one.text


# -- copying, leaving, sizes ----------------------------------------------------------------------


async def test_y_copies_the_run_id_and_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    async with driven() as one:
        await one.press("y")
        assert one.app.clipboard == "11a7c4e19bm"
        assert one.said == "copied run id 11a7c4e19bm (OSC 52)"
        monkeypatch.setenv("TMUX", "/run/tmux-0/default,1,0")
        await one.press("y")
        assert "set-clipboard on" in one.said


async def test_capital_y_copies_the_row_as_a_table() -> None:
    async with driven() as one:
        await one.press("Y")
        head, row = (line.split("\t") for line in one.app.clipboard.splitlines())
        values = dict(zip(head, row, strict=True))
        assert values["run_id"] == "11a7c4e19bm"
        assert values["build_success_rate"] == "0.96"


async def test_q_goes_back_and_then_quits() -> None:
    async with driven(store(), runs(*batch())) as one:
        await one.press("3", "q")
        assert one.main.pane == "runs"
        await one.pilot.press("q")
        await one.until(lambda: not one.app.is_running)
        assert one.link.stopped
        assert one.app.return_code == 0


async def test_what_comes_in_while_the_screen_is_taken_apart_goes_nowhere() -> None:
    async with driven() as one:
        main = main_of(one.app)
        strip = main.query_one("#trend-strip")
        assert main.stands
        leaving = main.remove()
        assert not main.stands  # although its parts are all there yet
        await leaving
        assert not strip.is_attached
        main.show_detail()
        main.show_detail_soon()
        main.fit_panes(80, 24)
        link_of(one.app).say(runs(run("late")))
        assert one.app.crash is None


async def test_leaving_a_watch_says_what_goes_unwatched_once() -> None:
    async with driven() as one:
        await one.press("q")
        assert one.app.is_running
        assert "evaltui watch /home/ada/evals" in one.said
        await one.pilot.press("q")
        await one.until(lambda: not one.app.is_running)


async def test_ctrl_c_quits_from_within_the_filter() -> None:
    async with driven() as one:
        await one.press("slash", "a")
        await one.pilot.press("ctrl+c")
        await one.until(lambda: not one.app.is_running)


async def test_a_viewer_leaves_without_a_question() -> None:
    async with driven(store(), watching(role=WatchRole.VIEWER), runs(*batch())) as one:
        await one.pilot.press("q")
        await one.until(lambda: not one.app.is_running)


@pytest.mark.parametrize("size", [(40, 10), (60, 16), (100, 30), (160, 50), (300, 80)])
async def test_no_line_is_wider_than_the_terminal(size: tuple[int, int]) -> None:
    from rich.cells import cell_len

    async with driven(size=size) as one:
        for key in "123456":
            await one.press(key)
            lines = one.text.splitlines()
            assert len(lines) == size[1]
            assert {cell_len(line) for line in lines} == {size[0]}


async def test_too_small_says_so_and_comes_back() -> None:
    async with driven(size=(80, 24)) as one:
        await one.press("j")
        await one.pilot.resize_terminal(20, 5)
        await one.until(lambda: isinstance(one.app.screen, TooSmallScreen))
        await one.pilot.resize_terminal(120, 40)
        await one.until(lambda: one.app.screen is one.main)
        await one.rest()
        assert one.cursor == "eval_mcp_1210"
        assert "B eval_mcp_1210" in one.text


async def test_no_help_is_opened_over_the_too_small_cover() -> None:
    async with driven(size=(80, 24)) as one:
        await one.pilot.resize_terminal(20, 5)
        await one.until(lambda: isinstance(one.app.screen, TooSmallScreen))
        await one.pilot.press("question_mark")
        assert isinstance(one.app.screen, TooSmallScreen)
        await one.pilot.resize_terminal(80, 24)
        await one.until(lambda: one.app.screen is one.main)


async def test_keys_can_be_bound_anew() -> None:
    settings = Settings(glyphs="block", theme="dark", keys={"runs.down": "n"})
    async with driven(settings=settings) as one:
        await one.press("n")
        assert one.cursor == "eval_mcp_1210"
        await one.press("j")
        assert one.cursor == "eval_mcp_1210"
