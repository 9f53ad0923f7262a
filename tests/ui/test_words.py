"""What the screen says when there is nothing to see or something is wrong."""

from __future__ import annotations

import pytest
from scripted import NOW_S, batch, runs, store, watching

from evaltui.domain.events import StoreState, WatchRole
from evaltui.domain.places import DEMO_PREFIX
from evaltui.settings import Settings
from evaltui.ui.model import Workbench
from evaltui.ui.session import Session
from evaltui.ui.widgets.header import store_text, watch_text
from evaltui.ui.words import (
    EngineTrouble,
    Survey,
    centre_words,
    farewell,
    headless_command,
    leaving_line,
    trouble_line,
)

CWD = "/home/ada/evals"
DOWN = EngineTrouble("the engine was ended by SIGKILL", NOW_S, NOW_S + 4)


@pytest.fixture(name="bench")
def _bench() -> Workbench:
    return Workbench()


def _centre(
    bench: Workbench, survey: Survey | None = None, trouble: EngineTrouble | None = None
) -> str:
    return "\n".join(line.plain for line in centre_words(bench, survey, cwd=CWD, trouble=trouble))


def test_before_the_first_word_it_is_connecting(bench: Workbench) -> None:
    assert _centre(bench) == "connecting"
    bench.store = store(state=StoreState.CONNECTING).status
    assert _centre(bench).startswith("connecting to sqlite")


def test_an_engine_that_does_not_start_is_told_with_what_to_do(bench: Workbench) -> None:
    assert "ended by SIGKILL" in _centre(bench, trouble=DOWN)
    assert "r tries again" in _centre(bench, trouble=DOWN)


def test_a_store_that_refuses_is_told_with_its_hint(bench: Workbench) -> None:
    bench.store = store(state=StoreState.REFUSED, error="403", hint="check the token").status
    text = _centre(bench)
    assert "403" in text
    assert "check the token" in text


def test_an_empty_experiment_says_what_to_do_next(bench: Workbench) -> None:
    bench.store = store().status
    bench.apply_runs(runs())
    assert f"w  watches {CWD}" in _centre(bench)
    text = _centre(bench, Survey(CWD, 14, more=True, env_file="/home/ada/my evals/.env"))
    assert "14+ reports below /home/ada/evals" in text
    assert "evaltui demo" in text
    assert "--env-file '/home/ada/my evals/.env'" in text
    assert "no report below" in _centre(bench, Survey(CWD))
    assert "1 report below" in _centre(bench, Survey(CWD, 1))


def test_no_directory_is_offered_before_the_watch_that_is_wanted_is_told_of() -> None:
    session = Session(Settings(watch=("mcp=/w",)), cwd=CWD)
    assert session.offered == ""
    session.bench.watch = watching().status
    assert session.offered == CWD
    assert Session(Settings(), cwd=CWD).offered == CWD


def test_an_empty_experiment_that_is_watched_says_so(bench: Workbench) -> None:
    bench.store = store().status
    bench.watch = watching().status
    bench.apply_runs(runs())
    assert "watching /home/ada/evals" in _centre(bench)


def test_a_filter_without_a_match_says_how_to_leave_it(bench: Workbench) -> None:
    bench.apply_runs(runs(*batch()))
    bench.set_filter("nowhere")
    assert _centre(bench) == "no run matches nowhere\nesc clears the filter"
    bench.set_filter("")
    assert _centre(bench) == ""


def test_offline_says_what_since_when_next_and_what_still_works() -> None:
    status = store(
        state=StoreState.OFFLINE,
        error="connection refused",
        hint="is it up?",
        next_try_s=NOW_S + 60,
    ).status
    text, style = trouble_line(status, None)
    assert text == (
        "offline since 14:12: connection refused; is it up?; next try 14:23 (r: now); "
        "data of 14:21; new reports wait in the journal"
    )
    assert style == "$worse"


def test_a_dead_engine_comes_before_the_store() -> None:
    text, _ = trouble_line(store(state=StoreState.OFFLINE).status, DOWN)
    assert text.startswith("engine down since 14:22: the engine was ended by SIGKILL")
    assert "starts again at 14:22 (r: now)" in text


def test_when_all_is_well_nothing_is_said() -> None:
    assert trouble_line(store().status, None) == ("", "")
    assert trouble_line(None, None) == ("", "")


def test_refused_says_what_to_do() -> None:
    status = store(state=StoreState.REFUSED, error="401 for this token", hint="log in").status
    assert trouble_line(status, None)[0] == "refused: 401 for this token; log in; data of 14:21"


def test_leaving_a_watch_names_what_goes_unwatched_and_the_command() -> None:
    status = watching(roots=("/home/ada/evals", "/data/my runs"), pending=2).status
    assert headless_command(status) == "evaltui watch /home/ada/evals '/data/my runs'"
    assert "2 files on their way" in leaving_line(status)
    assert "no longer watching /home/ada/evals, /data/my runs" in farewell(status)
    assert "evaltui watch /home/ada/evals" in farewell(status)


def test_leaving_the_demo_leaves_nothing_of_a_person_unwatched() -> None:
    status = watching(roots=(f"/anywhere/{DEMO_PREFIX}x1/reports/mcp",)).status
    assert leaving_line(status) == farewell(status) == ""


@pytest.mark.parametrize("role", [WatchRole.NONE, WatchRole.VIEWER])
def test_who_only_looks_on_leaves_nothing_unwatched(role: WatchRole) -> None:
    status = watching(role=role, watcher_pid=7).status
    assert leaving_line(status) == farewell(status) == ""
    assert leaving_line(None) == farewell(None) == ""


def test_the_header_says_how_the_store_is() -> None:
    assert store_text(None, engine_down="")[0] == "CONNECTING"
    assert store_text(store().status, engine_down="gone")[0] == "ENGINE DOWN"
    assert store_text(store().status, engine_down="")[0] == "LIVE 0.5s"
    paused = store(state=StoreState.PAUSED).status
    assert store_text(paused, engine_down="")[0] == "PAUSED, as of 14:21"
    offline = store(state=StoreState.OFFLINE).status
    assert store_text(offline, engine_down="")[0] == "OFFLINE since 14:12"
    refused = store(state=StoreState.REFUSED).status
    assert store_text(refused, engine_down="")[0] == "REFUSED since 14:12"


def test_the_header_says_of_when_the_list_is_until_the_store_confirms_it() -> None:
    def word(state: StoreState, as_of_s: float | None = NOW_S - 3_600) -> str:
        return store_text(store(state=state).status, engine_down="", as_of_s=as_of_s)[0]

    assert word(StoreState.CONNECTING) == word(StoreState.LIVE) == "as of 13:22 · syncing"
    assert word(StoreState.LIVE, None) == "LIVE 0.5s"
    assert word(StoreState.OFFLINE) == "OFFLINE since 14:12"
    assert word(StoreState.REFUSED) == "REFUSED since 14:12"
    for state in (StoreState.OFFLINE, StoreState.REFUSED):
        assert "data of 14:21" in trouble_line(store(state=state).status, None)[0]


def test_the_header_says_how_the_watch_is() -> None:
    assert watch_text(None) == ""
    assert watch_text(watching(role=WatchRole.NONE).status) == ""
    assert watch_text(watching().status) == "watch 3/3 ok"
    assert watch_text(watching(pending=2, failed=1).status) == "watch 3/6 2 pending 1 err"
    busy = watching(pending=40, backlog=40, backlog_rate=4.0).status
    assert watch_text(busy) == "watch 3/43 40 pending backlog 40, 10 s"
    viewer = watching(role=WatchRole.VIEWER, watcher_pid=12).status
    assert watch_text(viewer) == "watch 3/3 ok by pid 12"


def test_a_store_that_is_asked_too_often_says_when_it_is_looked_at_next() -> None:
    busy = store(
        state=StoreState.BUSY, error="list runs: HTTP 429: Too many", next_try_s=NOW_S + 40
    ).status
    line, _ = trouble_line(busy, None)
    assert "HTTP 429" in line
    assert "next look 14:22" in line
    assert "data of 14:21" in line


def test_reports_that_the_store_does_not_take_say_why_and_what_to_do() -> None:
    target = "databricks adb.example.com"
    error = f"{target}: creating the run: PERMISSION_DENIED"
    refused = store(target=target, write_error=error, write_hint="ask for it").status
    line, style = trouble_line(refused, None)
    assert line == "reports wait: creating the run: PERMISSION_DENIED; ask for it"
    assert style == "$worse"
    lacking = store(missing_folder="/Shared/x", write_error="no folder").status
    assert "/Shared/x does not exist" in trouble_line(lacking, None)[0]
    assert "M makes it" in trouble_line(lacking, None)[0]
    assert trouble_line(store(missing_folder="/Shared/x", read_only=True).status, None)[0] == ""


def test_a_line_on_trouble_leaves_out_what_the_header_says() -> None:
    target = "databricks adb.example.com"
    away = store(
        state=StoreState.OFFLINE,
        target=target,
        error=f"look up experiment /Shared/x in {target}: the host name is not known",
        hint="check it",
    ).status
    unknown = {"state": StoreState.REFUSED, "target": "", "data_at_s": None}
    no_target = store(**unknown, error="experiment x: bad").status
    assert trouble_line(no_target, None)[0] == "refused: experiment x: bad"
    line, _ = trouble_line(away, None)
    assert line.startswith("offline since 14:12: the host name is not known; check it")
