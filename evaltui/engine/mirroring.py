"""When the mirror is written: after a whole listing, then now and then while runs change."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable
from typing import Protocol

from evaltui.domain.events import StoreStatus
from evaltui.domain.table import RunTable
from evaltui.memory import give_back

WRITE_S = 60.0
"""Shortest time between two writes."""

_SHARE = 50
"""Writing takes at most one part in so many of the time."""


class Mirror(Protocol):
    """Where listings are kept."""

    def keep(self, table: RunTable, status: StoreStatus) -> bool:
        """Keep a whole listing; False when that failed, which is in the log."""

    def kept(self) -> RunTable | None:
        """Return the listing that was kept last, as it lies there; None where it cannot be used."""


class Listing(Protocol):
    """Who has the listing that is kept."""

    table: RunTable
    """A whole listing."""

    @property
    def status(self) -> StoreStatus:
        """The store that it is of."""

    def go_on_with(self, table: RunTable) -> None:
        """Take a table of the very same runs in place of the one there is."""


class Mirroring:
    """Keeps a mirror up to date. Belongs to one thread, that of the poller.

    Who has the listing goes on with what was kept: of what lies in a file, only what changes takes
    memory.

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

    def step(self, listing: Listing) -> float:
        """Write the mirror if it is due; return the seconds until it is, infinite if unchanged."""
        if self._failed or not self._differs(listing.table, listing.status):
            return math.inf
        began = self._monotonic()
        if began < self._next:
            listing.table.let_go()  # what changed was looked at
            return self._next - began
        written = self._write(listing.table, listing.status)
        kept = self._mirror.kept() if written else None
        if kept is not None:
            listing.go_on_with(kept)
            self._note(kept, listing.status)
        give_back()
        ended = self._monotonic()
        self._next = ended + max(WRITE_S, _SHARE * (ended - began))
        return math.inf

    def finish(self, listing: Listing) -> None:
        """Write what changed since the last time, whenever that was."""
        if not self._failed and self._differs(listing.table, listing.status):
            self._write(listing.table, listing.status)

    def _differs(self, table: RunTable, status: StoreStatus) -> bool:
        """Return whether there is news to keep: other runs, or that all of them are confirmed."""
        same = self._kept() is table and self._version == table.version
        return not same or self._unconfirmed_s != status.unconfirmed_s

    def _write(self, table: RunTable, status: StoreStatus) -> bool:
        written = self._mirror.keep(table, status)
        self._failed = not written
        table.let_go()  # it was read from end to end
        self._note(table, status)
        return written

    def _note(self, table: RunTable, status: StoreStatus) -> None:
        self._kept, self._version = weakref.ref(table), table.version
        self._unconfirmed_s = status.unconfirmed_s
