"""Memory is tidied up once nobody looks at anything."""

from __future__ import annotations

import time
from collections.abc import Callable

from evaltui.memory import give_back
from evaltui.ui.collecting import collect
from evaltui.ui.model import Workbench

REST_S = 1.0
"""Shortest time after a look: what was looked at is likely to be looked at again."""

LONGEST_S = 5.0
"""The same after the first look, where one follows the other."""


class Sparing:
    """Lets garbage, pages of the listing and holes in the heap go when the screen rests.

    A sort of 100,000 runs leaves 4 MB of holes, and a page of a list that lies in a file brings
    20 MB of that file into memory. Giving it back takes one or two milliseconds, and
    collecting garbage up to ten, which no key should have to wait for.

    Args:
        bench: The state of the screen.
        later: Calls something once after so many seconds, on the thread of the screen.
        monotonic: Seconds.
    """

    def __init__(
        self,
        bench: Workbench,
        later: Callable[[float, Callable[[], None]], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bench = bench
        self._later = later
        self._monotonic = monotonic
        self._first: float | None = None
        self._last = 0.0
        self._settled = False

    def looked(self) -> None:
        """Note that something was looked at."""
        self._last = self._monotonic()
        if self._first is None:
            self._first = self._last
            self._later(REST_S, self._rest)

    def _rest(self) -> None:
        assert self._first is not None
        now = self._monotonic()
        wait_s = min(self._last + REST_S, self._first + LONGEST_S) - now
        if wait_s > 0:
            self._later(wait_s, self._rest)
            return
        self._first = None
        self._settled |= collect(stays=not self._settled)
        self._bench.table.let_go()
        give_back()
