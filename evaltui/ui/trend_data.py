"""Metrics over the runs of one mode, in evaluation order, as arrays that charts are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaltui.domain.catalogue import MetricSpec, default_columns, spec_for
from evaltui.domain.metric import Direction
from evaltui.domain.select import eligible_order, mode_codes
from evaltui.domain.table import FloatArray, IntArray, RunTable
from evaltui.late_dataclass import dataclass

MOST_RUNS = 400
"""Newest runs that a trend looks at, and up to `_STEP` more."""
_STEP = 50
"""Runs by which the oldest one shown moves on: else every new run would move all that is drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """One metric over runs.

    Attributes:
        metric: Name, foreign text.
        values: Oldest first; NaN where a run lacks the metric.
        direction: Direction that people set, or None.
    """

    metric: str
    values: FloatArray
    direction: Direction | None = None

    @property
    def spec(self) -> MetricSpec:
        """What is known about the metric."""
        own = None if self.direction is None else {self.metric: self.direction}
        return spec_for(self.metric, overrides=own)

    @property
    def known(self) -> FloatArray:
        """The values without gaps."""
        return self.values[np.isfinite(self.values)]

    @property
    def last(self) -> float | None:
        """The newest value, or None without any."""
        known = self.known
        return float(known[-1]) if len(known) else None

    @property
    def previous(self) -> float | None:
        """The value before the newest, or None."""
        known = self.known
        return float(known[-2]) if len(known) > 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class Trends:
    """Several metrics over the same runs.

    Attributes:
        mode: Mode of the runs, or None for runs without one; foreign text.
        items: One per metric that at least one of the runs has, in order of display.
        started_ms: Start of each run, NaN where it is missing.
        baselines: Value of the baseline per metric, where it has one.
    """

    mode: str | None
    items: tuple[Trend, ...]
    started_ms: FloatArray
    baselines: dict[str, float]


def trend_rows(table: RunTable, row: int | None) -> IntArray:
    """Return the newest eligible runs of the mode of `row`, oldest first."""
    if row is None:
        return np.empty(0, dtype=np.int64)
    rows = eligible_order(table)
    codes, _ = mode_codes(table)
    chosen: IntArray = rows[codes[rows] == codes[row]]
    return chosen[max(0, len(chosen) - MOST_RUNS) // _STEP * _STEP :]


def make_trends(
    table: RunTable,
    row: int | None,
    *,
    mode: str | None,
    headline: str | None,
    baseline: int | None = None,
    wanted: Sequence[str] = (),
    directions: Mapping[str, Direction] | None = None,
) -> Trends:
    """Gather the trends of every metric over the runs of the mode of `row`.

    Args:
        table: The runs.
        row: The run whose mode decides, or None for no trend at all.
        mode: That mode, for the title.
        headline: The primary metric, which comes first.
        baseline: Row of the baseline, or None.
        wanted: Metrics that come before the default ones.
        directions: Directions that people set, by metric.
    """
    ways = directions or {}
    rows = trend_rows(table, row)
    names = _ordered(table.metric_names(), headline, wanted)
    columns = [(name, column[rows]) for name in names if (column := table.metric(name)) is not None]
    values = np.array([column for _, column in columns]).reshape(len(columns), len(rows))
    known = np.flatnonzero(np.isfinite(values).any(axis=1)).tolist()
    items = [Trend(columns[at][0], values[at], ways.get(columns[at][0])) for at in known]
    found = (
        {t.metric: table.value(baseline, t.metric) for t in items} if baseline is not None else {}
    )
    baselines = {name: value for name, value in found.items() if value is not None}
    return Trends(mode, tuple(items), table.started_ms[rows], baselines)


def _ordered(names: Sequence[str], headline: str | None, wanted: Sequence[str]) -> list[str]:
    first = [headline] if headline is not None else []
    rest = sorted(names, key=lambda name: (spec_for(name).rank, name))
    return list(dict.fromkeys([*first, *wanted, *default_columns(names, headline), *rest]))
