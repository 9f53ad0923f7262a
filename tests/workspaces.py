"""Starts stand-ins for Databricks workspaces, tells them to fail, reads what they were asked."""

from __future__ import annotations

import json
import re
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from second_look import StoredRun, all_runs
from self_signed import TLS_FILE, make_certificate
from servers import free_port
from stores import new_store, quiet_environ

TOKEN = "dapi-test"
_SERVER = Path(__file__).with_name("fake_workspace.py")


class FakeWorkspace:
    """A stand-in as a process of its own; also a context manager.

    Args:
        folder: Database, artifacts and its output lie below it; made when missing.
        tls: It speaks https, with a certificate that nobody knows.
    """

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.authority = folder / "authority.pem"
        if tls:
            make_certificate(self.authority, folder / TLS_FILE)
        self.database = new_store(folder / "mlflow.db")
        self.url = ""
        self._port = free_port()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        with (self.folder / "output.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(_SERVER), str(self.folder), str(self._port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env=quiet_environ() | {"PYTHONSAFEPATH": ""},
            )
        return self

    def ready(self) -> Self:
        """Wait until it serves; several can start side by side."""
        assert self._process is not None
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, (self.folder / "output.txt").read_text()[-3000:]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let it be away: nothing listens at its address."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)

    def start_again(self) -> None:
        """Come back at the same address; tokens of OAuth, faults and the log are forgotten."""
        self.__enter__()
        self.ready()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Take connections and say nothing while the block lasts."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @property
    def host(self) -> str:
        """Its name and port."""
        return self.url.partition("://")[2]

    def tell(self, verb: str, **what: object) -> dict[str, Any]:
        """Send an order: config, fault, clear, revoke, expire."""
        data = json.dumps(what).encode()
        request = urllib.request.Request(f"{self.url}/_fake/{verb}", data, method="POST")
        trust = None
        if self.authority.exists():
            trust = ssl.create_default_context(cafile=str(self.authority))
        with urllib.request.urlopen(request, timeout=90, context=trust) as answer:
            return dict(json.load(answer))

    def log(self, match: str = "") -> list[dict[str, Any]]:
        """Return the requests so far whose `METHOD path` matches."""
        lines = self.tell("log")["log"]
        return [line for line in lines if re.search(match, line["request"])]

    def count(self, match: str = "") -> int:
        """Return the number of such requests."""
        return len(self.log(match))

    def runs(self) -> list[StoredRun]:
        """Return every run, seen by a second client in the database."""
        found = all_runs(self.database)
        for run in found:
            run.artifact_dir = self.folder / "artifacts" / run.run_id
        return found

    def by_token(self, token: str = TOKEN, **more: str) -> dict[str, str]:
        """Return the variables of somebody with a personal token."""
        return {"DATABRICKS_HOST": self.url, "DATABRICKS_TOKEN": token, **more}

    def by_client(self, secret: str = "s3cret", **more: str) -> dict[str, str]:
        """Return the variables of a service principal."""
        return {
            "DATABRICKS_HOST": self.url,
            "DATABRICKS_CLIENT_ID": "evaltui-sp",
            "DATABRICKS_CLIENT_SECRET": secret,
            **more,
        }

    def by_profile(self, file: Path, token: str = TOKEN, name: str = "dev") -> dict[str, str]:
        """Write a profile; return the variables of somebody who uses it."""
        file.write_text(f"[{name}]\nhost = {self.url}\ntoken = {token}\n")
        file.chmod(0o600)
        return {"DATABRICKS_CONFIG_FILE": str(file), "DATABRICKS_CONFIG_PROFILE": name}
