"""The cells of a run in the list: cleaned text, and the role that gives each its style."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from rich.cells import cell_len

from evaltui.domain.catalogue import default_columns, spec_for
from evaltui.domain.report import ReportKind, ReportStatus
from evaltui.domain.run import RunStatus, Tag
from evaltui.domain.table import FloatArray, RunTable
from evaltui.domain.text import clean
from evaltui.domain.trend import window
from evaltui.ui.charts import sparkline
from evaltui.ui.columns import TREND_WIDTH, Cell, Column, ColumnPlan, Kind, make_plan
from evaltui.ui.format import beyond_tolerance, value_text
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.instants import start_text
from evaltui.ui.model import Workbench

SIGNS = {"better": "+", "worse": "!", "": " "}
"""What stands behind a value that differs from the baseline: never colour alone."""

SPAN_IN_TOLERANCES = 4
"""A sparkline spans at least this many tolerances, so that noise does not look like a cliff."""

_NAMES_MEASURED = 400
_NOTHING: FloatArray = np.empty(0)
_STATE_WORDS = {
    RunStatus.RUNNING: "running",
    RunStatus.SCHEDULED: "scheduled",
    RunStatus.FAILED: "failed",
    RunStatus.KILLED: "killed",
    RunStatus.PENDING: "pending",
}
_STATE_ROLES = {"failed": "bad", "killed": "bad", "running": "mark", "partial": "worse"}


def state_of(table: RunTable, row: int) -> str:
    """Return the state of a run in one word, a key of `Glyphs.states`."""
    status = table.run_status(row)
    if status in _STATE_WORDS:
        logging = status is RunStatus.RUNNING and table.tag(row, Tag.STATE) == "logging"
        return "pending" if logging else _STATE_WORDS[status]
    if table.tag(row, Tag.KIND) == ReportKind.GENERATION:
        return "generation"
    return "partial" if table.tag(row, Tag.STATUS) == ReportStatus.PARTIAL else "finished"


def least_span(metric: str, values: FloatArray) -> float:
    """Return the smallest span of a chart of a metric, in its unit."""
    finite = values[values == values]  # noqa: PLR0124 - drops NaN
    middle = float(abs(finite).max()) if len(finite) else 0.0
    return spec_for(metric).tolerance.around(middle) * SPAN_IN_TOLERANCES


class Extent(NamedTuple):
    """Cells of the longest texts on show.

    Attributes:
        name: Of the names.
        mode: Of the modes, 0 without any.
    """

    name: int = 0
    mode: int = 0

    def with_room_for(self, other: Extent) -> Extent:
        """Return what both fit into."""
        return Extent(max(self.name, other.name), max(self.mode, other.mode))


class RowText:
    """Makes the cells of the runs of a workbench.

    Args:
        bench: The state that is shown.
        glyphs: Signs and sparkline levels.
        clock: Epoch seconds of now, for dates of today.
        wanted: Metrics that get a column before the default ones.
    """

    def __init__(
        self,
        bench: Workbench,
        glyphs: Glyphs,
        *,
        clock: Callable[[], float] = time.time,
        wanted: Sequence[str] = (),
    ) -> None:
        self.glyphs = glyphs
        self._bench = bench
        self._clock = clock
        self._wanted = tuple(wanted)
        self._headline: str | None = None
        self._headline_of: tuple[RunTable, int] | None = None

    def extent(self) -> Extent:
        """Return how long the texts of the first runs are."""
        bench, first = self._bench, self._bench.order[:_NAMES_MEASURED].tolist()
        names = (bench.table.names[row] for row in first)
        modes = {bench.mode_of(row) or "" for row in first}
        return Extent(
            max((cell_len(clean(name)) for name in names), default=0),
            max((cell_len(clean(mode)) for mode in modes), default=0),
        )

    def plan(self, width: int, extent: Extent | None = None) -> ColumnPlan:
        """Choose the columns for a width of `width` cells.

        Args:
            width: Cells for all columns.
            extent: What names and modes have to fit into; default: those of the first runs.
        """
        extent = self.extent() if extent is None else extent
        bench, table = self._bench, self._bench.table
        primary = bench.headline()
        known = table.metric_names()
        metrics = list(
            dict.fromkeys(
                [
                    *(name for name in self._wanted if name in known),
                    *default_columns(known, primary),
                ]
            )
        )
        return make_plan(
            width,
            metrics=metrics,
            primary=primary,
            longest_name=extent.name,
            longest_mode=extent.mode,
            trend=bool(metrics),
            unit_of=lambda name: spec_for(name).unit,
        )

    def cells(self, row: int, plan: ColumnPlan) -> list[Cell]:
        """Return one cell per column of the plan."""
        baseline = self._bench.baseline_for(row).row
        return [self._cell(row, column, baseline) for column in plan.columns]

    def ground(self, row: int, plan: ColumnPlan) -> Hashable:
        """Return what the cells of a run follow from besides the run itself.

        That is its baseline, its trend and the day: while this is equal and the run has not
        changed, nor marks, directions or the fixed baseline, its cells are the same.
        """
        table, baseline = self._bench.table, self._bench.baseline_for(row).row
        beside = () if baseline is None else [table.value(baseline, name) for name in plan.metrics]
        day = time.localtime(self._clock())[:3]
        metric, window = self._window(row)
        return day, baseline == row, tuple(beside), metric, window.tobytes()

    def _cell(self, row: int, column: Column, baseline: int | None) -> Cell:
        table = self._bench.table
        if column.kind is Kind.FLAGS:
            return self._flags(row)
        if column.kind is Kind.NAME:
            role = "quiet" if state_of(table, row) in {"pending", "generation"} else "text"
            return Cell(clean(table.names[row]), role)
        if column.kind is Kind.START:
            started = float(table.started_ms[row])
            return Cell(start_text(started, self._clock(), column.width), "quiet")
        if column.kind is Kind.MODE:
            return Cell(clean(self._bench.mode_of(row) or ""), "quiet")
        if column.kind is Kind.METRIC:
            return self._metric(row, column, baseline)
        return Cell(self._trend(row), "trend")

    def _flags(self, row: int) -> Cell:
        bench = self._bench
        run_id = bench.table.run_ids[row]
        state = state_of(bench.table, row)
        is_baseline = bool(bench.fixed_baseline_id) and run_id == bench.fixed_baseline_id
        marked = run_id in bench.marks
        text = self.glyphs.states[state] + ("b" if is_baseline else " ") + ("*" if marked else " ")
        role = "mark" if marked or is_baseline else _STATE_ROLES.get(state, "quiet")
        return Cell(text, role)

    def _metric(self, row: int, column: Column, baseline: int | None) -> Cell:
        table, name = self._bench.table, column.metric
        spec = self._bench.spec(name)
        value = table.value(row, name)
        if value is None:
            return Cell(self.glyphs.missing + " ", "quiet")
        before = table.value(baseline, name) if baseline is not None and baseline != row else None
        change = beyond_tolerance(spec, before, value)
        text = value_text(value, spec, missing=self.glyphs.missing, width=column.width - 1)
        return Cell(text + SIGNS[change], change or "text")

    def _trend(self, row: int) -> str:
        metric, values = self._window(row)
        if metric is None:
            return ""
        return sparkline(values, self.glyphs, least_span=least_span(metric, values))

    def _window(self, row: int) -> tuple[str | None, FloatArray]:
        """Return the metric of the trend, None without one, and its values up to a run."""
        table = self._bench.table
        if self._headline_of != (table, table.version):
            self._headline, self._headline_of = self._bench.headline(), (table, table.version)
        metric = self._headline
        return metric, _NOTHING if metric is None else window(table, metric, TREND_WIDTH, row)
