"""Calls with an end: MLflow's cannot be cancelled, so each gets a thread that can be left behind.

The threads are daemons: one that is stuck in a dead connection never keeps the program from
ending. What an abandoned call still brings is dropped.
"""

from __future__ import annotations

import threading
import time
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

    Safe for use from several threads; the calls then run side by side.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._abandoned: list[threading.Thread] = []

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
        if self._count_abandoned() >= MAX_ABANDONED:
            raise OverdueError(limit_s, sent=False)
        call = _Call(work)
        thread = threading.Thread(target=call.run, name="evaltui-store-call", daemon=True)
        thread.start()
        if not _wait(call.done, limit_s, progress):
            with self._lock:
                self._abandoned.append(thread)
            raise OverdueError(limit_s)
        return call.result()

    def _count_abandoned(self) -> int:
        with self._lock:
            self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
            return len(self._abandoned)


class _Call(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self.done = threading.Event()
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits
            self._error = error
        finally:
            self.done.set()

    def result(self) -> T:
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
