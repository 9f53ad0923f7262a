"""The life of one engine thread: a turn, a wait, and no error that ends it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable

from evaltui.domain.events import Notice
from evaltui.errors import EvaltuiError

LONGEST_WAIT_S = 60.0

_log = logging.getLogger(__name__)


class Bell:
    """Wakes the one thread that waits for it, or its next wait: an Event at half the cost."""

    def __init__(self) -> None:
        self._silent = threading.Lock()  # held while nobody has rung
        self._silent.acquire()

    def ring(self) -> None:
        """End the wait, or the next one; any thread may."""
        with contextlib.suppress(RuntimeError):  # it has rung already
            self._silent.release()

    def wait(self, seconds: float) -> None:
        """Wait until it rings, at most so long."""
        self._silent.acquire(timeout=max(0.0, seconds))


class Loop:
    """Turn, wait, turn; what goes wrong is told to the person and tried again later.

    Args:
        name: What the loop does, for the log and the thread.
        turn: Does what is due; returns the seconds until more is.
        wait: Waits that long, or until woken.
        stop: Ends the loop.
        notice: Takes a line for the person.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], float],
        wait: Callable[[float], None],
        *,
        stop: threading.Event,
        notice: Callable[[Notice], None],
    ) -> None:
        self._name = name
        self._turn = turn
        self._wait = wait
        self._stop = stop
        self._notice = notice
        self._failures = 0
        self._told = ""

    def thread(self) -> threading.Thread:
        """Return a daemon thread, not started, that runs the loop."""
        return threading.Thread(target=self.run, name=f"evaltui-{self._name}", daemon=True)

    def run(self) -> None:
        """Go on until the stop event is set."""
        while not self._stop.is_set():
            try:
                seconds = self._turn()
                self._failures = 0
                if not self._stop.is_set():
                    self._wait(min(seconds, LONGEST_WAIT_S))
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a turn does
                self._stop.wait(self._failed(error))

    def _failed(self, error: Exception) -> float:
        """Say what went wrong, once per streak and text; return the seconds until the next try."""
        if isinstance(error, EvaltuiError):
            text, hint = error.message, error.hint or ""
            _log.warning("%s: %s", self._name, text)
        else:
            text = f"internal error in the {self._name} loop: {type(error).__name__}: {error}"
            hint = "it goes on; the log has the details"
            _log.error("the %s loop failed", self._name, exc_info=error)
        if not self._failures or text != self._told:
            self._notice(Notice("error", text, hint))
        self._told = text
        self._failures += 1
        return min(LONGEST_WAIT_S, 2.0 ** min(self._failures - 1, 6))
