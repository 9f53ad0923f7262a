"""Files on their way to a store: under the right name, and how far they have got."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Callable
from pathlib import Path

from evaltui.domain.plan import ArtifactFile

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
