"""Starts engine processes; imports so little that one can be started before the screen is loaded.

What talks to them is `ui.engine_process`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
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

FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1"}
"""numpy's library of linear algebra, which nothing here uses, makes a thread per processor: a tenth
of a second of an engine's start."""

EARLY_NUMBER = 0
"""Of the request to start that is sent before there is a link; a link counts from 1."""

_AT_ONCE_BYTES = 16 * 1024
"""What a pipe takes before anybody reads it, on every system."""


def spawn(settings: Settings, command: Sequence[str] | None = None) -> subprocess.Popen[bytes]:
    """Start an engine that prints to the log, in a process group of its own.

    What a terminal sends, ctrl+z, ctrl+c and a hang-up, reaches the group in front: the screen. The
    session is the same, because Linux shares processors between sessions as between equals: in one
    of its own, the engine would not give way to the screen, however nice it is.

    Args:
        settings: Say where the log is.
        command: Program to start instead of the engine (tests).

    Raises:
        OSError: It cannot be started.
    """
    log = _open_log(settings)
    try:
        return subprocess.Popen(
            tuple(command or ENGINE_COMMAND),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log if log is not None else subprocess.DEVNULL,
            cwd=working_directory(),  # relative paths of settings and variables start there
            env={**FEW_THREADS, **os.environ, "PYTHONSAFEPATH": "1"},
            process_group=0,
        )
    finally:
        if log is not None:
            log.close()


def kill_group(pid: int) -> None:
    """Kill a process that leads its own group, and everything in the group."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


class EarlyEngine:
    """An engine that loads itself, and begins, beside the screen.

    Args:
        settings: What it is to do.
        command: Program to start instead of the engine.

    Attributes:
        asked: Whether it was asked to start, by the request EARLY_NUMBER.
    """

    def __init__(self, settings: Settings, command: Sequence[str] | None = None) -> None:
        self.asked = False
        self._error: OSError | None = None
        self._process: subprocess.Popen[bytes] | None = None
        args = start_args(settings, shown="")
        header = {"number": EARLY_NUMBER, "verb": "start", "args": args, "kind": "Request"}
        request = frame(header)
        try:
            self._process = spawn(settings, command)
            if len(request) <= _AT_ONCE_BYTES:
                assert self._process.stdin is not None
                self._process.stdin.write(request)
                self.asked = True
        except OSError as error:
            self._error = error

    def take(self) -> subprocess.Popen[bytes]:
        """Return the process, whose end is the caller's affair from now on.

        Raises:
            OSError: It could not be started.
        """
        process, self._process = self._process, None
        if self._error is not None or process is None:
            raise self._error or ChildProcessError("it was given away already")
        return process

    def drop(self) -> None:
        """Kill it if it was not taken: nobody is going to talk to it."""
        process, self._process = self._process, None
        if process is not None:
            kill_group(process.pid)


def start_args(settings: Settings, *, shown: str) -> dict[str, Any]:
    """Return what the request to start tells; see `Verb.START`."""
    return {"settings": settings.to_json(), "cwd": working_directory(), "shown": shown}


def working_directory() -> str:
    """Return the current directory, or "/" when it was deleted under us."""
    try:
        return str(Path.cwd())
    except OSError:
        return "/"


def _open_log(settings: Settings) -> IO[bytes] | None:
    """Open the log for what the engine prints; None where it cannot be written."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.fdopen(os.open(log_path(settings), flags, 0o600), "ab", buffering=0)
    except (OSError, ConfigError):
        return None
