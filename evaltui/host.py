"""The engine process of the screen, which `evaltui.hosting` starts.

Reads requests from descriptor 0 and writes events to what was descriptor 1, as frames. Nothing
else reaches that stream: descriptors 1 and 2 lead to the log before any library is used. The end
of the requests (the screen is gone, however it ended) ends the process, the report at hand first.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from evaltui.domain.events import Notice, StoreState, StoreStatus
from evaltui.engine.link import (
    Event,
    FrameError,
    FrameReader,
    Noticed,
    Reply,
    Request,
    StoreChanged,
    Verb,
    encode,
)
from evaltui.engine.runtime import Engine
from evaltui.errors import EvaltuiError, ExitCode
from evaltui.log import start_log
from evaltui.settings import Settings
from evaltui.wiring import build

STOP_S = 40.0
"""How long the report at hand may take at the end; an upload may stall for 30 s."""

_READ_BYTES = 64 * 1024
_PIPE_BYTES = 1 << 20
"""A page of runs fits in, so that the next one is read while the screen takes it."""

_log = logging.getLogger(__name__)


class FrameWriter:
    """Writes events to a descriptor, from any thread; silent once nobody reads.

    Args:
        handle: The descriptor.
        ended: Set when the reader is gone.
    """

    def __init__(self, handle: int, ended: threading.Event) -> None:
        self._handle = handle
        self._ended = ended
        self._broken = False
        self._lock = threading.Lock()

    def write(self, event: Event) -> None:
        """Write one event whole; it waits while the reader is slow."""
        frame = memoryview(encode(event))
        with self._lock:
            try:
                while frame and not self._broken:
                    frame = frame[os.write(self._handle, frame) :]
            except OSError:
                self._broken = True
                self._ended.set()


class Host:
    """One conversation with a screen.

    Args:
        requests: Descriptor that requests are read from.
        events: Descriptor that events are written to.
    """

    def __init__(self, requests: int, events: int) -> None:
        self._requests = requests
        self._ending = threading.Event()
        self._writer = FrameWriter(events, self._ending)
        self._engine: Engine | None = None

    def run(self) -> ExitCode:
        """Converse until the requests end, STOP comes, or a signal asks for the end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        threading.Thread(target=self._read, name="evaltui-requests", daemon=True).start()
        self._ending.wait()
        engine = self._engine
        if engine is not None and not engine.stop(STOP_S):
            _log.warning("the engine did not stop within %.0f s; the journal knows", STOP_S)
        return ExitCode.OK

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._ending.set()

    def _read(self) -> None:
        reader = FrameReader()
        try:
            while data := os.read(self._requests, _READ_BYTES):
                for message in reader.feed(data):
                    if isinstance(message, Request):
                        self._take(message)
        except (OSError, FrameError) as error:
            _log.warning("the requests broke off: %s", error)
        finally:
            self._ending.set()

    def _take(self, request: Request) -> None:
        if request.verb is Verb.STOP:
            self._ending.set()
        if request.verb is Verb.START:
            self._start(request)
        elif self._engine is not None:
            self._engine.submit(request)
        else:
            self._writer.write(Reply(request.number, {}, "the engine is not started"))

    def _start(self, request: Request) -> None:
        """Build and start the engine; what stands in the way is told, and the process stays.

        The screen then shows why, instead of starting one engine after the other.
        """
        if self._engine is not None:
            self._writer.write(Reply(request.number, {}, "the engine runs already"))
            return
        try:
            self._engine = _engine_for(request.args, self._writer)
        except EvaltuiError as error:
            _log.error("the engine cannot start: %s", error.message)
            self._refuse(request, error.message, error.hint or "")
        except (KeyError, TypeError, ValueError) as error:
            _log.exception("the engine cannot start")
            self._refuse(request, f"unusable start request: {error}", "")
        else:
            self._writer.write(Reply(request.number, {}))
            self._engine.start()

    def _refuse(self, request: Request, message: str, hint: str) -> None:
        settings = request.args.get("settings")
        asked = settings if isinstance(settings, Mapping) else {}
        status = StoreStatus(
            target=str(asked.get("tracking_uri") or asked.get("profile") or ""),
            why="",
            experiment=str(asked.get("experiment") or ""),
            state=StoreState.REFUSED,
            error=message,
            hint=hint,
        )
        self._writer.write(StoreChanged(status))
        self._writer.write(Noticed(Notice("error", message, hint)))
        self._writer.write(Reply(request.number, {}, message, hint))


def _engine_for(args: Mapping[str, Any], writer: FrameWriter) -> Engine:
    settings = Settings.from_json(args["settings"])
    cwd = Path(str(args["cwd"]))
    path = start_log(settings)
    _lead_to(path)
    with contextlib.suppress(OSError):
        os.chdir(cwd)  # relative paths in environment variables start from where the person is
    engine = build(
        settings, os.environ, emit=writer.write, cwd=cwd, shown=str(args.get("shown", ""))
    )
    with contextlib.suppress(OSError):
        os.chdir(path.parent)  # nothing that a library writes lands beside the reports
    gc.freeze()  # what is imported stays: no collection walks through it again
    gc.enable()
    return engine


def _lead_to(path: Path) -> None:
    """Let descriptors 1 and 2 lead to the log file."""
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(path, flags, 0o600)
    except OSError:
        return  # they lead to where the screen sent stderr
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def main() -> None:
    """Take the two streams for frames alone, converse, and end the process."""
    requests, events = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what is printed is there if it is killed
    with contextlib.suppress(OSError, AttributeError):  # where pipes are what they are
        fcntl.fcntl(events, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    code = Host(requests, events).run()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)  # threads in dead connections, and mlflow's own at-exit work, do not hold it up


if __name__ == "__main__":
    main()
