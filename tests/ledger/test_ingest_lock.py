from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaltui.errors import JournalError
from evaltui.ledger.lock import IngestLock
from evaltui.ledger.owner import is_alive, this_process

HOLDER = (
    "import sys, time; sys.path[:0] = sys.argv[3:]\n"
    "from pathlib import Path\n"
    "from evaltui.ledger.lock import IngestLock\n"
    "lock = IngestLock(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    "print(lock.acquire(), flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of tmp_path/root."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), str(tmp_path / "root"), *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "True"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()


def test_the_first_gets_the_lock_and_says_who_it_is(tmp_path: Path) -> None:
    lock = IngestLock(tmp_path, tmp_path / "root")
    assert not lock.held
    assert lock.holder() is None
    assert lock.acquire()
    assert lock.acquire()
    assert lock.held
    assert IngestLock(tmp_path, tmp_path / "root").holder() == os.getpid()


def test_a_second_process_is_refused_and_told_by_whom(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    lock = IngestLock(tmp_path, tmp_path / "root")
    assert not lock.acquire()
    assert not lock.held
    assert lock.holder() == holder.pid


def test_the_lock_is_free_after_its_holder_was_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    lock = IngestLock(tmp_path, tmp_path / "root")
    assert lock.holder() is None
    assert lock.acquire()
    assert lock.holder() == os.getpid()


def test_two_objects_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    first, second = IngestLock(tmp_path, tmp_path), IngestLock(tmp_path, tmp_path)
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()


def test_other_roots_are_other_locks_and_other_names_are_not(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "root")
    lock = IngestLock(tmp_path, tmp_path / "root")
    assert lock.acquire()
    assert not IngestLock(tmp_path, tmp_path / "link").acquire()
    assert IngestLock(tmp_path, tmp_path / "root2").acquire()


def test_a_released_lock_names_nobody(tmp_path: Path) -> None:
    with IngestLock(tmp_path, tmp_path / "root") as lock:
        assert lock.acquire()
    assert not lock.held
    assert lock.holder() is None
    lock.release()


def test_the_lock_is_not_passed_on_to_programs_that_are_started(tmp_path: Path) -> None:
    lock = IngestLock(tmp_path, tmp_path / "root")
    assert lock.acquire()
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        close_fds=False,
    )
    lock.release()
    after = IngestLock(tmp_path, tmp_path / "root")
    deadline = time.monotonic() + 90
    while not after.acquire():  # until the kernel has closed the new program's copy
        assert time.monotonic() < deadline
        time.sleep(0.001)  # between two tries
    assert child.poll() is None
    child.communicate(b"")


def test_a_lock_file_that_was_deleted_is_no_lock_any_more(tmp_path: Path) -> None:
    first = IngestLock(tmp_path, tmp_path / "root")
    assert first.acquire()
    first.path.unlink()
    second = IngestLock(tmp_path, tmp_path / "root")
    assert second.acquire()
    assert second.holder() == os.getpid()


def test_a_lock_that_cannot_be_made_is_a_journal_error(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("")
    with pytest.raises(JournalError, match="cannot be taken") as caught:
        IngestLock(tmp_path, tmp_path / "root").acquire()
    assert "EVALTUI_STATE_DIR" in str(caught.value.hint)


def test_a_name_is_alive_only_with_the_process_that_made_it() -> None:
    assert is_alive(this_process())
    assert not is_alive(f"{os.getpid()}:1")  # the pid is used again by another process
    assert not is_alive("")
    assert not is_alive("nonsense")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not is_alive(f"{process.pid}:1")
