"""Faults of files and file systems, with the real program and the real kernel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from second_look import own_report
from watch_process import EVALTUI, drop, environ_below, evaltui
from watch_process import WatchProcess as _WatchProcess

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="namespaces and capabilities are Linux's"),
]

BROKEN = b'{"schema": "evaltui.report/1", "metrics": 3}'
"""A report that is refused at once: no store is needed to see that it was found."""

SPARSE_BYTES = 5 * 1024**3
LARGE_BYTES = 80 * 1024**2


class Wrapped(_WatchProcess):
    """A watch that is started by another program."""

    def __init__(self, folder: Path, wrapper: list[str], *arguments: str | Path) -> None:
        self._wrapper = wrapper
        super().__init__(folder, *arguments)

    def command(self, arguments: list[str]) -> list[str]:
        return [*self._wrapper, *super().command(arguments)]


def limited(watches: int) -> list[str]:
    """Return a wrapper that allows so many inotify watches; skip where that is forbidden."""
    limit = "/proc/sys/user/max_inotify_watches"
    wrapper = ["unshare", "-U", "-r", "sh", "-c", f'echo {watches} > {limit}; exec "$@"', "sh"]
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    tried = subprocess.run([*wrapper, "cat", limit], capture_output=True, text=True, check=False)
    if tried.stdout.strip() != str(watches):
        pytest.skip(f"user namespaces are not allowed here: {tried.stderr.strip()}")
    return wrapper


def powerless() -> list[str]:
    """Return a wrapper that takes root's right to read everything away; nothing for others."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and there is no setpriv (util-linux) to prevent it")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


def test_with_a_watch_limit_that_is_too_low_everything_is_found_by_polling(
    reports: Path, tmp_path: Path
) -> None:
    folders = [reports / f"{number:02d}" for number in range(30)]
    for folder in folders:
        folder.mkdir()
    with Wrapped(tmp_path, limited(10), reports) as watch:
        watch.watching()
        paths = [drop(folder / "evaluation_report.json", BROKEN) for folder in folders]
        watch.until(lambda: len(watch.lines) >= len(paths), "a line of every report")
        status = evaltui(tmp_path, "watch", "--status", reports)
        assert status.returncode == 0
        watch.end()
    assert {line["path"] for line in watch.lines} == set(map(str, paths))
    assert "polling every" in watch.told
    assert "inotify limit reached" in watch.told


def test_folders_made_after_the_watch_limit_was_reached_are_found_too(
    reports: Path, tmp_path: Path
) -> None:
    with Wrapped(tmp_path, limited(20), reports) as watch:
        watch.watching()
        paths = [
            drop(reports / f"{number:02d}" / "evaluation_report.json", BROKEN)
            for number in range(60)
        ]
        watch.until(lambda: len(watch.lines) >= len(paths), "a line of every report")
        watch.until(lambda: "inotify limit reached" in watch.told, "a word on the limit")
        watch.end()
    assert {line["path"] for line in watch.lines} == set(map(str, paths))


def test_what_may_not_be_read_is_said_and_taken_when_it_may(reports: Path, tmp_path: Path) -> None:
    secret = drop(reports / "evaluation_report.json", BROKEN)
    secret.chmod(0)
    closed = reports / "closed"
    inside = drop(closed / "evaluation_report.json", BROKEN)
    closed.chmod(0)
    try:
        with Wrapped(tmp_path, powerless(), reports) as watch:
            watch.watching()
            watch.until(
                lambda: watch.states(secret) == ["pending"] and watch.states(closed),
                "a line of what cannot be read",
            )
            reasons = {line["path"]: line["reason"] for line in watch.lines}
            assert reasons[str(secret)] == "cannot be read: Permission denied"
            assert reasons[str(closed)].startswith("cannot be looked at: ")
            secret.chmod(0o600)
            closed.chmod(0o700)
            watch.until(
                lambda: watch.states(secret)[-1] == "quarantined" and watch.states(inside),
                "both reports",
            )
            watch.end()
    finally:
        closed.chmod(0o700)


def test_a_directory_that_appears_later_is_watched_from_then_on(tmp_path: Path) -> None:
    later = tmp_path / "out" / "run1"
    with _WatchProcess(tmp_path, later) as watch:
        watch.watching()
        assert f"{later} is not there yet" in watch.told
        path = drop(later / "evaluation_report.json", BROKEN)
        watch.until(lambda: watch.states(path) == ["quarantined"], "the report")
        shutil.rmtree(tmp_path / "out")
        other = drop(later / "again" / "evaluation_report.json", BROKEN)
        watch.until(lambda: watch.states(other) == ["quarantined"], "the report of the new one")
        watch.end()


_WEIGHED = (
    "import resource, subprocess, sys\n"
    "status = subprocess.run(sys.argv[1:]).returncode\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
    "sys.exit(status)"
)
"""Starts a program from a small process: a child's peak begins with that of its parent."""


@pytest.mark.parametrize("head", [b"", own_report()[:-1]])
@pytest.mark.parametrize(
    ("size", "reason"),
    [(SPARSE_BYTES, "5,369 MB, over the limit of 4,295 MB"), (LARGE_BYTES, "a NUL byte at byte")],
)
def test_what_is_too_large_or_mostly_holes_is_refused_in_little_memory(
    reports: Path, tmp_path: Path, head: bytes, size: int, reason: str
) -> None:
    path = reports / "evaluation_report.json"
    path.write_bytes(head)
    os.truncate(path, size)
    old = path.stat().st_mtime - 1_000
    os.utime(path, (old, old))
    commands: list[list[str | Path]] = [["log", path]]
    if size == SPARSE_BYTES:  # the other one may still be written: a watch waits for it
        commands.insert(0, ["watch", "--once", reports])
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-c", _WEIGHED, *EVALTUI, *map(str, command), "--format", "json"],
            capture_output=True,
            text=True,
            env=environ_below(tmp_path),
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 3
        last = json.loads(done.stdout.splitlines()[-1])
        assert last["state"] == "quarantined"
        assert reason in last["reason"]
        assert int(done.stderr.splitlines()[-1]) < 200_000  # kB
