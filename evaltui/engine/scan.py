"""The truth about which files are there: what changed since the last look, found by walking.

Events only make a scan come earlier; whatever they miss, the next scan finds. Versions are
compared for equality, never for order: clocks go back, and copies carry old times.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from evaltui.domain.stamp import FileStamp
from evaltui.engine.roots import SKIPPED_FOLDERS, WatchRoot, by_specificity
from evaltui.engine.walk import INODE, Walk, Walker, pack, unpack
from evaltui.late_dataclass import dataclass

__all__ = ["FileStamp", "Gone", "ScanResult", "Scanner"]


@dataclass(frozen=True, slots=True)
class Gone:
    """A path at which there is no regular file any more."""

    path: Path


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What changed since the last scan.

    A path is in at most one of the first three lists, but for a renamed file whose old name was
    given to a new one at once.

    Attributes:
        new_or_changed: Versions not seen before, in no particular order.
        vanished: Paths that are gone, sorted.
        renamed: Old and new path of a file with the same inode, size and mtime, in an order in
            which each new path has become free before it is taken.
        placed: Paths of `new_or_changed` whose file was complete when it got this name, as far
            as its times tell: the name or the inode is new, and something that is not a write
            (rename, link, setting the times after a copy) was the last thing done to the inode.
            A rename within the clock tick of the last write (some ms) is not noticed.
        disguised: Folders that bear a name only files should; what is in them counts.
        leaks: Links to directories outside of the root, which are not followed; sorted.
        total_files: Regular files that count.
        folders: Folders that were entered and could be read.
        special_files: FIFOs, sockets and devices passed over.
        seconds: Duration of the scan.
        problems: Paths that could not be looked at and why, each time anew. What is known of
            files below them stays as it was.
        missing_roots: Watched directories that do not exist (yet).
    """

    new_or_changed: list[FileStamp]
    vanished: list[Path]
    renamed: list[tuple[Path, Path]]
    placed: frozenset[Path]
    disguised: list[Path]
    leaks: list[Path]
    total_files: int
    folders: int
    special_files: int
    seconds: float
    problems: list[tuple[Path, str]]
    missing_roots: list[Path]


class Scanner:
    """Walks the watched roots and tells what is new. For one thread.

    Files count when no folder on the way to them is skipped, their names are not those of
    temporary files, and a root accepts them. Names that begin with a dot, folders too, count only
    if `wants_dot` says so. Symbolic links are followed where they stay inside the root; a folder
    is reported under one name only.

    Args:
        roots: What is watched; overlapping is fine.
        skip: Names of folders that are not entered.
        wants_dot: Tells whether a name that begins with a dot counts.
        file_name: Tells whether a name is one that only files should bear.
    """

    def __init__(
        self,
        roots: Iterable[WatchRoot],
        *,
        skip: frozenset[str] = SKIPPED_FOLDERS,
        wants_dot: Callable[[str], bool] = lambda _: False,
        file_name: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.roots: tuple[WatchRoot, ...] = ()
        self._walker = Walker((), skip, wants_dot, file_name)
        self._known: dict[str, bytes] = {}
        self.set_roots(roots)

    def set_roots(self, roots: Iterable[WatchRoot]) -> None:
        """Watch these roots from now on; files of others are forgotten, not reported."""
        self.roots = tuple(by_specificity(roots))
        self._walker = self._walker.with_roots(self.roots)
        self._known = {p: key for p, key in self._known.items() if self._walker.accepts(p)}

    def remember(self, stamps: Iterable[FileStamp]) -> None:
        """Take versions as seen, such as those of the journal; others than the roots' are left."""
        for stamp in stamps:
            path = str(stamp.path)
            if self._walker.accepts(path):
                self._known[path] = pack(stamp)

    def forget(self, paths: Iterable[Path]) -> None:
        """Let the next scan report these paths as new."""
        for path in paths:
            self._known.pop(str(path), None)

    def stamp(self, path: Path) -> FileStamp | None:
        """Return the version that was seen last at a path, or None."""
        key = self._known.get(str(path))
        return None if key is None else unpack(str(path), key)

    def scan(self) -> ScanResult:
        """Walk all roots and return what changed. Never raises OSError."""
        started = time.perf_counter()
        walk = Walk(self._known)
        self._walker.walk_roots(walk)
        gone: list[str] = []
        for path in self._known.keys() - walk.seen.keys():
            if walk.lost(path):
                walk.seen[path] = self._known[path]
            elif _is_gone(path):
                gone.append(path)
        known, self._known = self._known, walk.seen
        return self._result(walk, known, gone, started)

    def look(self, paths: Iterable[str]) -> ScanResult:
        """Look at some paths only, such as those of an event; folders are walked.

        Cheap where a scan is not, but it does not see that files of a folder are gone with it;
        the next scan does. `problems` and `missing_roots` tell of these paths alone.
        """
        started = time.perf_counter()
        walk = Walk(self._known)
        absent = [p for p in dict.fromkeys(paths) if not self._walker.walk_path(p, walk)]
        gone = [path for path in absent if path in self._known]
        before = {path: self._known[path] for path in walk.changed if path in self._known}
        before |= {path: self._known.pop(path) for path in gone}
        self._known |= walk.seen
        return self._result(walk, before, gone, started)

    def restat(self, paths: Iterable[Path]) -> list[FileStamp | Gone]:
        """Return the present version of each path, or that it is gone.

        Versions returned here are not reported again by the next scan; that a path is gone is,
        for only a scan tells whether it was renamed. A path that cannot be asked is left out.
        """
        result: list[FileStamp | Gone] = []
        for path in paths:
            try:
                found = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                result.append(Gone(path))
                continue
            except OSError:
                continue
            if not stat.S_ISREG(found.st_mode):
                result.append(Gone(path))
                continue
            result.append(FileStamp.of(path, found))
            if str(path) in self._known:
                self._known[str(path)] = pack(found)
        return result

    def _result(
        self, walk: Walk, known: dict[str, bytes], gone: list[str], started: float
    ) -> ScanResult:
        renamed = _renames(walk, known, gone)
        moved, landed = set(renamed), set(renamed.values())
        fresh = [path for path in walk.changed if path not in landed]
        stamps = [unpack(path, walk.seen[path]) for path in fresh]
        return ScanResult(
            new_or_changed=stamps,
            vanished=[Path(path) for path in sorted(gone) if path not in moved],
            renamed=[(Path(old), Path(new)) for old, new in renamed.items()],
            placed=frozenset(
                stamp.path
                for path, stamp in zip(fresh, stamps, strict=True)
                if stamp.ctime_ns > stamp.mtime_ns
                and known.get(path, b"")[INODE] != walk.seen[path][INODE]
            ),
            disguised=walk.disguised,
            leaks=sorted(walk.leaks),
            total_files=len(self._known),
            folders=len(walk.folders) - len(walk.problems),
            special_files=walk.special,
            seconds=time.perf_counter() - started,
            problems=walk.problems,
            missing_roots=walk.missing,
        )


def _renames(walk: Walk, known: dict[str, bytes], gone: Iterable[str]) -> dict[str, str]:
    """Return old → new path of moved files, in an order in which each new path is free."""
    left: dict[bytes, str] = {_moving(known[path]): path for path in gone}
    for path in walk.changed:  # the old name may have been given to another file at once
        before = known.get(path)
        if before is not None and before[INODE] != walk.seen[path][INODE]:
            left[_moving(before)] = path
    if not left:
        return {}
    wishes: dict[str, str] = {}
    for path in walk.changed:
        old = left.pop(_moving(walk.seen[path]), path)
        if old != path:
            wishes[path] = old
    free = [path for path in wishes if path not in known]
    result: dict[str, str] = {}
    while free:
        new = free.pop()
        old = wishes[new]
        result[old] = new
        if old in wishes:
            free.append(old)
    return result


def _is_gone(path: str) -> bool:
    try:
        found = os.stat(path)  # noqa: PTH116 - text, as above
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return not stat.S_ISREG(found.st_mode)


def _moving(key: bytes) -> bytes:
    """Return what a rename leaves as it is: size, mtime, inode and device, without ctime."""
    return key[:16] + key[INODE]
