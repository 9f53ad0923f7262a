"""Where mirrors lie, how they are opened, written and thrown away."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import mmap
import os
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from evaltui.domain.table import RunTable
from evaltui.mirror.layout import LARGEST_BYTES, Facts, MirrorError, pack, unpack, unpack_facts

MOST_MIRRORS = 20
"""The ones that were written last are kept."""

_SUFFIX = ".mirror"
_TEMPORARY = ".part"
_ABANDONED_S = 600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Mirrored:
    """What a mirror holds."""

    table: RunTable
    facts: Facts


def mirror_dir() -> Path:
    """Return the directory of all mirrors; it may not exist."""
    return platformdirs.user_cache_path("evaltui") / "mirrors"


def mirror_files(directory: Path) -> list[Path]:
    """Return the mirrors there are, the one written last first."""
    found: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for path in directory.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


class MirrorFile:
    """The mirror of one target and experiment.

    Args:
        key: Identity of store and experiment, as `Target.key`.
        directory: Where mirrors lie; default: below the XDG cache.
    """

    def __init__(self, key: str, directory: Path | None = None) -> None:
        self._key = key
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self.path = (directory or mirror_dir()) / (name + _SUFFIX)

    def open(self) -> Mirrored | None:
        """Return what the mirror holds; None, with a line in the log, where it is of no use.

        The columns are mapped: they are read when they are looked at, and what is changed in them
        stays in this process.
        """
        try:
            mapped = _mapped(self.path)
            table, facts = unpack(memoryview(mapped))
            self._check(facts)
            mapped.madvise(mmap.MADV_DONTNEED)  # read to be checked; most of it is not looked at
        except FileNotFoundError:
            return None
        except (OSError, ValueError, MirrorError) as error:
            _log.info("the mirror %s is made anew: %s", self.path.name, _words(error))
            return None
        return Mirrored(table, facts)

    def facts(self) -> Facts | None:
        """Return what the mirror is of, or None where there is none of use."""
        try:
            facts = unpack_facts(memoryview(_mapped(self.path)))
            self._check(facts)
        except (OSError, ValueError, MirrorError):
            return None
        return facts

    def write(self, table: RunTable, facts: Facts) -> bool:
        """Put a new mirror in place of the old one; False, with a line in the log, if it failed.

        Who reads meanwhile goes on with the old one; of two who write at once the last one wins.
        """
        part = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}{_TEMPORARY}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(part, pack(table, facts))
            part.replace(self.path)
        except (OSError, MirrorError) as error:
            _log.warning("no mirror of the run list: %s", _words(error))
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            return False
        _tidy(self.path)
        return True

    def _check(self, facts: Facts) -> None:
        if facts.key != self._key:
            raise MirrorError("of another store or experiment")


def new_token() -> str:
    """Return a name for a state of a mirror that no other state has."""
    return secrets.token_hex(16)


def _mapped(path: Path) -> mmap.mmap:
    """Map a file of ours, so that changes stay in memory.

    Raises:
        OSError: It cannot be read.
        MirrorError: It is not ours, or too large.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
            raise MirrorError("not a file of ours")
        if not 0 < facts.st_size <= LARGEST_BYTES:
            raise MirrorError(f"{facts.st_size} bytes")
        return mmap.mmap(handle, facts.st_size, access=mmap.ACCESS_COPY)
    finally:
        os.close(handle)


def _write(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)


def _tidy(written: Path) -> None:
    """Remove the oldest mirrors beyond the number kept, and what killed writers left behind."""
    mirrors = [path for path in mirror_files(written.parent) if path != written]
    with contextlib.suppress(OSError):
        newest = written.stat().st_mtime
        leftovers = [
            path
            for path in written.parent.glob(f"*{_TEMPORARY}")
            if path.stat().st_mtime < newest - _ABANDONED_S
        ]
        for path in (*mirrors[MOST_MIRRORS - 1 :], *leftovers):
            path.unlink(missing_ok=True)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
