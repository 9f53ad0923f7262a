"""A headless `evaltui watch` as a process, with what it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stores import quiet_environ
from waiting import wait_for

EVALTUI = (sys.executable, "-P", "-m", "evaltui")
PATIENCE_S = 180.0


def environ_below(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment whose state, data and configuration lie below a folder."""
    return quiet_environ(
        EVALTUI_STATE_DIR=str(folder / "state"),
        EVALTUI_DATA_DIR=str(folder / "data"),
        XDG_CONFIG_HOME=str(folder / "config"),
        **more,
    )


def evaltui(
    folder: Path, *arguments: str | Path, timeout: float = 2 * PATIENCE_S, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a folder."""
    return subprocess.run(
        [*EVALTUI, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environ_below(folder, **more),
        cwd=folder,
        timeout=timeout,
        check=False,
    )


class WatchProcess:
    """`evaltui watch --format json`; also a context manager, which kills it in the end.

    Args:
        folder: State and data lie below it, and relative paths start there.
        arguments: Further arguments.
        environ: Changes to the environment.
        stdout: Descriptor to print to, instead of a pipe that is read.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str | Path,
        environ: Mapping[str, str] | None = None,
        stdout: int | None = None,
    ) -> None:
        self.lines: list[dict[str, Any]] = []
        self.narration: list[str] = []
        self.process = subprocess.Popen(
            self.command([*map(str, arguments)]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            text=True,
            env={**environ_below(folder), **(environ or {})},
            cwd=folder,
            start_new_session=True,
        )
        self._threads = [threading.Thread(target=self._read_errors, daemon=True)]
        if stdout is None:
            self._threads.append(threading.Thread(target=self._read_lines, daemon=True))
        for thread in self._threads:
            thread.start()

    def command(self, arguments: list[str]) -> list[str]:
        """Return the command line."""
        return [*EVALTUI, "watch", "--format", "json", *arguments]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def told(self) -> str:
        """What it said on stderr so far."""
        return "".join(self.narration)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is true; fail with what it said."""
        try:
            wait_for(lambda: condition() or self.process.poll() is not None, what)
            assert condition(), what
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.lines} {self.told}") from None

    def watching(self) -> Self:
        """Wait until it watches."""
        self.until(lambda: "watching " in self.told, "watch")
        return self

    def states(self, path: Path) -> list[str]:
        """Return the states that were printed of a path."""
        return [line["state"] for line in self.lines if line["path"] == str(path)]

    def end(self, number: signal.Signals | None = signal.SIGTERM) -> int:
        """Send a signal, if one is given, and wait; return the status."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return status

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

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.narration.append(line)


def drop(path: Path, data: bytes) -> Path:
    """Put a file in place whole, as careful writers do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_bytes(data)
    draft.replace(path)
    return path
