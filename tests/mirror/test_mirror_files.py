"""A mirror gives back what was kept, or nothing; whatever became of its file meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaltui.domain.run import Run
from evaltui.domain.table import RunDelta, RunTable
from evaltui.mirror import files, layout
from evaltui.mirror.files import MirrorFile, new_token
from evaltui.mirror.layout import Facts
from tests.domain.builders import make_run, make_table
from tests.domain.run_strategies import LISTS, PAGES, runs_of

KEY = "sqlite:/a/mlflow.db\n/Shared/evals"
ALIKE = settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def facts(key: str = KEY, token: str = "t1") -> Facts:
    return Facts(
        key=key,
        experiment_id="7",
        token=token,
        as_of_s=1_795_530_120.5,
        asked_at_s=1_795_530_180.25,
        baseline_run_id="r1",
        directions={"cost \udc80": "lower"},
    )


def some_runs(count: int = 40) -> RunTable:
    return make_table(
        *(
            make_run(
                f"{number:032x}",
                name=f"run ünö {number}",
                start=1_000 + number,
                metrics={"score": number / 7, **({"rare": 1.0} if number % 9 == 0 else {})},
                params={"model": f"m{number % 3}"},
                tags={"evaltui.content_id": f"{number:064x}"},
            )
            for number in range(count)
        )
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@ALIKE
@given(st.lists(PAGES, max_size=5))
def test_what_was_kept_comes_back(tmp_path: Path, pages: list[tuple[list[Run], set[str]]]) -> None:
    table = RunTable()
    for runs, removed in pages:
        table.apply(RunDelta.from_runs(runs, removed=sorted(removed)))
    mirror = MirrorFile(KEY, tmp_path)
    assert mirror.write(table, facts())
    found = mirror.open()
    assert found is not None
    assert found.facts == mirror.facts() == facts()
    assert runs_of(found.table) == runs_of(table)
    assert found.table.complete
    assert found.table.size == int(table.alive.sum())


@ALIKE
@given(LISTS, st.lists(PAGES, max_size=5))
def test_a_table_from_a_mirror_takes_pages_like_any_other(
    tmp_path: Path, known: list[Run], pages: list[tuple[list[Run], set[str]]]
) -> None:
    table = RunTable()
    table.apply(RunDelta.from_runs(known))
    mirror = MirrorFile(KEY, tmp_path)
    assert mirror.write(table, facts())
    bytes_before = mirror.path.read_bytes()
    found = mirror.open()
    assert found is not None
    for runs, removed in pages:
        page = RunDelta.from_runs(runs, removed=sorted(removed))
        table.apply(page)
        found.table.apply(page)
    assert runs_of(found.table) == runs_of(table)
    assert mirror.path.read_bytes() == bytes_before, "changes stay in memory"


def test_many_new_runs_do_not_fit_behind_the_old_ones_and_are_taken_all_the_same(
    tmp_path: Path,
) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    assert mirror.write(some_runs(), facts())
    found = mirror.open()
    assert found is not None
    more = [make_run(f"new{at}", metrics={"score": float(at)}) for at in range(1_000)]
    found.table.apply(RunDelta.from_runs(more))
    expected = some_runs()
    expected.apply(RunDelta.from_runs(more))
    assert runs_of(found.table) == runs_of(expected)


def test_there_is_none_before_one_was_written(tmp_path: Path) -> None:
    assert MirrorFile(KEY, tmp_path / "none" / "yet").open() is None
    assert MirrorFile(KEY, tmp_path).facts() is None


def test_a_mirror_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    mirror = MirrorFile(KEY, tmp_path / "cache" / "mirrors")
    assert mirror.write(some_runs(), facts())
    assert stat.S_IMODE(mirror.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(mirror.path.parent.stat().st_mode) == 0o700
    assert names_in(mirror.path.parent) == [mirror.path.name]


def test_a_mirror_of_another_target_is_never_opened(tmp_path: Path) -> None:
    ours, theirs = MirrorFile(KEY, tmp_path), MirrorFile(KEY + "2", tmp_path)
    assert ours.path != theirs.path
    assert theirs.write(some_runs(), facts(KEY + "2"))
    assert ours.open() is None
    theirs.path.rename(ours.path)  # it lies where ours would be
    assert ours.open() is None
    assert ours.facts() is None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_mirror_that_was_cut_short_is_none(tmp_path: Path, share: float) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    assert mirror.write(some_runs(), facts())
    os.truncate(mirror.path, int(mirror.path.stat().st_size * share))
    assert mirror.open() is None


@settings(ALIKE, max_examples=200)
@given(st.data())
def test_whichever_byte_is_damaged_no_wrong_run_comes_back(
    tmp_path: Path, data: st.DataObject
) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    table = some_runs(9)
    assert mirror.write(table, facts())
    raw = bytearray(mirror.path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    mirror.path.write_bytes(raw)
    found = mirror.open()
    if found is not None:  # a byte between two columns
        assert raw[at] != 0
        assert found.facts == facts()
        assert runs_of(found.table) == runs_of(table)


@settings(ALIKE, max_examples=100)
@given(st.binary(max_size=200))
def test_bytes_of_anything_are_none(tmp_path: Path, raw: bytes) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    mirror.path.write_bytes(raw)
    assert mirror.open() is None
    mirror.path.write_bytes(layout.MAGIC + raw)
    assert mirror.open() is None


def test_a_mirror_of_another_layout_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    monkeypatch.setattr(layout, "MAGIC", b"evtmir\x00\x00")
    assert mirror.write(some_runs(), facts())
    assert mirror.open() is not None
    monkeypatch.undo()
    assert mirror.open() is None
    assert mirror.write(some_runs(), facts())
    assert mirror.open() is not None


def test_what_is_no_file_of_ours_is_none(tmp_path: Path) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    assert mirror.write(some_runs(), facts())
    moved = tmp_path / "elsewhere"
    mirror.path.rename(moved)
    mirror.path.symlink_to(moved)
    assert mirror.open() is None
    mirror.path.unlink()
    os.mkfifo(mirror.path)
    assert mirror.open() is None
    mirror.path.unlink()
    mirror.path.mkdir()
    assert mirror.open() is None


def test_a_place_that_cannot_be_written_costs_the_mirror_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert not MirrorFile(KEY, blocked / "mirrors").write(some_runs(), facts())
    assert "no mirror of the run list" in caplog.text


def test_a_full_disk_leaves_the_old_mirror_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    assert mirror.write(some_runs(), facts())

    def full(table: RunTable, of: Facts) -> object:
        yield b"the first piece"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "pack", full)
    assert not mirror.write(some_runs(3), facts(token="t2"))
    monkeypatch.undo()
    found = mirror.open()
    assert found is not None
    assert found.facts.token == "t1"
    assert names_in(tmp_path) == [mirror.path.name]


def test_a_listing_that_is_too_large_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "LARGEST_BYTES", 10_000)
    mirror = MirrorFile(KEY, tmp_path)
    assert not mirror.write(some_runs(), facts())
    assert names_in(tmp_path) == []


def test_the_mirrors_written_last_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_MIRRORS", 3)
    table = some_runs(2)
    for number in range(6):
        mirror = MirrorFile(f"key {number}", tmp_path)
        assert mirror.write(table, facts(f"key {number}"))
        os.utime(mirror.path, (number, number))
    left = {number for number in range(6) if MirrorFile(f"key {number}", tmp_path).open()}
    assert left == {3, 4, 5}


def test_what_a_killed_writer_left_is_cleared_away_in_time(tmp_path: Path) -> None:
    mirror = MirrorFile(KEY, tmp_path)
    old, young = tmp_path / "a.mirror.1.part", tmp_path / "b.mirror.2.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3_600, time.time() - 3_600))
    assert mirror.write(some_runs(), facts())
    assert not old.exists()
    assert young.exists(), "its writer may be at it"


_WRITER = """
import sys
from pathlib import Path
from evaltui.mirror.files import MirrorFile
from evaltui.mirror.layout import Facts
from tests.mirror.test_mirror_files import KEY, some_runs
table = some_runs(int(sys.argv[2]))
number = 0
while True:
    number += 1
    facts = Facts(KEY, "7", sys.argv[2], float(number), float(number))
    MirrorFile(KEY, Path(sys.argv[1])).write(table, facts)
    print(number, flush=True)
"""


def test_writers_that_are_killed_leave_a_whole_mirror_of_one_of_them(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent.parent
    environ = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    sizes = (300, 500)
    for round_ in range(3):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(tmp_path), str(size)],
                stdout=subprocess.PIPE,
                env=environ,
            )
            for size in sizes
        ]
        for writer in writers:
            assert writer.stdout is not None
            for _ in range(2 + round_):
                assert writer.stdout.readline()
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            assert writer.stdout is not None
            writer.stdout.close()
        found = MirrorFile(KEY, tmp_path).open()
        assert found is not None
        assert found.facts.token in map(str, sizes)
        assert runs_of(found.table) == runs_of(some_runs(int(found.facts.token)))


def test_tokens_tell_mirrors_apart() -> None:
    assert len({new_token() for _ in range(100)}) == 100


def test_rows_of_removed_runs_are_not_kept(tmp_path: Path) -> None:
    table = some_runs(10)
    table.apply(RunDelta(removed=tuple(f"{number:032x}" for number in range(9))))
    mirror = MirrorFile(KEY, tmp_path)
    assert mirror.write(table, facts())
    found = mirror.open()
    assert found is not None
    assert list(found.table.run_ids) == [f"{9:032x}"]
    column = found.table.param_column("model")
    assert column is not None
    assert list(column.values) == ["m0"], "texts that no run has any more are gone"
    assert np.array_equal(found.table.started_ms, [1_009.0])
