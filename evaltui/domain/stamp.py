"""The stamp of a file version: what tells one version of a path from the next without reading."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from evaltui.late_dataclass import dataclass

_TOP = 2**63  # SQLite has no larger numbers; clocks and file systems give some all the same


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What stat() said about a file version; equal stamps are taken for the same bytes.

    Attributes:
        path: Absolute path the version was found at.
        size: Bytes.
        mtime_ns: Last change of the content, as the file system tells it.
        ctime_ns: Last change of content, name, links or permissions; cannot be set back.
        ino: Inode; 0 when nothing was there to be looked at.
        dev: Device of the inode.
    """

    path: Path
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int
    dev: int

    @classmethod
    def of(cls, path: Path, found: os.stat_result) -> FileStamp:
        """Return the stamp of a stat() answer.

        Every number fits into 64 bits with a sign: times stop at the years 1677 and 2262, inodes
        and devices above become negative.
        """
        return cls(
            path,
            found.st_size,
            max(-_TOP, min(found.st_mtime_ns, _TOP - 1)),
            max(-_TOP, min(found.st_ctime_ns, _TOP - 1)),
            (found.st_ino + _TOP) % (2 * _TOP) - _TOP,
            (found.st_dev + _TOP) % (2 * _TOP) - _TOP,
        )

    @property
    def modified_at(self) -> datetime:
        """Last change of the content, aware UTC."""
        return datetime.fromtimestamp(self.mtime_ns / 1e9, UTC)
