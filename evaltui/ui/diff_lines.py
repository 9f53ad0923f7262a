"""What differs between a baseline and one or several candidates, as lines of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from evaltui.domain.catalogue import spec_for
from evaltui.domain.comparison import Change, Comparison, MetricDelta, ParamDelta, compare
from evaltui.domain.metric import Direction
from evaltui.domain.run import Run
from evaltui.domain.text import clean
from evaltui.ui.columns import Cell
from evaltui.ui.format import (
    beyond_tolerance,
    delta_text,
    relative_text,
    tolerance_text,
    value_text,
)
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.row_text import SIGNS
from evaltui.ui.widgets.line_table import TableColumn

VALUE_WIDTH = 10
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_CANDIDATES = len(LETTERS) - 1
_LONGEST_METRIC = 34
_SHORTEST_METRIC = 14


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What the diff shows.

    Attributes:
        baseline: The run that is compared with, or None.
        why: Why it is that one, or why there is none; may be foreign.
        candidates: The runs held against it; empty when the baseline itself is looked at.
    """

    baseline: Run | None
    why: str
    candidates: tuple[Run, ...] = ()

    def comparisons(self) -> tuple[Comparison, ...]:
        """Compare every candidate with the baseline; none without a baseline."""
        if self.baseline is None:
            return ()
        return tuple(compare(self.baseline, run) for run in self.candidates[:MOST_CANDIDATES])


class DiffLines:
    """Metrics and params that differ; headline first, equal ones on request.

    Args:
        comparisons: One per candidate, at least one, all with the same baseline.
        glyphs: Signs to draw with.
        equal: List what does not differ as well.
    """

    def __init__(
        self, comparisons: Sequence[Comparison], *, glyphs: Glyphs, equal: bool = False
    ) -> None:
        self._glyphs = glyphs
        self._many = len(comparisons) > 1
        metrics = _by_name(comparisons)
        differing = [name for name, found in metrics.items() if any(map(_differs, found))]
        self.metrics_total = len(metrics)
        self.metrics_differ = len(differing)
        params = _params_by_name(comparisons)
        self.params_differ = len(params)
        self._rows: list[tuple[str, tuple[Cell, ...]]] = []
        for name in metrics if equal else differing:
            self._rows.append((f"metric:{name}", self._metric_cells(metrics[name])))
        if params:
            self._heading("params")
            for name, deltas in params.items():
                self._rows.append((f"param:{name}", self._param_cells(name, deltas)))
        names = [cell_len(row[1][0].text) for row in self._rows]
        longest = max(names, default=_SHORTEST_METRIC)
        self.columns = self._make_columns(len(comparisons), longest)

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """Return what kind of thing the line is about, and its name."""
        return self._rows[index][0]

    def cells(self, index: int) -> Sequence[Cell]:
        """Return the line's cells."""
        return self._rows[index][1]

    def _make_columns(self, candidates: int, longest: int) -> tuple[TableColumn, ...]:
        name = max(_SHORTEST_METRIC, min(longest, _LONGEST_METRIC))
        columns = [
            TableColumn("metric", name, shrinks=True),
            TableColumn("", 1),
            TableColumn("A ", VALUE_WIDTH + 1, right=True),
        ]
        if self._many:
            columns += [
                TableColumn(f"{letter} ", VALUE_WIDTH + 1, right=True, optional=at > 0)
                for at, letter in enumerate(LETTERS[1 : candidates + 1])
            ]
            return tuple(columns)
        return (
            *columns,
            TableColumn("B ", VALUE_WIDTH + 1, right=True),
            TableColumn("delta", 9, right=True),
            TableColumn("rel", 7, right=True, optional=True),
            TableColumn("", 10, optional=True),
        )

    def _heading(self, text: str) -> None:
        self._rows.append((f"heading:{text}", (Cell(text, "head"),)))

    def _metric_cells(self, deltas: Sequence[MetricDelta]) -> tuple[Cell, ...]:
        first, glyphs = deltas[0], self._glyphs
        spec = spec_for(first.name)
        arrow = {Direction.HIGHER: glyphs.up, Direction.LOWER: glyphs.down}.get(spec.direction, " ")
        before = value_text(first.baseline, spec, missing=glyphs.missing, width=VALUE_WIDTH)
        cells = [Cell(clean(first.name)), Cell(arrow, "quiet"), Cell(before + " ", "quiet")]
        for delta in deltas:
            change = beyond_tolerance(spec, delta.baseline, delta.candidate)
            text = value_text(delta.candidate, spec, missing=glyphs.missing, width=VALUE_WIDTH)
            cells.append(Cell(text + SIGNS[change], change or "text"))
        if self._many:
            return tuple(cells)
        role = beyond_tolerance(spec, first.baseline, first.candidate) or "text"
        missing = glyphs.missing
        return (
            *cells,
            Cell(delta_text(first.delta, spec, missing=missing, width=9), role),
            Cell(relative_text(first.relative, missing=missing), role),
            Cell(change_word(first), role if role != "text" else "quiet"),
        )

    def _param_cells(self, name: str, deltas: Sequence[ParamDelta | None]) -> tuple[Cell, ...]:
        known = next(delta for delta in deltas if delta is not None)
        cells = [Cell(clean(name)), Cell(" "), Cell(self._text(known.baseline), "quiet")]
        for delta in deltas:
            text = known.baseline if delta is None else delta.candidate
            cells.append(Cell(self._text(text), "quiet" if delta is None else "text"))
        return tuple(cells)

    def _text(self, value: str | None) -> str:
        return (self._glyphs.missing if value is None else clean(value)) + " "


def change_word(delta: MetricDelta) -> str:
    """Return in a word or two what became of a metric."""
    if delta.change is Change.MISSING:
        return "only in A" if delta.candidate is None else "only in B"
    if delta.change in {Change.SAME, Change.CHANGED}:
        return delta.change.value
    spec = spec_for(delta.name)
    moved = beyond_tolerance(spec, delta.baseline, delta.candidate)
    return moved or f"within {tolerance_text(spec, missing='noise')}"


def _differs(delta: MetricDelta) -> bool:
    absent = delta.baseline is None and delta.candidate is None
    return not absent and delta.change is not Change.SAME


def _by_name(comparisons: Sequence[Comparison]) -> Mapping[str, list[MetricDelta]]:
    """Return the deltas of every metric that all comparisons know, in order of display.

    A metric that neither the baseline nor a candidate has is filled in as missing.
    """
    names = list(dict.fromkeys(d.name for found in comparisons for d in found.metrics))
    maps = [{delta.name: delta for delta in found.metrics} for found in comparisons]
    return {name: [found.get(name) or _absent(name) for found in maps] for name in names}


def _absent(name: str) -> MetricDelta:
    spec = spec_for(name)
    return MetricDelta(
        name=name,
        direction=spec.direction,
        unit=spec.unit,
        baseline=None,
        candidate=None,
        delta=None,
        relative=None,
        change=Change.MISSING,
    )


def _params_by_name(
    comparisons: Sequence[Comparison],
) -> Mapping[str, list[ParamDelta | None]]:
    names = list(dict.fromkeys(d.name for found in comparisons for d in found.params))
    maps = [{delta.name: delta for delta in found.params} for found in comparisons]
    return {name: [found.get(name) for found in maps] for name in names}
