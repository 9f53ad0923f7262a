"""The truth about which files are there: what changed since the last look, found by walking.

Events only make a scan come earlier; whatever they miss, the next scan finds. Versions are
compared for equality, never for order: clocks go back, and copies carry old times.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaltui.engine.filebytes import FileStamp, leads_out
from evaltui.engine.roots import (
    SKIPPED_FOLDERS,
    Glob,
    WatchRoot,
    by_specificity,
    compile_glob,
    is_temporary,
)

__all__ = ["FileStamp", "Gone", "ScanResult", "Scanner"]

_KEY = struct.Struct("=qqqQQ")  # a packed stamp takes a third of the memory of a tuple
_INODE = slice(24, 40)
_Globs = tuple[tuple[Glob, frozenset[int]], ...] | None
"""Globs that may match below a directory and their positions; None where everything counts."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A path at which there is no regular file any more."""

    path: Path


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What changed since the last scan. A path is in at most one of the first three lists, but
    for a renamed file whose old name was given to a new one at once.

    Attributes:
        new_or_changed: Versions not seen before, in no particular order.
        vanished: Paths that are gone, sorted.
        renamed: Old and new path of a file with the same inode, size and mtime, in an order in
            which each new path has become free before it is taken.
        placed: Paths of `new_or_changed` whose file was complete when it got this name, as far
            as its times tell: the name or the inode is new, and something that is not a write
            (rename, link, setting the times after a copy) was the last thing done to the inode.
            A rename within the clock tick of the last write (some ms) is not noticed.
        total_files: Regular files that count.
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
    total_files: int
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
    """

    def __init__(
        self,
        roots: Iterable[WatchRoot],
        *,
        skip: frozenset[str] = SKIPPED_FOLDERS,
        wants_dot: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.roots: tuple[WatchRoot, ...] = ()
        self._walker = _Walker((), skip, wants_dot)
        self._known: dict[str, bytes] = {}
        self.set_roots(roots)

    def set_roots(self, roots: Iterable[WatchRoot]) -> None:
        """Watch these roots from now on; files of others are forgotten, not reported."""
        self.roots = tuple(by_specificity(roots))
        self._walker = _Walker(self.roots, self._walker.skip, self._walker.wants_dot)
        self._known = {p: key for p, key in self._known.items() if self._walker.globs_at(p)}

    def remember(self, stamps: Iterable[FileStamp]) -> None:
        """Take versions as seen, such as those of the journal; others than the roots' are left."""
        for stamp in stamps:
            path = str(stamp.path)
            if self._walker.globs_at(path):
                self._known[path] = _pack(stamp)

    def forget(self, paths: Iterable[Path]) -> None:
        """Let the next scan report these paths as new."""
        for path in paths:
            self._known.pop(str(path), None)

    def stamp(self, path: Path) -> FileStamp | None:
        """Return the version that was seen last at a path, or None."""
        key = self._known.get(str(path))
        return None if key is None else _unpack(str(path), key)

    def scan(self) -> ScanResult:
        """Walk all roots and return what changed. Never raises OSError."""
        started = time.perf_counter()
        walk = _Walk(self._known)
        self._walker.walk_roots(walk)
        failed = tuple(walk.failed)
        gone: list[str] = []
        for path in self._known.keys() - walk.seen.keys():
            if path in failed or path.startswith(tuple(name + os.sep for name in failed)):
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
        walk = _Walk(self._known)
        gone: list[str] = []
        for path in dict.fromkeys(paths):
            if not self._walker.walk_path(path, walk) and path in self._known:
                gone.append(path)
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
                self._known[str(path)] = _key(found)
        return result

    def _result(
        self, walk: _Walk, known: dict[str, bytes], gone: list[str], started: float
    ) -> ScanResult:
        renamed = _renames(walk, known, gone)
        moved, landed = set(renamed), set(renamed.values())
        fresh = [path for path in walk.changed if path not in landed]
        stamps = [_unpack(path, walk.seen[path]) for path in fresh]
        return ScanResult(
            new_or_changed=stamps,
            vanished=[Path(path) for path in sorted(gone) if path not in moved],
            renamed=[(Path(old), Path(new)) for old, new in renamed.items()],
            placed=frozenset(
                stamp.path
                for path, stamp in zip(fresh, stamps, strict=True)
                if stamp.ctime_ns > stamp.mtime_ns
                and known.get(path, b"")[_INODE] != walk.seen[path][_INODE]
            ),
            total_files=len(self._known),
            special_files=walk.special,
            seconds=time.perf_counter() - started,
            problems=walk.problems,
            missing_roots=walk.missing,
        )


class _Walk:
    """What one walk has found so far."""

    def __init__(self, known: dict[str, bytes]) -> None:
        self.known = known
        self.seen: dict[str, bytes] = {}
        self.changed: list[str] = []
        self.folders: set[tuple[int, int]] = set()
        self.links: list[tuple[str, _Globs]] = []
        self.special = 0
        self.problems: list[tuple[Path, str]] = []
        self.failed: set[str] = set()
        self.missing: list[Path] = []

    def add(self, path: str, found: os.stat_result) -> None:
        """Note a regular file."""
        key = _key(found)
        known = self.known.get(path)
        if key == known:
            self.seen[path] = known
        elif path not in self.seen:
            self.seen[path] = key
            self.changed.append(path)

    def fail(self, path: str, error: OSError) -> None:
        """Note what could not be looked at; what vanished meanwhile is no problem."""
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            self.failed.add(path)
            self.problems.append((Path(path), error.strerror or str(error)))


class _Walker:
    """Knows which names count, and walks."""

    def __init__(
        self,
        roots: Sequence[WatchRoot],
        skip: frozenset[str],
        wants_dot: Callable[[str], bool],
    ) -> None:
        self.roots = roots
        self.skip = skip
        self.wants_dot = wants_dot
        self._starts: dict[str, _Globs] = {}
        for root in roots:
            self._starts[str(root.path)] = _joined(self._starts.get(str(root.path), ()), root)

    def globs_at(self, path: str) -> bool:
        """Return whether a file of this path would count, as far as the roots say."""
        return any(root.accepts(Path(path)) for root in self.roots)

    def walk_roots(self, walk: _Walk) -> None:
        """Walk every root, outer ones first, and the links inside them last."""
        for root in sorted(self._starts, key=len):
            try:
                found = os.stat(root)  # noqa: PTH116 - paths stay text while walking
            except (FileNotFoundError, NotADirectoryError):
                walk.missing.append(Path(root))
                continue
            except OSError as error:
                walk.fail(root, error)
                continue
            if not stat.S_ISDIR(found.st_mode):
                walk.problems.append((Path(root), "is a file, not a directory"))
                continue
            self._walk_folder(root, found, self._starts[root], walk)
        self._follow_links(walk)

    def walk_path(self, path: str, walk: _Walk) -> bool:
        """Look at one path below a root; False when there is nothing any more."""
        globs = self._globs_of_parent(path)
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            walk.fail(path, error)
            return True
        if globs == () or self._is_aliased(path):
            return True
        name = os.path.basename(path)  # noqa: PTH119 - text, as above
        if stat.S_ISDIR(found.st_mode):
            self._enter(path, name, found, globs, walk)
        elif stat.S_ISREG(found.st_mode):
            if self._file_counts(name, globs):
                walk.add(path, found)
        elif stat.S_ISLNK(found.st_mode):
            walk.links.append((path, globs))
            self._follow_links(walk)
        else:
            walk.special += 1
        return True

    def _walk_folder(
        self, top: str, found: os.stat_result, globs: _Globs, walk: _Walk
    ) -> None:
        stack = [(top, found, globs)]
        while stack:
            folder, found, globs = stack.pop()
            identity = (found.st_dev, found.st_ino)
            if identity in walk.folders:
                continue
            walk.folders.add(identity)
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        below = self._entry(entry, globs, walk)
                        if below is not None:
                            stack.append(below)
            except OSError as error:
                walk.fail(folder, error)

    def _entry(
        self, entry: os.DirEntry[str], globs: _Globs, walk: _Walk
    ) -> tuple[str, os.stat_result, _Globs] | None:
        """Take a file, put a link off, or return a folder that is to be walked."""
        try:
            if entry.is_file(follow_symlinks=False):
                if self._file_counts(entry.name, globs):
                    if not _is_text(entry.name):
                        walk.problems.append((Path(entry.path), "its name is not UTF-8"))
                        return None
                    walk.add(entry.path, entry.stat(follow_symlinks=False))
            elif entry.is_dir(follow_symlinks=False):
                below = self._globs_below(entry.path, entry.name, globs)
                if below != ():
                    return entry.path, entry.stat(follow_symlinks=False), below
            elif entry.is_symlink():
                walk.links.append((entry.path, globs))
            else:
                walk.special += 1
        except OSError as error:
            walk.fail(entry.path, error)
        return None

    def _enter(
        self, path: str, name: str, found: os.stat_result, globs: _Globs, walk: _Walk
    ) -> None:
        below = self._globs_below(path, name, globs)
        if below != ():
            self._walk_folder(path, found, below, walk)

    def _follow_links(self, walk: _Walk) -> None:
        """Take links to files, and to folders not walked under their own name, inside the root."""
        while walk.links:
            path, globs = walk.links.pop()
            root = next(r.path for r in self.roots if Path(path).is_relative_to(r.path))
            try:
                found = os.stat(path)  # noqa: PTH116 - text, as above
                if leads_out(path, root):
                    continue
            except OSError as error:
                walk.fail(path, error)
                continue
            name = os.path.basename(path)  # noqa: PTH119 - text, as above
            if stat.S_ISDIR(found.st_mode):
                self._enter(path, name, found, globs, walk)
            elif stat.S_ISREG(found.st_mode) and self._file_counts(name, globs):
                walk.add(path, found)

    def _file_counts(self, name: str, globs: _Globs) -> bool:
        if is_temporary(name) or (name[0] == "." and not self.wants_dot(name)):
            return False
        return globs is None or any(glob.matched(glob.step(at, name)) for glob, at in globs)

    def _globs_below(self, path: str, name: str, globs: _Globs) -> _Globs:
        """Return the globs that go on inside a folder, () when it is not to be entered."""
        start = self._starts.get(path, ())
        if name in self.skip or (name[0] == "." and not self.wants_dot(name)):
            return start
        if globs is None or start is None:
            return None
        steps = ((glob, glob.step(at, name)) for glob, at in globs)
        return tuple((glob, at) for glob, at in steps if at) + start

    def _globs_of_parent(self, path: str) -> _Globs:
        """Return the globs that hold in the folder of a path, () when it lies outside."""
        globs: _Globs = ()
        folder = ""
        for name in Path(path).parent.parts:
            folder = os.path.join(folder, name)  # noqa: PTH118 - text, as above
            globs = self._globs_below(folder, name, globs)
        return globs

    def _is_aliased(self, path: str) -> bool:
        """Whether a folder between root and path is a link: a scan tells which name counts."""
        root = next(str(r.path) for r in self.roots if Path(path).is_relative_to(r.path))
        if path == root:
            return False
        parent = os.path.dirname(path)  # noqa: PTH120 - text, as above
        return os.path.realpath(parent) != os.path.realpath(root) + parent[len(root) :]


def _joined(globs: _Globs, root: WatchRoot) -> _Globs:
    if globs is None or root.pattern is None:
        return None
    glob = compile_glob(root.pattern)
    return (*globs, (glob, glob.start))


def _renames(walk: _Walk, known: dict[str, bytes], gone: Iterable[str]) -> dict[str, str]:
    """Return old → new path of moved files, in an order in which each new path is free."""
    left: dict[bytes, str] = {_moving(known[path]): path for path in gone}
    for path in walk.changed:  # the old name may have been given to another file at once
        before = known.get(path)
        if before is not None and before[_INODE] != walk.seen[path][_INODE]:
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


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _key(found: os.stat_result) -> bytes:
    return _KEY.pack(
        found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev
    )


def _pack(stamp: FileStamp) -> bytes:
    return _KEY.pack(stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.ino, stamp.dev)


def _unpack(path: str, key: bytes) -> FileStamp:
    return FileStamp(Path(path), *_KEY.unpack(key))


def _moving(key: bytes) -> bytes:
    """Return what a rename leaves as it is: size, mtime, inode and device, without ctime."""
    return key[:16] + key[_INODE]
