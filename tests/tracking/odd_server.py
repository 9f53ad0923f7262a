"""A loopback server that answers every request in one odd way, and counts them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class OddServer:
    """What the server answers; may be changed while it runs.

    Attributes:
        cut: Close the connection after the headers, before the body.
        hang: Read the request and never answer.
    """

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False
    requests: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def odd_server() -> Iterator[OddServer]:
    """Run the server while the block lasts."""
    odd = OddServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            odd.requests.append(f"{self.command} {self.path.partition('?')[0]}")
            if odd.hang:
                odd.released.wait(60)
                self.close_connection = True
                return
            self.send_response(odd.status)
            for name, value in odd.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(odd.body) + (100 if odd.cut else 0)))
            self.end_headers()
            self.wfile.write(odd.body)
            self.close_connection = odd.cut

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    odd.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield odd
    finally:
        odd.released.set()
        server.shutdown()
        server.server_close()
