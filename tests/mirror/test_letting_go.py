"""A mirror that nobody looks at takes no memory, and nothing that changed since is lost."""

from __future__ import annotations

import mmap
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.run import Run
from evaltui.domain.table import RunDelta, RunTable
from evaltui.mirror import files
from evaltui.mirror.files import MirrorFile
from tests.domain.builders import make_run
from tests.domain.run_strategies import LISTS, PAGES, runs_of
from tests.mirror.test_mirror_files import ALIKE, KEY, facts, some_runs

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="others keep pages as they like")


def opened(folder: Path, table: RunTable) -> RunTable:
    mirror = MirrorFile(KEY, folder)
    assert mirror.write(table, facts())
    found = mirror.open()
    assert found is not None
    return found.table


def resident_pages(folder: Path) -> int:
    """Return how many pages of files below a folder are in the memory of this process."""
    text = Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace")
    pattern = rf"{re.escape(str(folder))}/\S+\n(?:\w+: .*\n)*?Rss: +(\d+) kB"
    return sum(int(size) for size in re.findall(pattern, text)) * 1024 // mmap.PAGESIZE


def look_at_all(table: RunTable) -> None:
    assert len(runs_of(table)) == int(table.alive.sum())


@ALIKE
@given(LISTS, st.lists(PAGES, max_size=5))
def test_a_table_that_is_let_go_between_pages_is_what_it_would_be(
    tmp_path: Path, known: list[Run], pages: list[tuple[list[Run], set[str]]]
) -> None:
    table = RunTable()
    table.apply(RunDelta.from_runs(known))
    found = opened(tmp_path, table)
    for runs, removed in pages:
        page = RunDelta.from_runs(runs, removed=sorted(removed))
        table.apply(page)
        found.apply(page)
        found.let_go()
        assert runs_of(found) == runs_of(table)


@pytest.mark.parametrize("count", [10, 1_000])
def test_new_runs_stay_whether_there_was_room_for_them_or_not(tmp_path: Path, count: int) -> None:
    more = RunDelta.from_runs(
        [make_run(f"new{at}", metrics={"score": float(at)}) for at in range(count)]
    )
    found, expected = opened(tmp_path, some_runs()), some_runs()
    for table in (found, expected):
        table.apply(more)
    found.let_go()
    assert runs_of(found) == runs_of(expected)


@on_linux
def test_only_pages_with_changes_stay_in_memory(tmp_path: Path) -> None:
    table = opened(tmp_path, some_runs(20_000))
    look_at_all(table)
    whole = resident_pages(tmp_path)
    assert whole * mmap.PAGESIZE > 0.9 * next(tmp_path.iterdir()).stat().st_size
    table.let_go()
    assert resident_pages(tmp_path) == 0
    changed = make_run(table.run_ids[7], metrics={"score": -1.0})
    table.apply(RunDelta.from_runs([changed]))
    look_at_all(table)
    table.let_go()
    own = table.metric_names() + table.param_names() + table.tag_names()
    columns = len(["status", "started", "ended", *own])
    assert 0 < resident_pages(tmp_path) <= columns
    assert table.value(7, "score") == -1.0
    assert table.value(8, "score") == 8 / 7


@on_linux
def test_a_file_that_another_one_took_the_place_of_is_read_on(tmp_path: Path) -> None:
    table = opened(tmp_path, some_runs())
    expected = runs_of(some_runs())
    assert MirrorFile(KEY, tmp_path).write(some_runs(3), facts(token="t2"))
    table.let_go()
    assert runs_of(table) == expected


PAGES_OF_FILE = 5
OFFSETS = st.sets(st.integers(0, PAGES_OF_FILE * mmap.PAGESIZE + 99), max_size=6)


@ALIKE
@given(OFFSETS, OFFSETS)
def test_bytes_of_named_offsets_stay_and_whole_pages_without_any_go(
    tmp_path: Path, named: set[int], unnamed: set[int]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(PAGES_OF_FILE * mmap.PAGESIZE + 100))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        for offset in named | unnamed:
            mapped[offset] = 1
        files._let_go(mapped, [np.array([offset], dtype=np.int64) for offset in named])
        kept = {offset for offset in named | unnamed if mapped[offset]}
    assert named <= kept
    if sys.platform == "linux":
        pages = {offset // mmap.PAGESIZE for offset in named}
        assert kept == {at for at in named | unnamed if at // mmap.PAGESIZE in pages}
