"""Calls with an end: MLflow's cannot be cancelled, so each gets a thread that can be left behind.

The threads are daemons: one that is stuck in a dead connection never keeps the program from
ending. What an abandoned call still brings is dropped.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_ABANDONED = 8
"""More calls than this are not left hanging at once: the next ones fail at once instead."""

_LOOK_S = 0.25


class OverdueError(Exception):
    """A call did not come back in time.

    Args:
        seconds: The limit.
        sent: False when the call was not even started.
    """

    def __init__(self, seconds: float, *, sent: bool = True) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds = seconds
        self.sent = sent


class BoundedCalls:
    """Runs calls on daemon threads and waits for each no longer than it may take.

    Safe for use from several threads; the calls then run side by side. A thread whose call came
    back in time serves the next one: new threads would cost a tenth of a short call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._abandoned: list[_Worker] = []
        weakref.finalize(self, _dismiss, self._idle)

    def close(self) -> None:
        """End the threads that wait for work; those of abandoned calls end with them."""
        with self._lock:
            _dismiss(self._idle)

    def run(
        self,
        work: Callable[[], T],
        *,
        limit_s: float,
        progress: Callable[[], object] | None = None,
    ) -> T:
        """Return what `work` returns, or raise what it raises.

        Args:
            work: The call.
            limit_s: Longest wait; with `progress` the longest wait without any.
            progress: Tells how far the work is; any change of its answer starts the wait anew.

        Raises:
            OverdueError: The limit has passed.
        """
        worker = self._worker()
        if worker is None:
            raise OverdueError(limit_s, sent=False)
        call = Call(work)
        worker.calls.put(call.run)
        if not _wait(call.done, limit_s, progress):
            worker.calls.put(None)  # it ends when the call does
            with self._lock:
                self._abandoned.append(worker)
            raise OverdueError(limit_s)
        with self._lock:
            self._idle.append(worker)
        return call.result()

    def _worker(self) -> _Worker | None:
        """Return a thread that is free, or None when too many are stuck."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        if self._count_abandoned() >= MAX_ABANDONED:
            return None
        worker = _Worker()
        worker.start()
        return worker

    def _count_abandoned(self) -> int:
        with self._lock:
            self._abandoned = [worker for worker in self._abandoned if worker.is_alive()]
            return len(self._abandoned)


class _Worker(threading.Thread):
    """Runs what is put into `calls`, until that is None."""

    def __init__(self) -> None:
        super().__init__(name="evaltui-store-call", daemon=True)
        self.calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    def run(self) -> None:
        while (call := self.calls.get()) is not None:
            call()
            del call  # while waiting nothing of the last call is kept alive


def _dismiss(idle: list[_Worker]) -> None:
    while idle:
        idle.pop().calls.put(None)


class Call(Generic[T]):
    """Work that one thread does and another waits for.

    Args:
        work: The work.

    Attributes:
        done: Set when the work has ended, whatever became of it.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self.done = threading.Event()
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work; never raises."""
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
            self._error = error
        finally:
            self.done.set()

    def result(self) -> T:
        """Return what the work returned, or raise what it raised; `done` has to be set."""
        if self._error is not None:
            raise self._error
        return self._results[0]


def _wait(done: threading.Event, limit_s: float, progress: Callable[[], object] | None) -> bool:
    """Return whether `done` was set before the limit passed."""
    if progress is None:
        return done.wait(limit_s)
    last, end = progress(), time.monotonic() + limit_s
    while not done.wait(min(_LOOK_S, limit_s)):
        now = progress()
        if now != last:
            last, end = now, time.monotonic() + limit_s
        elif time.monotonic() >= end:
            return False
    return True
