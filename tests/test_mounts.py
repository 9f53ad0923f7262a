from __future__ import annotations

from pathlib import Path

import pytest

from evaltui.mounts import network_type

MOUNTS = """\
22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:30 / /mnt/share rw,relatime shared:2 - nfs4 server:/x rw,vers=4.2
31 22 0:31 / /mnt/with\\040space rw - cifs //server/y rw
32 30 0:32 / /mnt/share/local rw master:1 - xfs /dev/vdb rw
33 22 0:33 / /mnt/twice rw - nfs server:/z rw
34 33 0:34 / /mnt/twice rw - tmpfs tmpfs rw
35 22 0:35 / /home/me/far rw - fuse.sshfs me@host:/ rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/x", ""),
        ("/mnt/share", "nfs4"),
        ("/mnt/share/a/b", "nfs4"),
        ("/mnt/shared", ""),
        ("/mnt/share/local/x", ""),
        ("/mnt/with space/x", "cifs"),
        ("/mnt/twice/x", ""),
        ("/home/me/far/runs", "fuse.sshfs"),
    ],
)
def test_network_file_systems_are_told_from_local_ones(path: str, kind: str) -> None:
    assert network_type(Path(path), MOUNTS) == kind


def test_the_own_machine_is_asked_without_an_error(tmp_path: Path) -> None:
    assert network_type(tmp_path) in {"", "9p", "virtiofs"}
