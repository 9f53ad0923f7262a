"""The list stands in the order that sorting run by run would give it."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaltui.domain.run import Run, RunStatus
from evaltui.ui.order import Sort, SortKey, display_order
from tests.domain.builders import make_run, make_table

_VALUES = st.sampled_from([0.0, -0.0, 0.5, -1e300])
_RUNS = st.builds(
    make_run,
    st.uuids().map(str),
    name=st.sampled_from(["a", "A", "b", "ß"]),
    mode=st.sampled_from([None, "mcp", "sdk"]),
    start=st.sampled_from([None, 0, 1, 2]),
    status=st.sampled_from(RunStatus),
    metrics=st.fixed_dictionaries({}, optional={"score": _VALUES}),
)


def value_of(run: Run, column: str) -> float | str | None:
    match column:
        case SortKey.START:
            return run.started_ms
        case SortKey.NAME:
            return run.name.casefold()
        case SortKey.MODE:
            return run.tags.get("mode")
        case _:
            return run.metrics.get("score")


def in_order(runs: list[Run], sort: Sort) -> list[str]:
    """Sort by the last rule first: each leaves equal runs as they are."""
    found = sorted(runs, key=lambda run: run.run_id, reverse=True)
    found.sort(key=lambda run: math.inf if run.started_ms is None else -run.started_ms)
    known = [run for run in found if value_of(run, sort.column) is not None]
    known.sort(key=lambda run: value_of(run, sort.column), reverse=sort.descending)  # type: ignore[arg-type, return-value]
    missing = [run for run in found if value_of(run, sort.column) is None]
    undated = [run for run in missing if run.status is RunStatus.PENDING]
    if sort.column != SortKey.START:
        undated = []
    rest = [run for run in missing if run not in undated]
    return [run.run_id for run in (*undated, *known, *rest)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(_RUNS, max_size=9),
    st.sampled_from([SortKey.START, SortKey.NAME, SortKey.MODE, "metric:score"]),
    st.booleans(),
    st.data(),
)
def test_rows_stand_as_sorting_run_by_run_puts_them(
    runs: list[Run], column: str, descending: bool, data: st.DataObject
) -> None:
    table, sort = make_table(*runs), Sort(column, descending=descending)
    rows = sorted(data.draw(st.sets(st.sampled_from(range(len(runs)))))) if runs else []
    order = display_order(table, np.array(rows, dtype=np.int64), sort)
    found = [table.run_ids[row] for row in order.tolist()]
    assert found == in_order([runs[row] for row in rows], sort)
