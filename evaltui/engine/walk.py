"""Walking the watched roots: which names count, which folders are entered, which links followed."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import leads_out
from evaltui.engine.roots import Glob, WatchRoot, compile_glob, is_temporary

_KEY = struct.Struct("=qqqqq")  # a packed stamp takes a third of the memory of a tuple
_NOWHERE = Path()
INODE = slice(24, 40)
"""Where inode and device stand in a packed stamp."""

_Globs = tuple[tuple[Glob, frozenset[int]], ...] | None
"""Globs that may match below a directory and their positions; None where everything counts."""


def pack(found: os.stat_result | FileStamp) -> bytes:
    """Return size, mtime, ctime, inode and device as 40 bytes that compare as the stamps do."""
    if isinstance(found, FileStamp):
        return _KEY.pack(found.size, found.mtime_ns, found.ctime_ns, found.ino, found.dev)
    try:
        return _KEY.pack(
            found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev
        )
    except struct.error:  # rare, and half the price of a scan if every stat were looked over
        return pack(FileStamp.of(_NOWHERE, found))


def unpack(path: str, key: bytes) -> FileStamp:
    """Return the stamp that `pack` made the key of."""
    return FileStamp(Path(path), *_KEY.unpack(key))


class Walk:
    """What one walk has found so far.

    Args:
        known: Packed stamps of the last walk by path.
    """

    def __init__(self, known: dict[str, bytes]) -> None:
        self.known = known
        self.seen: dict[str, bytes] = {}
        self.changed: list[str] = []
        self.folders: set[tuple[int, int]] = set()
        self.links: list[tuple[str, _Globs]] = []
        self.disguised: list[Path] = []
        self.leaks: list[Path] = []
        self.special = 0
        self.problems: list[tuple[Path, str]] = []
        self.failed: set[str] = set()
        self.missing: list[Path] = []

    def add(self, path: str, found: os.stat_result) -> None:
        """Note a regular file."""
        key = pack(found)
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

    def lost(self, path: str) -> bool:
        """Return whether a path, or a folder above it, could not be looked at."""
        if not self.failed:
            return False
        while path not in self.failed:
            parent = os.path.dirname(path)  # noqa: PTH120 - paths stay text while walking
            if parent == path:
                return False
            path = parent
        return True


class Walker:
    """Knows which names count, and walks.

    Args:
        roots: What is watched, most specific first.
        skip: Names of folders that are not entered.
        wants_dot: Tells whether a name that begins with a dot counts.
        file_name: Tells whether a name is one that only files should bear; folders of such a name
            are noted in `Walk.disguised`, and entered all the same.
    """

    def __init__(
        self,
        roots: Sequence[WatchRoot],
        skip: frozenset[str],
        wants_dot: Callable[[str], bool],
        file_name: Callable[[str], bool],
    ) -> None:
        self.roots = roots
        self.skip = skip
        self.wants_dot = wants_dot
        self.file_name = file_name
        self._starts: dict[str, _Globs] = {}
        for root in roots:
            self._starts[str(root.path)] = _joined(self._starts.get(str(root.path), ()), root)

    def with_roots(self, roots: Sequence[WatchRoot]) -> Walker:
        """Return a walker of other roots with the same rules."""
        return Walker(roots, self.skip, self.wants_dot, self.file_name)

    def accepts(self, path: str) -> bool:
        """Return whether a file of this path would count, as far as the roots say."""
        return any(root.accepts(Path(path)) for root in self.roots)

    def walk_roots(self, walk: Walk) -> None:
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

    def walk_path(self, path: str, walk: Walk) -> bool:
        """Look at one path below a root; False when there is nothing any more."""
        globs = self._globs_of_parent(path)
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            walk.fail(path, error)
            return True
        if globs == () or not self._takes_name(path, walk) or self._is_aliased(path):
            return True
        name = os.path.basename(path)  # noqa: PTH119 - text, as above
        if stat.S_ISDIR(found.st_mode):
            self._enter(path, name, found, globs, walk)
        elif stat.S_ISREG(found.st_mode):
            if self._file_counts(name, globs):
                walk.add(path, found)
        elif stat.S_ISLNK(found.st_mode):
            if not os.path.isdir(path):  # noqa: PTH112 - text; a scan tells which of its names count
                walk.links.append((path, globs))
                self._follow_links(walk)
        else:
            walk.special += 1
        return True

    def _walk_folder(self, top: str, found: os.stat_result, globs: _Globs, walk: Walk) -> None:
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
        self, entry: os.DirEntry[str], globs: _Globs, walk: Walk
    ) -> tuple[str, os.stat_result, _Globs] | None:
        """Take a file, put a link off, or return a folder that is to be walked."""
        try:
            if entry.is_file(follow_symlinks=False):
                if self._file_counts(entry.name, globs) and self._takes_name(entry.path, walk):
                    walk.add(entry.path, entry.stat(follow_symlinks=False))
            elif entry.is_dir(follow_symlinks=False):
                below = self._globs_below(entry.path, entry.name, globs)
                if below != () and self._takes_name(entry.path, walk):
                    if self.file_name(entry.name) and self._file_counts(entry.name, globs):
                        walk.disguised.append(Path(entry.path))
                    return entry.path, entry.stat(follow_symlinks=False), below
            elif entry.is_symlink():
                if self._takes_name(entry.path, walk):
                    walk.links.append((entry.path, globs))
            else:
                walk.special += 1
        except OSError as error:
            walk.fail(entry.path, error)
        return None

    def _enter(
        self, path: str, name: str, found: os.stat_result, globs: _Globs, walk: Walk
    ) -> None:
        below = self._globs_below(path, name, globs)
        if below != ():
            self._walk_folder(path, found, below, walk)

    def _follow_links(self, walk: Walk) -> None:
        """Take links inside the root to what is not walked under its own name."""
        while walk.links:
            path, globs = walk.links.pop()
            root = next(r.path for r in self.roots if Path(path).is_relative_to(r.path))
            try:
                found = os.stat(path)  # noqa: PTH116 - text, as above
                if leads_out(path, root):
                    if stat.S_ISDIR(found.st_mode):
                        walk.leaks.append(Path(path))
                    continue
            except OSError as error:
                if error.errno != errno.ELOOP:  # it leads nowhere, like one that dangles
                    walk.fail(path, error)
                continue
            name = os.path.basename(path)  # noqa: PTH119 - text, as above
            if stat.S_ISDIR(found.st_mode):
                self._enter(path, name, found, globs, walk)
            elif stat.S_ISREG(found.st_mode) and self._file_counts(name, globs):
                own = _own_name(path, str(root))
                if own not in walk.seen and own not in walk.known:
                    walk.add(path, found)

    def _takes_name(self, path: str, walk: Walk) -> bool:
        if _is_text(path):
            return True
        walk.problems.append((Path(path), "its name is not UTF-8"))
        return False

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


def _own_name(path: str, root: str) -> str:
    """Return the path below the root of the file that a link below the root leads to."""
    return root + os.path.realpath(path)[len(os.path.realpath(root)) :]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
