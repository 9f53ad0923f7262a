"""Who listens to files sleeps until the kernel rings."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_for
from watchfiles import Change

from evaltui.engine import events as listening
from evaltui.engine.doorbell import Doorbell
from evaltui.engine.events import FileEvents

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
Batches = Iterator[set[tuple[Change, str]]]


class _Bell(Doorbell):
    """A bell that rings when a test says so, and notes how long it was waited for."""

    def __init__(self, *rings: int, last: int = 20) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.stop = threading.Event()
        self._rings, self._last = rings, last
        self._thread = threading.get_ident()

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if len(self.waits) == self._last:
            self.stop.set()
        rang = len(self.waits) in self._rings
        self.has_rung = self.has_rung or rang
        return rang


def _listen(bell: _Bell, batches: Batches) -> list[int]:
    """Listen until the bell says stop; return the numbers of the asks that brought something."""
    events = FileEvents(lambda: None)
    events._take(bell.stop, bell, ["/w"], batches)
    return [int(Path(path).stem) for path in events.drain().paths]


def _events(*at: int) -> Batches:
    """Return batches that hold something when they are asked for the n-th time."""
    for number in itertools.count():
        yield {(Change.added, f"/w/{number}.json")} if number in at else set()


def test_who_hears_nothing_asks_ever_more_seldom() -> None:
    bell = _Bell(last=14)
    _listen(bell, _events())
    assert bell.waits[:4] == [0.0, 0.005, 0.02, 0.08]
    assert bell.waits[-2:] == [5.0, 5.0]


def test_after_a_ring_the_asks_are_close_together_again() -> None:
    bell = _Bell(14, last=17)
    _listen(bell, _events())
    assert bell.waits[13:] == [5.0, 0.005, 0.02, 0.08]


def test_what_comes_a_moment_after_its_ring_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileEvents, "_hear", _noting(heard := []))
    bell = _Bell(3, last=8)
    _listen(bell, _events(5))
    assert heard == [5]
    assert bell.hangs


def test_a_bell_that_rings_after_what_it_rings_for_stays() -> None:
    bell = _Bell(5, last=8)
    _listen(bell, _events(4))
    assert bell.waits[3:6] == [0.08, 1.0, 0.005]
    assert bell.hangs


def test_a_bell_that_does_not_ring_for_what_came_is_not_waited_for() -> None:
    bell = _Bell(last=100)
    batches = _events(4)

    def until_asked_often() -> Batches:
        yield from itertools.islice(batches, 30)

    _listen(bell, until_asked_often())
    assert not bell.hangs
    assert len(bell.waits) == 5
    assert bell.waits[-1] == 1.0  # it was given time to ring late


def _noting(heard: list[int]) -> object:
    def hear(_: FileEvents, batch: set[tuple[Change, str]], __: object, *, first: bool) -> None:
        del first
        heard.extend(int(Path(path).stem) for _, path in batch)

    return hear


@pytest.fixture
def listeners() -> Iterator[list[FileEvents]]:
    made = [FileEvents(lambda: None), FileEvents(lambda: None)]
    yield made
    for one in made:
        one.disarm("end of the test")


@on_linux
def test_every_listener_has_the_bell_of_its_own_directories(
    tmp_path: Path, listeners: list[FileEvents]
) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for events, folder in zip(listeners, folders, strict=True):
        folder.mkdir()
        events.arm([folder])
    wait_for(lambda: all(events._bell.hangs for events in listeners))
    (folders[0] / "r.json").write_text("{}")
    wait_for(lambda: listeners[0]._bell.has_rung)
    assert not listeners[1]._bell.has_rung
    (folders[1] / "r.json").write_text("{}")
    wait_for(lambda: listeners[1]._bell.has_rung)


@on_linux
def test_a_listener_that_sleeps_is_woken_to_be_stopped(
    tmp_path: Path, listeners: list[FileEvents], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_LONGEST_S", 3_600.0)
    monkeypatch.setattr(listening, "_GAP_S", 3_600.0)
    events, others = listeners[0], threading.enumerate()
    events.arm([tmp_path])
    wait_for(lambda: events._bell.hangs)
    (thread,) = [
        one for one in threading.enumerate() if one.name == "file-events" and one not in others
    ]
    bell = events._bell
    events.disarm("closed")
    wait_for(lambda: not thread.is_alive())
    assert not bell.hangs
    bell.ring()  # nobody is there to hear it, and nothing happens
