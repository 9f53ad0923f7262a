"""Files on their way to a store: under the right name, and how far they have got."""

from __future__ import annotations

import contextlib
import os
import posixpath
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from evaltui.domain.plan import ArtifactFile

LEFT_S = 3_600.0
"""A room this old whose process is gone was left by one that was killed."""

_ROOM = "evaltui-upload-"
_FD = Path("/proc/self/fd")
_FD_INFO = Path("/proc/self/fdinfo")


def staged(file: ArtifactFile, room: Path, number: int) -> Path:
    """Return a local path that bears the artifact's own name.

    Bytes are written below `room`; a file of another name is linked there, not copied.

    Args:
        file: The artifact.
        room: A private directory.
        number: Differs between the files of one room.

    Raises:
        OSError: There is no space, or the file is gone.
    """
    name = posixpath.basename(file.path)
    local = file.local_path
    if local is not None:
        local.stat()
        if local.name == name:
            return local
    path = room / name
    if os.path.lexists(path):  # the same name in another folder
        path = room / f"{number}.d" / name
        path.parent.mkdir(mode=0o700)
    if local is None:
        path.write_bytes(file.data or b"")
    else:
        path.symlink_to(local.absolute())
    return path


def new_room() -> tempfile.TemporaryDirectory[str]:
    """Return a private directory that names this process.

    Raises:
        OSError: It cannot be made.
    """
    return tempfile.TemporaryDirectory(prefix=f"{_ROOM}{os.getpid()}-", ignore_cleanup_errors=True)


def clear_left_rooms(now: float | None = None) -> None:
    """Remove the rooms of this user's processes that were killed.

    Args:
        now: Epoch seconds, for tests.
    """
    now = time.time() if now is None else now
    for room in Path(tempfile.gettempdir()).glob(f"{_ROOM}*-*"):
        pid = room.name.removeprefix(_ROOM).partition("-")[0]
        with contextlib.suppress(OSError):
            found = room.lstat()
            mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
            if mine and now - found.st_mtime > LEFT_S and pid.isdecimal() and not _lives(int(pid)):
                shutil.rmtree(room, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def read_position(path: Path) -> Callable[[], object]:
    """Return a function that tells how far this process has read `path`.

    Its answers only change where /proc tells (Linux); elsewhere a file is given no extra time.
    """
    real = os.path.realpath(path)

    def position() -> object:
        places = []
        with contextlib.suppress(OSError):
            for number in os.listdir(_FD):  # noqa: PTH208 - names are all that is needed
                with contextlib.suppress(OSError):
                    if os.readlink(_FD / number) == real:  # noqa: PTH115 - a str to compare
                        info = (_FD_INFO / number).read_text(encoding="ascii")
                        places.append((number, info.split("\n", maxsplit=1)[0]))
        return tuple(places)

    return position
