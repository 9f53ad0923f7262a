from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from evaltui.domain.plan import ArtifactFile
from evaltui.tracking.upload import LEFT_S, clear_left_rooms, new_room, read_position, staged


@pytest.fixture
def room(tmp_path: Path) -> Path:
    path = tmp_path / "room"
    path.mkdir()
    return path


def test_bytes_are_written_under_the_artifacts_own_name(room: Path) -> None:
    path = staged(ArtifactFile("logs/a.txt", data=b"a"), room, 0)
    assert path.name == "a.txt"
    assert path.read_bytes() == b"a"


def test_equal_names_in_different_folders_do_not_meet(room: Path) -> None:
    files = [ArtifactFile(f"{folder}/a.txt", data=folder.encode()) for folder in "xyz"]
    paths = [staged(file, room, number) for number, file in enumerate(files)]
    assert [path.name for path in paths] == ["a.txt"] * 3
    assert [path.read_bytes() for path in paths] == [b"x", b"y", b"z"]


def test_a_file_of_the_right_name_is_taken_where_it_is(room: Path, tmp_path: Path) -> None:
    local = tmp_path / "big.bin"
    local.write_bytes(b"big")
    assert staged(ArtifactFile("d/big.bin", local_path=local), room, 0) == local
    assert list(room.iterdir()) == []


def test_a_file_of_another_name_is_linked_not_copied(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big.bin").write_bytes(b"big")
    monkeypatch.chdir(tmp_path)
    path = staged(ArtifactFile("d/other.bin", local_path=Path("big.bin")), room, 0)
    assert path.name == "other.bin"
    assert path.is_symlink()
    assert path.read_bytes() == b"big"


def test_a_file_that_is_gone_is_an_error_at_once(room: Path, tmp_path: Path) -> None:
    for name in ("gone", "other"):
        with pytest.raises(FileNotFoundError):
            staged(ArtifactFile(name, local_path=tmp_path / "gone"), room, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells the position")
def test_reading_a_file_changes_its_position(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 1_000)
    link = tmp_path / "link"
    link.symlink_to(path)
    position = read_position(link)
    closed = position()
    with path.open("rb", buffering=0) as file:
        start = position()
        file.read(10)
        later = position()
        assert position() == later
    assert len({closed, start, later}) == 3


def test_rooms_of_killed_processes_are_cleared_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left = tmp_path / f"evaltui-upload-{ended.pid}-abc"
    young = tmp_path / f"evaltui-upload-{ended.pid}-def"
    foreign = tmp_path / "evaltui-upload-notes-abc"
    link = tmp_path / f"evaltui-upload-{ended.pid}-ghi"
    for folder in (left, young, foreign):
        folder.mkdir()
        (folder / "report.json").write_text("{}")
    link.symlink_to(foreign)
    now = time.time() + LEFT_S + 60
    os.utime(young, (now, now))
    with new_room() as own:
        clear_left_rooms(now)
        assert sorted(tmp_path.iterdir()) == sorted([young, foreign, link, Path(own)])
    assert (foreign / "report.json").exists()
