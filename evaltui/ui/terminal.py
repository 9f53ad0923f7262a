"""The terminal stays usable: refused when it is none, restored however the program ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Any

from platformdirs import user_state_path
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

from evaltui.settings import Settings

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)
"""Signals that end the program in an orderly way, with status 128 + their number."""

HEADLESS = "evaltui watch DIR"
"""What to run where there is no terminal."""


def refusal(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return one line why no screen can be drawn here, or None when it can."""
    for stream, name in ((sys.__stdin__, "stdin"), (sys.__stdout__, "stdout"), (sys.__stderr__, "stderr")):
        if stream is None or stream.closed or not _is_tty(stream):
            return f"evaltui: {name} is not a terminal; without one use `{HEADLESS}`"
    term = environ.get("TERM", "")
    if term in {"", "dumb", "unknown"}:
        return f"evaltui: TERM={term or '(unset)'} cannot draw a screen; use `{HEADLESS}`"
    return None


def _is_tty(stream: IO[str]) -> bool:
    try:
        return os.isatty(stream.fileno())
    except (OSError, ValueError):
        return False


def state_path(settings: Settings) -> Path:
    """Return the directory of journal and log; it may not exist yet."""
    return settings.state_dir or user_state_path("evaltui")


def open_log(settings: Settings) -> IO[bytes] | None:
    """Open the log for appending, private to the user; None where the directory is not writable."""
    folder = state_path(settings)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.fdopen(os.open(folder / "evaltui.log", flags, 0o600), "ab", buffering=0)
    except OSError:
        return None


class _GuardedFile:
    """The terminal's file; once the terminal is gone, what is written falls away silently.

    Without it the writing thread dies of the first EIO, and the program waits for ever for room
    in that thread's queue.
    """

    def __init__(self, file: IO[str], gone: Callable[[], None]) -> None:
        self._file = file
        self._gone = gone
        self._dead = False

    def write(self, text: str) -> int:
        self._try(lambda: self._file.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._file.flush)

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
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
    """Textual's driver for Unix terminals, made safe against bare SIGCONT and a lost terminal."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._told = False
        self._suspended = False
        assert sys.__stderr__ is not None
        self._file = _GuardedFile(sys.__stderr__, self._tell_gone)  # type: ignore[assignment]  # the four methods the writer uses
        threading.Thread(target=self._watch_tty, name="evaltui-tty", daemon=True).start()

    def _sigtstp_application(self, *_: object) -> None:
        self._suspended = True
        super()._sigtstp_application()

    def _sigcont_application(self, *_: object) -> None:
        # A SIGCONT without SIGTSTP (kill -STOP, kill -CONT) finds the screen still in place;
        # starting the driver a second time would leave two input threads.
        if self._suspended:
            self._suspended = False
            super()._sigcont_application()
        else:
            self._app.call_later(self._app.refresh)

    def _watch_tty(self) -> None:
        """Wait, without using any time, until the terminal hangs up."""
        poll = select.poll()
        poll.register(self.fileno, 0)
        while True:
            for _, event in poll.poll():
                if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                    self._tell_gone()
                    return

    def _tell_gone(self) -> None:
        if not self._told:
            self._told = True
            end = getattr(self._app, "terminal_gone", None)
            if end is not None:
                self._app.call_later(end)

    @property
    def terminal_lost(self) -> bool:
        """Whether the terminal hung up."""
        return self._told

    def _get_terminal_size(self) -> tuple[int, int]:
        # A terminal that was never given a size says 0x0.
        width, height = super()._get_terminal_size()
        return Size(width, height) if width and height else Size(80, 24)


def catch_signals(end: Callable[[int], None]) -> Callable[[], None]:
    """Let each ending signal call `end(128 + number)` on the running event loop.

    A second one ends the process at once, with the terminal put back by hand: the loop may hang.

    Returns:
        A function that takes the handlers away again.
    """
    import asyncio  # noqa: PLC0415 - the loop module is loaded by then; keeps this module light

    loop = asyncio.get_running_loop()
    seen: list[int] = []
    attrs = _terminal_attrs()

    def handle(number: int, _frame: FrameType | None) -> None:
        if seen:
            restore_by_hand(attrs)
            os._exit(128 + number)
        seen.append(number)
        loop.call_soon_threadsafe(end, 128 + number)

    before = {number: signal.signal(number, handle) for number in ENDING_SIGNALS}

    def undo() -> None:
        for number, old in before.items():
            signal.signal(number, old)

    return undo


def _terminal_attrs() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except (termios.error, OSError):
        return None


RESTORE = "\x1b[<u\x1b[?2026l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m"
"""Undoes every terminal mode that the screen sets."""


def restore_by_hand(attrs: list[Any] | None) -> None:
    """Put the terminal back without the driver's help; never raises."""
    try:
        os.write(2, RESTORE.encode("ascii"))
        if attrs is not None:
            termios.tcsetattr(0, termios.TCSANOW, attrs)
    except (OSError, termios.error):
        return
