"""The ingest's turn: look at files, log one report, tidy up."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from evaltui.domain.events import FileState, Notice, WatchRole
from evaltui.engine.crew import Crew
from evaltui.engine.feed import Feed
from evaltui.engine.loop import LONGEST_WAIT_S
from evaltui.errors import EvaltuiError, StoreError
from evaltui.memory import give_back

if TYPE_CHECKING:
    from evaltui.engine.outcome import Outcome

RECONCILE_S = (0.0, 5.0, 30.0)
"""When twins are dealt with after they were seen: one may still be written, or land late."""

RECONCILE_AGAIN_S = 300.0
"""And so often after that, while there are any."""

RETRY_S = 5.0
"""When twins are dealt with again after the store failed in the middle of it."""

GIVE_BACK_EVERY = 100
"""Reports after which freed memory goes back to the system."""

SHOW_FIRST_S = 0.05
"""How long the first report after a rest waits to be shown before work on it begins.

Logging keeps the interpreter busy, and what tells of the report would have to fight for it.
"""

SETTLED_S = 0.5
"""How long the work begins after the first page of runs at most: a store may not answer."""

_BUSY_S = 1.0
"""Pause when reports are due but none can be worked on."""


class IngestLoop:
    """What the ingest thread does; alone it uses watcher and ingestor.

    Both are made when there is something to watch or an order comes, and not before the first page
    of runs is on its way: making them keeps the interpreter busy.

    Args:
        crew: Watcher and ingestor.
        begun: Set once the first page of runs is on its way, or there will be none.
        feed: Takes what is to be shown.
        logged: Called with the ids of runs that were just written.
        tidied: Called when twins were deleted.
        told: Called when the feed has something to tell, with the seconds that may pass until
            it is told.
        may_write: Whether the store may be written to.
        stop: Set when the loop is to end.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        crew: Crew,
        feed: Feed,
        *,
        begun: threading.Event,
        logged: Callable[[Collection[str]], None],
        tidied: Callable[[], None],
        told: Callable[[float], None],
        may_write: bool,
        stop: threading.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._crew = crew
        self._begun = begun
        self._woken = threading.Event()
        self._feed = feed
        self._logged = logged
        self._tidied = tidied
        self._told = told
        self._may_write = may_write
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._orders: list[Callable[[], object]] = []
        self._twins: frozenset[str] = frozenset()
        self._twins_dealt = 0
        self._twins_since = 0.0
        self._twins_failed = -math.inf
        self._recovered = False
        self._worked_on = 0
        self.idle = False

    # -- from any thread -------------------------------------------------------------------------

    def order(self, work: Callable[[], object]) -> None:
        """Have something done on the ingest thread before its next turn."""
        with self._lock:
            self._orders.append(work)
        self.wake()

    def twins(self, contents: frozenset[str]) -> None:
        """Say which contents have several runs: they are reconciled until there are none."""
        with self._lock:
            if contents - self._twins:
                self._twins_dealt = 0
                self._twins_since = time.monotonic()
            self._twins = contents
        self.wake()

    def wake(self) -> None:
        """End the wait."""
        self._woken.set()
        self._crew.wake()

    # -- the ingest thread -----------------------------------------------------------------------

    def turn(self) -> float:
        """Do what is due; return the seconds until more is."""
        if not self._recovered:
            self._begun.wait(SETTLED_S)
            if not (self._crew.wanted or self._has_orders()):
                self._show()
                self.idle = True
                return LONGEST_WAIT_S
            self._crew.ingestor.recover()
            self._recovered = True
        self._do_orders()
        seen = self._crew.watcher.step()
        self._show(SHOW_FIRST_S if seen and self.idle else 0.0)
        may_log = self._may_log()
        logged = self._crew.ingestor.log_due(limit=1) if may_log else []
        if logged:
            self._after(logged)
        if may_log:
            self._deal_with_twins()
        self.idle = not seen and not logged and self._crew.watcher.idle
        return 0.0 if logged else self._next(may_log=may_log)

    def wait(self, seconds: float) -> None:
        """Wait for the watcher's events; not at all when there is more to do."""
        if seconds > 0 and self._crew.made:
            self._crew.watcher.wait(seconds)
        elif seconds > 0:
            self._woken.wait(seconds)
        self._woken.clear()

    def close(self) -> None:
        """Close watcher and ingestor; the thread has ended."""
        self._crew.close()

    def _has_orders(self) -> bool:
        with self._lock:
            return bool(self._orders)

    def _do_orders(self) -> None:
        with self._lock:
            orders, self._orders = self._orders, []
        for order in orders:
            try:
                order()
            except EvaltuiError as error:
                self._feed.notice(Notice("error", error.message, error.hint or ""))

    def _may_log(self) -> bool:
        watching = self._crew.status().role is WatchRole.WATCHER
        return self._may_write and watching and not self._stop.is_set()

    def _after(self, logged: Sequence[Outcome]) -> None:
        self._worked_on += len(logged)
        if self._worked_on >= GIVE_BACK_EVERY:
            self._worked_on = 0
            give_back()
        done = [item for item in logged if item.state is FileState.FINISHED]
        run_ids = [run_id for item in done for run_id in item.run_ids]
        if run_ids:
            self._logged(run_ids)
        self._feed.watch(self._crew.status())
        self._told(0.0)  # what hinders may be another thing now

    def _show(self, patience_s: float = 0.0) -> None:
        """Have told what differs; most turns only look, and another thread wakes for nothing."""
        news = self._feed.watch(self._crew.status())
        if news or self._feed.is_behind():
            self._told(patience_s)

    def _deal_with_twins(self) -> None:
        with self._lock:
            if time.monotonic() < self._twins_due():
                return
            twins = self._twins
            self._twins_dealt += 1
            self._twins_failed = -math.inf
        try:
            if self._crew.ingestor.clear_twins(twins):
                self._tidied()
        except StoreError:  # the poll tells how the store is
            with self._lock:
                self._twins_dealt -= 1
                self._twins_failed = time.monotonic()
            self._tidied()

    def _twins_due(self) -> float:
        if not self._twins:
            return math.inf
        again = self._twins_failed + RETRY_S
        more = self._twins_dealt - len(RECONCILE_S)
        if more < 0:
            return max(again, self._twins_since + RECONCILE_S[self._twins_dealt])
        return max(again, self._twins_since + RECONCILE_S[-1] + (more + 1) * RECONCILE_AGAIN_S)

    def _next(self, *, may_log: bool) -> float:
        waits = [LONGEST_WAIT_S]
        if may_log:
            due = self._crew.ingestor.next_due()
            if due is not None:
                waits.append(max(_BUSY_S, due - self._clock()))
            waits.append(max(_BUSY_S, self._twins_due() - time.monotonic()))
        return min(waits)
