"""HTTP requests to one server, each bounded in time and size, over one kept connection."""

from __future__ import annotations

import contextlib
import email.utils
import json
import socket
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from evaltui.errors import StoreRejectedError, StoreUnreachableError
from evaltui.late_dataclass import dataclass
from evaltui.tracking.authorisation import Authoriser
from evaltui.tracking.deadline import BoundedCalls, OverdueError
from evaltui.tracking.faults import from_answer, retry_after, translate

CONNECT_S = 3.0
READ_S = 5.0
"""Longest silence of a server that was reached."""

DEADLINE_S = 10.0
"""Longest time of a whole call, however busily a server drips."""

MOST_JSON_BYTES = 64 * 1024 * 1024
_MOST_ERROR_BYTES = 64 * 1024
_CHUNK = 256 * 1024
_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class ReplyTooLargeError(StoreRejectedError):
    """The answer is larger than was asked for; a smaller page may do."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    query: Mapping[str, str]
    body: object | None
    most_bytes: int


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    data: bytes


class Transport:
    """Asks one server. All requests are reads: a connection that was lost is tried once more.

    Redirects are not followed, `.netrc` is not read, and nothing waits longer than DEADLINE_S.
    Safe for use from several threads, whose requests wait for each other.

    Args:
        base: Address of the server, without trailing slash.
        authoriser: Where the headers with the credential come from.
        verify: False to take any certificate, or the path of an authority's.
        certificate: Path of a client certificate, or None.

    Attributes:
        base: Address of the server.
        clock_ahead_s: How far the server's clock was ahead of ours at its last answer, in
            seconds; None while it has not said.
        requests: How many requests were answered.
        busy_answers: How many of the answers were 429.
        longest_wait_s: Most seconds that one of those asked to wait, 0 when none did.
    """

    def __init__(
        self,
        base: str,
        authoriser: Authoriser,
        *,
        verify: bool | str = True,
        certificate: str | None = None,
    ) -> None:
        self.base = base
        self.clock_ahead_s: float | None = None
        self.requests = 0
        self.busy_answers = 0
        self.longest_wait_s = 0.0
        self._authoriser = authoriser
        self._verify = verify
        self._certificate = certificate
        self._calls = BoundedCalls()
        self._turn = threading.Lock()
        self._session: requests.Session | None = None

    def get_json(self, path: str, query: Mapping[str, str], doing: str) -> dict[str, Any]:
        """Return the object a GET answers.

        Args:
            path: Path below the base address.
            query: Query parameters.
            doing: What this is for; begins the text of an error.

        Raises:
            StoreError: No answer, a refusal, or something that is not an answer of MLflow.
        """
        request = _Request("GET", self.base + path, query, None, MOST_JSON_BYTES)
        return _object(self._ask(request, doing), doing)

    def post_json(self, path: str, body: Mapping[str, object], doing: str) -> dict[str, Any]:
        """Return the object a POST that only asks (a search) answers; see `get_json`."""
        request = _Request("POST", self.base + path, {}, body, MOST_JSON_BYTES)
        return _object(self._ask(request, doing), doing)

    def get_bytes(
        self, path: str, query: Mapping[str, str], *, max_bytes: int, doing: str
    ) -> bytes:
        """Return the body a GET answers; see `get_json`.

        Raises:
            ReplyTooLargeError: It is larger than `max_bytes`.
        """
        request = _Request("GET", self.base + path, query, None, max_bytes)
        return self._ask(request, doing).data

    def authorisation(self) -> str:
        """Return the header that carries the credential, "" without one.

        Raises:
            StoreError: There is no usable credential.
        """
        return self._authoriser.headers().get("Authorization", "")

    def close(self) -> None:
        """Close the connection and end the thread; the next request starts others."""
        self._hang_up()
        self._calls.close()

    def _hang_up(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _ask(self, request: _Request, doing: str) -> _Answer:
        with self._turn:
            return self._ask_now(request, doing)

    def _ask_now(self, request: _Request, doing: str) -> _Answer:
        answer = self._exchange(request, doing, renew=False)
        if answer.status in _REFUSALS and self._authoriser.renewable:
            answer = self._exchange(request, doing, renew=True)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise from_answer(answer.status, answer.headers, answer.data, doing)
        return answer

    def _exchange(self, request: _Request, doing: str, *, renew: bool) -> _Answer:
        end = time.monotonic() + DEADLINE_S
        try:
            headers = self._calls.run(
                lambda: self._authoriser.headers(renew=renew), limit_s=DEADLINE_S
            )
            kept = self._session is not None
            try:
                return self._bounded(request, headers, end)
            except requests.ConnectionError as error:
                # the server closed the kept connection just when we used it
                if not kept or isinstance(error, requests.exceptions.ConnectTimeout):
                    raise
                self._hang_up()
                return self._bounded(request, headers, end)
        except OverdueError as error:
            raise StoreUnreachableError(
                f"{doing}: no complete answer within {DEADLINE_S:g} s",
                hint="the server is overloaded or hangs",
            ) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self._hang_up()
            raise translate(error, doing) from error

    def _bounded(self, request: _Request, headers: Mapping[str, str], end: float) -> _Answer:
        """Do the request on a thread of its own, so that even a name look-up has an end."""
        if self._session is None:
            self._session = _new_session()
        session, sockets = self._session, list[socket.socket]()
        try:
            answer = self._calls.run(
                lambda: self._once(session, request, headers, sockets, end),
                limit_s=max(0.0, end - time.monotonic()),
            )
        except OverdueError:
            self._session = None  # the abandoned thread still uses it
            _cut(sockets)
            raise
        self.clock_ahead_s = _clock_ahead(answer.headers.get("Date"))
        self.requests += 1
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self.busy_answers += 1
            asked_s = retry_after(answer.headers.get("Retry-After")) or 0.0
            self.longest_wait_s = max(self.longest_wait_s, asked_s)
        return answer

    def _once(
        self,
        session: requests.Session,
        request: _Request,
        headers: Mapping[str, str],
        sockets: list[socket.socket],
        end: float,
    ) -> _Answer:
        _thread.sockets = sockets
        with session.request(
            request.method,
            request.url,
            params=request.query,
            json=request.body,
            auth=_Headers(headers),
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
            stream=True,
            verify=self._verify,
            cert=self._certificate,
        ) as response:
            good = response.status_code < HTTPStatus.MULTIPLE_CHOICES
            most = request.most_bytes if good else _MOST_ERROR_BYTES
            data = _read(response, most, end, cut=not good)
            return _Answer(response.status_code, response.headers, data)


def _clock_ahead(date: str | None) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(date or "").timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _read(response: requests.Response, most: int, end: float, *, cut: bool) -> bytes:
    """Return the body; one that is too large is cut off (`cut`) or an error."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > most:
            if cut:
                break
            raise ReplyTooLargeError(f"the answer is larger than {most:,} bytes")
        if time.monotonic() > end:
            raise TimeoutError
    return b"".join(parts)


def _object(answer: _Answer, doing: str) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    An empty body, a sign-in page and the like come with status 200 too: not what MLflow says.
    """
    try:
        document = json.loads(answer.data)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return document
    start = answer.data.lstrip()[:1]
    if not start:
        what = "an empty answer"
    elif start == b"<":
        what = "a web page, such as a sign-in or proxy page"
    elif start in b"{[":
        what = "an answer that is cut off or damaged"
    else:
        what = "something that is not JSON"
    raise StoreUnreachableError(
        f"{doing}: {what} came instead of MLflow's answer",
        hint="check the address of the server, proxies and sign-in",
    )


# -- connections ----------------------------------------------------------------------------------

_thread = threading.local()


class _Headers(AuthBase):
    """Sets our headers; that it is an `auth` keeps requests from looking into `.netrc`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _acknowledge_at_once(connection: HTTPConnection) -> None:
    """Avoid 40 ms per answer: servers write header and body apart, and Nagle waits for us."""
    sock = connection.sock
    if sock is None:
        return
    getattr(_thread, "sockets", []).append(sock)
    if hasattr(socket, "TCP_QUICKACK"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class _Connection(HTTPConnection):
    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        _acknowledge_at_once(self)
        return super().getresponse()


class _SafeConnection(HTTPSConnection):
    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        _acknowledge_at_once(self)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SafePool(HTTPSConnectionPool):
    ConnectionCls = _SafeConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SafePool}


def _new_session() -> requests.Session:
    session = requests.Session()
    adapter = _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers["User-Agent"] = "evaltui"
    return session


def _cut(sockets: list[socket.socket]) -> None:
    """End what an abandoned thread is reading."""
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
