"""Whether a directory lies on a file system that several machines share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_NETWORK_TYPES = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb2",
        "smb3",
        "smbfs",
        "virtiofs",
    }
)


def is_shared(path: Path, mounts: Iterable[str] | None = None) -> bool:
    """Return whether SQLite's shared-memory file cannot be trusted at `path`.

    Args:
        path: A directory; links are followed.
        mounts: Lines of /proc/self/mountinfo; default: this system's. False where it has none.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
        except OSError:
            return False
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in mounts:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) > 4 and right:  # noqa: PLR2004 - the fifth field is the mount point
            point = fields[4].replace("\\040", " ").rstrip("/")
            if (real == point or real.startswith(f"{point}/")) and len(point) >= len(best):
                best, kind = point, right.split()[0]
    return kind in _NETWORK_TYPES
