"""A proxy on loopback that forwards to a real server and spoils some of the requests.

Which ones is decided by rules and a seed, and every request is counted, so that a test can say what
reached the server and what its client was told.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import random
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from raw_http import Headers, head, read_body, read_head, reset, send

HTML = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head>"
    b"<body><form action='/login'>Please sign in</form></body></html>"
)
_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"te"})
_LIMIT = 2**26
_LOG_LENGTH = 5_000


@dataclass(frozen=True)
class Fault:
    """What happens to a request.

    Attributes:
        kind: One of `NOT_FORWARDED` or `FORWARDED`.
        status: Answer of the kinds `status` and `status_after`.
        retry_after: Its Retry-After in seconds, or None for no such header.
        seconds: How long the kinds that wait do so; `slow_body`: between two bytes.
    """

    kind: str
    status: int = 500
    retry_after: int | None = None
    seconds: float = 1.0

    @property
    def name(self) -> str:
        """Name in counts."""
        return f"{self.kind} {self.status}" if self.kind.startswith("status") else self.kind


NOT_FORWARDED = ("status", "html", "refuse", "reset", "garbage", "empty_200", "wrong_json", "hang")
"""Kinds where the server never sees the request.

The connection is closed (refuse) or reset before an answer, something else than MLflow's answer
comes (html, garbage that is not HTTP, an empty body, another JSON, a status), or nothing (hang).
"""

FORWARDED = (
    "latency", "status_after", "html_after", "empty_after", "lost_reply", "lost_reply_fin",
    "reset_mid_body", "truncate_json", "short_body", "slow_body", "duplicate", "hang_after",
)  # fmt: skip
"""Kinds where the server does the work.

The answer comes late (latency, slow_body), not at all (lost_reply: reset, lost_reply_fin: closed,
hang_after), in part (reset_mid_body, truncate_json, short_body) or another one comes in its place;
`duplicate` sends the request twice, as a retrying gateway does.
"""

THIRTEEN = (
    Fault("status", 500),
    Fault("status", 503, retry_after=1),
    Fault("status", 429),
    Fault("status_after", 502),
    Fault("html_after"),
    Fault("reset"),
    Fault("lost_reply"),
    Fault("lost_reply_fin"),
    Fault("reset_mid_body"),
    Fault("truncate_json"),
    Fault("empty_200"),
    Fault("duplicate"),
    Fault("hang_after", seconds=30),
)
"""The faults of the long campaign, each with a chance of its own."""

EVERY_KIND = (
    *THIRTEEN[:-1],
    Fault("hang_after"),
    *(Fault(kind) for kind in ("html", "refuse", "garbage", "wrong_json", "hang", "latency")),
    *(Fault(kind) for kind in ("empty_after", "short_body")),
    Fault("slow_body", seconds=0.001),
)


@dataclass
class Rule:
    """When a fault is injected; the first rule that applies wins.

    Attributes:
        fault: What happens.
        method: Expression searched in the method.
        path: Expression searched in path and query.
        chance: Chance per request that matches.
        most: How often at most; None is for ever.
    """

    fault: Fault
    method: str = ""
    path: str = ""
    chance: float = 1.0
    most: int | None = None
    fired: int = field(default=0, init=False)

    def applies(self, method: str, path: str, rng: random.Random) -> bool:
        """Return whether this request is hit, and count it."""
        if not (re.search(self.method, method) and re.search(self.path, path)):
            return False
        if (self.most is not None and self.fired >= self.most) or rng.random() >= self.chance:
            return False
        self.fired += 1
        return True


def each(faults: Sequence[Fault], chance: float) -> list[Rule]:
    """Return rules by which every fault has this chance per request.

    Rules are asked one after the other, so a later one needs a somewhat larger share of the rest.
    """
    return [Rule(fault, chance=chance / (1 - chance * n)) for n, fault in enumerate(faults)]


@dataclass(frozen=True)
class Seen:
    """One request: its fault ("" for none) and the server's status, None when it saw nothing."""

    method: str
    path: str
    fault: str
    status: int | None


class FaultProxy:
    """The proxy, on a thread of its own; a context manager.

    Args:
        port: Port of the real server on loopback.
        rules: What is injected.
        seed: Seed of the chances.
        listen: Port of the proxy; 0 takes a free one.

    Attributes:
        rules: May be replaced at any time.
        token: Unless "", requests without this bearer token are answered 401.
        before: Called with method, path and body before a request is forwarded: a place to change
            the store in between.
        log: The newest requests.
        faults: How often which fault was injected.
        requests: Number of requests.
    """

    def __init__(
        self, port: int, rules: Sequence[Rule] = (), *, seed: int = 0, listen: int = 0
    ) -> None:
        self.rules = list(rules)
        self.token = ""
        self.before: Callable[[str, str, bytes], None] | None = None
        self.log: collections.deque[Seen] = collections.deque(maxlen=_LOG_LENGTH)
        self.faults: collections.Counter[str] = collections.Counter()
        self.requests = 0
        self.port = listen
        self._upstream = port
        self._rng = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Address of the proxy."""
        return f"http://127.0.0.1:{self.port}"

    def count(self, path: str) -> int:
        """Return how many of the logged requests have this text in their path."""
        return sum(path in seen.path for seen in list(self.log))

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _serve(self) -> int:
        self._server = await asyncio.start_server(
            self._connection, "127.0.0.1", self.port, limit=_LIMIT, backlog=512
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass  # either side went away
        finally:
            self._links.discard(task)
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection stays open."""
        line, headers = await read_head(reader)
        method, path, *_ = line.decode("latin-1").split(" ")
        fault = self._pick(method, path)
        self.requests += 1
        if fault is not None:
            self.faults[fault.name] += 1
        if fault is not None and fault.kind == "reset":
            self._note(method, path, fault, None)
            return reset(writer)
        body = await read_body(reader, headers)
        if self.token and (b"Bearer " + self.token.encode()) not in dict(headers).values():
            self._note(method, path, Fault("status", 401), None)
            return await send(writer, *_status_answer(Fault("status", 401)))
        if fault is not None and fault.kind in NOT_FORWARDED:
            self._note(method, path, fault, None)
            return await _without_server(fault, writer)
        if self.before is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self.before, method, path, body)
        if fault is not None and fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
        try:
            answer = await self._ask(line, headers, body)
            if fault is not None and fault.kind == "duplicate":
                answer = await self._ask(line, headers, body)
        except (OSError, asyncio.IncompleteReadError):
            return await send(writer, b"HTTP/1.1 502 Bad Gateway", [], b"upstream down")
        self._note(method, path, fault, int(answer[0].split(b" ")[1]))
        return await _tell(fault, writer, *answer)

    def _pick(self, method: str, path: str) -> Fault | None:
        return next((r.fault for r in self.rules if r.applies(method, path, self._rng)), None)

    def _note(self, method: str, path: str, fault: Fault | None, status: int | None) -> None:
        self.log.append(Seen(method, path, fault.name if fault else "", status))

    async def _ask(
        self, line: bytes, headers: Headers, body: bytes
    ) -> tuple[bytes, Headers, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream, limit=_LIMIT)
        try:
            mine = _HOP | {b"content-length", b"expect"}
            kept = [(key, value) for key, value in headers if key.lower() not in mine]
            kept += [(b"Content-Length", str(len(body)).encode()), (b"Connection", b"close")]
            writer.write(head(line, kept) + body)
            await writer.drain()
            status, found = await read_head(reader)
            has_body = not line.startswith(b"HEAD ")
            data = await read_body(reader, found, to_end=True) if has_body else b""
            drop = _HOP | {b"content-length"}
            return status, [(key, value) for key, value in found if key.lower() not in drop], data
        finally:
            writer.close()


async def _without_server(fault: Fault, writer: asyncio.StreamWriter) -> bool:
    """Answer, or do not, what the server never sees; return whether the connection stays."""
    if fault.kind == "refuse":
        return False
    if fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
        return False
    if fault.kind == "garbage":
        writer.write(b"\x16\x03\x01 this is not http\r\n\r\n")
        await writer.drain()
        return False
    return await send(writer, *_instead(fault))


async def _tell(
    fault: Fault | None, writer: asyncio.StreamWriter, status: bytes, headers: Headers, body: bytes
) -> bool:
    """Pass the server's answer on, as far as the fault lets it."""
    if fault is None or fault.kind in {"latency", "duplicate"}:
        return await send(writer, status, headers, body)
    if fault.kind in {"status_after", "html_after", "empty_after"}:
        return await send(writer, *_instead(fault))
    if fault.kind in {"lost_reply", "lost_reply_fin", "hang_after"}:
        if fault.kind == "hang_after":
            await asyncio.sleep(fault.seconds)
        return reset(writer) if fault.kind == "lost_reply" else False
    return await _tell_in_part(fault, writer, status, headers, body)


async def _tell_in_part(
    fault: Fault, writer: asyncio.StreamWriter, status: bytes, headers: Headers, body: bytes
) -> bool:
    if fault.kind == "truncate_json":
        return await send(writer, status, headers, body[: max(1, len(body) // 2)])
    if fault.kind == "slow_body":
        writer.write(head(status, headers, len(body)))
        for byte in body:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(fault.seconds)
        return True
    writer.write(head(status, headers, max(len(body), 10)) + body[: len(body) // 2])
    await writer.drain()
    await asyncio.sleep(0.02)  # else the reset overtakes the bytes
    return reset(writer) if fault.kind == "reset_mid_body" else False


def _instead(fault: Fault) -> tuple[bytes, Headers, bytes]:
    if fault.kind.startswith("html"):
        return b"HTTP/1.1 200 OK", [(b"Content-Type", b"text/html")], HTML
    if fault.kind.startswith("empty"):
        return b"HTTP/1.1 200 OK", [(b"Content-Type", b"application/json")], b""
    if fault.kind == "wrong_json":
        return b"HTTP/1.1 200 OK", [(b"Content-Type", b"application/json")], b"[]"
    return _status_answer(fault)


def _status_answer(fault: Fault) -> tuple[bytes, Headers, bytes]:
    codes = {429: "REQUEST_LIMIT_EXCEEDED", 401: "UNAUTHENTICATED"}
    code = codes.get(fault.status, "INTERNAL_ERROR")
    headers = [(b"Content-Type", b"application/json")]
    if fault.retry_after is not None:
        headers.append((b"Retry-After", str(fault.retry_after).encode()))
    body = json.dumps({"error_code": code, "message": f"injected {fault.status}"}).encode()
    return f"HTTP/1.1 {fault.status} Injected".encode(), headers, body
