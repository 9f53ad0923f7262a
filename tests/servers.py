"""A real `mlflow server` on loopback, started and stopped by tests."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from stores import new_store, quiet_environ

_START_S = 180.0
_STOP_S = 60.0


class MlflowServer:
    """One `mlflow server`, over a SQLite database unless told otherwise; also a context manager.

    It runs with one worker and without jobs (16 s to start, 360 MB). The port stays the same over
    `restart`, so that clients find it again.

    Args:
        directory: Where database, artifacts and the log go; made when missing.
        database: The SQLite database; default: a new one from the template.
        backend: Address of another kind of database.
        workers: Processes that answer.
    """

    def __init__(
        self,
        directory: Path,
        *,
        database: Path | None = None,
        backend: str = "",
        workers: int = 1,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.database = directory / "server.db"
        if not backend:
            self.database = database or new_store(self.database)
        self._backend = backend or f"sqlite:///{self.database}"
        self._workers = workers
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process that the server's workers belong to; it must be running."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> MlflowServer:
        """Start and wait until it answers.

        Raises:
            RuntimeError: It ended or did not answer; the text holds the end of its log.
        """
        assert self._process is None
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--backend-store-uri",
            self._backend,
            "--artifacts-destination",
            str(self.directory / "artifacts"),
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--workers",
            str(self._workers),
        ]
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=quiet_environ(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"),
                start_new_session=True,
            )
        self._await_health()
        return self

    def stop(self) -> None:
        """Stop it, and everything it started."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again on the same port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _await_health(self) -> None:
        assert self._process is not None
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            with contextlib.suppress(OSError, http.client.HTTPException):
                link.request("GET", "/health")
                if link.getresponse().status == http.client.OK:
                    link.close()
                    return
            link.close()
            time.sleep(0.1)  # between two tries
        self.kill()
        log = (self.directory / "server.log").read_text(errors="replace")[-2_000:]
        raise RuntimeError(f"mlflow server did not start:\n{log}")

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        group = process.pid  # start_new_session made it the leader
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, with_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        process.wait(_STOP_S)


def free_port() -> int:
    """Return a port that nobody is given by chance while its server starts, or is away.

    What binds port 0 or opens a connection gets one above 32,768 on Linux; another test's server
    that was given ours answered in its place.
    """
    while True:
        port = 12_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
