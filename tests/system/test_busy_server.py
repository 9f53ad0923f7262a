"""A server that refuses everything: how often it is asked, and what is written down of it."""

from __future__ import annotations

import base64
import json
import stat
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from second_look import own_report
from watch_process import WatchProcess, drop, evaltui

pytestmark = pytest.mark.system

RETRY_AFTER_S = 8
USER, PASSWORD, TOKEN = "canary-user", "canary-password-123", "canary-token-456789"


class BusyServer:
    """Answers 429 with a Retry-After to everything, and says back what it was sent.

    Attributes:
        asked_at: Monotonic second of each request.
    """

    def __init__(self) -> None:
        self.asked_at: list[float] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def _refuse(self) -> None:
                owner.asked_at.append(time.monotonic())
                body = f"<html>busy: {self.headers}</html>".encode()
                self.send_response(429)
                self.send_header("Retry-After", str(RETRY_AFTER_S))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = _refuse  # noqa: N815

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture
def server() -> Iterator[BusyServer]:
    server = BusyServer()
    yield server
    server.close()


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


def test_a_busy_server_is_left_alone_as_long_as_it_asks(
    server: BusyServer, reports: Path, tmp_path: Path
) -> None:
    uri = {"MLFLOW_TRACKING_URI": f"http://{server.address}"}
    for number in range(5):
        drop(reports / f"{number}" / "evaluation_report.json", own_report(number / 10))
    with WatchProcess(tmp_path, reports, environ=uri) as watch:
        watch.watching()
        watch.until(lambda: len(server.asked_at) >= 7, "seven requests")
        watch.end()
    # one who reads and one who writes, each once; at the start the reader looks twice
    pairs = zip(server.asked_at, server.asked_at[3:], strict=False)
    assert min(later - earlier for earlier, later in pairs) > RETRY_AFTER_S - 0.2


def test_no_credential_is_written_down_while_a_server_refuses_it(
    server: BusyServer, reports: Path, tmp_path: Path
) -> None:
    environ = {
        "MLFLOW_TRACKING_URI": f"http://{USER}:{PASSWORD}@{server.address}",
        "DATABRICKS_TOKEN": TOKEN,
    }
    path = drop(reports / "evaluation_report.json", own_report())
    with WatchProcess(tmp_path, reports, environ=environ) as watch:
        watch.watching()
        watch.until(lambda: "pending" in watch.states(path), "a report that waits")
        watch.end()
    told = [watch.told, json.dumps(watch.lines)]
    for command in (["journal", "export"], ["journal", "verify"], ["doctor"], ["runs"]):
        done = evaltui(tmp_path, *command, **environ)
        told += [done.stdout, done.stderr]
    written = [file for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert written
    assert not [file for file in written if stat.S_IMODE(file.stat().st_mode) & 0o077]
    sent = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for secret in (PASSWORD, TOKEN, sent):
        assert not [text for text in told if secret in text]
        assert not [file for file in written if secret.encode() in file.read_bytes()]
