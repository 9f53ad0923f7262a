"""The one door to mlflow: prepares the process, imports it, returns a client.

Importing takes seconds and edits the process (logging, environment), so it happens once, as late
as possible, behind a lock, and is kept quiet: not a byte reaches stdout or stderr.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evaltui.tracking.new_database import make_database
from evaltui.tracking.process_variables import TIMEOUT_S
from evaltui.tracking.target import Target, TargetKind

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LOCK = threading.Lock()
_LOGGERS = ("mlflow", "alembic", "sqlalchemy", "huey", "databricks", "urllib3")
_TIMEOUT_VARIABLE = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_SDK_VARIABLE = "_EVALTUI_SDK_SECONDS"
_DISCOVERY = "get_host_metadata"
_MARK = "_evaltui"
_SDK_SETTINGS = frozenset({"retry_timeout_seconds", "http_timeout_seconds"})


def open_client(target: Target) -> MlflowClient:
    """Return an MLflow client for `target`, importing mlflow at the first call.

    A SQLite store that does not exist yet is made here. Takes seconds.

    Raises:
        Exception: Whatever mlflow raises; the caller translates it.
    """
    with _LOCK:
        prepare_process(target)
        if "mlflow" not in sys.modules:
            _import_quietly()
        _keep_retry_after()
        if target.kind is TargetKind.DATABRICKS:
            _bound_sdk()
        from mlflow import MlflowClient  # noqa: PLC0415 - seconds, and only when writing

        make_database(target)
        return MlflowClient(tracking_uri=target.uri)


def prepare_process(target: Target) -> None:
    """Let mlflow find exactly the target's credential, its bounds and its quiet."""
    for name, value in target.environment(os.environ).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def drop_tokens() -> None:
    """Make mlflow sign in anew: it keeps a fetched token up to an hour after it was revoked."""
    from mlflow.utils.rest_utils import get_workspace_client  # noqa: PLC0415 - it is imported

    get_workspace_client.cache_clear()
    _discoveries.clear()


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Let mlflow wait longer for answers while the block lasts, in any thread.

    A server that passes a large file on to its own storage answers when that is done.
    """
    with _patient.lock:
        _patient.blocks += 1
        os.environ[_TIMEOUT_VARIABLE] = str(math.ceil(seconds))
    try:
        yield
    finally:
        with _patient.lock:
            _patient.blocks -= 1
            if not _patient.blocks:
                os.environ[_TIMEOUT_VARIABLE] = str(TIMEOUT_S)


class _Patience:
    """Number of blocks that are open, and the lock over it and the variable."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocks = 0


_patient = _Patience()


def _import_quietly() -> None:
    with _variable("MLFLOW_CONFIGURE_LOGGING", "false"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: F401, PLC0415
    for name in _LOGGERS:  # without a handler of their own Python would print their warnings
        logging.getLogger(name).addHandler(logging.NullHandler())


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for a while: children must not inherit it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def _bound_sdk() -> None:
    """Give the Databricks SDK's two timeouts a variable: MLflow makes clients without any."""
    from databricks.sdk.core import Config  # noqa: PLC0415

    attributes: Any = Config.attributes()
    for attribute in attributes:
        if attribute.name in _SDK_SETTINGS:
            attribute.env = _SDK_VARIABLE
    os.environ[_SDK_VARIABLE] = str(TIMEOUT_S)
    _remember_discoveries()


_discoveries: dict[str, object] = {}


def _remember_discoveries() -> None:
    """Ask each host once what it is: the SDK asks for every client, MLflow makes one per run."""
    from databricks.sdk import config  # noqa: PLC0415

    names = vars(config)
    ask = names.get(_DISCOVERY)
    if ask is None or hasattr(ask, _MARK):  # another version of the SDK, or done already
        return

    def asked_once(host: str, *args: Any, **kwargs: Any) -> object:
        if host not in _discoveries:
            _discoveries[host] = ask(host, *args, **kwargs)
        return _discoveries[host]

    setattr(asked_once, _MARK, True)
    names[_DISCOVERY] = asked_once


def _keep_retry_after() -> None:
    """Let the error of a refused request say how long the server asks to wait.

    With retries off urllib3 raises before anyone sees the answer's headers. Sessions that a script
    has opened before, with MLflow's own client, are made anew.
    """
    from mlflow.utils import request_utils  # noqa: PLC0415
    from urllib3.exceptions import InvalidHeader, MaxRetryError  # noqa: PLC0415
    from urllib3.util import Retry  # noqa: PLC0415

    if hasattr(vars(request_utils)["Retry"], _MARK):
        return

    class RetryAfterKept(Retry):
        def increment(self, method=None, url=None, response=None, *args, **kwargs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202
            try:
                return super().increment(method, url, response, *args, **kwargs)
            except MaxRetryError as error:
                with contextlib.suppress(InvalidHeader, ValueError, OverflowError, AttributeError):
                    error.retry_after_s = self.get_retry_after(response)  # type: ignore[attr-defined]
                raise

    setattr(RetryAfterKept, _MARK, True)
    vars(request_utils)["Retry"] = RetryAfterKept
    clear = getattr(vars(request_utils).get("_cached_get_request_session"), "cache_clear", None)
    if clear is not None:
        clear()
