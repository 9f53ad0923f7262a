"""Huge, special and moved files, and one hidden by a flood: the real program, the real MLflow."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from second_look import all_runs, only_run, own_report
from stores import new_store
from watch_process import EVALTUI, WatchProcess, drop, environ_below, evaltui

pytestmark = pytest.mark.system

LARGE_BYTES = 70_000_000
MOST_KB = 480_000
"""mlflow itself needs 170 MB; the report is held once as bytes and once, in part, as objects."""

QUEUE_LENGTH = Path("/proc/sys/fs/inotify/max_queued_events")

_WEIGHED = (
    "import resource, subprocess, sys\n"
    "status = subprocess.run(sys.argv[1:]).returncode\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
    "sys.exit(status)"
)
"""Starts a program from a small process: a child's peak begins with that of its parent."""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return new_store(tmp_path / "data" / "mlflow.db")


@pytest.fixture
def reports(tmp_path: Path, database: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


def once(reports: Path, *arguments: str, **environ: str) -> tuple[int, list[dict[str, Any]]]:
    """Run `watch --once`; return its status and its lines."""
    done = evaltui(
        reports.parent, "watch", "--once", "--format", "json", *arguments, reports, **environ
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def write_large_report(path: Path) -> str:
    """Write a report of many long cases in small pieces; return its digest."""
    digest = hashlib.sha256()
    with path.open("wb") as file:

        def write(text: str) -> None:
            digest.update(text.encode())
            file.write(text.encode())

        write(own_report(cases=[]).decode().removesuffix("]}"))
        number = 0
        while file.tell() < LARGE_BYTES:
            case = {"id": f"c{number}", "status": "pass", "output": f"{number} " * 500}
            write(("," if number else "") + json.dumps(case))
            number += 1
        write("]}")
    return digest.hexdigest()


def test_a_report_over_64_mb_is_logged_whole_in_bounded_memory(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    path = reports / "evaluation_report.json"
    written = write_large_report(path)
    command = ["watch", "--once", "--format", "json", str(reports)]
    done = subprocess.run(
        [sys.executable, "-c", _WEIGHED, *EVALTUI, *command],
        capture_output=True,
        text=True,
        env=environ_below(tmp_path, EVALTUI_MAX_REPORT_MB="128"),
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run = only_run(database)
    kept = run.artifact_dir / path.name
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == written
    assert run.tags["evaltui.file_sha256"] == written
    assert not [large for large in (tmp_path / "state").rglob("*") if large.stat().st_size > 2**25]
    assert int(done.stderr.splitlines()[-1]) < MOST_KB


@pytest.fixture
def oddities(reports: Path, tmp_path: Path) -> Iterator[list[Path]]:
    """Files with a report's name that are none, or lie elsewhere."""
    outside = tmp_path / "outside"
    drop(outside / "evaluation_report.json", own_report(0.9))
    name = "evaluation_report.json"
    places = [reports / kind / name for kind in ("fifo", "socket", "device", "out", "nowhere")]
    fifo, plug, device, out, nowhere = places
    for place in places:
        place.parent.mkdir()
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(plug.parent)  # the path of a socket must be short
        try:
            listener.bind(plug.name)
        finally:
            os.chdir(here)
        try:
            os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero, without end
        except PermissionError:
            device.symlink_to("/dev/zero")
        out.symlink_to(outside / name)
        nowhere.symlink_to(reports / "not there")
        (reports / "out" / "folder").symlink_to(outside)
        (reports / "loop").mkdir()
        (reports / "loop" / "again").symlink_to(reports)
        (reports / "circle").symlink_to(reports / "circle")
        yield places


def test_pipes_sockets_devices_and_loops_block_nothing_and_are_no_reports(
    reports: Path, oddities: list[Path], database: Path
) -> None:
    good = drop(reports / "evaluation_report.json", own_report(0.4))
    status, lines = once(reports)
    assert status == 0, lines
    logged = [line["path"] for line in lines if line["state"] == "logged"]
    assert logged == [str(good)]
    assert not {line["state"] for line in lines} - {"logged", "ignored"}
    assert only_run(database).metrics == {"accuracy": 0.4}
    assert all(os.path.lexists(place) for place in oddities)


def test_a_report_that_is_moved_away_before_it_was_logged_is_logged(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    path = drop(reports / "evaluation_report.json", own_report(0.3))
    status, lines = once(reports, "--read-only")
    assert (status, [line["state"] for line in lines]) == (4, ["pending"])
    assert not all_runs(database)
    path.rename(tmp_path / "elsewhere.json")
    once(reports)
    run = only_run(database)
    assert run.metrics == {"accuracy": 0.3}
    assert run.artifacts[path.name] == own_report(0.3)


def test_a_half_written_report_that_goes_again_leaves_a_word_and_no_run(
    reports: Path, tmp_path: Path, database: Path
) -> None:
    with WatchProcess(tmp_path, reports) as watch:
        watch.watching()
        path = drop(reports / "evaluation_report.json", own_report()[:-20])
        watch.until(lambda: watch.states(path) == ["pending"], "a word that it is incomplete")
        path.unlink()
        watch.until(lambda: len(watch.states(path)) == 2, "a word that it is gone")
        watch.end()
    assert watch.lines[-1]["reason"] == "vanished before it could be read"
    assert not all_runs(database)


@pytest.mark.skipif(not QUEUE_LENGTH.exists(), reason="needs Linux's inotify")
def test_a_report_whose_event_was_lost_in_a_flood_is_found(reports: Path, tmp_path: Path) -> None:
    length = int(QUEUE_LENGTH.read_text())
    if length > 100_000:
        pytest.skip(f"a queue of {length} events is not filled in a moment")
    ignored = reports / "notes"
    ignored.mkdir()
    with WatchProcess(tmp_path, reports) as watch:
        watch.watching()
        first = drop(reports / "evaluation_report.json", b'{"schema": "evaltui.report/1"}')
        watch.until(lambda: watch.states(first), "the first report")
        watch.process.send_signal(signal.SIGSTOP)
        for number in range(length // 2 + 1):  # each is at least made and closed
            (ignored / f"{number}.txt").touch()
        lost = drop(reports / "later" / "evaluation_report.json", b'{"schema": "evaltui.report/1"}')
        watch.process.send_signal(signal.SIGCONT)
        watch.until(lambda: watch.states(lost), "the report after the flood")
        watch.end()
