"""The watch list says of every file what became of it, and what to do."""

from __future__ import annotations

import dataclasses
import time

import fake_engine
import pytest
from pane_app import PaneApp, screen_text, settle
from rich.cells import cell_len

from evaltui.domain.events import FileRole, FileRow, FileState, WatchRole, WatchStatus
from evaltui.ui.panes.file_lines import (
    FileLines,
    counts_text,
    is_problem,
    reason_text,
    state_word,
)
from evaltui.ui.panes.watch_list import WatchList
from evaltui.ui.panes.wishes import CopyRequested, Said
from evaltui.ui.widgets.table_columns import shorten_path

HOSTILE = "\x1b]52;c;aGk=\x07[/b]\u202e\x9b2J\n"
STATUS = WatchStatus(
    ("/data/evaluations",), WatchRole.WATCHER, logged=12, pending=2, events="events"
)


def row(state: FileState, **changes: object) -> FileRow:
    return dataclasses.replace(FileRow(1, 1, "/data/evals/a.json", state), **changes)


@pytest.mark.parametrize(
    ("file", "word"),
    [
        (row(FileState.SEEN), "seen"),
        (row(FileState.SETTLING), "settling"),
        (row(FileState.SETTLING, retry_at_s=1.0), "settling"),
        (row(FileState.PARSED), "queued"),
        (row(FileState.VERIFIED), "logging"),
        (row(FileState.INTENT, retry_at_s=1.0), "waiting"),
        (row(FileState.FINISHED), "logged"),
        (row(FileState.DUPLICATE), "duplicate"),
        (row(FileState.QUARANTINED), "quarantined"),
        (row(FileState.SUPERSEDED), "superseded"),
        (row(FileState.VANISHED), "vanished"),
        (row(FileState.SEEN, role=FileRole.CASE), "progress"),
    ],
)
def test_every_state_has_its_word(file: FileRow, word: str) -> None:
    assert state_word(file) == word


def test_a_file_that_waits_for_the_store_says_when_it_is_tried_again() -> None:
    at = time.mktime((2025, 11, 24, 14, 3, 9, 0, 0, -1))
    waiting = row(FileState.PARSED, retry_at_s=at)
    assert reason_text(waiting) == "waiting for the store, retry at 14:03:09"
    told = dataclasses.replace(waiting, reason="connection refused")
    assert reason_text(told) == "connection refused, retry at 14:03:09"


def test_a_file_that_is_still_written_is_no_problem_and_says_when_it_is_read_again() -> None:
    settling = row(FileState.SETTLING, reason="truncated", retry_at_s=0.0)
    assert not is_problem(settling)
    assert reason_text(settling).startswith("truncated, retry at ")
    assert is_problem(row(FileState.PARSED, retry_at_s=0.0))
    assert is_problem(row(FileState.QUARANTINED))


def test_a_finished_file_does_not_say_when_it_was_to_be_tried_again() -> None:
    assert reason_text(row(FileState.FINISHED, retry_at_s=5.0)) == ""


def test_the_newest_change_stands_first_whatever_the_order_of_arrival() -> None:
    rows = [dataclasses.replace(row(FileState.SEEN), file_id=at, seq=at % 5) for at in range(10)]
    lines = FileLines(rows, lambda _: "")
    assert [lines.row(at).seq for at in range(10)] == [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]


def test_the_run_is_named_and_several_are_counted() -> None:
    names = {"r1": "eval_mcp_1"}
    file = row(FileState.FINISHED, run_ids=("r1", "r2", "r3"))
    cells = FileLines([file], lambda run_id: names.get(run_id, "")).cells(0)
    assert cells[3].text == "eval_mcp_1 +2"


def test_counters_say_who_watches_how_and_how_long_the_backlog_takes() -> None:
    text = counts_text(
        WatchStatus(
            ("/a", "/b"),
            WatchRole.VIEWER,
            watcher_pid=77,
            logged=3,
            backlog=600,
            backlog_rate=2.0,
            backlog_skipped=9,
            events="polling every 1 s: network file system",
        )
    )
    assert text == (
        "watched by pid 77 · 3 logged · 0 pending · 0 failed · backlog 600 (2.0/s, 5 min left)"
        " · 9 old ones left out · polling every 1 s: network file system · /a, /b"
    )
    assert counts_text(None) == "nothing is watched"
    assert counts_text(WatchStatus()) == "nothing is watched"


async def test_the_pane_shows_states_reasons_runs_and_progress() -> None:
    pane = WatchList(lambda run_id: f"name of {run_id[-2:]}")
    app = PaneApp(pane)
    async with app.run_test(size=(120, 30)) as pilot:
        pane.show(fake_engine.make_files(20), STATUS)
        await settle(pilot)
        text = "\n".join(screen_text(app))
    assert "12 logged · 2 pending" in text
    assert "14 of 20 evaluated" in text
    assert "results[3].passed: expected" in text
    assert "for the store, retry at " in text
    assert "name of 09" in text
    assert "run_0009/evaluation_report.json" in text  # from the watched directory on


def test_a_long_path_keeps_the_folder_that_tells_it_from_others() -> None:
    path = "/data/2025/november/eval_mcp_17/evaluation_report.json"
    assert shorten_path(path, 60) == path
    assert shorten_path(path, 36) == "…/eval_mcp_17/evaluation_report.json"
    assert shorten_path(path, 28) == "eval_mcp_17/evalua…port.json"
    assert shorten_path(path, 12) == "/data…t.json"
    assert all(cell_len(shorten_path(path, width)) <= width for width in range(1, 80))


async def test_the_file_under_the_cursor_is_told_in_full() -> None:
    pane = WatchList()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        files = fake_engine.make_files(13)  # the last one but the progress is in quarantine
        pane.show(files, STATUS)
        pane.table.focus()
        await pilot.press("n")
        await settle(pilot)
        lines = screen_text(app)
    assert lines[-3].strip().endswith("/evaluation_report.json")
    assert "results[3].passed" in lines[-2]
    assert "what to do: repair the file" in lines[-1]


async def test_n_goes_round_the_problems_and_back() -> None:
    pane = WatchList()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        files = fake_engine.make_files(40)
        pane.show(files, STATUS)
        pane.table.focus()
        wanted = sum(is_problem(file) for file in files)
        seen = []
        for _ in range(wanted + 1):
            await pilot.press("n")
            seen.append(pane.table.cursor)
        assert seen[-1] == seen[0]
        assert len(set(seen)) == wanted
        await pilot.press("N")
        assert pane.table.cursor == seen[-2]


async def test_without_a_problem_n_says_so() -> None:
    pane = WatchList()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        pane.show([row(FileState.FINISHED)], STATUS)
        pane.table.focus()
        await pilot.press("n")
        await settle(pilot)
        assert [said.text for said in app.of(Said)] == ["no file has a problem"]


async def test_keys_ask_for_retry_copy_and_run() -> None:
    pane = WatchList()
    app = PaneApp(pane)
    quarantined = dataclasses.replace(row(FileState.QUARANTINED), file_id=2, seq=2)
    async with app.run_test(size=(80, 24)) as pilot:
        pane.show([quarantined, row(FileState.FINISHED, run_ids=("abc",))], STATUS)
        pane.table.focus()
        await pilot.press("R", "y", "enter", "j", "enter", "R")
        await settle(pilot)
        assert [m.path for m in app.of(WatchList.RetryRequested)] == [quarantined.path]
        assert [m.text for m in app.of(CopyRequested)] == [quarantined.path]
        assert [m.run_id for m in app.of(WatchList.OpenRun)] == ["abc"]
        assert [m.text for m in app.of(Said)] == [
            "no run was made of this file yet",
            "nothing to retry: the file is logged",
        ]


async def test_a_file_that_is_in_the_store_is_not_ignored_others_are() -> None:
    pane = WatchList()
    app = PaneApp(pane)
    broken = dataclasses.replace(row(FileState.QUARANTINED), file_id=3, seq=3, path="/w/a.json")
    settling = dataclasses.replace(row(FileState.SETTLING), file_id=2, seq=2, path="/w/b.json")
    async with app.run_test(size=(80, 24)) as pilot:
        pane.show([broken, settling, row(FileState.FINISHED)], STATUS)
        pane.table.focus()
        await pilot.press("I", "j", "I", "j", "I")
        await settle(pilot)
        asked = [message.path for message in app.of(WatchList.IgnoreRequested)]
        assert asked == ["/w/a.json", "/w/b.json"]
        assert [m.text for m in app.of(Said)] == ["nothing to ignore: the file is logged"]


async def test_the_cursor_stays_on_its_file_while_others_arrive() -> None:
    pane = WatchList()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        files = fake_engine.make_files(40)
        pane.show(files, STATUS)
        pane.table.focus()
        await pilot.press("j", "j", "j")
        key = pane.table.cursor_key
        newer = tuple(
            dataclasses.replace(row(FileState.SEEN), file_id=at, seq=at) for at in range(100, 160)
        )
        pane.show((*files, *newer), STATUS)
        await settle(pilot)
        assert pane.table.cursor_key == key
        assert pane.table.cursor == 63
        pane.show([file for file in files if str(file.file_id) != key], STATUS)
        await settle(pilot)
        assert pane.table.cursor_key not in {"", key}
        pane.show((), STATUS)
        await settle(pilot)
        assert pane.table.cursor_key == ""
        assert "no report yet" in "\n".join(screen_text(app))


async def test_nothing_watched_says_how_to_start() -> None:
    pane = WatchList()
    app = PaneApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        pane.show((), WatchStatus())
        await settle(pilot)
        assert "w starts watching a directory" in "\n".join(screen_text(app))


async def test_ten_thousand_files_are_drawn_by_the_line() -> None:
    asked = 0

    def name(_: str) -> str:
        nonlocal asked
        asked += 1
        return "a run"

    pane = WatchList(name)
    app = PaneApp(pane)
    async with app.run_test(size=(120, 40)) as pilot:
        files = [
            dataclasses.replace(row(FileState.FINISHED), file_id=at, seq=at, run_ids=("r",))
            for at in range(10_000)
        ]
        pane.show(files, STATUS)
        await settle(pilot)
        pane.table.focus()
        await pilot.press("G", "k", "k", "g")
        await settle(pilot)
    assert 30 < asked < 400


async def test_hostile_texts_stay_texts() -> None:
    pane = WatchList(lambda _: f"run{HOSTILE}")
    app = PaneApp(pane)
    files = [
        dataclasses.replace(file, run_ids=("x",))
        for file in fake_engine.make_files(20, payload=HOSTILE)
    ]
    async with app.run_test(size=(160, 40)) as pilot:
        pane.show(files, dataclasses.replace(STATUS, roots=(HOSTILE,), events=HOSTILE))
        await settle(pilot)
        text = "\n".join(screen_text(app))
    assert "[/b]" in text
    assert not set(text) & set("\x1b\x07\x9b\u202e")
