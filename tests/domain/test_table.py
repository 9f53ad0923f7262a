from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltui.domain.run import Run, RunStatus
from evaltui.domain.table import FEW, STATUSES, RunDelta, RunTable
from evaltui.domain.text_column import TextColumn
from tests.domain.builders import make_run, make_table
from tests.domain.run_strategies import PAGES


@settings(max_examples=200)
@given(st.lists(PAGES, max_size=8))
def test_a_table_holds_what_the_pages_said_last(pages: list[tuple[list[Run], set[str]]]) -> None:
    table = RunTable()
    expected: dict[str, Run] = {}
    rows: dict[str, int] = {}
    for runs, removed in pages:
        gone = removed - {run.run_id for run in runs}
        table.apply(RunDelta.from_runs(runs, removed=sorted(gone)))
        expected = {key: run for key, run in expected.items() if key not in gone}
        expected |= {run.run_id: run for run in runs}
        for run_id in expected:
            row = table.row_of(run_id)
            assert row is not None
            assert rows.setdefault(run_id, row) == row, "a row keeps its index for life"
    assert table.version == len(pages)
    assert int(table.alive.sum()) == len(expected)
    for run_id, run in expected.items():
        assert table.run(rows[run_id], "1") == run
    for run_id in rows.keys() - expected.keys():
        assert table.row_of(run_id) is None


@settings(max_examples=200)
@given(st.lists(PAGES, max_size=8), st.integers(0, 8))
def test_it_is_known_how_many_runs_have_a_metric_whenever_it_is_asked_first(
    pages: list[tuple[list[Run], set[str]]], first_asked: int
) -> None:
    table = RunTable()
    for at, (runs, removed) in enumerate(pages):
        table.apply(RunDelta.from_runs(runs, removed=sorted(removed)))
        if at >= first_asked:
            alive = [table.metrics_of(row) for row in np.flatnonzero(table.alive).tolist()]
            for name in ("a", "b", "c"):
                assert table.filled(name) == sum(name in metrics for metrics in alive)


def test_a_replaced_run_keeps_nothing_of_what_it_was() -> None:
    table = make_table(make_run("a", metrics={"m": 1}, params={"p": "x"}, tags={"t": "y"}))
    table.apply(RunDelta.from_runs([make_run("a", mode=None)]))
    assert table.size == 1
    assert table.metrics_of(0) == {}
    assert table.params_of(0) == {}
    assert table.tags_of(0) == {}


def test_a_run_that_was_removed_comes_back_in_its_old_row() -> None:
    table = make_table(make_run("a"), make_run("b"))
    table.apply(RunDelta(removed=("a", "never seen")))
    assert table.row_of("a") is None
    assert table.apply(RunDelta.from_runs([make_run("a")])).tolist() == [0]
    assert table.row_of("a") == 0


def test_apply_tells_every_row_it_touched_once() -> None:
    table = make_table(*(make_run(name) for name in "abcd"))
    delta = RunDelta.from_runs([make_run("e"), make_run("b")], removed=["d"])
    assert table.apply(delta).tolist() == [1, 3, 4]
    assert table.row_version.tolist() == [1, 2, 1, 2, 2]
    assert table.apply(RunDelta()).tolist() == []


def test_a_table_grows_without_losing_a_value() -> None:
    table = RunTable()
    for page in range(10):
        first = page * 37
        table.apply(
            RunDelta.from_runs(
                [
                    make_run(str(at), start=at, metrics={f"m{page}": at}, params={"p": str(at)})
                    for at in range(first, first + 37)
                ]
            )
        )
    assert table.size == 370
    for row in range(370):
        assert table.metrics_of(row) == {f"m{row // 37}": row}
        assert table.param(row, "p") == str(row)
        assert table.started_ms[row] == row


def test_a_missing_value_is_none_and_zero_is_zero() -> None:
    table = make_table(make_run("a", metrics={"m": 0.0}, params={"p": ""}), make_run("b"))
    assert (table.value(0, "m"), table.value(1, "m")) == (0.0, None)
    assert (table.param(0, "p"), table.param(1, "p")) == ("", None)
    assert table.value(0, "unknown") is None
    assert table.param(0, "unknown") is None
    assert table.tag(0, "unknown") is None
    assert table.metric("unknown") is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_missing(value: float) -> None:
    assert make_table(make_run("a", metrics={"m": value})).value(0, "m") is None


def test_a_listing_is_complete_once_a_page_ended_it() -> None:
    table = RunTable()
    table.apply(RunDelta.from_runs([make_run("a")], complete=False, total=2))
    assert (table.complete, table.total) == (False, 2)
    table.apply(RunDelta.from_runs([make_run("b")], complete=True))
    table.apply(RunDelta(complete=False))
    assert (table.complete, table.total) == (True, 2)


def test_a_page_of_rows_fills_another_table_alike() -> None:
    table = make_table(
        make_run("a", metrics={"m": 1}, status=RunStatus.FAILED), make_run("b", start=None)
    )
    copy = RunTable()
    copy.apply(table.page([1, 0]))
    assert copy.run(0) == table.run(1)
    assert copy.run(1) == table.run(0)


def test_each_distinct_text_is_kept_once() -> None:
    table = make_table(*(make_run(str(at), mode="mcp") for at in range(100)))
    column = table.tag_column("mode")
    assert column is not None
    assert column.values == ["mcp"]
    assert column.find("mcp") == 0
    assert column.find("never") == -1


def test_a_column_that_grows_is_missing_where_nobody_wrote() -> None:
    column = TextColumn(1)
    column.codes[0] = column.code("x")
    column.grow(3)
    assert [column.get(row) for row in range(3)] == ["x", None, None]


def test_statuses_are_codes_of_one_byte() -> None:
    assert len(STATUSES) < 256
    table = make_table(*(make_run(status.value, status=status) for status in STATUSES))
    assert [table.run_status(row) for row in range(table.size)] == list(STATUSES)
    assert table.status.dtype == np.uint8


def test_a_table_of_mostly_removed_runs_goes_on_without_their_rows() -> None:
    table = RunTable()
    kept: list[Run] = []
    for number in range(0, 6_000, 100):
        runs = [make_run(f"r{number + at}", metrics={"a": float(at)}) for at in range(100)]
        kept.append(runs[0])
        table.apply(RunDelta.from_runs(runs))
        table.apply(RunDelta.from_runs([], removed=[run.run_id for run in runs[1:]]))
        if table.is_sparse:
            before = table.version
            table = table.compacted()
            assert table.version > before
            assert not table.is_sparse
    assert table.size < 500
    assert table.complete
    assert [run.run_id for run in kept] == [
        table.run_ids[row] for row in np.flatnonzero(table.alive)
    ]
    assert all(table.value(int(row), "a") == 0.0 for row in np.flatnonzero(table.alive))


def test_a_small_table_or_one_of_mostly_living_runs_stays_as_it_is() -> None:
    table = RunTable()
    table.apply(RunDelta.from_runs([make_run(f"r{number}") for number in range(5_000)]))
    table.apply(RunDelta.from_runs([], removed=[f"r{number}" for number in range(2_400)]))
    assert not table.is_sparse


@given(st.lists(PAGES, max_size=4), st.sampled_from([0.0, FEW, 1.0]))
def test_a_packed_table_holds_the_same_and_goes_on_alike(
    pages: list[tuple[list[Run], set[str]]], loose_ratio: float
) -> None:
    packed, plain = RunTable(), RunTable()
    for runs, removed in pages:
        gone = sorted(removed - {run.run_id for run in runs})
        for table in (packed, plain):
            table.apply(RunDelta.from_runs(runs, removed=gone))
        packed.pack(loose_ratio)
        rows = range(plain.size)
        assert [packed.run(row) for row in rows] == [plain.run(row) for row in rows]
        ids = list(plain.run_ids)
        assert [packed.row_of(i) for i in ids] == [plain.row_of(i) for i in ids]
        assert not isinstance(packed.run_ids, list) or not ids
