"""Runs a program in a pseudo-terminal of its own, and looks at what it draws there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte
from terminal_bytes import Findings, examine

WAIT_S = 180.0
"""Longest wait for anything; a loaded machine is slow."""

QUIET_S = 0.3
"""Silence that ends what a key set off."""

SCREEN = str(Path(__file__).resolve().parent / "screen_with_fake_engine.py")

_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[\?[0-9;]*\$p|\x1b\[[<>=][0-9;]*u")


class PtySession:
    """A program, its terminal, and the screen that terminal shows.

    Args:
        command: Program and arguments.
        size: Columns and rows.
        env: Changes to the environment; None takes a variable away.
        cwd: Directory it runs in.
        owned: Whether the terminal is the program's controlling one, whose end brings SIGHUP.
        stdout: Descriptor of another terminal that takes what is printed; the screen is drawn to
            stderr.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        owned: bool = True,
        stdout: int | None = None,
    ) -> None:
        self.master, slave = pty.openpty()
        self._size(size)
        self.attrs_before = termios.tcgetattr(slave)
        self.data = bytearray()
        self._fed = 0
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        usual = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
        variables: dict[str, str | None] = {**os.environ, **usual, **(env or {})}
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env={name: value for name, value in variables.items() if value is not None},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_take_terminal if owned else None,  # noqa: PLW1509 - no threads here
        )
        self.slave = slave  # kept open: the attributes can be asked for after the program's end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            try:
                os.close(descriptor)
            except OSError:
                continue  # a test closed it

    # -- doing -----------------------------------------------------------------------------------

    def send(self, keys: str | bytes) -> None:
        """Type keys."""
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the terminal another size."""
        self.pump(0)
        self._draw()
        self.screen.resize(size[1], size[0])
        self._size(size)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGWINCH)

    def _size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        os.close(self.slave)
        os.close(self.master)

    # -- waiting ---------------------------------------------------------------------------------

    def pump(self, timeout_s: float) -> int:
        """Take in what comes within a time; returns at the first bytes, with their number."""
        ready, _, _ = select.select([self.master], [], [], timeout_s)
        if not ready:
            return 0
        try:
            data = os.read(self.master, 65_536)
        except OSError:
            return 0
        self.data += data
        return len(data)

    def until(
        self, condition: Callable[[], object], what: str = "", *, seconds: float = WAIT_S
    ) -> None:
        """Take in output until a condition holds.

        Raises:
            AssertionError: It does not come to hold, or the program ends before.
        """
        end = time.monotonic() + seconds
        while not condition():
            ended = self.process.poll() is not None
            if not self.pump(0.05) and ended and not condition():
                raise AssertionError(f"the program ended before {what}:\n{self.text}")
            if time.monotonic() > end:
                raise AssertionError(f"no {what} in {seconds:g} s:\n{self.text}")

    def until_text(self, text: str) -> None:
        """Wait until a text stands on the screen."""
        self.until(lambda: text in self.text, f"{text!r} on the screen")

    def until_quiet(self, quiet_s: float = QUIET_S) -> None:
        """Wait until the program has sent nothing for a while."""
        end = time.monotonic() + WAIT_S
        while self.pump(quiet_s):
            if time.monotonic() > end:
                raise AssertionError("the program never falls silent")

    def wait(self) -> int:
        """Wait for the program's end; return its status, negative for a signal."""
        end = time.monotonic() + WAIT_S
        while self.process.poll() is None:
            self.pump(0.05)
            if time.monotonic() > end:
                raise AssertionError(f"the program does not end:\n{self.text}")
        while self.pump(0.05):
            pass
        return self.process.returncode

    def wait_stopped(self) -> None:
        """Wait until the program is stopped."""
        self.until(lambda: _state(self.process.pid) == "T", "stop")

    # -- looking ---------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The screen, line by line."""
        return self.text_at(None)

    def text_at(self, end: int | None) -> str:
        """Return the screen as it is after so many bytes, None for all; it does not go back."""
        self._draw(end)
        return "\n".join(line.rstrip() for line in self.screen.display)

    def _draw(self, end: int | None = None) -> None:
        data = bytes(self.data[self._fed : end])
        cut = data.rfind(b"\x1b")
        if cut >= 0 and len(data) - cut < 16:  # perhaps the start of a sequence
            data = data[:cut] if not re.search(rb"[@-~]\Z", data[cut + 2 :]) else data
        self._fed += len(data)
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))

    def bytes_of(self, keys: str | bytes) -> int:
        """Type keys and return how many bytes they set off."""
        self.until_quiet()
        before = len(self.data)
        self.send(keys)
        self.until(lambda: len(self.data) > before, f"answer to {keys!r}")
        self.until_quiet()
        return len(self.data) - before

    def examine(self, *, clipboard: bool = False) -> Findings:
        """Judge everything that was sent so far."""
        return examine(bytes(self.data), clipboard=clipboard)

    @property
    def attrs(self) -> list[Any]:
        """The terminal's attributes as they are now."""
        return termios.tcgetattr(self.slave)


def screen_command(*flags: str, engine: Sequence[str] = ("serve",)) -> list[str]:
    """Return the command line of the real program with a fake engine.

    Args:
        flags: Flags of `evaltui`.
        engine: Words for the fake engine.
    """
    return [sys.executable, SCREEN, *flags, "--engine", *engine]


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _state(pid: int) -> str:
    text = Path(f"/proc/{pid}/stat").read_text()
    return text.rpartition(")")[2].split()[0]
