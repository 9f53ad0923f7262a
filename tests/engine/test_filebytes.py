from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from evaltui.domain.stamp import FileStamp
from evaltui.engine import filebytes
from evaltui.engine.filebytes import (
    FileChangedError,
    leads_out,
    read_file,
    read_head,
    sha256_file,
)
from evaltui.errors import ReportError, ReportTooLargeError

MB = 1_000_000


def test_bytes_digest_and_stamp_belong_together(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": 1}')
    found = read_file(path, max_bytes=MB, root=tmp_path)
    assert found.data == b'{"a": 1}'
    assert found.sha256 == hashlib.sha256(b'{"a": 1}').hexdigest() == sha256_file(path)
    assert found.stamp == FileStamp.of(path, path.stat())


def test_an_empty_file_and_one_of_many_chunks_are_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filebytes, "_CHUNK_BYTES", 7)
    for size in (0, 1, 6, 7, 8, 100):
        path = tmp_path / f"{size}.json"
        path.write_bytes(os.urandom(size))
        assert read_file(path, max_bytes=100).data == path.read_bytes()


def test_only_the_head_is_read_when_only_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"0123456789")
    assert read_head(path, 4) == b"0123"
    assert read_head(path, 100) == b"0123456789"


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"x" * 11)
    with pytest.raises(ReportTooLargeError, match="over the limit") as caught:
        read_file(path, max_bytes=10)
    assert caught.value.hint == "split it"


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "touch"])
def test_bytes_that_changed_while_they_were_read_are_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"x" * 100)
    read = os.read

    def changing(handle: int, size: int) -> bytes:
        data = read(handle, size)
        monkeypatch.setattr(filebytes.os, "read", read)
        if change == "grow":
            with path.open("ab") as file:
                file.write(b"y")
        elif change == "touch":
            os.utime(path, ns=(1, 1))
        else:
            path.write_bytes(b"z" * (50 if change == "shrink" else 100))
            os.utime(path, ns=(5, 5))
        return data

    for reader in (lambda: read_file(path, max_bytes=MB), lambda: sha256_file(path)):
        monkeypatch.setattr(filebytes.os, "read", changing)
        path.write_bytes(b"x" * 100)
        with pytest.raises(FileChangedError) as caught:
            reader()
        assert caught.value.stamp.path == path


def test_a_fifo_does_not_block_and_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(ReportError, match="a FIFO, not a file"):
        read_file(tmp_path / "a.json", max_bytes=MB, root=tmp_path)


def test_a_directory_with_a_reports_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "evaluation_report.json").mkdir()
    with pytest.raises(ReportError, match="a directory, not a file"):
        read_file(tmp_path / "evaluation_report.json", max_bytes=MB, root=tmp_path)


def test_a_socket_and_a_device_are_no_files(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        with pytest.raises(ReportError, match="a socket or device, not a file"):
            read_file(path, max_bytes=MB)
    with pytest.raises(ReportError, match="a device, not a file"):
        read_head(Path("/dev/null"), 10)


def test_a_missing_and_an_unreadable_file_are_the_systems_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "a.json", max_bytes=MB)
    path = tmp_path / "b.json"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("the superuser may read everything")
    with pytest.raises(PermissionError):
        read_file(path, max_bytes=MB)


def test_a_link_inside_of_the_root_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"x")
    (tmp_path / "b.json").symlink_to("a.json")
    assert read_file(tmp_path / "b.json", max_bytes=MB, root=tmp_path).data == b"x"


@pytest.mark.parametrize("kind", ["file", "folder", "relative"])
def test_a_link_out_of_the_root_is_refused_but_not_for_a_file_that_was_named(
    tmp_path: Path, kind: str
) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "a.json").write_bytes(b"secret")
    path = root / "a.json"
    if kind == "file":
        path.symlink_to(outside / "a.json")
    elif kind == "relative":
        path.symlink_to("../outside/a.json")
    else:
        (root / "folder").symlink_to(outside)
        path = root / "folder" / "a.json"
    with pytest.raises(ReportError, match="a symbolic link out of"):
        read_file(path, max_bytes=MB, root=root)
    with pytest.raises(ReportError, match="a symbolic link out of"):
        read_head(path, 10, root=root)
    assert read_file(path, max_bytes=MB).data == b"secret"


def test_a_link_in_a_circle_and_one_to_nowhere_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("nowhere")
    with pytest.raises(OSError, match="symbolic links"):
        read_file(tmp_path / "a", max_bytes=MB, root=tmp_path)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "c", max_bytes=MB, root=tmp_path)


def test_no_handle_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.json").write_bytes(b"x" * 20)
    handles = Path("/proc/self/fd")
    before = len(list(handles.iterdir()))
    for _ in range(50):
        read_file(tmp_path / "a.json", max_bytes=MB, root=tmp_path)
        with pytest.raises(ReportError):
            read_file(tmp_path / "a.json", max_bytes=1)
        with pytest.raises(ReportError):
            read_file(tmp_path / "folder", max_bytes=1)
    assert len(list(handles.iterdir())) <= before


@pytest.mark.parametrize(
    ("path", "root", "out"),
    [("/a/b", "/a", False), ("/a", "/a", False), ("/ab", "/a", True), ("/a/../b", "/a", True)],
)
def test_where_a_path_leads(path: str, root: str, out: bool) -> None:
    assert leads_out(path, root) is out
    assert leads_out("/x", "/") is False
