"""What differs between a baseline and one or several candidates, as lines of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from evaltui.domain.catalogue import spec_for
from evaltui.domain.comparison import Change, Comparison, MetricDelta, ParamDelta
from evaltui.domain.text import clean
from evaltui.late_dataclass import dataclass
from evaltui.ui.columns import Cell
from evaltui.ui.difference import LETTERS
from evaltui.ui.format import value_text
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.verdicts import (
    TESTING,
    VERDICT_ROLES,
    Scale,
    Show,
    difference_text,
    direction_glyph,
    interval_text,
    kind_of,
    sign_of,
    spec_of,
    word_of,
)
from evaltui.ui.widgets.table_columns import TableColumn

VALUE_WIDTH = 10
_LEAST_VALUE, _LEAST_EXTRA = 5, 7
_LONGEST_NAME, _SHORT_NAME, _SHORTEST_NAME = 34, 20, 14
_LOOKED_AT = 200
"""Lines whose texts decide how wide a column is."""

METRIC, PARAM = "metric:", "param:"


@dataclass(frozen=True, slots=True)
class DiffView:
    """How the diff is looked at.

    Attributes:
        equal: What does not differ is listed as well.
        scale: How differences are written.
        show: Which metrics are listed.
        chosen: Index of the candidate that is looked at closely.
    """

    equal: bool = False
    scale: Scale = Scale.POINTS
    show: Show = Show.ALL
    chosen: int = 0


class DiffLines:
    """Metrics and params that differ; headline first, equal ones on request.

    Args:
        comparisons: One per candidate, at least one, all with the same baseline.
        glyphs: Signs to draw with.
        view: How they are looked at.
        width: Cells of a line.
        tested: Whether the comparisons have verdicts.
        testing: Whether verdicts are on their way.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        *,
        glyphs: Glyphs,
        view: DiffView | None = None,
        width: int = 200,
        tested: bool = False,
        testing: bool = False,
    ) -> None:
        self._glyphs = glyphs
        self._view = view or DiffView()
        self._tested = tested
        self._testing = testing
        self._chosen = min(self._view.chosen, len(comparisons) - 1)
        self._metrics = _by_name(comparisons)
        self._params = _params_by_name(comparisons)
        differing = [name for name, found in self._metrics.items() if any(map(_differs, found))]
        self.metrics_total = len(self._metrics)
        self.metrics_differ = len(differing)
        self.params_differ = len(self._params)
        self._keys = self._chosen_keys(differing)
        self._cells: dict[int, tuple[Cell, ...]] = {}
        self._columns_of(len(comparisons), width)

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, index: int) -> str:
        """Return what kind of thing the line is about, and its name."""
        return self._keys[index]

    def cells(self, index: int) -> Sequence[Cell]:
        """Return the line's cells, one per column."""
        cells = self._cells.get(index)
        if cells is None:
            cells = self._cells[index] = self._make_cells(self._keys[index])
        return cells

    def metric(self, index: int) -> Sequence[MetricDelta] | None:
        """Return the metric of a line, one delta per candidate; None for what is no metric."""
        if not 0 <= index < len(self._keys) or not self._keys[index].startswith(METRIC):
            return None
        return self._metrics[self._keys[index].removeprefix(METRIC)]

    def param(self, index: int) -> Sequence[ParamDelta | None]:
        """Return the param of a line, one delta per candidate, None where it does not differ.

        Nothing for what is no param.
        """
        key = self._keys[index]
        return self._params[key.removeprefix(PARAM)] if key.startswith(PARAM) else ()

    def next_regression(self, start: int, step: int) -> int | None:
        """Return the next line after `start` on which a candidate got worse, going round."""
        count = len(self._keys)
        for away in range(1, count + 1):
            index = (start + away * step) % count
            if Show.REGRESSED in self._kinds(self.metric(index) or ()):
                return index
        return None

    # -- which lines -----------------------------------------------------------------------------

    def _chosen_keys(self, differing: Sequence[str]) -> list[str]:
        show = self._view.show
        names = list(self._metrics) if self._view.equal else differing
        if show is not Show.ALL:
            names = [name for name in self._metrics if show in self._kinds(self._metrics[name])]
        keys = [METRIC + name for name in names]
        params = [
            PARAM + name
            for name, found in self._params.items()
            if show is Show.ALL or (show is Show.MISSING and any(map(_half, found)))
        ]
        return [*keys, "heading:params", *params] if params else keys

    def _kinds(self, deltas: Sequence[MetricDelta]) -> set[Show | None]:
        return {kind_of(delta, tested=self._tested) for delta in deltas}

    # -- columns ---------------------------------------------------------------------------------

    def _columns_of(self, candidates: int, width: int) -> None:
        """Choose the columns and the candidates that fit."""
        deltas = [self.metric(index) for index in range(min(len(self), _LOOKED_AT))]
        metrics = [found for found in deltas if found is not None]
        names = [cell_len(clean(found[0].name)) for found in metrics]
        if not all(deltas):  # there are params
            names += [cell_len(clean(name)) for name in self._params]
        longest = max(_SHORTEST_NAME, min(max(names, default=0), _LONGEST_NAME))
        value = self._value_width(metrics)
        room = width - 2 - (value + 1) - 2  # without gutter, column A and direction
        spare = room - min(longest, _SHORT_NAME) - 1 - candidates * (value + 2)
        extras = self._extras(metrics, candidates, spare)
        room -= sum(column.width + 1 for column in extras)
        fitting = max(1, min(candidates, (room - min(longest, _SHORT_NAME) - 1) // (value + 2)))
        first = max(0, min(self._chosen - fitting // 2, candidates - fitting))
        self.shown = range(first, first + fitting)
        name = max(_SHORTEST_NAME, min(longest, room - fitting * (value + 2) - 1))
        marked = candidates > 1
        self.columns = (
            TableColumn("metric", name, shrinks=True),
            TableColumn("", 1),
            TableColumn("A", value, right=True),
            *(
                TableColumn(self._head(at, marked=marked), value + 1, right=True)
                for at in self.shown
            ),
            *extras,
        )
        self._extra_titles = [column.title for column in extras]

    def _value_width(self, metrics: Sequence[Sequence[MetricDelta]]) -> int:
        widest = _LEAST_VALUE
        for found in metrics:
            spec = spec_of(found[0])
            for value in (found[0].baseline, *(delta.candidate for delta in found)):
                text = value_text(value, spec, missing="", width=VALUE_WIDTH)
                widest = max(widest, len(text))
        if not metrics:
            widest = min(VALUE_WIDTH, max(widest, self._longest_param()))
        return widest

    def _longest_param(self) -> int:
        texts = [
            text
            for found in list(self._params.values())[:_LOOKED_AT]
            for delta in found
            if delta is not None
            for text in (delta.baseline, delta.candidate)
        ]
        return max((cell_len(clean(text)) for text in texts if text), default=0)

    def _head(self, at: int, *, marked: bool) -> str:
        letter = LETTERS[at + 1]
        return f"[{letter}]" if marked and at == self._chosen else f"{letter} "

    def _extras(
        self, metrics: Sequence[Sequence[MetricDelta]], candidates: int, room: int
    ) -> list[TableColumn]:
        """Return the columns about the chosen candidate that fit, the telling ones first."""
        about = f" {LETTERS[self._chosen + 1]}" if candidates > 1 else ""
        relative = self._view.scale is Scale.RELATIVE
        wanted = ["verdict", "rel" if relative else "delta"]
        if self._tested:
            wanted.append("95% CI")
        if not relative:
            wanted.append("rel")
        order = ("delta", "rel", "95% CI", "verdict")
        chosen: dict[str, TableColumn] = {}
        for title in wanted:
            cells = (self._extra(title, found[self._chosen], "") for found in metrics)
            widest = max((cell_len(cell.text) for cell in cells), default=0)
            width = max(widest, _LEAST_EXTRA, len(title + about))
            if room >= width + 1 or (candidates == 1 and title == "verdict"):
                room -= width + 1
                chosen[title] = TableColumn(title + about, width, right=title != "verdict")
        return [chosen[title] for title in order if title in chosen]

    # -- cells -----------------------------------------------------------------------------------

    def _make_cells(self, key: str) -> tuple[Cell, ...]:
        if key.startswith(METRIC):
            return self._metric_cells(self._metrics[key.removeprefix(METRIC)])
        if key.startswith(PARAM):
            name = key.removeprefix(PARAM)
            return self._param_cells(name, self._params[name])
        return (Cell(key.partition(":")[2], "head"),)

    def _metric_cells(self, deltas: Sequence[MetricDelta]) -> tuple[Cell, ...]:
        first, missing = deltas[0], self._glyphs.missing
        spec = spec_of(first)
        before = value_text(first.baseline, spec, missing=missing, width=VALUE_WIDTH)
        cells = [
            Cell(clean(first.name)),
            Cell(direction_glyph(first.direction, self._glyphs), "quiet"),
            Cell(before, "quiet"),
        ]
        for at in self.shown:
            sign, role = sign_of(deltas[at], tested=self._tested)
            text = value_text(deltas[at].candidate, spec, missing=missing, width=VALUE_WIDTH)
            cells.append(Cell(text + sign, role))
        chosen = deltas[self._chosen]
        role = sign_of(chosen, tested=self._tested)[1]
        return (*cells, *(self._extra(title, chosen, role) for title in self._extra_titles))

    def _extra(self, title: str, delta: MetricDelta, role: str) -> Cell:
        missing = self._glyphs.missing
        if title.startswith("verdict"):
            if self._testing and not self._tested:
                text = TESTING.replace("…", self._glyphs.ellipsis)
                return Cell(text, "quiet")
            word = word_of(delta, tested=self._tested, letter=LETTERS[self._chosen + 1])
            plain = self._tested and delta.change is not Change.MISSING
            return Cell(word, VERDICT_ROLES[delta.verdict] if plain else _word_role(role))
        if title.startswith("95% CI"):
            return Cell(interval_text(delta, self._view.scale, self._glyphs), "quiet")
        if title.startswith("rel"):
            return Cell(difference_text(delta, Scale.RELATIVE, missing=missing), role)
        return Cell(difference_text(delta, self._view.scale, missing=missing), role)

    def _param_cells(self, name: str, deltas: Sequence[ParamDelta | None]) -> tuple[Cell, ...]:
        known = next(delta for delta in deltas if delta is not None)
        cells = [Cell(clean(name)), Cell(" "), Cell(self._text(known.baseline), "quiet")]
        for at in self.shown:
            delta = deltas[at]
            text = known.baseline if delta is None else delta.candidate
            cells.append(Cell(self._text(text) + " ", "quiet" if delta is None else "text"))
        return tuple(cells)

    def _text(self, value: str | None) -> str:
        return self._glyphs.missing if value is None else clean(value)


def _word_role(role: str) -> str:
    return "quiet" if role == "text" else role


def _differs(delta: MetricDelta) -> bool:
    absent = delta.baseline is None and delta.candidate is None
    return not absent and delta.change is not Change.SAME


def _half(delta: ParamDelta | None) -> bool:
    return delta is not None and (delta.baseline is None or delta.candidate is None)


def _by_name(comparisons: Sequence[Comparison]) -> Mapping[str, list[MetricDelta]]:
    """Return the deltas of every metric, one per comparison, in order of display.

    A metric that neither the baseline nor a candidate has is filled in as missing.
    """
    names = list(dict.fromkeys(d.name for found in comparisons for d in found.metrics))
    maps = [{delta.name: delta for delta in found.metrics} for found in comparisons]
    return {name: [found.get(name) or _absent(name) for found in maps] for name in names}


def _absent(name: str) -> MetricDelta:
    spec = spec_for(name)
    missing = Change.MISSING
    return MetricDelta(name, spec.direction, spec.unit, None, None, None, None, missing)


def _params_by_name(
    comparisons: Sequence[Comparison],
) -> Mapping[str, list[ParamDelta | None]]:
    names = list(dict.fromkeys(d.name for found in comparisons for d in found.params))
    maps = [{delta.name: delta for delta in found.params} for found in comparisons]
    return {name: [found.get(name) for found in maps] for name in names}
