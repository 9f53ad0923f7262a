"""What failed at a store, in evaltui's words: sqlite3, sockets, requests and HTTP answers."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Mapping
from http import HTTPStatus

from evaltui.domain.text import clean
from evaltui.errors import (
    RunNotFoundError,
    StoreAuthError,
    StoreBusyError,
    StoreError,
    StoreRejectedError,
    StoreUnreachableError,
)
from evaltui.log import redact
from evaltui.tracking.tls import AUTHORITY, BUNDLE

_MISSING = "RESOURCE_DOES_NOT_EXIST"

LONGEST_WAIT_S = 300.0
"""Most of a Retry-After that is honoured."""

_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNAVAILABLE = frozenset({429, 500, 502, 503, 504, 408, 425})
_TOO_OFTEN = frozenset({"REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
_REFUSED = {
    401: "check the credential: `evaltui doctor`",
    403: "this credential may not do that: `evaltui doctor`",
}
_TLS = re.compile(r"certificate verify failed: ([^(\]']+)|\[SSL(?:: \w+)?\] ([^(\]']+)")
_NO_TLS = frozenset({"wrong version number", "record layer failure", "packet length too long"})
_MISSING_RUN = re.compile(r"\brun\b.*\b(not found|does not exist)\b", re.IGNORECASE)


class CodedRejectionError(StoreRejectedError):
    """A refusal with MLflow's error code.

    Args:
        code: Such as `RESOURCE_DOES_NOT_EXIST`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def is_missing(error: StoreRejectedError) -> bool:
    """Return whether a refusal says that the thing asked for does not exist."""
    coded = isinstance(error, CodedRejectionError) and error.code == _MISSING
    return coded or isinstance(error, RunNotFoundError)


def translate(error: Exception, doing: str, *, sent: bool = False) -> StoreError:
    """Return the StoreError for an error of sqlite3, requests or a socket.

    Args:
        error: What was raised.
        doing: What was tried, such as `list runs of http://…`; begins the message.
        sent: The request asks for a change, so a lost answer leaves open whether it was done.
    """
    if isinstance(error, StoreError):
        return error
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error, doing)
    from requests import exceptions  # noqa: PLC0415 - a store of files does without

    if isinstance(error, exceptions.InvalidURL | exceptions.InvalidSchema):
        return StoreRejectedError(f"{doing}: not an address: {_short(error)}")
    if isinstance(error, exceptions.SSLError):
        return _from_tls(error, doing)
    if "CA certificate bundle" in str(error):
        return StoreUnreachableError(f"{doing}: {_short(error)}", hint=CERTIFICATE)
    reason, reached = _transport(error)
    return StoreUnreachableError(f"{doing}: {reason}", hint=NETWORK, unclear=sent and reached)


def from_answer(
    status: int, headers: Mapping[str, str], body: bytes, doing: str, *, sent: bool = False
) -> StoreError:
    """Return the StoreError for an HTTP answer that is not a 2xx.

    Args:
        status: HTTP status.
        headers: Headers of the answer, looked up case-insensitively by requests.
        body: As much of the body as was read.
        doing: What was tried.
        sent: The request asks for a change.
    """
    code, message = error_of(body)
    text = f"{doing}: HTTP {status}" + (f": {message}" if message else "")
    if status in _REFUSED:
        # Databricks tells a token it does not know by the number as the code
        unknown = status == HTTPStatus.FORBIDDEN and code == str(status)
        return StoreAuthError(text, hint=_REFUSED[401 if unknown else status])
    wait_s = retry_after(headers.get("Retry-After"))
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _TOO_OFTEN:
        return StoreBusyError(text, retry_after_s=wait_s)
    if status in _UNAVAILABLE or code == "TEMPORARILY_UNAVAILABLE":
        unclear = sent and status != HTTPStatus.SERVICE_UNAVAILABLE
        return StoreUnreachableError(text, retry_after_s=wait_s, unclear=unclear)
    if code:
        if code == _MISSING and _MISSING_RUN.search(message):
            return RunNotFoundError(text)
        return CodedRejectionError(text, code)
    return _no_answer(status, headers, doing)


def _no_answer(status: int, headers: Mapping[str, str], doing: str) -> StoreError:
    """Return the error for an answer that cannot be one of MLflow."""
    if status in range(300, 400):
        return StoreRejectedError(
            f"{doing}: the server sends us on to {redact(clean(headers.get('Location', '?')))}",
            hint="use that address as the tracking URI if you trust it",
        )
    return StoreRejectedError(
        f"{doing}: HTTP {status}, which is no answer of MLflow",
        hint="is this the address of an MLflow server?",
    )


def error_of(body: bytes) -> tuple[str, str]:
    """Return `error_code` and message of an error answer, "" where it has none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    code, message = document.get("error_code", ""), document.get("message", "")
    return str(code), redact(clean(message)) if isinstance(message, str) else ""


def retry_after(text: str | None) -> float | None:
    """Return the seconds a Retry-After header asks for, bounded; None when it says nothing."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            from email.utils import parsedate_to_datetime  # noqa: PLC0415 - hardly ever a date

            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    if seconds != seconds:  # noqa: PLR0124 - NaN
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


_OWN = f"an own authority is named by {BUNDLE} or {AUTHORITY}"
CERTIFICATE = f"let {BUNDLE} (or {AUTHORITY}) name the file of the authority that signed it"
"""What helps where a certificate is not trusted; taking any would give the credential away."""

NETWORK = "check the address and the network: `evaltui doctor`"


def _from_sqlite(error: sqlite3.Error, doing: str) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY_CODES:
        return StoreUnreachableError(f"{doing}: the database is locked by another process")
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return StoreRejectedError(
            f"{doing}: not a sound SQLite database: {_short(error)}",
            hint="restore it from a copy, or name another store with --tracking-uri",
        )
    return StoreUnreachableError(f"{doing}: {_short(error)}")


_SIGNS = (
    ("refused", "connection refused: nothing listens there", False),
    ("resolve", "the host name is not known", False),
    ("name or service not known", "the host name is not known", False),
    ("unreachable", "the network or host is unreachable", False),
    ("no route to host", "the network or host is unreachable", False),
    ("reset", "the connection was reset", True),
    ("without response", "the server closed the connection without an answer", True),
    ("badstatusline", "what came back is not HTTP", True),
    ("incompleteread", "the answer was cut off", True),
    ("timed out", "no answer in time", True),
)


def _transport(error: Exception) -> tuple[str, bool]:
    """Return what went wrong on the way, and whether the request may have arrived."""
    from requests import exceptions  # noqa: PLC0415 - a store of files does without

    if isinstance(error, exceptions.ConnectTimeout):
        return "no connection in time", False
    if isinstance(error, exceptions.Timeout | TimeoutError):
        return "no answer in time", True
    text = f"{type(error).__name__} {error}".lower()
    for sign, words, reached in _SIGNS:
        if sign in text:
            return words, reached
    return _short(error), True


def _from_tls(error: Exception, doing: str) -> StoreError:
    reason = _tls_reason(error)
    if reason in _NO_TLS:
        return StoreUnreachableError(
            f"{doing}: what listens there does not speak https",
            hint="if it is meant to be open, write http:// before the address; else check the port",
        )
    return StoreUnreachableError(
        f"{doing}: the certificate or TLS handshake failed: {reason}",
        hint=CERTIFICATE if "verify failed" in str(error) else f"check scheme and port; {_OWN}",
    )


def _tls_reason(error: Exception) -> str:
    found = _TLS.search(str(error))
    return clean(found[1] or found[2]).strip() if found is not None else _short(error)


def _short(error: Exception) -> str:
    return redact(clean(error, limit=120)) or type(error).__name__
