"""Artifacts that lie in directories of this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from evaltui.domain.run import ArtifactInfo
from evaltui.errors import StoreRejectedError

MOST_ENTRIES = 10_000
"""Files and folders of one run that are listed."""


def local_root(artifact_uri: str) -> Path | None:
    """Return the directory of an artifact URI, or None when it is not on this machine."""
    parts = urlsplit(artifact_uri)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Path(unquote(parts.path))
    if not parts.scheme and artifact_uri.startswith("/"):
        return Path(artifact_uri)
    return None


def checked_path(path: str) -> PurePosixPath:
    """Return an artifact path that stays inside its run.

    Raises:
        StoreRejectedError: It is empty, absolute, or climbs out.
    """
    parts = PurePosixPath(path)
    if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\0" in path:
        raise StoreRejectedError(f"artifact {path!r}: not a path inside a run")
    return parts


def list_directory(root: Path) -> tuple[ArtifactInfo, ...]:
    """Return all files and folders below `root`, sorted by path; nothing when it is missing.

    Symbolic links are neither followed nor listed.

    Raises:
        StoreRejectedError: A directory cannot be read.
    """
    found: list[ArtifactInfo] = []
    waiting = [root]
    while waiting and len(found) < MOST_ENTRIES:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        continue
                    is_dir = entry.is_dir(follow_symlinks=False)
                    if is_dir:
                        waiting.append(Path(entry.path))
                    size = None if is_dir else entry.stat(follow_symlinks=False).st_size
                    path = Path(entry.path).relative_to(root).as_posix()
                    found.append(ArtifactInfo(path, is_dir, size))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise StoreRejectedError(
                f"list artifacts in {error.filename}: {error.strerror}"
            ) from error
    return tuple(sorted(found[:MOST_ENTRIES], key=lambda item: item.path))


def inside(root: Path, path: str) -> Path:
    """Return where an artifact lies below `root`, links followed; it need not exist.

    Raises:
        StoreRejectedError: It leads out of `root`.
    """
    parts = checked_path(path)
    real = Path(os.path.realpath(root.joinpath(*parts.parts)))
    if not real.is_relative_to(os.path.realpath(root)):
        raise StoreRejectedError(f"artifact {path}: a link that leads out of the run")
    return real


def read_file(root: Path, path: str, *, max_bytes: int) -> bytes:
    """Return one artifact below `root`.

    Raises:
        StoreRejectedError: It is no regular file inside `root`, unreadable, or too large.
    """
    real = inside(root, path)
    try:
        # O_NONBLOCK: a FIFO must not hang us
        handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise StoreRejectedError(f"artifact {path}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise StoreRejectedError(f"artifact {path}: not a file")
    with open(handle, "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise too_large(path, max_bytes)
    return data


def too_large(path: str, max_bytes: int) -> StoreRejectedError:
    """Return the error for an artifact over the limit."""
    return StoreRejectedError(f"artifact {path}: larger than {max_bytes:,} bytes")
