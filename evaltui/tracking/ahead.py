"""A question that is asked before its turn: the store works on it while its last answer is used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from evaltui.tracking.deadline import Call

T = TypeVar("T")


class Ahead(Generic[T]):
    """At most one call at a time, on a daemon thread; who owns it calls from one thread."""

    def __init__(self) -> None:
        self._name: Hashable = None
        self._call: Call[T] | None = None

    def start(self, name: Hashable, work: Callable[[], T]) -> None:
        """Begin with work that is likely to be wanted next.

        Args:
            name: What is asked; `result` has to name the same.
            work: The call; it has to end by itself.
        """
        self._settle()
        self._name, self._call = name, Call(work)
        threading.Thread(target=self._call.run, name="evaltui-ahead", daemon=True).start()

    def result(self, name: Hashable, work: Callable[[], T]) -> T:
        """Return what the call of this name brought, or raise what it raised.

        Args:
            name: What is asked.
            work: Done here and now when something else was begun, or nothing.
        """
        call = self._settle()
        if call is None or self._name != name:
            return work()
        return call.result()

    def _settle(self) -> Call[T] | None:
        """Wait for the end of the call, if there is one; return and forget it."""
        call, self._call = self._call, None
        if call is not None:
            call.done.wait()
        return call
