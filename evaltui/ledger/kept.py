"""Large artifacts, kept as files beside the journal: SQLite would hold several copies in memory."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from evaltui.errors import JournalError

LARGE_BYTES = 4_000_000
"""Artifacts of more bytes are kept as files."""


class KeptFiles:
    """Files that are named by the digest of what is in them.

    Keeping and clearing are for the holder of the journal's write lock, so that no process clears
    what another is about to refer to.

    Args:
        directory: Where they lie; made at the first need.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __bool__(self) -> bool:
        return bool(self._names())

    def keep(self, data: bytes) -> Path:
        """Write a file, durably; return its path.

        Raises:
            JournalError: It cannot be written.
        """
        path = self._directory / hashlib.sha256(data).hexdigest()
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._directory)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except OSError as error:
            raise JournalError(
                f"{self._directory} cannot be written: {error.strerror or error}",
                hint="free some disk space; what was read is kept and tried again",
            ) from error
        return path

    def clear(self, wanted: Collection[str]) -> None:
        """Remove the files that no path in `wanted` refers to; one that cannot be, stays."""
        for name in self._names():
            path = self._directory / name
            if str(path) not in wanted:
                try:
                    path.unlink(missing_ok=True)
                except OSError:
                    return

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._directory)  # noqa: PTH208 - names are all that is needed
        except OSError:
            return []
