"""What MLflow's client raises, translated into evaltui's own errors at this one seam.

MLflow lets through its own exceptions, those of requests, SQLAlchemy and the Databricks SDK, and
builtin ones, often with whole HTML pages, passwords in URLs and stack traces in their texts. Here
each becomes one line, and one of three meanings: try again (StoreUnreachableError), a person must
act (StoreAuthError), or this was refused (StoreRejectedError). Anything not known means: try
again, and the work may have been done.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from http import HTTPStatus

from evaltui.domain.text import clean
from evaltui.errors import StoreAuthError, StoreError, StoreRejectedError, StoreUnreachableError
from evaltui.log import redact
from evaltui.tracking.deadline import OverdueError
from evaltui.tracking.faults import CERTIFICATE

MAX_REASON = 300
MAX_RETRY_AFTER_S = 300.0

_AUTH_CODES = frozenset({"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"})
_REJECT_CODES = frozenset(
    {
        "RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE", "BAD_REQUEST",
        "INVALID_STATE", "RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS", "RESOURCE_CONFLICT",
        "MALFORMED_REQUEST", "NOT_IMPLEMENTED", "MAX_LIST_SIZE_EXCEEDED", "QUOTA_EXCEEDED",
    }
)  # fmt: skip
_DECIDED_CODES = (_AUTH_CODES | _REJECT_CODES) - {"BAD_REQUEST"}
"""Codes that say enough by themselves; MLflow gives BAD_REQUEST to any error of a database."""

_BUSY_CODES = frozenset({"REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
_TRANSIENT = frozenset({408, 409, 425, 429})

NO_FOLDER = "Parent directory"
"""Begins what Databricks says when the folder of a new experiment does not exist."""

_HTML = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_BUSY = re.compile(r"too many 429 error responses|\b429\b.{0,20}!= 200")
_ERROR_RESPONSES = re.compile(r"too many (\d{3}) error responses")
_NOT_SENT = re.compile(
    r"connection refused|Failed to establish a new connection|NewConnectionError"
    r"|NameResolutionError|getaddrinfo failed|Name or service not known|ConnectTimeout"
    r"|No route to host|Network is unreachable|SSLError|CERTIFICATE_VERIFY_FAILED",
    re.IGNORECASE,
)
_SOCKET_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")\]]+)")
_TLS = re.compile(r"SSLError|CERTIFICATE_VERIFY_FAILED|SSL:")
_CREDENTIAL = re.compile(
    r"credential|default auth|invalid_client|unauthorized|oauth|access token", re.IGNORECASE
)
_SQL_HEAD = re.compile(r"^\((?:\w+\.)+(\w+)\)\s*")
_STATUS_HEAD = re.compile(r"^(\d{3}): ")

_TOKEN_HINT = "check the credential: `evaltui doctor` says which one is used"  # noqa: S105
_RETRY_HINT = "nothing is lost: it is tried again"
_PAGE_HINT = "something other than MLflow answers there: check the address, proxy or sign-in page"


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Let nothing but evaltui's own store errors out of a block that calls MLflow or its SDKs.

    Args:
        doing: What is being done and where ("creating a run in http://host:5000").

    Raises:
        StoreError: What `translate` makes of any exception.
    """
    try:
        yield
    except Exception as error:  # broad: MLflow and the SDKs let any library's exceptions through
        raise translate(error, doing) from error


def translate(error: BaseException, doing: str) -> StoreError:
    """Return `error` as one of evaltui's store errors.

    Args:
        error: What MLflow, or a library under it, raised.
        doing: What was being done and where ("creating a run in http://host:5000").

    Returns:
        The error to raise, with `unclear` set where the store may have done the work.
    """
    if isinstance(error, StoreError):
        return error
    if isinstance(error, OverdueError):
        return StoreUnreachableError(_line(doing, str(error)), hint=_RETRY_HINT, unclear=error.sent)
    chain = list(_chain(error))
    names = {cls.__name__ for item in chain for cls in type(item).__mro__}
    if "MlflowException" in names:
        return _from_mlflow(error, chain, doing)
    if "DatabricksError" in names:
        return _by_code(str(getattr(error, "error_code", "") or ""), str(error), doing)
    if "SQLAlchemyError" in names:
        return _from_database(_text_of(chain), doing)
    return _from_builtin(error, chain, doing, requests="RequestException" in names)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was raised from, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = next((arg for arg in current.args if isinstance(arg, BaseException)), None)
        current = current.__cause__ or current.__context__ or inner


def _text_of(chain: list[BaseException]) -> str:
    return " | ".join(str(item) for item in chain)


def _from_builtin(
    error: BaseException, chain: list[BaseException], doing: str, *, requests: bool
) -> StoreError:
    if isinstance(error, OSError) and not isinstance(error, TimeoutError) and not requests:
        return _from_system(error, doing)
    if isinstance(error, ValueError) and not requests:
        return _from_value_error(error, doing)
    return _from_transport(chain, doing)


def _from_mlflow(error: BaseException, chain: list[BaseException], doing: str) -> StoreError:
    text = str(error)
    set_up = _set_up_fault(text, doing)
    if set_up is not None:
        return set_up
    code = str(getattr(error, "error_code", "") or "")
    if _HTML.search(text) or "not in a valid JSON format" in text:
        return _from_page(text, code, doing)
    if code in _DECIDED_CODES:
        return _by_code(code, text, doing)
    below = {cls.__name__ for item in chain for cls in type(item).__mro__}
    if "SQLAlchemyError" in below or "sqlite3." in text or _SQL_HEAD.match(text):
        return _from_database(text, doing)
    if text.startswith("API request to http") or "failed with exception" in text:
        return _from_transport(chain, doing)
    return _by_code(code, text, doing)


def _set_up_fault(text: str, doing: str) -> StoreError | None:
    """Return the error for a store that cannot be used at all, or None when it is another."""
    if "maintenance mode" in text or "migrate-filestore" in text:
        return StoreRejectedError(
            _line(doing, "MLflow no longer writes to file stores (an mlruns directory)"),
            hint="set MLFLOW_ALLOW_FILE_STORE=true, or move it with `mlflow migrate-filestore`,"
            " or name another store with --tracking-uri",
        )
    if "out-of-date database schema" in text or "Can't locate revision" in text:
        return StoreRejectedError(
            _line(doing, "the database was made by another version of MLflow"),
            hint="back it up, then run `mlflow db upgrade URI`, or use the MLflow that made it",
        )
    if "SDK is enabled but failed to initialize" in text:  # it asks the host for its set-up
        return StoreUnreachableError(
            _line(doing, "the workspace does not answer"),
            hint=f"check DATABRICKS_HOST and the network; {_RETRY_HINT}",
        )
    if "Databricks credential configuration failed" in text or "MLFLOW_ENABLE_DB_SDK" in text:
        return StoreAuthError(_line(doing, text), hint=_TOKEN_HINT)
    return None


def _by_code(code: str, text: str, doing: str) -> StoreError:
    """Decide by MLflow's error code; Databricks sends both `403: …` and `PERMISSION_DENIED: …`."""
    status = _STATUS_HEAD.match(text)
    if code in _AUTH_CODES or (status is not None and status[1] in {"401", "403"}):
        expired = code != "PERMISSION_DENIED" or status is not None
        hint = _TOKEN_HINT if expired else "ask for the permission, or name another experiment"
        return StoreAuthError(_line(doing, text), hint=hint)
    if code == "ENDPOINT_NOT_FOUND":
        return StoreUnreachableError(_line(doing, text), hint=_PAGE_HINT)
    if code in _BUSY_CODES:
        return StoreUnreachableError(_line(doing, text), hint=_RETRY_HINT)
    if code in _REJECT_CODES:
        return StoreRejectedError(_line(doing, text), hint=_reject_hint(text))
    return StoreUnreachableError(_line(doing, text), hint=_RETRY_HINT, unclear=True)


def _reject_hint(text: str) -> str | None:
    if NO_FOLDER in text:
        return "--create-parents makes that folder; or name another experiment with --experiment"
    if "must be in the 'active' state" in text or "deleted" in text:
        return "restore it in MLflow, or log the report again with `evaltui log --as-new`"
    return None


def _from_page(text: str, code: str, doing: str) -> StoreError:
    if code in _AUTH_CODES:
        return StoreAuthError(_line(doing, text), hint=_TOKEN_HINT)
    return StoreUnreachableError(
        _line(doing, text), hint=_PAGE_HINT, unclear=code != "ENDPOINT_NOT_FOUND"
    )


def _from_transport(chain: list[BaseException], doing: str) -> StoreError:
    text = _text_of(chain)
    kinds = " ".join(type(item).__name__ for item in chain)
    waits = [found for item in chain if (found := getattr(item, "retry_after_s", None)) is not None]
    wait = min(float(waits[0]), MAX_RETRY_AFTER_S) if waits else None
    if _TLS.search(text):
        reason = "the TLS connection failed: " + _socket_reason(text)
        known = "verify failed" not in text
        hint = f"check scheme and port, or {CERTIFICATE}" if known else CERTIFICATE
        return StoreUnreachableError(_line(doing, reason), hint=hint)
    status = _ERROR_RESPONSES.search(text)
    if status is not None:
        return StoreUnreachableError(
            _line(doing, f"the server answers {status[1]}"),
            hint=_RETRY_HINT,
            retry_after_s=wait,
            unclear=status[1] != "429",
        )
    http = next((item for item in chain if getattr(item, "response", None) is not None), None)
    if http is not None:
        return _from_response(http, doing)
    return StoreUnreachableError(
        _line(doing, _transport_reason(kinds, text)),
        hint="check the address and that the server is up; " + _RETRY_HINT,
        retry_after_s=wait,
        unclear=not (_NOT_SENT.search(kinds + " " + text) or _BUSY.search(text)),
    )


def _from_response(error: BaseException, doing: str) -> StoreError:
    """Decide by the status of the answer that an `HTTPError` of requests carries."""
    response = getattr(error, "response", None)
    status = int(getattr(response, "status_code", 0))
    text = f"the server answers {status}: {error}"
    if status in {401, 403}:
        return StoreAuthError(_line(doing, text), hint=_TOKEN_HINT)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return StoreRejectedError(_line(doing, "the server takes no file of this size"))
    if 400 <= status < 500 and status not in _TRANSIENT:  # noqa: PLR2004 - the client's fault
        return StoreRejectedError(_line(doing, text))
    busy = status == HTTPStatus.TOO_MANY_REQUESTS
    return StoreUnreachableError(_line(doing, text), hint=_RETRY_HINT, unclear=not busy)


def _transport_reason(kinds: str, text: str) -> str:
    if re.search(r"connection refused|ConnectionRefused", text, re.IGNORECASE):
        return "connection refused"
    if re.search(r"NameResolution|Name or service|getaddrinfo", kinds + text):
        return "the host name is not known"
    if re.search(r"ConnectTimeout|timed out|Timeout|within \d", kinds + text):
        return "no answer in time"
    if re.search(r"RemoteDisconnected|Connection reset|Broken pipe|Connection aborted", text):
        return "the connection was cut"
    if re.search(r"IncompleteRead|ChunkedEncoding|InvalidChunk|BadStatusLine", kinds + text):
        return "the answer was cut off"
    return text.split(" | ", maxsplit=1)[0]


def _socket_reason(text: str) -> str:
    found = re.search(r"certificate verify failed[^(\]]*|\[SSL[^\]]*\][^(]*", text)
    if found is not None:
        return found[0]
    system = _SOCKET_REASON.search(text)
    return system[1] if system is not None else "no reason given"


def _from_database(text: str, doing: str) -> StoreError:
    """Decide by the words of SQLite and its kin."""
    line = _SQL_HEAD.sub("", text.split("\n", maxsplit=1)[0])
    if re.search(r"readonly database|permission denied|unable to open", text, re.IGNORECASE):
        return StoreAuthError(
            _line(doing, line), hint="give yourself write permission, or name another store"
        )
    if re.search(r"is full|disk I/O|no space", text, re.IGNORECASE):
        return StoreUnreachableError(
            _line(doing, line), hint=f"free some disk space; {_RETRY_HINT}", unclear=True
        )
    if re.search(r"not a database|malformed", text, re.IGNORECASE):
        return StoreRejectedError(
            _line(doing, line), hint="that file is no MLflow database: restore it or name another"
        )
    return StoreUnreachableError(_line(doing, line), hint=_RETRY_HINT, unclear=True)


def _from_system(error: OSError, doing: str) -> StoreError:
    where = f": {error.filename}" if error.filename else ""
    line = _line(doing, f"{error.strerror or error}{where}")
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StoreUnreachableError(line, hint=f"free some disk space; {_RETRY_HINT}")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreAuthError(line, hint="give yourself write permission, or name another store")
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}:
        return StoreRejectedError(line)
    return StoreUnreachableError(line, hint=_RETRY_HINT, unclear=True)


def _from_value_error(error: ValueError, doing: str) -> StoreError:
    """Tell a credential that cannot be used, for which the SDK raises ValueError, from the rest."""
    text = str(error)
    if _CREDENTIAL.search(text):
        return StoreAuthError(_line(doing, text), hint=_TOKEN_HINT)
    return StoreUnreachableError(_line(doing, text), hint=_RETRY_HINT, unclear=True)


def _line(doing: str, reason: str) -> str:
    """Return one line without credentials, HTML or statement texts."""
    page = _HTML.search(reason)
    if page is not None:
        title = _TITLE.search(reason)
        what = f'an HTML page "{clean(title[1], limit=80).strip()}"' if title else "an HTML page"
        head = reason[: page.start()].split("Response body:", maxsplit=1)[0]
        reason = f"{head.strip(' :.') or 'the answer is'}: {what}"
    elif "\n" in reason.strip():
        reason = reason.strip().split("\n", maxsplit=1)[0]
    return clean(redact(f"{doing}: {reason}"), limit=MAX_REASON)
