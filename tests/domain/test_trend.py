from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.groups import Mean, by_mode
from evaltui.domain.run import RunStatus
from evaltui.domain.select import eligible, mode_of, order_rows
from evaltui.domain.table import RunTable
from evaltui.domain.trend import Point, series, window
from tests.domain.builders import make_run, make_table


def history(*values: float | None) -> RunTable:
    return make_table(
        *(
            make_run(f"r{at}", start=at, metrics={} if value is None else {"m": value})
            for at, value in enumerate(values)
        )
    )


def test_a_point_tells_its_change_to_the_previous_and_to_the_mean_of_five() -> None:
    points = series(history(1, 2, 3, 4, 5, 6, 10), "m").points
    assert points[0] == Point("r0", "r0", 0, 1.0, None, None)
    assert points[1] == Point("r1", "r1", 1, 2.0, 1.0, 1.0)
    assert points[6] == Point("r6", "r6", 6, 10.0, 4.0, 6.0)  # mean of 2, 3, 4, 5, 6


def test_a_run_without_the_metric_is_no_point_and_no_zero() -> None:
    points = series(history(1, None, 3), "m").points
    assert [point.run_id for point in points] == ["r0", "r2"]
    assert points[1].delta_previous == 2.0


def test_runs_that_are_no_whole_evaluations_are_no_points() -> None:
    table = make_table(
        make_run("a", start=1, metrics={"m": 1}),
        make_run("b", start=2, metrics={"m": 0}, status=RunStatus.FAILED),
        make_run("c", start=3, metrics={"m": 2}),
    )
    assert [point.value for point in series(table, "m").points] == [1, 2]


def test_a_trend_goes_by_evaluation_time_and_not_by_arrival() -> None:
    table = make_table(
        make_run("late", start=9, metrics={"m": 9}),
        make_run("early", start=1, metrics={"m": 1}),
        make_run("undated", start=None, metrics={"m": 0}),
    )
    assert [(point.run_id, point.at_ms) for point in series(table, "m").points] == [
        ("undated", None),
        ("early", 1),
        ("late", 9),
    ]


def test_last_cuts_the_points_and_not_what_they_are_compared_with() -> None:
    table = history(1, 2, 4)
    assert series(table, "m", last=1).points == series(table, "m").points[-1:]
    assert series(table, "m", last=0).points == ()
    assert len(series(table, "m", last=99).points) == 3


def test_a_trend_of_one_mode_sees_only_that_mode() -> None:
    table = make_table(
        make_run("a", start=1, mode="mcp", metrics={"m": 1}),
        make_run("b", start=2, mode="vanilla_sdk", metrics={"m": 5}),
        make_run("c", start=3, mode="mcp", metrics={"m": 2}),
        make_run("d", start=4, mode=None, metrics={"m": 2}),
    )
    assert [point.run_id for point in series(table, "m", mode="mcp").points] == ["a", "c"]
    assert series(table, "m", mode="none of these").points == ()
    assert series(table, "unknown").points == ()
    assert series(RunTable(), "m").points == ()


def test_a_window_ends_with_the_run_itself() -> None:
    table = history(1, None, 3)
    found = [window(table, "m", 2, row) for row in range(3)]
    np.testing.assert_array_equal(found, [[np.nan, 1], [1, np.nan], [np.nan, 3]])


def test_a_window_of_a_metric_nobody_has_is_empty() -> None:
    found = window(history(1), "unknown", 3, 0)
    np.testing.assert_array_equal(found, [np.nan] * 3)


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 3),
            st.sampled_from(["a", "b", None]),
            st.booleans(),
            st.none() | st.floats(-1e6, 1e6),
        ),
        max_size=12,
    ),
    st.integers(1, 5),
)
def test_a_window_is_what_a_plain_loop_finds(
    rows: list[tuple[int | None, str | None, bool, float | None]], width: int
) -> None:
    table = make_table(
        *(
            make_run(
                f"r{at}",
                start=start,
                mode=mode,
                status=RunStatus.FINISHED if good else RunStatus.FAILED,
                metrics={} if value is None else {"m": value},
            )
            for at, (start, mode, good, value) in enumerate(rows)
        )
    )
    good = eligible(table)
    ordered = order_rows(table).tolist()
    for row, (start, *_) in enumerate(rows):
        # what has no start yet has not begun: all others came before
        before = ordered[: ordered.index(row) if start is not None else None]
        before = [at for at in before if at != row]
        same = [at for at in before if good[at] and mode_of(table, at) == mode_of(table, row)]
        values = [table.value(at, "m") for at in (*same, row)][-width:]
        filled = [None] * (width - len(values)) + values
        expected = [math.nan if value is None else value for value in filled]
        np.testing.assert_array_equal(window(table, "m", width, row), expected)


def test_a_mean_by_mode_is_over_the_runs_that_have_the_metric() -> None:
    table = make_table(
        make_run("a", mode="mcp", metrics={"x": 1.0}),
        make_run("b", mode="mcp", metrics={"x": 2.0, "y": 7.0}),
        make_run("c", mode="mcp"),
        make_run("d", mode="mcp", metrics={"x": 100.0}, status=RunStatus.FAILED),
        make_run("e", mode="base"),
        make_run("f", mode=None, metrics={"x": 4.0}),
    )
    rows = by_mode(table, ["x", "y", "unknown"])
    assert [(row.mode, row.n_runs) for row in rows] == [("base", 1), ("mcp", 3), (None, 1)]
    assert rows[0].means == {}
    assert rows[1].means == {"x": Mean(2, 1.5), "y": Mean(1, 7.0)}
    assert rows[2].means == {"x": Mean(1, 4.0)}
    assert by_mode(RunTable(), ["x"]) == []
