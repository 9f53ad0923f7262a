"""The engine as a child process: its pipes, its end, and whatever it started.

Imports little, so that an engine can be started before the rest of the screen is loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from evaltui.engine.frames import frame
from evaltui.errors import ConfigError
from evaltui.log import log_path
from evaltui.settings import Settings

ENGINE_COMMAND = (sys.executable, "-P", "-m", "evaltui.hosting")
"""`-P` and PYTHONSAFEPATH keep a file called json.py in the current directory from being run."""

EARLY_NUMBER = 0
"""Of the request to start that is sent before there is a link; a link counts from 1."""

READ_BYTES = 64 * 1024
"""Most bytes decoded before the event loop gets its turn."""


class EngineProcess(asyncio.SubprocessProtocol):
    """An engine process as asyncio tells of it.

    asyncio's own `Process.wait` also waits until every pipe is closed, which whatever the engine
    started can put off for ever; `exited` tells of the process alone.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.exited = asyncio.Event()
        self.stdout = asyncio.StreamReader(READ_BYTES * 4, loop)
        self.pid = 0
        self.transport: asyncio.SubprocessTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the process that was started."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self.transport = transport
        self.pid = transport.get_pid()
        stdout = transport.get_pipe_transport(1)
        assert isinstance(stdout, asyncio.ReadTransport)
        self.stdout.set_transport(stdout)  # lets the reader slow the engine down

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take what the engine wrote."""
        del fd
        self.stdout.feed_data(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Let the reader come to its end."""
        del exc
        if fd == 1:
            self.stdout.feed_eof()

    def process_exited(self) -> None:
        """Tell that the process is gone, and reaped."""
        self.exited.set()

    def close(self) -> None:
        """Let go of the pipes."""
        self.transport.close()

    def kill(self) -> None:
        """Kill the process, which leads its own group, and everything in the group."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def leave(self) -> None:
        """Let the process go on by itself; it ends because its input has ended.

        asyncio kills what still runs when the transport goes; a known status keeps it from that.
        """
        popen = self.transport.get_extra_info("subprocess")
        if popen is not None and popen.returncode is None:
            popen.returncode = 0
        self.transport.close()

    def how_it_ended(self) -> str:
        """Return how the process ended, in words."""
        status = self.transport.get_returncode()
        if status is not None and status < 0:
            with contextlib.suppress(ValueError):
                return f"the engine was ended by {signal.Signals(-status).name}"
        return f"the engine ended with status {status}"

    def write(self, data: bytes) -> None:
        """Send bytes; they fall away when the engine does not read any more."""
        pipe = self.transport.get_pipe_transport(0)
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            pipe.write(data)

    def close_stdin(self) -> None:
        """Let the engine see the end of its input."""
        pipe = self.transport.get_pipe_transport(0)
        if pipe is not None:
            pipe.close()


async def start_engine(command: Sequence[str], log: IO[bytes] | None) -> EngineProcess:
    """Start an engine in a session of its own.

    Args:
        command: Program and arguments.
        log: Where it prints to, or None for nowhere.

    Raises:
        OSError: It cannot be started.
    """
    loop = asyncio.get_running_loop()
    _, process = await loop.subprocess_exec(
        lambda: EngineProcess(loop),
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log if log is not None else asyncio.subprocess.DEVNULL,
        cwd=working_directory(),  # relative paths of settings and variables start there
        env={**os.environ, "PYTHONSAFEPATH": "1"},
        start_new_session=True,  # ctrl+z, ctrl+c and a hang-up are the screen's affair
    )
    return process


def open_log(settings: Settings) -> IO[bytes] | None:
    """Open the log for what the engine prints; None where it cannot be written."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.fdopen(os.open(log_path(settings), flags, 0o600), "ab", buffering=0)
    except (OSError, ConfigError):
        return None


async def launch(settings: Settings, command: Sequence[str] | None = None) -> EngineProcess:
    """Start an engine that prints to the log.

    Args:
        settings: Say where the log is.
        command: Program to start instead of the engine (tests).

    Raises:
        OSError: It cannot be started.
    """
    log = open_log(settings)
    try:
        return await start_engine(tuple(command or ENGINE_COMMAND), log)
    finally:
        if log is not None:
            log.close()


class EarlyEngine:
    """An engine that loads itself beside the screen.

    Belongs to the event loop that it is made on.

    Args:
        settings: Say where the log is.
        command: Program to start instead of the engine.
        asked: Ask it to start, too; else nobody has talked to it yet.

    Attributes:
        asked: Whether it was asked to start, by the request EARLY_NUMBER.
    """

    def __init__(
        self, settings: Settings, command: Sequence[str] | None = None, *, asked: bool = False
    ) -> None:
        self.asked = asked
        self._settings = settings
        self._starting = asyncio.ensure_future(self._start(command))

    async def _start(self, command: Sequence[str] | None) -> EngineProcess:
        process = await launch(self._settings, command)
        if self.asked:
            args = start_args(self._settings, shown="")
            header = {"number": EARLY_NUMBER, "verb": "start", "args": args, "kind": "Request"}
            process.write(frame(header))
        return process

    async def take(self) -> EngineProcess:
        """Return the process, whose end is the caller's affair from now on.

        Raises:
            OSError: It could not be started.
        """
        return await self._starting

    def drop(self) -> None:
        """Kill it: nobody is going to talk to it. Safe when the loop has ended."""
        starting = self._starting
        if not starting.done():
            with contextlib.suppress(RuntimeError):  # the loop is closed, and has killed it
                starting.cancel()
        elif not starting.cancelled() and starting.exception() is None:
            starting.result().kill()


def start_args(settings: Settings, *, shown: str) -> dict[str, Any]:
    """Return what the request to start tells; see `Verb.START`."""
    return {"settings": settings.to_json(), "cwd": working_directory(), "shown": shown}


def working_directory() -> str:
    """Return the current directory, or "/" when it was deleted under us."""
    try:
        return str(Path.cwd())
    except OSError:
        return "/"
