"""How mirrors are opened, written and thrown away."""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import secrets
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from evaltui.domain.table import IntArray, RunTable
from evaltui.late_dataclass import dataclass
from evaltui.mirror import places
from evaltui.mirror.layout import LARGEST_BYTES, Facts, MirrorError, pack, unpack, unpack_facts

MOST_MIRRORS = 20
"""The ones that were written last are kept."""

_ABANDONED_S = 600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Mirrored:
    """What a mirror holds."""

    table: RunTable
    facts: Facts


class MirrorFile:
    """The mirror of one target and experiment.

    Args:
        key: Identity of store and experiment, as `Target.key`.
        directory: Where mirrors lie; default: below the XDG cache.
    """

    def __init__(self, key: str, directory: Path | None = None) -> None:
        self._key = key
        self.path = places.path_of(key, places.MIRROR, directory)

    def open(self) -> Mirrored | None:
        """Return what the mirror holds; None, with a line in the log, where it is of no use.

        The columns are mapped: they are read when they are looked at, and what is changed in them
        stays in this process.
        """
        try:
            mapped = _mapped(self.path)
            table, facts = unpack(memoryview(mapped), partial(_let_go, mapped))
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
        """Put a new mirror in place of the old one; False, with a line in the log, if it failed."""
        try:
            places.replace(self.path, pack(table, facts))
        except (OSError, MirrorError) as error:
            _log.warning("no mirror of the run list: %s", _words(error))
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
        ValueError: It is not ours, empty or too large.
    """
    handle, size = places.open_ours(path, largest=LARGEST_BYTES)
    try:
        return mmap.mmap(handle, size, access=mmap.ACCESS_COPY)
    finally:
        os.close(handle)


def _let_go(mapped: mmap.mmap, changed: Iterable[IntArray]) -> None:
    """Give the memory of a mapping back; who looks there again gets it from the file.

    One value that is looked at brings 64 KB around it into memory, and more where the system reads
    files in larger pieces. Linux throws away what was changed in a page that is let go.

    Args:
        mapped: A mapping whose changes stay in memory.
        changed: Offsets of bytes whose pages are to stay.
    """
    pages = -(-len(mapped) // mmap.PAGESIZE)
    stays = np.zeros(pages + 1, dtype=np.bool_)
    stays[pages] = True
    for offsets in changed:
        stays[offsets // mmap.PAGESIZE] = True
    start = 0
    for page in np.flatnonzero(stays).tolist():
        if page > start:
            size = (page - start) * mmap.PAGESIZE
            mapped.madvise(mmap.MADV_DONTNEED, start * mmap.PAGESIZE, size)
        start = page + 1


def _tidy(written: Path) -> None:
    """Remove the oldest mirrors beyond the number kept, and what killed writers left behind."""
    mirrors = [path for path in places.mirror_files(written.parent) if path != written]
    with contextlib.suppress(OSError):
        newest = written.stat().st_mtime
        leftovers = [
            path
            for path in written.parent.glob(f"*{places.TEMPORARY}")
            if path.stat().st_mtime < newest - _ABANDONED_S
        ]
        old = mirrors[MOST_MIRRORS - 1 :]
        for path in (*old, *(one.with_suffix(places.PAGE) for one in old), *leftovers):
            path.unlink(missing_ok=True)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
