"""Groups of runs against each other, as lines of a table: a metric's groups stand together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from evaltui.domain.comparison import MetricDelta, Verdict, change_of
from evaltui.domain.contrast import GroupComparison, GroupDelta
from evaltui.domain.text import clean
from evaltui.ui.columns import Cell
from evaltui.ui.format import value_text
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.verdicts import (
    VERDICT_ROLES,
    VERDICT_SIGNS,
    Scale,
    difference_text,
    direction_glyph,
    interval_text,
    spec_of,
)
from evaltui.ui.widgets.table_columns import TableColumn

_SHORTEST, _LONGEST_METRIC, _LONGEST_GROUP = 8, 30, 24
_VALUE = 8
_REGRESSED = frozenset({Verdict.REGRESSED, Verdict.SOFT})


def group_name(name: str | None) -> str:
    """Return a group's name as it is shown, cleaned."""
    return "(none)" if name is None else clean(name)


class GroupLines:
    """One line per metric and group, the reference group first.

    Args:
        found: What was found.
        glyphs: Signs to draw with.
    """

    def __init__(self, found: GroupComparison, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        by_metric: dict[str, list[GroupDelta]] = {}
        for delta in found.deltas:
            by_metric.setdefault(delta.metric, []).append(delta)
        self._rows: list[tuple[GroupDelta, bool]] = []
        for deltas in _ordered(found, by_metric):
            self._rows.append((deltas[0], True))
            self._rows += [(delta, False) for delta in deltas]
        metrics = [cell_len(clean(name)) for name in by_metric]
        groups = [cell_len(group_name(name)) for name in found.sizes]
        self.columns = (
            TableColumn("metric", _between(metrics, _LONGEST_METRIC), shrinks=True),
            TableColumn("", 1),
            TableColumn("group", _between(groups, _LONGEST_GROUP), shrinks=True),
            TableColumn("n", 4, right=True),
            TableColumn("mean", _VALUE, right=True),
            TableColumn("delta", 10, right=True),
            TableColumn("verdict", 14, optional=True),
            TableColumn("95% CI of delta", 18, right=True, optional=True),
            TableColumn("sd", _VALUE, right=True, optional=True),
            TableColumn("95% CI of mean", 19, right=True, optional=True),
        )

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """Return metric and group."""
        delta, is_reference = self._rows[index]
        value = delta.reference if is_reference else delta.group
        return f"{delta.metric}\0{value.group}\0{is_reference}"

    def delta(self, index: int) -> GroupDelta | None:
        """Return what a line tells of a group; None for the reference, or beyond the lines."""
        if not 0 <= index < len(self._rows) or self._rows[index][1]:
            return None
        return self._rows[index][0]

    def next_regression(self, start: int, step: int) -> int | None:
        """Return the next line after `start` whose group is worse, going round."""
        count = len(self._rows)
        for away in range(1, count + 1):
            index = (start + away * step) % count
            delta = self.delta(index)
            if delta is not None and delta.verdict in _REGRESSED:
                return index
        return None

    def cells(self, index: int) -> Sequence[Cell]:
        """Return the line's cells, one per column."""
        delta, is_reference = self._rows[index]
        value = delta.reference if is_reference else delta.group
        as_metric = _as_metric(delta)
        spec, missing = spec_of(as_metric), self._glyphs.missing

        def figure(number: float | None) -> str:
            return value_text(number, spec, missing=missing, width=_VALUE)

        mean_ci = ""
        if value.low is not None and value.high is not None:
            mean_ci = f"[{figure(value.low)}, {figure(value.high)}]"
        spread = (Cell(figure(value.sd), "quiet"), Cell(mean_ci, "quiet"))
        group = Cell(group_name(value.group), "quiet" if is_reference else "text")
        count, mean = Cell(str(value.n), "quiet"), Cell(figure(value.mean))
        if is_reference:
            name = Cell(clean(delta.metric))
            arrow = Cell(direction_glyph(delta.direction, self._glyphs), "quiet")
            blank = (Cell(""), Cell("reference", "quiet"), Cell(""))
            return (name, arrow, group, count, mean, *blank, *spread)
        sign, role = VERDICT_SIGNS[delta.verdict], VERDICT_ROLES[delta.verdict]
        change = difference_text(as_metric, Scale.POINTS, missing=missing)
        interval = interval_text(as_metric, Scale.POINTS, self._glyphs)
        told = (
            Cell(f"{change}{sign}", role),
            Cell(f"{sign} {delta.verdict.value}".lstrip(), role),
            Cell(interval, "quiet"),
        )
        return (Cell(""), Cell(""), group, count, mean, *told, *spread)


def _ordered(
    found: GroupComparison, by_metric: Mapping[str, list[GroupDelta]]
) -> Sequence[list[GroupDelta]]:
    """Return the groups of every metric; the longest list of metrics gives the order."""
    lists: dict[str | None, list[str]] = {}
    for delta in found.deltas:
        lists.setdefault(delta.group.group, []).append(delta.metric)
    longest = max(lists.values(), key=len, default=[])
    names = dict.fromkeys([*longest, *by_metric])
    return [by_metric[name] for name in names]


def _as_metric(delta: GroupDelta) -> MetricDelta:
    before, after = delta.reference.mean, delta.group.mean
    change = change_of(delta.direction, before, after)[2]
    values = (before, after, delta.delta, delta.relative, change)
    return MetricDelta(delta.metric, delta.direction, delta.unit, *values, ci=delta.ci)


def _between(widths: Sequence[int], longest: int) -> int:
    return max(_SHORTEST, min(max(widths, default=0), longest))
