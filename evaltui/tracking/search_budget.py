"""Searches of a Databricks workspace, spread so that the limit on them leaves room for others.

A workspace allows seven a second, its users all together, and refuses the rest. A listing in short
pages would ask for more in one go, be refused in the middle, and begin anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

RATE_PER_S = 5.0
BURST = 5
"""Searches that need not wait after a pause: a usual poll asks three times."""

_LEAST_S = 1e-3


class SearchBudget:
    """Lets `BURST` searches through at once, and then `RATE_PER_S` each second.

    Safe for use from several threads, which share it. The rule is the generic cell rate algorithm
    (ITU-T I.371).

    Args:
        clock: Seconds that only grow.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._expected = clock()

    def take(self) -> None:
        """Wait until one more search is due, a fraction of a second at most when alone."""
        with self._lock:
            now = self._clock()
            wait = self._expected - (BURST - 1) / RATE_PER_S - now
            self._expected = max(self._expected, now) + 1 / RATE_PER_S
        if wait > _LEAST_S:
            self._sleep(wait)


_budgets: dict[str, SearchBudget] = {}
_opening = threading.Lock()


def budget_of(host: str) -> SearchBudget:
    """Return the budget that everything in this process shares for a workspace."""
    with _opening:
        return _budgets.setdefault(host, SearchBudget())
