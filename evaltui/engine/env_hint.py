"""A `.env` that names a store: pointed to, never used unasked, and its values never looked at."""

from __future__ import annotations

import re
from pathlib import Path

from evaltui.engine.filebytes import read_head
from evaltui.errors import ReportError

_LINE = re.compile(r"^\s*(?:export\s+)?((?:DATABRICKS|MLFLOW)_[A-Z0-9_]+)\s*=", re.MULTILINE)
_MOST_BYTES = 64 * 1024


def store_variables(path: Path) -> tuple[str, ...]:
    """Return the DATABRICKS_ and MLFLOW_ names that a file sets, in its order.

    Raises:
        ReportError: It is no regular file.
        OSError: It cannot be read.
    """
    text = read_head(path, _MOST_BYTES).decode("utf-8", errors="replace")
    return tuple(dict.fromkeys(_LINE.findall(text)))


def env_file_beside(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the `.env` of a directory or its parent that names a store, and the names in it.

    Both are empty when there is none that can be read.
    """
    for candidate in dict.fromkeys((path / ".env", path.parent / ".env")):
        try:
            names = store_variables(candidate)
        except (OSError, ReportError):
            continue  # not there or not ours: nothing to point to
        if names:
            return str(candidate), names
    return "", ()
