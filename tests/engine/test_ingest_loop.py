"""What a turn of the ingest wakes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, cast

from evaltui.domain.events import WatchRole, WatchStatus
from evaltui.engine.crew import Crew
from evaltui.engine.feed import Feed
from evaltui.engine.ingest_loop import IngestLoop


@dataclass
class _Nothing:
    """A watcher and an ingestor with nothing to do, and their crew."""

    status_now: WatchStatus = field(default_factory=lambda: WatchStatus(role=WatchRole.WATCHER))
    idle: bool = True
    wanted: bool = True
    made: bool = True

    @property
    def watcher(self) -> _Nothing:
        return self

    @property
    def ingestor(self) -> _Nothing:
        return self

    def status(self) -> WatchStatus:
        return self.status_now

    def step(self) -> list[Any]:
        return []

    def log_due(self, limit: int) -> list[Any]:
        return [][:limit]

    def recover(self) -> None:
        """Nothing was left half done."""

    def next_due(self) -> None:
        """Nothing is due."""


class _Journal:
    """A journal whose number of the last change a test sets."""

    seq = 0

    def last_seq(self) -> int:
        return self.seq


def test_a_turn_that_finds_nothing_wakes_nobody() -> None:
    crew, journal, told = _Nothing(), _Journal(), []
    feed = Feed(cast("Any", journal), list, cast("Any", None), lambda _: None)
    begun = threading.Event()
    begun.set()
    loop = IngestLoop(
        cast("Crew", crew),
        feed,
        begun=begun,
        logged=lambda _: None,
        tidied=lambda: None,
        told=told.append,
        may_write=True,
        stop=threading.Event(),
    )
    loop.turn()
    assert len(told) == 1  # how the watch is, for the first time
    for _ in range(5):
        loop.turn()
    assert len(told) == 1
    crew.status_now = WatchStatus(role=WatchRole.VIEWER)
    loop.turn()
    assert len(told) == 2
    journal.seq = 1  # a row was written
    loop.turn()
    assert len(told) == 3
