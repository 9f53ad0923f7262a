"""A real engine process on its two pipes, as the screen starts it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stores import quiet_environ

from evaltui.domain.events import FileRow, Notice, StoreStatus, WatchStatus
from evaltui.domain.run import Run
from evaltui.domain.table import RunTable
from evaltui.engine.link import (
    Event,
    FilesChanged,
    FrameError,
    FrameReader,
    Noticed,
    Reply,
    Request,
    RunsChanged,
    StoreChanged,
    Verb,
    WatchChanged,
    encode,
)

COMMAND = (sys.executable, "-P", "-m", "evaltui.hosting")
PATIENCE_S = 180.0


class EngineProcess:
    """An engine and what a screen would know by now; also a context manager.

    Args:
        folder: State, data and stderr go below it.
        settings: Settings of the start request, beside the directories.
        command: Program to run.
        environ: Further environment variables.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object] | None = None,
        *,
        command: Sequence[str] = COMMAND,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.settings = {
            "state_dir": str(folder / "state"),
            "data_dir": str(folder / "data"),
            **(settings or {}),
        }
        self.stderr = folder / "stderr.txt"
        with self.stderr.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd="/",
                env=quiet_environ(**(environ or {})),
                start_new_session=True,
            )
        self.table = RunTable()
        self.counts: list[int] = []
        self.files: dict[int, FileRow] = {}
        self.store: StoreStatus | None = None
        self.watch: WatchStatus | None = None
        self.notices: list[Notice] = []
        self.replies: dict[int, Reply] = {}
        self.events: list[Event] = []
        self.problem = ""
        self._number = 0
        self._changed = threading.Condition()
        self._ended = False
        self._reading = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def start(self, *, cwd: Path | None = None, shown: str = "") -> int:
        """Send the start request, with the token of the mirror on show; return its number."""
        args = {"settings": self.settings, "cwd": str(cwd or self.folder), "shown": shown}
        return self.send(Verb.START, **args)

    def send(self, verb: Verb, **args: object) -> int:
        """Send a request; return its number."""
        self._number += 1
        self.send_bytes(encode(Request(self._number, verb, args)))
        return self._number

    def send_bytes(self, data: bytes) -> None:
        """Write to the engine's requests."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, verb: Verb, **args: object) -> Reply:
        """Send a request and wait for its answer."""
        number = self.send(verb, **args)
        self.until(lambda: number in self.replies)
        return self.replies[number]

    def until(self, condition: Callable[[], object], *, seconds: float = PATIENCE_S) -> None:
        """Wait until something that events change is true."""
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._ended, seconds)
            assert condition(), f"it did not come about: {self._story()}"

    def hang_up(self) -> None:
        """Close the requests, as a screen does that ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self, seconds: float = PATIENCE_S) -> int:
        """Wait for the process; return its status."""
        status = self.process.wait(seconds)
        with self._changed:
            self._changed.wait_for(lambda: self._ended, PATIENCE_S)
        return status

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Read nothing inside, as a stopped screen does."""
        with self._reading:
            yield

    @property
    def log(self) -> str:
        """What the engine logged."""
        path = self.folder / "state" / "evaltui.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def runs(self) -> list[Run]:
        """Return the runs on show."""
        with self._changed:  # the table changes while it is read from
            alive = self.table.alive
            return [self.table.run(row) for row in range(self.table.size) if alive[row]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)

    def _read(self) -> None:
        assert self.process.stdout is not None
        reader = FrameReader()
        handle = self.process.stdout.fileno()
        try:
            while data := os.read(handle, 65_536):
                with self._reading:
                    pass
                for message in reader.feed(data):
                    with self._changed:
                        self._take(message)
                        self._changed.notify_all()
        except (OSError, FrameError) as error:
            self.problem = str(error)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, message: Request | Event) -> None:
        assert not isinstance(message, Request)
        self.events.append(message)
        if isinstance(message, RunsChanged):
            if message.reset:
                self.table = RunTable()
            self.table.apply(message.delta)
            self.counts.append(int(self.table.alive.sum()))
        elif isinstance(message, FilesChanged):
            self.files.update((row.file_id, row) for row in message.rows)
            for file_id in message.gone:
                self.files.pop(file_id, None)
        elif isinstance(message, StoreChanged):
            self.store = message.status
        elif isinstance(message, WatchChanged):
            self.watch = message.status
        elif isinstance(message, Noticed):
            self.notices.append(message.notice)
        else:
            self.replies[message.number] = message

    def _story(self) -> str:
        return (
            f"store {self.store}, watch {self.watch}, notices {self.notices}, files"
            f" {list(self.files.values())}, runs {[run.name for run in self.runs()]}, problem"
            f" {self.problem!r}, stderr {self.stderr.read_text()[-2000:]!r}, log"
            f" {self.log[-3000:]!r}"
        )
