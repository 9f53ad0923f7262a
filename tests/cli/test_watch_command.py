"""`evaltui watch`: its lines, its summary, its exit codes, and how it ends."""

from __future__ import annotations

import fcntl
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pty_session import PtySession
from report_documents import k1_app, to_bytes
from second_look import all_runs, closed_port, hanging_server, only_run, own_report
from stores import new_store
from waiting import wait_for
from watch_process import EVALTUI, WatchProcess, drop, environ_below, evaltui

from evaltui.cli import watch_lines, watch_process
from evaltui.cli.watch_lines import Teller
from evaltui.domain.events import (
    FileRole,
    FileRow,
    FileState,
    Notice,
    StoreState,
    StoreStatus,
    WatchRole,
    WatchStatus,
)
from evaltui.engine.link import FilesChanged, Noticed, StoreChanged, WatchChanged

pytestmark = pytest.mark.system


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    new_store(tmp_path / "data" / "mlflow.db")
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "mlflow.db"


def once(reports: Path, *arguments: str, **environ: str) -> tuple[int, list[dict[str, Any]], str]:
    """Run `watch --once`; return its status, lines and narration."""
    done = evaltui(
        reports.parent, "watch", "--once", "--format", "json", *arguments, reports, **environ
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


# -- a watch -------------------------------------------------------------------------------------


def test_each_report_gets_a_line_and_the_end_a_summary(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    with WatchProcess(tmp_path, f"mcp={reports}") as watch:
        watch.watching()
        good = drop(reports / "good.json", own_report())
        copy = drop(reports / "copy" / "good.json", own_report())
        broken = drop(reports / "evaluation_report.json", b'{"summary": {]')
        drop(reports / "notes.json", b'{"a": 1}')
        watch.until(
            lambda: (
                {line["state"] for line in watch.lines} >= {"logged", "duplicate", "quarantined"}
            ),
            "a line of each",
        )
        assert watch.end(signal.SIGTERM) == 128 + signal.SIGTERM
    run = only_run(database)
    assert run.tags["mode"] == "mcp"
    states = {line["path"]: line for line in watch.lines}
    assert set(states) == {str(good), str(copy), str(broken)}
    assert {states[str(path)]["state"] for path in (good, copy)} == {"logged", "duplicate"}
    assert states[str(good)]["run_ids"] == states[str(copy)]["run_ids"] == [run.run_id]
    assert states[str(broken)]["state"] == "quarantined"
    assert states[str(broken)]["hint"]
    assert f"in embedded {database} (default)" in watch.told
    assert "watched: 1 logged, 1 duplicate, 1 quarantined" in watch.told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_watch_and_is_told_by_the_status(
    reports: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with WatchProcess(tmp_path, reports) as watch:
        watch.watching()
        assert watch.end(number) == 128 + number
    assert "watched: nothing new" in watch.told
    assert "Traceback" not in watch.told


def test_a_signal_that_comes_twice_at_once_ends_the_watch_in_order(
    reports: Path, tmp_path: Path
) -> None:
    apart_s = math.inf
    while apart_s > watch_process._SAME_S / 2:  # later it would be another wish: once more then
        with WatchProcess(tmp_path, reports) as watch:
            watch.watching()
            watch.process.send_signal(signal.SIGTERM)  # timeout(1): to the process, then the group
            first = time.monotonic()
            time.sleep(0.01)  # so that two signals come, not one
            watch.process.send_signal(signal.SIGTERM)
            apart_s = time.monotonic() - first
            status = watch.end(None)
    assert status == 128 + signal.SIGTERM
    assert "watched: nothing new" in watch.told


def test_a_watch_under_nohup_outlives_the_terminal(reports: Path, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        watch = WatchProcess(tmp_path, reports)
    finally:
        signal.signal(signal.SIGHUP, before)
    with watch:
        watch.watching()
        watch.process.send_signal(signal.SIGHUP)
        path = drop(reports / "evaluation_report.json", b"{]")
        watch.until(lambda: watch.states(path) == ["quarantined"], "a line after the hang-up")
        assert watch.end(signal.SIGTERM) == 128 + signal.SIGTERM


def test_a_signal_while_reports_are_logged_leaves_each_done_or_safe(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    for number in range(12):
        drop(reports / f"{number}.json", own_report(number / 100))
    with WatchProcess(tmp_path, reports) as watch:
        watch.until(lambda: watch.lines, "a line")
        assert watch.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert all(run.status == "FINISHED" for run in all_runs(database))
    code, _, _ = once(reports)
    assert code == 0
    assert sorted(run.metrics["accuracy"] for run in all_runs(database)) == [
        number / 100 for number in range(12)
    ]


def test_a_store_that_hangs_does_not_hold_up_the_end(reports: Path, tmp_path: Path) -> None:
    drop(reports / "a.json", own_report())
    with hanging_server() as url, WatchProcess(tmp_path, "--tracking-uri", url, reports) as watch:
        watch.watching()

        def pending() -> int:
            command = ("watch", "--status", "--format", "json", reports, "--tracking-uri", url)
            return int(json.loads(evaltui(tmp_path, *command).stdout)["files"].get("pending", 0))

        wait_for(pending, "the report in the journal")
        assert watch.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert pending() == 1


def test_a_second_watch_is_a_viewer_and_takes_over(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    with WatchProcess(tmp_path, reports) as first, WatchProcess(tmp_path, reports) as second:
        wait_for(lambda: "watching" in first.told + second.told, "a watcher")
        watcher, viewer = (first, second) if "watching" in first.told else (second, first)
        viewer.until(lambda: f"watched by pid {watcher.pid}" in viewer.told, "a viewer")
        one = drop(reports / "one.json", own_report(0.1))
        viewer.until(lambda: viewer.states(one)[-1:] == ["logged"], "the watcher's line")
        status = json.loads(
            evaltui(tmp_path, "watch", "--status", "--format", "json", reports).stdout
        )
        assert status["roots"] == [{"root": str(reports), "watcher_pid": watcher.pid}]
        assert status["files"]["logged"] == 1
        watcher.end(signal.SIGTERM)
        two = drop(reports / "two.json", own_report(0.2))
        viewer.until(lambda: viewer.states(two)[-1:] == ["logged"], "the line of its own")
        viewer.end(signal.SIGTERM)
    assert len(all_runs(database)) == 2
    table = evaltui(tmp_path, "watch", "--status", reports).stdout
    assert "nobody" in table


def test_a_reader_that_leaves_ends_the_watch_without_a_traceback(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    reading, writing = os.pipe()
    with WatchProcess(tmp_path, reports, stdout=writing) as watch:
        os.close(writing)
        watch.watching()
        os.close(reading)
        drop(reports / "a.json", own_report())
        assert watch.end(None) == 0
    assert "Traceback" not in watch.told
    assert "internal error" not in watch.told
    assert only_run(database).status == "FINISHED"


def test_a_reader_that_does_not_read_does_not_hold_up_the_end(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b" " * 512)
    except BlockingIOError:
        os.set_blocking(writing, True)
    with WatchProcess(tmp_path, reports, stdout=writing) as watch:
        watch.watching()
        drop(reports / "a.json", own_report())
        wait_for(lambda: [run for run in all_runs(database) if run.status == "FINISHED"], "the run")
        assert watch.end(signal.SIGTERM) == 128 + signal.SIGTERM
    os.close(reading)
    os.close(writing)


def test_a_signal_that_the_main_thread_cannot_see_ends_the_watch_all_the_same() -> None:
    # as when it comes right before a line is written to a reader that does not read
    script = """
import os, signal, threading
from evaltui.cli import watch_process
watch_process.STOP_S = watch_process.HANG_UP_S = 0.2
with watch_process._signals() as caught:
    threading.Thread(target=threading.Event().wait, daemon=True).start()  # takes the signal
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    reading, writing = os.pipe()
    print("ready", flush=True)
    os.read(reading, 1)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(180) == 128 + signal.SIGTERM
        finally:
            process.kill()


def test_a_terminal_that_is_gone_ends_the_watch(reports: Path, tmp_path: Path) -> None:
    environ = {**dict.fromkeys(os.environ), **environ_below(tmp_path)}
    command = [*EVALTUI, "watch", str(reports)]
    with PtySession(command, size=(120, 40), env=environ, cwd=tmp_path) as session:
        session.until_text("watching")
        session.hang_up()
        assert session.process.wait(180) == 128 + signal.SIGHUP


def test_a_file_that_is_being_written_is_told_once_it_is_whole(
    reports: Path, tmp_path: Path
) -> None:
    path, data = reports / "a.json", own_report()
    with WatchProcess(tmp_path, reports) as watch:
        watch.watching()
        path.write_bytes(data[:60])
        watch.until(lambda: watch.states(path) == ["pending"], "the line of a half file")
        assert "truncated" in watch.lines[-1]["reason"]
        with path.open("ab") as file:
            file.write(data[60:])
        watch.until(lambda: watch.states(path)[-1] == "logged", "the whole file")
        watch.end()


# -- once ----------------------------------------------------------------------------------------


def test_once_logs_what_is_there_and_leaves(reports: Path, database: Path) -> None:
    drop(reports / "a.json", own_report())
    drop(reports / "deep" / "b.json", own_report(0.6))
    code, lines, told = once(reports)
    assert code == 0
    assert [line["state"] for line in lines] == ["logged", "logged"]
    assert {run_id for line in lines for run_id in line["run_ids"]} == {
        run.run_id for run in all_runs(database)
    }
    assert "watched: 2 logged" in told
    code, lines, told = once(reports)
    assert (code, lines) == (0, [])
    assert "watched: nothing new" in told


def test_once_with_nothing_to_do_leaves_soon_and_makes_no_store(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    assert once(reports)[0] == 0
    assert not (tmp_path / "data" / "mlflow.db").exists()


def test_once_gives_up_a_file_that_stays_half_written(reports: Path, database: Path) -> None:
    path = reports / "evaluation_report.json"
    path.write_bytes(own_report()[:60])
    code, lines, _ = once(reports)
    assert code == 3
    assert (lines[-1]["path"], lines[-1]["state"]) == (str(path), "quarantined")
    assert "truncated" in lines[-1]["reason"]
    assert all_runs(database) == []


def test_once_says_again_what_is_broken_still_and_no_more_once_it_is_mended_or_gone(
    reports: Path, tmp_path: Path
) -> None:
    broken = drop(reports / "evaluation_report.json", b"{]")
    gone = drop(reports / "report.json", b"{]")
    drop(tmp_path / "elsewhere" / "evaluation_report.json", b"{]")
    assert once(reports)[0] == once(tmp_path / "elsewhere")[0] == 3
    gone.unlink()
    code, lines, told = once(reports)
    assert code == 3
    assert [(line["path"], line["state"]) for line in lines] == [(str(broken), "quarantined")]
    assert "watched: 1 quarantined" in told
    broken.unlink()
    assert once(reports)[:2] == (0, [])


def test_once_with_a_store_that_is_down_is_exit_4_whatever_else_is_there(reports: Path) -> None:
    drop(reports / "a.json", own_report())
    drop(reports / "evaluation_report.json", b"{]")
    drop(reports / "run" / "x_eval.json", to_bytes(k1_app("x", "b")))
    for number in range(8):
        drop(reports / f"more{number}.json", own_report(number / 10))
    code, lines, told = once(reports, "--tracking-uri", f"http://127.0.0.1:{closed_port()}")
    assert code == 4
    assert {line["state"] for line in lines} == {"pending", "quarantined"}
    assert len({line["path"] for line in lines}) == 10
    assert "store offline" in told


def test_files_of_single_apps_are_no_failure_of_once(reports: Path, database: Path) -> None:
    drop(reports / "run" / "x_eval.json", to_bytes(k1_app("x", "b")))
    code, lines, _ = once(reports)
    assert (code, lines) == (0, [])
    assert all_runs(database) == []


def test_once_read_only_writes_nothing_and_leaves(reports: Path, database: Path) -> None:
    drop(reports / "a.json", own_report())
    code, lines, _ = once(reports, "--read-only")
    assert code == 4
    assert [line["state"] for line in lines] == ["pending"]
    assert "read-only" in lines[0]["reason"]
    assert all_runs(database) == []
    assert once(reports)[1][0]["state"] == "logged"


@pytest.mark.parametrize("backlog", ["skip", "since=2d"])
def test_a_backlog_that_is_left_out_is_counted(reports: Path, database: Path, backlog: str) -> None:
    for number in range(3):
        path = drop(reports / f"{number}.json", own_report(number / 10))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    code, lines, told = once(reports, "--backlog", backlog)
    assert (code, lines) == (0, [])
    assert "3 reports of the backlog are left out" in told
    assert "3 left out" in told
    assert all_runs(database) == []


@pytest.mark.parametrize("arguments", [[], ["a-file"], ["--backlog", "some", "."]])
def test_a_watch_that_makes_no_sense_is_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a-file").write_text("")
    done = evaltui(tmp_path, "watch", "--once", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("evaltui: ")
    assert done.stdout == ""


# -- what is told --------------------------------------------------------------------------------


def row(state: FileState, **fields: Any) -> FileRow:
    return FileRow(1, 1, "/r/a.json", state, updated_at_s=time.time() + 1, **fields)


def test_only_what_is_news_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller("table")
    old = FileRow(2, 2, "/r/old.json", FileState.FINISHED, updated_at_s=1.0)
    teller.events.put(FilesChanged((old, row(FileState.PARSED))))
    waits = row(FileState.INTENT, reason="down", retry_at_s=5.0)
    teller.events.put(FilesChanged((waits,)))
    teller.events.put(FilesChanged((waits,)))
    teller.events.put(FilesChanged((row(FileState.FINISHED, run_ids=("r",)),)))
    teller.drain()
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out] == ["pending", "logged"]
    teller.finish()
    assert capsys.readouterr().err == "watched: 1 logged\n"


def test_progress_of_an_evaluation_is_no_file_that_waits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    teller = Teller("table")
    progress = row(FileState.SEEN, role=FileRole.CASE, progress="14 of 20 evaluated")
    teller.events.put(WatchChanged(WatchStatus(("/r",), WatchRole.WATCHER)))
    teller.events.put(FilesChanged((progress,)))
    teller.drain()
    assert teller.nothing_left
    assert teller.outcomes() == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("state", "reason", "left"),
    [
        (FileState.SETTLING, "", False),
        (FileState.SETTLING, "truncated", False),
        (FileState.PARSED, "", False),
        (FileState.INTENT, "down", True),
        (FileState.FINISHED, "", True),
    ],
)
def test_once_is_done_when_all_is_logged_or_has_had_its_try(
    state: FileState, reason: str, left: bool
) -> None:
    teller = Teller("json")
    assert not teller.nothing_left
    teller.events.put(WatchChanged(WatchStatus(("/r",), WatchRole.WATCHER)))
    teller.events.put(FilesChanged((row(state, reason=reason),)))
    teller.drain()
    assert teller.nothing_left is left


def test_what_an_earlier_watch_left_waiting_has_its_try_before_once_leaves() -> None:
    teller = Teller("json")
    teller.events.put(WatchChanged(WatchStatus(("/r",), WatchRole.WATCHER, pending=1)))
    old = FileRow(1, 1, "/r/a.json", FileState.INTENT, reason="down", updated_at_s=1.0)
    teller.events.put(FilesChanged((old,)))
    teller.drain()
    assert not teller.nothing_left
    teller.events.put(StoreChanged(StoreStatus("s", "why", "exp", read_only=True)))
    teller.drain()
    assert teller.nothing_left


def test_files_that_had_no_try_of_their_own_have_a_line_in_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    teller = Teller("table")
    teller.events.put(FilesChanged((row(FileState.PARSED),)))
    teller.drain()
    assert capsys.readouterr().out == ""
    teller.finish()
    assert capsys.readouterr().out.startswith("pending ")


def test_the_state_of_the_store_is_told_when_it_changes_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    teller = Teller("table")
    status = StoreStatus("http://s", "flag", "exp", warning="half a credential")
    down = StoreStatus(
        "http://s", "flag", "exp", state=StoreState.OFFLINE, error="password=geheim1"
    )
    live = StoreStatus("http://s", "flag", "exp", state=StoreState.LIVE)
    for event in (status, down, down, live, live):
        teller.events.put(StoreChanged(event))
    teller.events.put(Noticed(Notice("warning", "the journal was damaged", "the old one is kept")))
    teller.drain()
    assert capsys.readouterr().err.splitlines() == [
        "exp in http://s (flag)",
        "warning: half a credential",
        "store offline: password=***",
        "store live again",
        "warning: the journal was damaged (the old one is kept)",
    ]


def test_how_files_are_noticed_is_told_again_only_when_it_is_news(
    capsys: pytest.CaptureFixture[str],
) -> None:
    teller = Teller("table")
    for events in (
        "events",
        "events",
        "polling every 1 s (inotify limit reached)",
        "polling every 2.5 s (inotify limit reached)",
        "events",
    ):
        status = WatchStatus(("/r",), WatchRole.WATCHER, events=events)
        teller.events.put(WatchChanged(status))
    teller.drain()
    assert capsys.readouterr().err.splitlines() == [
        "watching /r (events)",
        "watching by polling every 1 s (inotify limit reached)",
        "watching by events",
    ]


def test_a_long_backlog_is_told_of_once_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(watch_lines.time, "monotonic", lambda: now[0])
    teller = Teller("table")
    for second in range(150):
        now[0] = float(second)
        left = 7_000 - 10 * second
        teller.events.put(
            WatchChanged(WatchStatus(("/r",), WatchRole.WATCHER, backlog=left, backlog_rate=10.0))
        )
        teller.drain()
    assert capsys.readouterr().err.splitlines() == [
        "watching /r",
        "backlog: 6400 still to be logged, 10.0 per second, 10 min 40 s left",
        "backlog: 5800 still to be logged, 10.0 per second, 9 min 40 s left",
    ]
