"""When the mirror is written: after a whole listing, then now and then while runs change."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable
from typing import Protocol

from evaltui.domain.events import StoreStatus
from evaltui.domain.table import RunTable

WRITE_S = 60.0
"""Shortest time between two writes."""

_SHARE = 50
"""Writing takes at most one part in so many of the time."""


class Mirror(Protocol):
    """Where listings are kept."""

    def keep(self, table: RunTable, status: StoreStatus) -> bool:
        """Keep a whole listing; False when that failed, which is in the log."""


class Mirroring:
    """Keeps a mirror up to date. Belongs to one thread, that of the poller.

    Args:
        mirror: Where listings are kept.
        monotonic: Seconds for the schedule.
    """

    def __init__(self, mirror: Mirror, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._mirror = mirror
        self._monotonic = monotonic
        self._kept: Callable[[], RunTable | None] = lambda: None
        self._version = 0
        self._unconfirmed_s: float | None = None
        self._next = -math.inf
        self._failed = False

    def begin(self, table: RunTable, status: StoreStatus) -> None:
        """Note that the mirror holds this very listing."""
        self._note(table, status)

    def step(self, table: RunTable, status: StoreStatus) -> float:
        """Write the mirror if it is due; return the seconds until it is, infinite if unchanged.

        Args:
            table: A whole listing.
            status: The store that it is of.
        """
        if self._failed or not self._differs(table, status):
            return math.inf
        began = self._monotonic()
        if began < self._next:
            return self._next - began
        self._write(table, status)
        ended = self._monotonic()
        self._next = ended + max(WRITE_S, _SHARE * (ended - began))
        return math.inf

    def finish(self, table: RunTable, status: StoreStatus) -> None:
        """Write what changed since the last time, whenever that was."""
        if not self._failed and self._differs(table, status):
            self._write(table, status)

    def _differs(self, table: RunTable, status: StoreStatus) -> bool:
        """Return whether there is news to keep: other runs, or that all of them are confirmed."""
        same = self._kept() is table and self._version == table.version
        return not same or self._unconfirmed_s != status.unconfirmed_s

    def _write(self, table: RunTable, status: StoreStatus) -> None:
        self._failed = not self._mirror.keep(table, status)
        table.let_go()  # it was read from end to end
        self._note(table, status)

    def _note(self, table: RunTable, status: StoreStatus) -> None:
        self._kept, self._version = weakref.ref(table), table.version
        self._unconfirmed_s = status.unconfirmed_s
