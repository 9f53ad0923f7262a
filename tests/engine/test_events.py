from __future__ import annotations

import errno
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import watchfiles
from waiting import wait_for
from watchfiles import Change

from evaltui.engine.doorbell import watched_folders
from evaltui.engine.events import MANY_CHANGES, Changes, FileEvents


class Listener:
    """File events with everything they told, added up."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.events = FileEvents(self.woken.set)
        self.paths: set[str] = set()
        self.scans = 0

    def hear(self) -> None:
        changes = self.events.drain()
        self.paths |= set(changes.paths)
        self.scans += changes.scan

    def armed(self, *directories: Path) -> Listener:
        before = self.scans
        self.events.arm(directories)
        wait_for(lambda: self.hear() or self.scans > before)
        return self

    def heard(self, path: Path) -> bool:
        self.hear()
        return str(path) in self.paths


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.events.disarm("end of the test")


def test_a_new_file_is_heard_at_any_depth(tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    listener.armed(tmp_path)
    listener.woken.clear()
    path = tmp_path / "a/b/r.json"
    path.write_text("{}")
    wait_for(lambda: listener.heard(path))
    assert listener.woken.wait(90)  # a moment after what is heard is there
    assert listener.events.problem == ""


def test_arming_asks_for_a_scan_of_what_came_before(tmp_path: Path, listener: Listener) -> None:
    listener.armed(tmp_path)
    assert listener.scans == 1
    assert listener.events.drain() == Changes()


def test_renames_and_rewrites_are_heard(tmp_path: Path, listener: Listener) -> None:
    old, new = tmp_path / "a.json", tmp_path / "b.json"
    old.write_text("1")
    listener.armed(tmp_path)
    old.rename(new)
    wait_for(lambda: listener.heard(old) and listener.heard(new))
    listener.paths.clear()
    new.write_text("2")
    wait_for(lambda: listener.heard(new))


def test_skipped_folders_and_temporary_names_are_not_heard(
    tmp_path: Path, listener: Listener
) -> None:
    (tmp_path / "node_modules").mkdir()
    listener.armed(tmp_path)
    (tmp_path / "node_modules/x.json").write_text("1")
    (tmp_path / "r.json.tmp").write_text("1")
    (tmp_path / "r.json").write_text("1")
    wait_for(lambda: listener.heard(tmp_path / "r.json"))
    assert listener.paths == {str(tmp_path / "r.json")}


def test_a_root_inside_a_skipped_folder_is_heard(tmp_path: Path, listener: Listener) -> None:
    root = tmp_path / "node_modules/out"
    root.mkdir(parents=True)
    listener.armed(root)
    (root / "r.json").write_text("1")
    wait_for(lambda: listener.heard(root / "r.json"))


def test_a_flood_asks_for_a_scan_and_names_nothing(tmp_path: Path) -> None:
    events = FileEvents(lambda: None)
    flood = {(watchfiles.Change.added, str(tmp_path / str(n))) for n in range(MANY_CHANGES + 1)}
    events._hear(flood, [str(tmp_path)], first=False)
    assert events.drain() == Changes((), scan=True)
    for part in range(3):  # many small batches that nobody fetched
        some = {
            (watchfiles.Change.added, str(tmp_path / f"{part}-{n}")) for n in range(MANY_CHANGES)
        }
        events._hear(some, [str(tmp_path)], first=False)
    assert events.drain() == Changes((), scan=True)


def test_other_directories_can_be_armed_later(tmp_path: Path, listener: Listener) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    listener.armed(a)
    listener.armed(a, b)
    (b / "r.json").write_text("1")
    wait_for(lambda: listener.heard(b / "r.json"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "OS file watch limit reached"), "inotify limit reached"),
        (OSError("OS file watch limit reached."), "inotify limit reached"),
        (OSError(errno.EMFILE, "Too many open files"), "no inotify instance free"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "the directory is gone"),
        (RuntimeError("File system loop\nfound"), "no file events: File system loop"),
        (OSError(), "no file events: OSError"),
    ],
)
def test_what_keeps_events_away_is_said_and_a_scan_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, reason: str
) -> None:
    def watch(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr(watchfiles, "watch", watch)
    woken = threading.Event()
    events = FileEvents(woken.set)
    events.arm([tmp_path])
    assert woken.wait(90)
    assert events.problem == reason
    assert events.drain().scan


def test_a_folder_that_may_not_be_read_is_passed_over_only_when_it_must(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[bool] = []

    def watch(*_: object, ignore_permission_denied: bool, **__: object) -> object:
        asked.append(ignore_permission_denied)
        if not ignore_permission_denied:
            raise PermissionError(errno.EACCES, "Permission denied")
        return iter([{(Change.added, str(tmp_path / "r.json"))}])

    monkeypatch.setattr(watchfiles, "watch", watch)
    woken = threading.Event()
    events = FileEvents(woken.set)
    events.arm([tmp_path])
    wait_for(lambda: events.problem == "the listener ended")
    assert asked == [False, True]


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_the_number_of_folders_the_kernel_tells_of_is_known(
    tmp_path: Path, listener: Listener
) -> None:
    for number in range(7):
        (tmp_path / f"{number}").mkdir()
    others = [thread for thread in threading.enumerate() if thread.name == "file-events"]
    for thread in others:  # of tests before this one
        thread.join(90)
    before = watched_folders()
    assert before is not None
    listener.armed(tmp_path)
    wait_for(lambda: watched_folders() == before + 8)


def test_a_listener_that_just_ends_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(watchfiles, "watch", lambda *_, **__: iter(()))
    woken = threading.Event()
    events = FileEvents(woken.set)
    events.arm([tmp_path])
    assert woken.wait(90)
    assert events.problem == "the listener ended"


def test_a_directory_that_is_not_there_is_a_problem(tmp_path: Path, listener: Listener) -> None:
    listener.events.arm([tmp_path / "none"])
    assert listener.woken.wait(90)
    assert listener.events.problem == "the directory is gone"


def test_the_listener_does_not_keep_the_process(tmp_path: Path, listener: Listener) -> None:
    listener.armed(tmp_path)
    threads = [t for t in threading.enumerate() if t.name == "file-events"]
    assert threads
    assert all(thread.daemon for thread in threads)
    listener.events.disarm("closed")
    wait_for(lambda: not any(thread.is_alive() for thread in threads))
    assert listener.events.problem == "closed"
