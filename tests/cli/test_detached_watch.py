"""A watch that outlives its terminal: begun, looked at, and ended from elsewhere."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pty_session import PtySession
from second_look import closed_port, only_run, own_report
from stores import new_store
from waiting import wait_for
from watch_process import EVALTUI, WatchProcess, drop, environ_below, evaltui

from evaltui.cli import watchers
from evaltui.engine.roots import WatchRoot
from evaltui.errors import ConfigError
from evaltui.ledger.lock import IngestLock
from evaltui.ledger.owner import is_alive, this_process

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at the process in /proc"),
]


@pytest.fixture
def reports(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "data").mkdir()
    new_store(tmp_path / "data" / "mlflow.db")
    folder = tmp_path / "reports"
    folder.mkdir()
    yield folder
    for path in (tmp_path / "state").glob("journals/*/watchers/*.json"):
        owner = json.loads(path.read_text())["owner"]
        if is_alive(owner):
            os.kill(int(owner.partition(":")[0]), signal.SIGKILL)


def detach(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    done = evaltui(folder, "watch", "--detach", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def status(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    done = evaltui(folder, "watch", "--status", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def ended(pid: int) -> bool:
    return not is_alive(str(pid))


def test_a_detached_watch_outlives_the_terminal_it_was_begun_in(
    reports: Path, tmp_path: Path
) -> None:
    environ = {**dict.fromkeys(os.environ), **environ_below(tmp_path)}
    command = [*EVALTUI, "watch", "--detach", "mcp=reports"]
    shell = ["sh", "-c", f"{' '.join(command)}; exec sleep 1000"]
    with PtySession(shell, size=(200, 24), env=environ, cwd=tmp_path) as session:
        session.until_text("watching as process")
        pid = status(tmp_path, "reports")["roots"][0]["watcher_pid"]
        session.hang_up()
        session.process.wait(180)
    state, _, _, session_id, terminal, *_ = fields(pid)
    assert state != "Z"
    assert terminal == "0"
    assert session_id not in {str(pid), str(os.getsid(0))}  # it can never get a terminal
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    targets = [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)]
    assert targets[0] == "/dev/null"
    assert targets[1] == targets[2]
    assert targets[1].startswith(str(tmp_path / "state" / "watch-"))
    os.kill(pid, signal.SIGHUP)
    path = drop(reports / "a.json", own_report())
    wait_for(lambda: "logged" in Path(targets[1]).read_text(), "line in the log")
    (line,) = (text for text in Path(targets[1]).read_text().splitlines() if str(path) in text)
    assert "logged" in line
    assert line[:2] == "20"  # the time
    run = only_run(tmp_path / "data" / "mlflow.db")
    assert run.tags["mode"] == "mcp"
    done = evaltui(tmp_path, "watch", "--stop", "reports")
    assert (done.returncode, done.stdout) == (0, f"process {pid} has ended\n")
    assert ended(pid)
    assert "watched: 1 logged" in Path(targets[1]).read_text()


def test_who_watches_since_when_how_far_and_where_the_log_is(reports: Path, tmp_path: Path) -> None:
    before = time.time()
    begun = detach(tmp_path, reports)
    log = Path(begun["log_file"])
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    drop(reports / "evaluation_report.json", b"{]")
    wait_for(lambda: "quarantined" in log.read_text(), "the line")
    assert json.loads(log.read_text().splitlines()[-1])["state"] == "quarantined"
    document = status(tmp_path, reports)
    (watch,) = document["watchers"]
    assert (watch["pid"], watch["kind"], watch["log_file"]) == (
        begun["pid"],
        "detached",
        str(log),
    )
    assert watch["since"][:4] == time.strftime("%Y", time.gmtime(before))
    assert document["files"]["failed"] == 1
    assert document["store"]["state"] == "live"
    table = evaltui(tmp_path, "watch", "--status", reports).stdout
    for word in (f"pid {begun['pid']}", str(log), "live"):
        assert word in table
    assert evaltui(tmp_path, "watch", "--stop", reports).returncode == 0
    document = status(tmp_path, reports)
    assert document["watchers"] == []
    assert document["roots"] == [{"root": str(reports), "watcher_pid": None}]


def test_what_is_watched_already_is_not_watched_again(reports: Path, tmp_path: Path) -> None:
    with WatchProcess(tmp_path, reports) as watch:
        watch.watching()
        done = evaltui(tmp_path, "watch", "--detach", reports)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"watched by process {watch.pid}" in done.stderr
        assert "--stop" in done.stderr
        (told,) = status(tmp_path, reports)["watchers"]
        assert (told["pid"], told["kind"]) == (watch.pid, "foreground")
        done = evaltui(tmp_path, "watch", "--stop", reports)
        assert done.stdout == f"process {watch.pid} has ended\n"
        assert watch.process.wait(180) == 128 + signal.SIGTERM
    done = evaltui(tmp_path, "watch", "--stop", reports)
    assert (done.returncode, done.stdout) == (0, "")
    assert "nobody watches" in done.stderr


def test_paths_and_stores_are_those_of_the_directory_it_was_begun_in(
    reports: Path, tmp_path: Path
) -> None:
    new_store(tmp_path / "relative.db")
    begun = detach(tmp_path, "reports", "--tracking-uri", "sqlite:///relative.db")
    assert f"{tmp_path / 'relative.db'} (--tracking-uri)" in Path(begun["log_file"]).read_text()
    assert str(reports) in Path(begun["log_file"]).read_text()
    arguments = ("reports", "--tracking-uri", "sqlite:///relative.db")
    assert evaltui(tmp_path, "watch", "--stop", *arguments).returncode == 0


def test_a_killed_one_leaves_nothing_that_stands_in_the_way(reports: Path, tmp_path: Path) -> None:
    glob = f"{reports}/2026-*"
    first = detach(tmp_path, glob)
    assert status(tmp_path, glob)["roots"] == [{"root": glob, "watcher_pid": first["pid"]}]
    os.kill(first["pid"], signal.SIGKILL)
    wait_for(lambda: ended(first["pid"]), "end")
    assert status(tmp_path, glob)["watchers"] == []
    second = detach(tmp_path, glob)
    assert second["pid"] != first["pid"]
    assert evaltui(tmp_path, "watch", "--stop", glob).returncode == 0


def test_a_store_that_is_down_does_not_keep_a_watch_from_beginning(
    reports: Path, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    begun = detach(tmp_path, reports, "--tracking-uri", url)
    document = status(tmp_path, reports, "--tracking-uri", url)
    assert document["watchers"][0]["pid"] == begun["pid"]
    assert document["store"]["state"] == "offline"
    assert document["store"]["error"]
    done = evaltui(tmp_path, "watch", "--stop", reports, "--tracking-uri", url)
    assert done.returncode == 0


def test_why_a_watch_does_not_begin_is_told(reports: Path, tmp_path: Path) -> None:
    detach(tmp_path, reports)
    assert evaltui(tmp_path, "watch", "--stop", reports).returncode == 0
    (journal,) = (tmp_path / "state" / "journals").glob("*/journal.db")
    for path in journal.parent.glob("journal.db*"):
        path.unlink()
    journal.mkdir()
    done = evaltui(tmp_path, "watch", "--detach", reports)
    assert (done.returncode, done.stdout) == (2, "")
    assert "journal.db" in done.stderr
    assert "EVALTUI_STATE_DIR" in done.stderr


@pytest.mark.parametrize("pair", [("--once", "--detach"), ("--status", "--stop")])
def test_wishes_that_exclude_each_other_are_refused(
    reports: Path, tmp_path: Path, pair: tuple[str, str]
) -> None:
    done = evaltui(tmp_path, "watch", *pair, reports)
    assert done.returncode == 2
    assert " and ".join(pair) in done.stderr


# -- ending, without processes -------------------------------------------------------------------


def test_a_screen_that_watches_is_not_ended(tmp_path: Path) -> None:
    root = WatchRoot(tmp_path, None, None)
    with IngestLock(tmp_path / "journal", tmp_path) as lock:
        assert lock.acquire()
        assert watchers.holders(tmp_path / "journal", [root]) == {root: os.getpid()}
        with pytest.raises(ConfigError, match="is no `evaltui watch`"):
            watchers.stop(tmp_path / "journal", [root])


def test_notes_of_dead_processes_and_broken_ones_are_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "watchers"
    folder.mkdir()
    (folder / "1.json").write_text('{"owner": "999999999:1", "since_s": 1, "roots": []}')
    (folder / "2.json").write_text("{")
    (folder / "3.json").write_text('{"roots": 3}')
    with watchers.noted(tmp_path, [WatchRoot(tmp_path, None, None)], "/log"):
        (note,) = watchers.notes(tmp_path)
        assert (note.owner, note.pid) == (this_process(), os.getpid())
        assert (note.roots, note.log_file) == ((str(tmp_path),), "/log")
    assert watchers.notes(tmp_path) == []
    assert list(folder.iterdir()) == []


def test_a_watch_that_does_not_obey_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchers, "STOP_S", 0.2)
    monkeypatch.setattr(watchers, "_SECOND_S", 0.1)
    sent: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda *_: sent.append(1))
    root = WatchRoot(tmp_path, None, None)
    try:
        with IngestLock(tmp_path / "j", tmp_path) as lock, watchers.noted(tmp_path / "j", [root]):
            assert lock.acquire()
            with pytest.raises(ConfigError, match="did not end") as caught:
                watchers.stop(tmp_path / "j", [root])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "kill -9" in str(caught.value.hint)
    assert len(sent) == 2
