"""A metric over the runs of an experiment, in evaluation order."""

from __future__ import annotations

import numpy as np

from evaltui.domain.select import earlier, eligible_order, mode_codes
from evaltui.domain.table import FloatArray, IntArray, RunTable
from evaltui.late_dataclass import dataclass

MEAN_OF = 5
"""Number of points before one that its `delta_mean5` is taken against, at most."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a trend.

    Attributes:
        name: Run name as the store holds it (clean before showing).
        at_ms: Start of the evaluation in epoch milliseconds, or None.
        value: The metric.
        delta_previous: Value minus the previous point's, or None at the first point.
        delta_mean5: Value minus the mean of up to five points before, or None at the first point.
    """

    run_id: str
    name: str
    at_ms: int | None
    value: float
    delta_previous: float | None
    delta_mean5: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over runs, oldest first."""

    metric: str
    points: tuple[Point, ...]


def series(
    table: RunTable, metric: str, *, mode: str | None = None, last: int | None = None
) -> Series:
    """Return the metric of every eligible run that has it, in evaluation order.

    Deltas are worked out before `last` cuts, so a point has the same deltas however many are
    asked for.

    Args:
        table: The runs.
        metric: Name of the metric; one that no run has gives no points.
        mode: Only runs of this mode, or None for all.
        last: Only this many newest points, or None for all; 0 gives none.
    """
    column = table.metric(metric)
    rows = eligible_order(table)
    if column is None or not len(rows):
        return Series(metric, ())
    if mode is not None:
        codes, modes = mode_codes(table)
        rows = rows[codes[rows] == (modes.index(mode) if mode in modes else -2)]
    rows = rows[~np.isnan(column[rows])]
    values = column[rows]
    points = [_point(table, rows, values, at) for at in range(_first(len(rows), last), len(rows))]
    return Series(metric, tuple(points))


def _first(count: int, last: int | None) -> int:
    return 0 if last is None else max(0, count - max(0, last))


def _point(table: RunTable, rows: IntArray, values: FloatArray, at: int) -> Point:
    row, value = int(rows[at]), float(values[at])
    before = values[max(0, at - MEAN_OF) : at]
    started = table.started_ms[row]
    return Point(
        run_id=table.run_ids[row],
        name=table.names[row],
        at_ms=None if np.isnan(started) else int(started),
        value=value,
        delta_previous=value - float(before[-1]) if at else None,
        delta_mean5=value - float(before.mean()) if at else None,
    )


def window(table: RunTable, metric: str, width: int, row: int) -> FloatArray:
    """Return the last values of the mode of `row` up to that run, for a sparkline.

    Values come from eligible runs of the row's mode, in evaluation order, at most up to the row
    itself; a run without the metric is a gap. A row that is not eligible itself (running, failed)
    ends with its own value.

    Args:
        table: The runs.
        metric: Name of the metric.
        width: Number of values, at least 1.
        row: The run, which is alive.

    Returns:
        An array of length `width`, newest at the right, NaN where there is nothing: further back
        than the first run, or a missing value.
    """
    result = np.full(width, np.nan)
    column = table.metric(metric)
    if column is None:
        return result
    before = earlier(table, row)[-(width - 1) :] if width > 1 else ()
    result[width - 1 - len(before) : width - 1] = column[before] if len(before) else ()
    result[width - 1] = column[row]
    return result
