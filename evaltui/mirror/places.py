"""Where mirrors and what belongs to them lie, and how such a file is read and replaced."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import platformdirs

try:  # what hashlib gives, without the OpenSSL that it loads for others: 5 ms before a frame
    from _blake2 import blake2b
except ImportError:  # not this Python's
    from hashlib import blake2b

MIRROR = ".mirror"
PAGE = ".page"
TEMPORARY = ".part"


def mirror_dir() -> Path:
    """Return the directory of all mirrors; it may not exist."""
    return platformdirs.user_cache_path("evaltui") / "mirrors"


def mirror_files(directory: Path) -> list[Path]:
    """Return the mirrors there are, the one written last first."""
    found: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for path in directory.glob(f"*{MIRROR}"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


def anything_kept() -> bool:
    """Return whether anything lies where mirrors do."""
    try:
        with os.scandir(mirror_dir()) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


def path_of(key: str, suffix: str, directory: Path | None = None) -> Path:
    """Return where a file of one store and experiment lies.

    Args:
        key: Identity of store and experiment, as `Target.key`.
        suffix: MIRROR or PAGE.
        directory: Where mirrors lie; default: below the XDG cache.
    """
    name = blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return (directory or mirror_dir()) / (name + suffix)


def open_ours(path: Path, *, largest: int) -> tuple[int, int]:
    """Open a file of ours for reading.

    Returns:
        Its descriptor, which the caller closes, and its size in bytes.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not ours, empty or too large.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with contextlib.ExitStack() as unless_ours:
        unless_ours.callback(os.close, handle)
        size = _checked_size(os.fstat(handle), largest)
        unless_ours.pop_all()
    return handle, size


def _checked_size(facts: os.stat_result, largest: int) -> int:
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
        raise ValueError("not a file of ours")
    if not 0 < facts.st_size <= largest:
        raise ValueError(f"{facts.st_size} bytes")
    return facts.st_size


def replace(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Put a file in the place of another one, whole or not at all.

    Who reads meanwhile goes on with the old one; of two who write at once the last one wins.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    part = path.with_name(f"{path.name}.{os.urandom(4).hex()}{TEMPORARY}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):  # it is gone already when all went well
            part.unlink(missing_ok=True)
