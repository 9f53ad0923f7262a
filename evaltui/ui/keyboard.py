"""Reading what is typed, without looking ten times a second whether anything was."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable

from textual import constants
from textual._xterm_parser import XTermParser
from textual.message import Message

_READ_BYTES = 4096
_A_BIT_S = 0.005
"""Added to the time after which an escape that nothing follows was the key, not a sequence."""


class SelectableEvent(threading.Event):
    """An event that a selector waits for beside files."""

    def __init__(self) -> None:
        super().__init__()
        self._out, self._in = os.pipe()
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)

    def fileno(self) -> int:
        """Return a descriptor that can be read while the event is set."""
        return self._out

    def set(self) -> None:
        """Set it, and end every wait."""
        super().set()
        with contextlib.suppress(BlockingIOError):  # it was set thousands of times
            os.write(self._in, b"!")

    def clear(self) -> None:
        """Make it as if it had never been set."""
        super().clear()
        with contextlib.suppress(BlockingIOError):
            os.read(self._out, _READ_BYTES)


def read_keys(
    fileno: int, end: SelectableEvent, take: Callable[[Message], None], *, debug: bool = False
) -> None:
    """Read a terminal until an event is set; sleeps while nothing is typed.

    Only after bytes came it wakes once more by itself: an escape may have been the key.

    Args:
        fileno: The terminal.
        end: Ends it at once.
        take: Called with what Textual makes of the bytes.
        debug: See `XTermParser`.

    Raises:
        OSError: The terminal cannot be read any more.
    """
    parser = XTermParser(debug)
    decode = getincrementaldecoder("utf-8")(errors="replace").decode
    wait_s: float | None = None
    with selectors.SelectSelector() as selector:
        selector.register(fileno, selectors.EVENT_READ)
        selector.register(end, selectors.EVENT_READ)
        while not end.is_set():
            ready = selector.select(wait_s)
            wait_s = None
            if any(key.fd == fileno for key, _ in ready):
                text = decode(_read(fileno))
                for message in parser.feed(text) if text else ():
                    take(message)
                wait_s = constants.ESCAPE_DELAY + _A_BIT_S
            for message in parser.tick():
                take(message)


def _read(fileno: int) -> bytes:
    data = os.read(fileno, _READ_BYTES)
    if not data:
        raise OSError(errno.EIO, "end of input")  # the terminal hung up
    return data
