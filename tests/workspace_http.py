"""Plumbing of the stand-in for a Databricks workspace: requests, their log, faults, answers."""

from __future__ import annotations

import json
import socket
import time
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from workspace_state import RefusalError, Workspace

JSON_KIND = "application/json; charset=utf-8"
Json = dict[str, Any]


class Plumbing(BaseHTTPRequestHandler, ABC):
    """Reads requests, logs them, fails as it was told, and sends answers."""

    workspace: Workspace
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        return

    def serve(self) -> None:
        address = urlsplit(self.path)
        self.where = address.path
        self.query = {key: text[-1] for key, text in parse_qs(address.query).items()}
        self.body = self._body()
        self.who: Json = {}
        self.fault: Json = {}
        self.noted = address.path.startswith("/_fake/")
        try:
            if self.noted:
                self._control()
            elif not self._fails():
                self.answer()
        except RefusalError as error:
            self.send(error.status, error.body, headers=error.headers)
        except ConnectionError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    @property
    def document(self) -> Json:
        """The request's JSON body."""
        return json.loads(self.body) if self.body else {}

    def send(
        self,
        status: int,
        body: object = b"",
        *,
        kind: str = JSON_KIND,
        headers: dict[str, str] | None = None,
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._note(status)
        if self.fault.get("lose"):
            self._cut()
            return
        self.send_response(status)
        shown = {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}
        if status == 204:
            del shown["Content-Length"]
        for name, text in shown.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(data)

    def _note(self, status: object) -> None:
        """Write the log before the answer leaves, so that who got the answer finds the line."""
        if self.noted:
            return
        self.noted = True
        sent = self.headers.get("Authorization", "")
        line = {
            "request": f"{self.command} {self.where}",
            "status": status,
            "sent": sent,
            "org": self.headers.get("x-databricks-org-id", ""),
            "lost": bool(self.fault.get("lose")),
            "at": time.monotonic(),
        }
        with self.workspace.lock:
            self.workspace.log.append(line)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _fails(self) -> bool:
        """Act on a fault; return whether the request is over with it.

        A fault has `delay` seconds, `drop` (closed, not processed), `lose` (processed, then closed
        without an answer), or `status` with `body`, `kind` and `headers`.
        """
        self.fault = self.workspace.fault_for(f"{self.command} {self.where}")
        time.sleep(self.fault.get("delay", 0))
        if self.fault.get("drop"):
            self._note("dropped")
            self._cut()
            return True
        if "status" not in self.fault:
            return False
        body = self.fault.get("body", {"error_code": "INTERNAL_ERROR", "message": "injected"})
        data = body.encode() if isinstance(body, str) else body
        kind = "text/html" if isinstance(body, str) else JSON_KIND
        self.send(self.fault["status"], data, kind=kind, headers=self.fault.get("headers"))
        return True

    def _control(self) -> None:
        state, told = self.workspace, self.document
        with state.lock:
            if self.where == "/_fake/log":
                self.send(200, {"log": state.log})
                return
            if self.where == "/_fake/config":
                for name, value in told.items():
                    assert hasattr(state.config, name), name
                    setattr(state.config, name, value)
            elif self.where == "/_fake/fault":
                state.faults.append({"times": 1, **told})
            elif self.where == "/_fake/clear":
                state.log.clear()
                state.faults.clear()
            elif self.where == "/_fake/revoke":
                state.issued.clear()
            elif self.where == "/_fake/expire":
                for known in state.issued.values():
                    known["until"] = 0.0
        self.send(200, {})

    @abstractmethod
    def answer(self) -> None:
        """Answer the request."""
