"""The watch in figures: files by state, and how the backlog shrinks."""

from __future__ import annotations

import time
from collections.abc import Callable

from evaltui.engine.backlog import WorkRate
from evaltui.ledger.journal import Journal

_COUNT_SHARE = 20  # counting may take one part in this many of the time


class Figures:
    """Counts files, seldom enough to cost little.

    Args:
        journal: Knows the files.
        monotonic: Seconds that never go back.
    """

    def __init__(self, journal: Journal, monotonic: Callable[[], float]) -> None:
        self._journal = journal
        self._now = monotonic
        self._rate = WorkRate()
        self._counts: dict[str, int] = {}
        self._counted: tuple[int, tuple[str, ...]] = (-1, ())
        self._count_again_at = 0.0
        self.backlog = 0
        """Old reports that are still to be logged."""

    @property
    def rate(self) -> float | None:
        """Reports of the backlog logged per second, or None while there is too little to tell."""
        return self._rate.per_second()

    def counts(self, folders: tuple[str, ...]) -> dict[str, int]:
        """Return the counts of some directories; of many files they may be some seconds old.

        Raises:
            JournalError: The journal cannot be read.
        """
        now, wanted = time.monotonic(), (self._journal.last_seq(), folders)
        if wanted != self._counted and now >= self._count_again_at:
            self._counts, self._counted = self._journal.counts(folders), wanted
            self._count_again_at = time.monotonic() + _COUNT_SHARE * (time.monotonic() - now)
        return self._counts

    def begin(self, old: int) -> None:
        """Note that a scan found old files."""
        self.backlog = max(self.backlog, old)

    def counts_on(self, old: int) -> bool:
        """Return whether there is a backlog to be measured."""
        return bool(old or self.backlog)

    def note(self, old: int, unwritten: int) -> None:
        """Note what is left.

        Args:
            old: Old files that were not read yet.
            unwritten: Runs that are still to be written.
        """
        self.backlog = old + unwritten
        self._rate.note(self.backlog, self._now())
