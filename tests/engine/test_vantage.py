from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evaltui.engine import vantage as module
from evaltui.engine.events import FileEvents
from evaltui.engine.roots import WatchRoot
from evaltui.engine.vantage import Vantage


class FakeEvents(FileEvents):
    """Notes what it is told to listen to."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.armed: list[list[Path]] = []

    def arm(self, directories: list[Path]) -> None:  # type: ignore[override]
        self.armed.append(list(directories))
        self.problem = "" if directories else "nothing to listen to"


def look(vantage: Vantage, *directories: Path, leaks: tuple[Path, ...] = ()) -> bool:
    """Look at directories and scan them, as a watcher does."""
    moved = vantage.moved(directories)
    vantage.scanned(leaks)
    return moved


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


def test_the_first_look_arms_and_the_next_comes_a_second_later(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    vantage = Vantage(events, clock)
    assert look(vantage, tmp_path)
    assert events.armed == [[tmp_path]]
    assert vantage.next_at == 101.0
    assert not look(vantage, tmp_path)
    clock.now += 1
    assert not look(vantage, tmp_path)
    assert events.armed == [[tmp_path]]
    assert vantage.describe(5.0, {}) == "events"
    assert vantage.hears


def test_a_directory_made_again_is_another_one(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    root = tmp_path / "in"
    root.mkdir()
    vantage = Vantage(events, clock)
    look(vantage, root)
    shutil.move(root, tmp_path / "away")
    root.mkdir()
    assert not look(vantage, root)  # not looked at so often
    clock.now += 1
    assert look(vantage, root)
    assert events.armed == [[root], [root]]


def test_a_directory_that_is_not_there_is_said_and_found_later(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    root = tmp_path / "in"
    vantage = Vantage(events, clock)
    look(vantage, root)
    assert vantage.describe(1.0, {}) == (
        f"polling every 1 s (nothing to listen to); {root} is not there yet"
    )
    root.mkdir()
    clock.now += 1
    assert look(vantage, root)
    assert vantage.describe(5.0, {}) == "events"


def test_directories_inside_others_are_heard_with_them(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    look(Vantage(events, clock), tmp_path / "a", tmp_path / "a/b", tmp_path / "ab")
    assert events.armed == [[tmp_path / "a", tmp_path / "ab"]]


def test_network_file_systems_are_polled_and_named(
    tmp_path: Path, clock: Clock, events: FakeEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = tmp_path / "far", tmp_path / "near"
    far.mkdir()
    near.mkdir()
    monkeypatch.setattr(module, "network_type", lambda path: "nfs4" if path == far else "")
    vantage = Vantage(events, clock)
    look(vantage, far, near)
    assert events.armed == [[near]]
    assert vantage.describe(1.0, {}) == "polling every 1 s (network file system nfs4)"
    assert not vantage.hears


def test_events_that_are_switched_off_are_never_armed(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    vantage = Vantage(events, clock, use_events="off")
    look(vantage, tmp_path)
    assert events.armed == [[]]
    assert vantage.describe(1.0, {}) == "polling every 1 s (events are switched off)"


def test_events_that_failed_are_tried_again_after_a_minute(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    vantage = Vantage(events, clock)
    look(vantage, tmp_path)
    events.problem = "inotify limit reached"
    clock.now += 59
    look(vantage, tmp_path)
    assert len(events.armed) == 1
    clock.now += 1
    assert not look(vantage, tmp_path)
    assert len(events.armed) == 2
    assert vantage.describe(5.0, {}) == "events"


def test_roots_of_other_watchers_are_named(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    vantage = Vantage(events, clock)
    look(vantage, tmp_path)
    others = {WatchRoot(Path("/a"), None, None): 12, WatchRoot(Path("/b"), "*.json", None): None}
    assert vantage.describe(5.0, others) == (
        "events; /a is watched by pid 12; /b/*.json is watched by another process"
    )


def test_links_that_lead_out_are_not_listened_through(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    vantage = Vantage(events, clock)
    look(vantage, a, b, leaks=(a / "link",))
    assert events.armed == [[b]]
    assert vantage.describe(1.0, {}) == f"polling every 1 s (the link {a / 'link'} leads out)"
    look(vantage, a, b)  # it is gone
    assert events.armed == [[b], [a, b]]
    assert vantage.hears


def test_nothing_is_listened_to_before_it_was_scanned(
    tmp_path: Path, clock: Clock, events: FakeEvents
) -> None:
    vantage = Vantage(events, clock)
    assert vantage.moved([tmp_path])
    assert events.armed == []
    vantage.scanned(())
    assert events.armed == [[tmp_path]]
    vantage.scanned(())
    assert events.armed == [[tmp_path]]


def test_folders_the_kernel_does_not_tell_of_end_the_trust_in_events(
    tmp_path: Path, events: FakeEvents, clock: Clock
) -> None:
    told = 5
    vantage = Vantage(events, clock, watched_folders=lambda: told)
    vantage.moved([tmp_path])
    vantage.scanned((), 5)
    vantage.scanned((), 5)
    vantage.scanned((), 6)  # made this moment
    vantage.scanned((), 5)
    vantage.scanned((), 6)
    assert vantage.hears
    vantage.scanned((), 7)
    assert not vantage.hears
    assert "inotify limit reached" in vantage.describe(1.0, {})


def test_a_false_alarm_is_not_raised_again_for_the_same_folders(
    tmp_path: Path, events: FakeEvents, clock: Clock
) -> None:
    vantage = Vantage(events, clock, watched_folders=lambda: 3)
    for _ in range(20):
        clock.now += 61
        vantage.moved([tmp_path])
        vantage.scanned((), 4)
    assert vantage.hears
    assert len(events.armed) == 2


def test_where_nobody_knows_the_number_events_are_trusted(
    tmp_path: Path, events: FakeEvents, clock: Clock
) -> None:
    vantage = Vantage(events, clock, watched_folders=lambda: None)
    vantage.moved([tmp_path])
    for _ in range(5):
        vantage.scanned((), 100)
    assert vantage.hears
