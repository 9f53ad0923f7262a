"""The log: one rotating file in the state directory, nothing on the terminal, no secrets in it."""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import threading
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path

from evaltui.settings import Settings, state_dir

MAX_BYTES = 2_000_000
BACKUPS = 3
_MASK = "***"
_SECRET_VARIABLES = (
    "DATABRICKS_TOKEN",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_CLIENT_SECRET",
)
_SHORTEST_SECRET = 6
"""A shorter value would mask ordinary words."""

_PATTERNS = (
    (re.compile(r"(://)[^/\s@]+@"), rf"\1{_MASK}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {_MASK}"),
    (re.compile(r"\bdapi[0-9a-f]{8,}(-\d+)?"), _MASK),
    (
        re.compile(
            r"(?i)([\w-]*(?:token|password|passwd|secret|api[_-]?key|authorization)[\"']?"
            r"\s*[=:]\s*[\"']?)(?!bearer |basic |\*\*\*)[^\s\"',;&)}\]]+"
        ),
        rf"\1{_MASK}",
    ),
)


def redact(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return `text` with passwords in URLs, tokens and known secret values masked.

    Args:
        text: Anything that will be written or shown.
        environ: Where the secret variables are looked up; default: the process environment.
    """
    values = os.environ if environ is None else environ
    for name in _SECRET_VARIABLES:
        secret = values.get(name, "")
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, _MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def log_path(settings: Settings) -> Path:
    """Return the path of the log file."""
    return state_dir(settings) / "evaltui.log"


def start_log(settings: Settings, *, level: int = logging.INFO) -> Path:
    """Send all logging of this process to the log file and take it off the terminal.

    May be called again (after mlflow was imported, say): handlers that libraries have hung up in
    the meantime are removed.

    Returns:
        The path of the log file. A file that cannot be opened silences the log instead of
        stopping the program.

    Raises:
        ConfigError: The state directory cannot be made.
    """
    path = log_path(settings)
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        if isinstance(handler, _PrivateFile):
            handler.close()
    try:
        new: logging.Handler = _PrivateFile(path)
    except OSError:
        new = logging.NullHandler()
    new.setFormatter(_RedactingFormatter())
    root.addHandler(new)
    root.setLevel(logging.WARNING)
    logging.getLogger("evaltui").setLevel(level)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a full disk must not print tracebacks over the screen
    remove_foreign_handlers()
    threading.excepthook = _log_dead_thread
    return path


def remove_foreign_handlers() -> None:
    """Take every handler off every logger but the root, so that nothing prints by itself."""
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
            logger.propagate = True


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating file of mode 0600 that survives being rotated by another process."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.baseFilename, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        return open(descriptor, "a", encoding=self.encoding, errors="backslashreplace")

    def emit(self, record: logging.LogRecord) -> None:
        self._follow()
        super().emit(record)

    def _follow(self) -> None:
        """Open the file anew when it is not the one we hold (rotated or removed)."""
        if self.stream is None:
            return
        try:
            held, there = os.fstat(self.stream.fileno()), Path(self.baseFilename).stat()
            same = (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino)
        except (OSError, ValueError):
            same = False
        if not same:
            self.stream.close()
            try:
                self.stream = self._open()
            except OSError:
                self.stream = None  # the base class opens it again


class _RedactingFormatter(logging.Formatter):
    """Masks secrets in the finished line, so that tracebacks are covered too."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _log_dead_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None:
        return
    name = args.thread.name if args.thread else "?"
    logging.getLogger("evaltui").error(
        "thread %s died", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
    )
