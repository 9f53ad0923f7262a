"""The stamp of a file version: what tells one version of a path from the next without reading."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


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
        """Return the stamp of a stat() answer."""
        return cls(
            path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev
        )

    @property
    def modified_at(self) -> datetime:
        """Last change of the content, aware UTC."""
        return datetime.fromtimestamp(self.mtime_ns / 1e9, UTC)
