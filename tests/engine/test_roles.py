from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from evaltui.engine.roles import Roles
from evaltui.engine.roots import WatchRoot


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def root(path: Path, pattern: str | None = None) -> WatchRoot:
    return WatchRoot(path, pattern, None)


def hold(state: Path, watched: Path) -> subprocess.Popen[str]:
    """Start another process that holds the lock of a root until its stdin is closed."""
    code = (
        "import sys; from pathlib import Path; from evaltui.ledger.lock import IngestLock;"
        f"lock = IngestLock(Path({str(state)!r}), Path({str(watched)!r}));"
        "assert lock.acquire(); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_free_roots_are_taken_at_once(tmp_path: Path) -> None:
    a, b = root(tmp_path / "a"), root(tmp_path / "b")
    roles = Roles(tmp_path / "state", Clock())
    roles.add([a, b])
    assert roles.take() == (a, b)
    assert roles.held == (a, b)
    assert roles.next_at is None
    assert roles.watchers() == {}


def test_a_root_another_process_watches_is_taken_over_when_it_ends(tmp_path: Path) -> None:
    clock = Clock()
    a, b = root(tmp_path / "a"), root(tmp_path / "b")
    other = hold(tmp_path / "state", tmp_path / "a")
    try:
        roles = Roles(tmp_path / "state", clock)
        roles.add([a, b])
        assert roles.take() == (b,)
        assert roles.watchers() == {a: other.pid}
        assert roles.next_at == 1.0
    finally:
        other.kill()
        other.wait()
    assert roles.take() == ()  # not tried before its time
    clock.now = 1.0
    assert roles.take() == (a,)
    assert roles.held == (a, b)


def test_two_names_of_one_directory_share_a_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    names = (root(tmp_path / "real"), root(tmp_path / "link"))
    roles = Roles(tmp_path / "state", Clock())
    roles.add(names)
    assert roles.take() == names


def test_a_glob_of_a_directory_is_another_watch(tmp_path: Path) -> None:
    first, second = Roles(tmp_path / "s", Clock()), Roles(tmp_path / "s", Clock())
    first.add([root(tmp_path, "a/*.json")])
    second.add([root(tmp_path, "b/*.json")])
    assert first.take()
    assert second.take()


def test_released_locks_are_free(tmp_path: Path) -> None:
    first, second = Roles(tmp_path / "s", Clock()), Roles(tmp_path / "s", Clock())
    for roles in (first, second):
        roles.add([root(tmp_path)])
    assert first.take()
    assert second.take() == ()
    first.release()
    second.add([root(tmp_path / "other")])  # a new root is tried at once
    assert len(second.take()) == 2
