"""Cheap lives of the real program: forked from a process that has imported mlflow already.

Starting Python and importing mlflow takes seconds; a fork takes milliseconds. What runs in the
fork is `evaltui.cli.main.main` with its own arguments, environment and output.

Run as a program it takes orders as JSON lines on stdin and answers each with one on stdout.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stores import quiet_environ

_POLL_S = 0.005
_PR_SET_PDEATHSIG = 1


class Life:
    """One process of the program.

    Attributes:
        pid: Its process id; it stays taken until `wait` has told the end.
        output: File that stdout and stderr go to.
    """

    def __init__(self, nursery: Nursery, pid: int, output: Path) -> None:
        self.pid = pid
        self.output = output
        self._nursery = nursery
        self._status: int | None = None

    @property
    def status(self) -> int | None:
        """Exit code, or minus the signal's number; None while it runs."""
        if self._status is None:
            self._status = self._nursery.ask(wait=self.pid)["status"]
        return self._status

    def send(self, number: signal.Signals) -> None:
        """Send a signal; none is sent to a process that was waited for."""
        if self._status is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = 180.0) -> int:
        """Wait for the end; return the status.

        Raises:
            AssertionError: It goes on for longer.
        """
        end = time.monotonic() + seconds
        while (status := self.status) is None:
            assert time.monotonic() < end, f"it goes on: {self.text[-2000:]}"
            time.sleep(_POLL_S)  # between two looks
        return status

    def kill(self) -> None:
        """Kill it, and wait."""
        self.send(signal.SIGKILL)
        self.wait()

    def stop(self, seconds: float = 180.0) -> int:
        """Ask it to end, and wait; return the status."""
        self.send(signal.SIGTERM)
        return self.wait(seconds)

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""


class Nursery:
    """Starts lives; a context manager that ends those that go on.

    Args:
        folder: Where the outputs go.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lives: list[Life] = []
        self._number = 0
        path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=quiet_environ(PYTHONPATH=path, OPENBLAS_NUM_THREADS="1"),
            cwd=folder,
        )

    def start(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        *,
        crash_at: tuple[str, int] | None = None,
        hurry: float = 1.0,
    ) -> Life:
        """Start the program.

        Args:
            argv: Its arguments.
            environ: Variables beside those of a quiet environment.
            crash_at: Step of the ingest, and how many times it is passed before the process kills
                itself there; (step, 1) is the first time.
            hurry: By how much the waiting between two tries is shortened.
        """
        self._number += 1
        output = self._folder / f"life-{self._number:05d}.txt"
        answer = self.ask(
            argv=list(argv),
            environ=quiet_environ(**environ),
            output=str(output),
            crash_at=crash_at,
            hurry=hurry,
        )
        life = Life(self, answer["pid"], output)
        self._lives = [*(old for old in self._lives if old._status is None), life]
        return life

    def ask(self, **order: object) -> dict[str, Any]:
        """Give one order and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the nursery has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for life in self._lives:
            if life.status is None:
                life.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(180)


# -- the program ---------------------------------------------------------------------------------


def _import_everything() -> None:
    """Import what a life would, and make sure that no thread was started by that."""
    import evaltui.cli.main
    import evaltui.cli.watch
    import evaltui.engine.backlog
    import evaltui.engine.ingest
    import evaltui.engine.watcher
    import evaltui.tracking.rest_source
    import evaltui.tracking.sqlite_source
    import evaltui.tracking.writer
    import evaltui.wiring  # noqa: F401
    from evaltui.tracking import mlflow_client

    mlflow_client._import_quietly()
    import mlflow.store.artifact.mlflow_artifacts_repo
    import mlflow.store.tracking.rest_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

    threads = threading.enumerate()
    assert len(threads) == 1, f"{threads}: a fork would not have them"


def _live(order: dict[str, Any]) -> int:
    """Be the program; in the fork."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # when a test is killed, so is it
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["environ"])
    if order["crash_at"] is not None:
        _crash(*order["crash_at"])
    if order["hurry"] > 1:
        _hurry(order["hurry"])
    from evaltui.cli.main import main

    return main(order["argv"])


def _crash(step: str, times: int) -> None:
    from evaltui.engine import ingest

    left = [times]

    def crash_at(name: str) -> None:
        if name == step:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    vars(ingest)["Ingestor"] = functools.partial(ingest.Ingestor, crash_at=crash_at)


def _hurry(factor: float) -> None:
    from evaltui.engine.steps import backoff

    vars(backoff).update(BASE_S=backoff.BASE_S / factor, CAP_S=backoff.CAP_S / factor)


def _serve() -> int:
    """Take orders until there are no more; return the exit code of a fork."""
    _import_everything()
    while line := sys.stdin.readline():
        order = json.loads(line)
        if "wait" in order:
            pid, status = os.waitpid(order["wait"], os.WNOHANG)
            answer = {"status": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            pid = os.fork()
            if not pid:
                return _live(order)
            answer = {"pid": pid}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(_serve())
