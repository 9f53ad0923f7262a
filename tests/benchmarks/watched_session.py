"""A program in a terminal whose bytes are noted with their times, to be looked at when it rests.

Drawing a screen takes a processor longer than the program that sends it, and looking now and then
tells when somebody looked.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyte

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pty_session import PtySession


class WatchedSession(PtySession):
    """A program in a terminal that knows when which bytes came.

    Args:
        command: Program and arguments.
        how: As `PtySession` takes it.

    Attributes:
        came: Seconds of the performance counter, and the number of bytes there were then.
    """

    def __init__(self, command: Sequence[str], **how: Any) -> None:
        self.came: list[tuple[float, int]] = []
        super().__init__(command, **how)

    def pump(self, timeout_s: float) -> int:
        """Take in what comes within a time, and note when it came."""
        size = super().pump(timeout_s)
        if size:
            self.came.append((time.perf_counter(), len(self.data)))
        return size

    def rest_with(self, condition: Callable[[str], bool], *, quiet_s: float, most_s: float) -> None:
        """Wait until nothing more comes and a condition holds of the screen.

        Raises:
            AssertionError: It does not come to hold.
        """
        end = time.monotonic() + most_s
        while True:
            self.until_quiet(quiet_s)
            if condition(self.text):
                return
            assert time.monotonic() < end, self.text

    def shown_at(self, *conditions: Callable[[str], bool]) -> list[float]:
        """Return for each condition when the bytes came with which it first held of the screen.

        Infinite where it never did. The screen is drawn anew from its first byte on.
        """
        found = [float("inf")] * len(conditions)
        self.screen.reset()
        self._stream = pyte.ByteStream(self.screen)
        self._fed = 0
        for at, size in self.came:
            text = self.text_at(size)
            for number, holds in enumerate(conditions):
                if found[number] == float("inf") and holds(text):
                    found[number] = at
            if float("inf") not in found:
                break
        return found
