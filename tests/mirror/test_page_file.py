"""The page lies beside its mirror and goes with it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from evaltui.domain.list_page import ListPage
from evaltui.mirror import files, places
from evaltui.mirror.files import MirrorFile
from evaltui.mirror.page_file import PageFile
from tests.mirror.test_mirror_files import KEY, facts, some_runs

PAGE = ListPage((80, 24), (78, 18), "block", "Runs 1", 1.5e9, ((("text", " run-1"),),))


@pytest.fixture
def page_file(tmp_path: Path) -> PageFile:
    MirrorFile(KEY, tmp_path).write(some_runs(1), facts())
    return PageFile(KEY, tmp_path)


def test_a_page_comes_back(page_file: PageFile) -> None:
    assert page_file.read() is None
    assert page_file.write(PAGE)
    assert page_file.read() == PAGE
    assert stat.S_IMODE(page_file.path.stat().st_mode) == 0o600


def test_without_a_mirror_that_would_follow_it_no_page_is_shown(page_file: PageFile) -> None:
    page_file.write(PAGE)
    page_file.path.with_suffix(places.MIRROR).unlink()
    assert page_file.read() is None


def test_a_page_under_the_name_of_another_store_is_not_shown(
    page_file: PageFile, tmp_path: Path
) -> None:
    page_file.write(PAGE)
    MirrorFile(KEY + "x", tmp_path).write(some_runs(1), facts(KEY + "x"))
    other = PageFile(KEY + "x", tmp_path)
    page_file.path.rename(other.path)
    assert other.read() is None


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff", b"[" * 100_000, b'{"schema": 1}', b"x" * 1_000_001]
)
def test_a_damaged_page_is_not_shown(page_file: PageFile, data: bytes) -> None:
    page_file.path.write_bytes(data)
    assert page_file.read() is None


def test_a_link_or_a_pipe_in_its_place_is_not_opened(page_file: PageFile, tmp_path: Path) -> None:
    page_file.write(PAGE)
    page_file.path.rename(tmp_path / "elsewhere")
    page_file.path.symlink_to(tmp_path / "elsewhere")
    assert page_file.read() is None
    page_file.path.unlink()
    os.mkfifo(page_file.path)
    assert page_file.read() is None


def test_where_nothing_can_be_written_there_is_no_page_and_nothing_left_behind(
    tmp_path: Path,
) -> None:
    place = tmp_path / "taken"
    place.write_text("a file, no directory")
    assert not PageFile(KEY, place).write(PAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_page_goes_with_its_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_MIRRORS", 2)
    for number in range(4):
        key = f"{KEY}-{number}"
        MirrorFile(key, tmp_path).write(some_runs(1), facts(key))
        PageFile(key, tmp_path).write(PAGE)
        for path in tmp_path.iterdir():
            before = path.stat().st_mtime - 10
            os.utime(path, (before, before))
    kept = {path.stem for path in tmp_path.glob(f"*{places.MIRROR}")}
    assert len(kept) == 2
    assert {path.stem for path in tmp_path.glob(f"*{places.PAGE}")} == kept
