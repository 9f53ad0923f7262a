"""Which of the watched roots this process ingests, and who ingests the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from evaltui.engine.roots import WatchRoot
from evaltui.ledger.lock import IngestLock

RETRY_S = 1.0
"""Seconds between two tries to take over a root that another process watches."""


class Roles:
    """The ingest locks of the watched roots.

    Args:
        directory: Where the lock files are.
        monotonic: Seconds that never go back.
    """

    def __init__(self, directory: Path, monotonic: Callable[[], float]) -> None:
        self._directory = directory
        self._now = monotonic
        self._locks: dict[Path, IngestLock] = {}
        self._lock_of: dict[WatchRoot, IngestLock] = {}
        self._next_try = 0.0

    @property
    def held(self) -> tuple[WatchRoot, ...]:
        """The roots this process ingests, in the order they were added."""
        return tuple(root for root, lock in self._lock_of.items() if lock.held)

    @property
    def next_at(self) -> float | None:
        """When another try is due, on the monotonic clock; None while every root is held."""
        if all(lock.held for lock in self._lock_of.values()):
            return None
        return self._next_try

    def add(self, roots: Iterable[WatchRoot]) -> None:
        """Care for more roots; names of one directory (or glob) share a lock."""
        for root in roots:
            if root not in self._lock_of:
                lock = IngestLock(self._directory, Path(str(root)))
                self._lock_of[root] = self._locks.setdefault(lock.path, lock)
                self._next_try = self._now()

    def take(self) -> tuple[WatchRoot, ...]:
        """Try to take what is free, if it is time to; return the roots that were gained.

        Raises:
            JournalError: A lock file cannot be made; the next try is due a second later.
        """
        due = self.next_at
        if due is None or self._now() < due:
            return ()
        self._next_try = self._now() + RETRY_S
        before = self.held
        for lock in self._locks.values():
            lock.acquire()
        return tuple(root for root in self.held if root not in before)

    def watchers(self) -> dict[WatchRoot, int | None]:
        """Return the roots other processes ingest, with the process id where it is known."""
        return {root: lock.holder() for root, lock in self._lock_of.items() if not lock.held}

    def release(self) -> None:
        """Give every lock back."""
        for lock in self._locks.values():
            lock.release()
