"""A server of raw bytes for tests: answers, delays, drips, hangs and cuts off as it is told."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Behaviour = Callable[["Conversation"], None]


@dataclass
class Request:
    """A request that came in; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Conversation:
    """One request and the way to answer it."""

    request: Request
    socket: socket.socket
    stopped: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def drip(self, data: bytes, every_s: float) -> None:
        for number in range(len(data)):
            if self.stopped.wait(every_s):
                return
            self.socket.sendall(data[number : number + 1])


@dataclass
class StandIn:
    """A listening server. `behaviours` are used up one by one; the last one stays."""

    behaviours: list[Behaviour]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    url: str = ""


def answer(
    status: int,
    body: object,
    *,
    kind: str = "application/json",
    close: bool = False,
    **headers: str,
) -> Behaviour:
    """Answer with a status and a body (bytes, or a value for JSON)."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, *(["Connection: close"] if close else []), "", ""]).encode()
    return lambda talk: talk.send(head + data)


def hang(talk: Conversation) -> None:
    """Accept the request and say nothing."""
    talk.stopped.wait(60)


def hang_up(talk: Conversation) -> None:
    """Close the connection without an answer."""
    talk.socket.shutdown(socket.SHUT_RDWR)


def raw(data: bytes) -> Behaviour:
    """Send bytes, then close."""

    def behave(talk: Conversation) -> None:
        talk.send(data)
        talk.socket.shutdown(socket.SHUT_RDWR)

    return behave


def drip(data: bytes, every_s: float) -> Behaviour:
    """Send one byte after another."""
    return lambda talk: talk.drip(data, every_s)


@contextlib.contextmanager
def stand_in(*behaviours: Behaviour) -> Iterator[StandIn]:
    """Run a server with these behaviours."""
    told = StandIn(list(behaviours))
    stopped = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            told.connections += 1
            with contextlib.suppress(OSError):
                while not stopped.is_set():
                    request = _read(self.rfile)  # type: ignore[arg-type]  # a BufferedReader
                    if request is None:
                        return
                    told.requests.append(request)
                    last = len(told.behaviours) == 1
                    behave = told.behaviours[0] if last else told.behaviours.pop(0)
                    behave(Conversation(request, self.connection, stopped))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield told
        finally:
            stopped.set()
            server.shutdown()
            thread.join()


def _read(stream: object) -> Request | None:
    readline = stream.readline  # type: ignore[attr-defined]
    first = readline().decode().split()
    if len(first) < 2:
        return None
    headers: dict[str, str] = {}
    while line := readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))  # type: ignore[attr-defined]
    return Request(first[0], first[1], headers, body)
