"""The terminal stays usable: it is restored however the program ends."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import select
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable
from types import FrameType
from typing import IO, Any, ClassVar

from textual import events
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

from evaltui.ui.keyboard import SelectableEvent, read_keys

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)
"""Signals that end the program in an orderly way, with status 128 + their number."""

SAME_WISH_S = 1.0
"""How long the same signal again is the same wish."""

RESTORE = (
    "\x1b[?2026l"  # synchronised output
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # mouse
    "\x1b[?1004l\x1b[?2004l\x1b[?2048l"  # focus, bracketed paste, resize reports
    "\x1b[<u\x1b[r\x1b[?7h"  # kitty keys, scroll region, wrap
    "\x1b[?1049l\x1b[?25h\x1b[0m"  # main screen, cursor, colours
)
"""Undoes every terminal mode that the screen sets."""


class GuardedFile:
    """The terminal's file; once the terminal is gone, what is written falls away silently.

    Without it the writing thread dies of the first EIO, and the program waits for ever for room
    in that thread's queue.

    Args:
        file: The terminal.
        gone: Called once, from the writing thread, when it cannot be written to any more.
    """

    def __init__(self, file: IO[str], gone: Callable[[], None]) -> None:
        self._file = file
        self._gone = gone
        self._dead = False

    def write(self, text: str) -> int:
        """Write a text, if there still is a terminal."""
        self._try(lambda: self._file.write(text))
        return len(text)

    def flush(self) -> None:
        """Send what was written."""
        self._try(self._file.flush)

    def isatty(self) -> bool:
        """Return True: it was one when the program started."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the file."""
        return self._file.fileno()

    def _try(self, step: Callable[[], object]) -> None:
        if self._dead:
            return
        try:
            step()
        except (OSError, ValueError):
            self._dead = True
            self._gone()


class TerminalDriver(LinuxDriver):
    """Textual's driver for Unix terminals, made safe against a lost terminal and a bare SIGCONT.

    An application that has a method `terminal_gone` gets it called, on its loop, when the terminal
    hung up.
    """

    attrs_at_start: ClassVar[list[Any] | None] = None
    """The terminal's attributes before the screen changed them, or None without a terminal."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._size = self._size or self._get_terminal_size()  # else Textual takes COLUMNS first
        TerminalDriver.attrs_at_start = terminal_attrs()
        self.exit_event = self._end = SelectableEvent()
        self._told = False
        self._suspended = False
        stream = sys.__stderr__
        assert stream is not None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an escape would be wider than its cell
        self._file = GuardedFile(stream, self._tell_gone)  # type: ignore[assignment]  # what the writer thread uses of a file
        threading.Thread(target=self._watch_tty, name="evaltui-tty", daemon=True).start()

    # -- the size --------------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Start as Textual does, but let the size be read where it cannot be overtaken.

        Textual reads it in the signal handler, which the next signal may interrupt: of two sizes
        the older one then comes last, and stays.
        """
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual has no type there
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGWINCH, self._size_changed)

    def _size_changed(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the program ends already
            self._loop.call_soon_threadsafe(self._tell_size)

    def _tell_size(self) -> None:
        if self._in_band_window_resize:
            return
        size = Size(*self._get_terminal_size())
        self._app.post_message(events.Resize(size, size))
        if size == self._app.size:
            # It was another one in between, which cut what stands there.
            self._app.refresh(layout=True)

    # -- the mouse -------------------------------------------------------------------------------

    def _enable_mouse_support(self) -> None:
        """Have clicks, the wheel and dragging reported, but no motion (Textual: every motion).

        Nothing here looks different below the pointer, so motion would only cost the line.
        """
        if self._mouse:
            self.write("\x1b[?1000h\x1b[?1002h\x1b[?1006h")
            self.flush()

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            pixels = "\x1b[?1016l" if self._mouse_pixels else ""
            self.write(f"{pixels}\x1b[?1006l\x1b[?1002l\x1b[?1000l")
            self.flush()

    # -- suspending ------------------------------------------------------------------------------
    # Signal handlers interrupt any line of the main thread, one that holds the lock of the output
    # queue included: they only leave word on the loop.

    def _sigtstp_application(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._suspend)

    def _sigcont_application(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._resume)

    def _suspend(self) -> None:
        self._suspended = True
        super()._sigtstp_application()

    def _resume(self) -> None:
        if self._suspended:
            self._suspended = False
            super()._sigcont_application()
            self._app.refresh(layout=True)
        elif self._writer_thread is not None and self._writer_thread.is_alive():
            # SIGCONT without SIGTSTP (kill -STOP, kill -CONT): the driver still runs, and a second
            # start would leave two input threads. The shell may have changed the terminal, though.
            self._set_modes_again()
            self._app.refresh(layout=True)

    def _set_modes_again(self) -> None:
        with contextlib.suppress(termios.error):
            attrs = termios.tcgetattr(self.fileno)
            attrs[tty.LFLAG] = self._patch_lflag(attrs[tty.LFLAG])
            attrs[tty.IFLAG] = self._patch_iflag(attrs[tty.IFLAG])
            termios.tcsetattr(self.fileno, termios.TCSANOW, attrs)
        self.write("\x1b[?1049h\x1b[?25l\x1b[?1004h")
        self._enable_mouse_support()
        self._enable_bracketed_paste()
        self._disable_line_wrap()

    # -- losing the terminal ---------------------------------------------------------------------

    def _run_input_thread(self) -> None:
        """Read input; a terminal that cannot be read any more is gone, not a crash."""
        try:
            read_keys(self.fileno, self._end, self.process_message, debug=self._debug)
        except OSError:
            self._tell_gone()

    def _watch_tty(self) -> None:
        """Wait, without using any time, until the terminal hangs up."""
        poll = select.poll()
        poll.register(self.fileno, 0)
        while True:
            for _, event in poll.poll():
                if event & (select.POLLHUP | select.POLLERR):
                    self._tell_gone()
                return  # POLLNVAL: a system that cannot watch terminals

    def _tell_gone(self) -> None:
        if self._told:
            return
        self._told = True
        end = getattr(self._app, "terminal_gone", None)
        if end is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the program ends already
                self._loop.call_soon_threadsafe(end)

    @property
    def terminal_lost(self) -> bool:
        """Whether the terminal hung up."""
        return self._told

    def _get_terminal_size(self) -> tuple[int, int]:
        """Ask the terminal itself: COLUMNS and LINES may come from another one, or a test."""
        try:
            width, height = os.get_terminal_size(self.fileno)
        except OSError:
            width, height = super()._get_terminal_size()
        return (width, height) if width and height else (80, 24)  # never given a size: 0x0


def catch_signals(end: Callable[[int], None]) -> Callable[[], None]:
    """Let each ending signal call `end(128 + number)` on the running event loop.

    A second one ends the process at once, with the terminal put back by hand: the loop may hang.
    The same one again within a moment is none: a terminal that closes hangs up, and so does its
    shell.

    Returns:
        A function that takes the handlers away again.
    """
    loop = asyncio.get_running_loop()
    seen: list[tuple[int, float]] = []
    attrs = TerminalDriver.attrs_at_start

    def handle(number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if seen and number == seen[0][0] and now - seen[0][1] < SAME_WISH_S:
            return
        if seen:
            restore_by_hand(attrs)
            os._exit(128 + number)
        seen.append((number, now))
        with contextlib.suppress(RuntimeError):  # the loop is closed: the program ends already
            loop.call_soon_threadsafe(end, 128 + number)

    before = {number: signal.signal(number, handle) for number in ENDING_SIGNALS}

    def undo() -> None:
        for number, old in before.items():
            signal.signal(number, old)

    return undo


def terminal_attrs() -> list[Any] | None:
    """Return the terminal's attributes for `restore_by_hand`, or None without a terminal."""
    try:
        return termios.tcgetattr(0)
    except (termios.error, OSError):
        return None


def restore_by_hand(attrs: list[Any] | None) -> None:
    """Put the terminal back without the driver's help; never raises, never waits.

    Args:
        attrs: What `terminal_attrs` returned before the screen was drawn.
    """
    with contextlib.suppress(OSError, termios.error):
        if attrs is not None:
            termios.tcsetattr(0, termios.TCSANOW, attrs)
        os.set_blocking(2, False)  # a terminal that takes nothing any more must not hold us
        os.write(2, RESTORE.encode("ascii"))
        os.set_blocking(2, True)
