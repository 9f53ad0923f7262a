"""When the watched directories are walked next."""

from __future__ import annotations

from collections.abc import Callable

WITH_EVENTS_S = 5.0
"""Seconds between scans while events tell of changes."""
WITHOUT_EVENTS_S = 1.0
"""Seconds between scans while nothing else finds changes."""
MANY_FILES = 10_000
"""From so many files on the interval follows from the cost of a scan."""
_MANY_SHARE = 0.02  # of one core, for many files
_FEW_SHARE = 0.2  # for few files on a slow disk or network
_LONGEST_S = 300.0
_JUMP_S = 2.0


class ScanSchedule:
    """Decides when a scan is due.

    Args:
        monotonic: Seconds that never go back and may stand still while the machine sleeps.
        clock: Epoch seconds: when they drift from `monotonic`, the machine has slept.
    """

    def __init__(self, monotonic: Callable[[], float], clock: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._clock = clock
        self._last = 0.0
        self._wanted = True
        self._offset = clock() - monotonic()
        self.interval_s = WITH_EVENTS_S

    @property
    def next_at(self) -> float:
        """When the next scan is due, on the monotonic clock."""
        return self._monotonic() if self._wanted else self._last + self.interval_s

    def request(self) -> None:
        """Let the next scan be due at once."""
        self._wanted = True

    def due(self) -> bool:
        """Return whether a scan is due; a jump of the clocks makes one due."""
        offset = self._clock() - self._monotonic()
        if abs(offset - self._offset) > _JUMP_S:
            self._wanted = True
        self._offset = offset
        return self._wanted or self._monotonic() >= self._last + self.interval_s

    def done(self, *, seconds: float, files: int, events: bool) -> None:
        """Note that a scan is through.

        Args:
            seconds: How long it took.
            files: How many files there are.
            events: Whether events tell of changes between scans.
        """
        self._last = self._monotonic()
        self._wanted = False
        share = _FEW_SHARE if files < MANY_FILES else _MANY_SHARE
        base = WITH_EVENTS_S if events else WITHOUT_EVENTS_S
        self.interval_s = min(_LONGEST_S, max(base, seconds / share))
