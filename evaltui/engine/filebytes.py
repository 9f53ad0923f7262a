"""Reading a file version as one thing: the bytes, what they hash to, and the stat they belong to.

A large file is not held: it is hashed, and read again by whoever needs its bytes.

A FIFO must not block, a device must not be read, a symbolic link must not lead out of the watched
directory, and bytes that were read while the file changed must not be taken for a version of it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from evaltui.domain.stamp import FileStamp
from evaltui.errors import ReportError, ReportTooLargeError
from evaltui.late_dataclass import dataclass
from evaltui.readers import HEAD_BYTES, Chunked

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileBytes:
    """One version of a file.

    Attributes:
        data: The bytes; of a file that is not held only the first ones.
        stamp: The stat they belong to; equal before and after the read.
        sha256: Digest of the whole file, 64 hex digits.
        held: Whether `data` is all of it.
        root: Directory that symbolic links must not lead out of, or None.
    """

    data: bytes
    stamp: FileStamp
    sha256: str
    held: bool = True
    root: Path | None = None

    @property
    def head(self) -> bytes:
        """The first bytes, as many as a format is recognised by."""
        return self.data[:HEAD_BYTES]

    @property
    def content(self) -> bytes | Chunked:
        """All bytes, or the way to them."""
        return self.data if self.held else Chunked(self.head, self.stamp.size, self.chunks)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes.

        Raises:
            FileChangedError: The file is not this version any more; what was yielded is void.
            ReportError: It is no regular file any more, or lies outside of `root`.
            OSError: It cannot be opened or read.
        """
        if self.held:
            yield self.data
            return
        with _opened(self.stamp.path, self.root) as (handle, before):
            if before != self.stamp:
                raise FileChangedError(before)
            yield from _chunks(handle, before)


class FileChangedError(Exception):
    """The file changed while it was read: nothing is wrong, it is to be read again later.

    Args:
        stamp: The stat after the read.
    """

    def __init__(self, stamp: FileStamp) -> None:
        super().__init__(f"{stamp.path} changed while it was read")
        self.stamp = stamp


def read_file(
    path: Path, *, max_bytes: int, max_held: int | None = None, root: Path | None = None
) -> FileBytes:
    """Read one version of a regular file.

    Args:
        path: Absolute path.
        max_bytes: Largest size that is read.
        max_held: Largest size that is held; None holds all.
        root: Directory that symbolic links must not lead out of; None follows them anywhere
            (a file that somebody named by hand).

    Raises:
        FileChangedError: It changed meanwhile.
        ReportTooLargeError: It has more than `max_bytes` bytes.
        ReportError: It is no regular file, or lies outside of `root`.
        OSError: It cannot be opened or read; FileNotFoundError when it is gone.
    """
    with _opened(path, root) as (handle, before):
        if before.size > max_bytes:
            raise ReportTooLargeError(
                f"{path}: {before.size / 1e6:,.0f} MB, over the limit of {max_bytes / 1e6:,.0f} MB",
                hint="split it",
            )
        held = max_held is None or before.size <= max_held
        digest, data = hashlib.sha256(), bytearray()
        for chunk in _chunks(handle, before):
            digest.update(chunk)
            if held or len(data) < HEAD_BYTES:
                data += chunk
    return FileBytes(
        bytes(data) if held else bytes(data[:HEAD_BYTES]), before, digest.hexdigest(), held, root
    )


def read_head(path: Path, size: int, *, root: Path | None = None) -> bytes:
    """Return at most the first `size` bytes of a regular file.

    Raises:
        ReportError: It is no regular file, or lies outside of `root`.
        OSError: It cannot be opened or read.
    """
    with _opened(path, root) as (handle, _):
        data = bytearray()
        while len(data) < size and (chunk := os.read(handle, size - len(data))):
            data += chunk
    return bytes(data)


def sha256_file(path: Path, *, root: Path | None = None) -> str:
    """Return the digest of a file of any size, read in pieces.

    Raises:
        FileChangedError: It changed meanwhile.
        ReportError: It is no regular file, or lies outside of `root`.
        OSError: It cannot be opened or read.
    """
    digest = hashlib.sha256()
    with _opened(path, root) as (handle, before):
        for chunk in _chunks(handle, before):
            digest.update(chunk)
    return digest.hexdigest()


def leads_out(path: Path | str, root: Path | str) -> bool:
    """Return whether a path, with its symbolic links followed, lies outside of a directory."""
    base = os.path.realpath(root)
    real = os.path.realpath(path)
    return real != base and not real.startswith(base.rstrip(os.sep) + os.sep)


@contextlib.contextmanager
def _opened(path: Path, root: Path | None) -> Iterator[tuple[int, FileStamp]]:
    handle = _open(path, root)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise ReportError(f"{path}: {_kind(found.st_mode)}, not a file")
        if root is not None:
            _check_inside(handle, path, root)
        yield handle, FileStamp.of(path, found)
    finally:
        os.close(handle)


def _open(path: Path, root: Path | None) -> int:
    try:
        return os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            raise ReportError(f"{path}: a socket or device, not a file") from error
        if error.errno != errno.ELOOP or not path.is_symlink():
            raise
    if root is not None and leads_out(path, root):
        raise _outside(path, root)
    return os.open(os.path.realpath(path), _FLAGS)


def _check_inside(handle: int, path: Path, root: Path) -> None:
    """Refuse what was opened through a directory that is a link out of the root.

    The kernel's own name of the open file is asked first: between a look at the path and its
    opening somebody may have put a link there.
    """
    try:
        real = str(Path(f"/proc/self/fd/{handle}").readlink()).removesuffix(" (deleted)")
    except OSError:  # no procfs (macOS)
        real = os.path.realpath(path)
    if leads_out(real, root):
        raise _outside(path, root)


def _outside(path: Path, root: Path) -> ReportError:
    return ReportError(
        f"{path}: a symbolic link out of {root}", hint="watch the directory it points to"
    )


def _chunks(handle: int, before: FileStamp) -> Iterator[bytes]:
    """Yield the bytes of an open file.

    Raises:
        FileChangedError: It changed meanwhile.
    """
    total = 0
    # One byte more than the stat promised: a file that grows is noticed without reading on.
    while total <= before.size:
        chunk = os.read(handle, min(_CHUNK_BYTES, before.size + 1 - total))
        if not chunk:
            break
        total += len(chunk)
        yield chunk
    _check_unchanged(handle, before, total)


def _check_unchanged(handle: int, before: FileStamp, length: int) -> None:
    after = FileStamp.of(before.path, os.fstat(handle))
    if after != before or length != before.size:
        raise FileChangedError(after)


def _kind(mode: int) -> str:
    names = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return names.get(stat.S_IFMT(mode), "something else")
