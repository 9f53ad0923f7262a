"""Which file systems several machines share: events, locks and shared memory end there."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NETWORK_TYPES = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "drvfs", "fuse.blobfuse",
        "fuse.blobfuse2", "fuse.ceph", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs",
        "fuse.goofys", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2",
        "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "prl_fs", "smb2", "smb3",
        "smbfs", "vboxsf", "virtiofs", "wekafs",
    }
)  # fmt: skip
_MOUNT_POINT = 4  # among the fields of a line of mountinfo
_ESCAPE = re.compile(r"\\([0-7]{3})")


def network_type(path: Path, mountinfo: str | None = None) -> str:
    """Return the type of the network file system a path lies on, or "" for a local one.

    Nobody tells a machine of changes that another one makes there, and SQLite's shared-memory
    file cannot be trusted. Links are followed; a path that does not exist lies where its nearest
    existing parent lies.

    Args:
        path: Absolute path.
        mountinfo: Text of `/proc/self/mountinfo`; None reads it ("" where there is none).
    """
    if mountinfo is None:
        try:
            mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    real = os.path.realpath(path)
    found, length = "", -1
    for line in mountinfo.splitlines():
        mount, _, system = line.partition(" - ")
        kind = system.partition(" ")[0]
        fields = mount.split(" ", _MOUNT_POINT + 1)
        if len(fields) <= _MOUNT_POINT or not kind:
            continue
        point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[_MOUNT_POINT])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= length:  # of two on one point the later hides the earlier
            found, length = kind, len(point)
    return found if found in _NETWORK_TYPES else ""
