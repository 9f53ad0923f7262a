"""Trends: every metric as a sparkline, and a large chart of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from evaltui.domain.metric import Direction
from evaltui.domain.text import clean
from evaltui.ui.charts import bounds, chart, drawn_cells, sparkline
from evaltui.ui.columns import Cell
from evaltui.ui.format import beyond_tolerance, delta_text, value_text
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.instants import start_text
from evaltui.ui.panes.trend_strip import strip_title
from evaltui.ui.row_text import SIGNS, least_span
from evaltui.ui.trend_data import Trend, Trends
from evaltui.ui.widgets.line_table import LineTable, NoLines, TableColumn
from evaltui.ui.widgets.note import Note

_NAME_WIDTH = 26
_FIGURE_WIDTH = 9
_LEAST_SPARK, _MOST_SPARK = 6, 60
_LABEL_WIDTH = 9
_LEAST_CHART_HEIGHT = 3
_DAY_S = 86_400


class TrendLines:
    """Metrics as lines of a table.

    Args:
        trends: What is shown.
        glyphs: Signs to draw with.
        width: Cells of the whole line.
    """

    def __init__(self, trends: Trends, glyphs: Glyphs, *, width: int) -> None:
        self._items = trends.items
        self._glyphs = glyphs
        fixed = 4 * (_FIGURE_WIDTH + 1) + _NAME_WIDTH + 4
        self._spark = max(_LEAST_SPARK, min(_MOST_SPARK, width - fixed))
        self.columns = (
            TableColumn("metric", min(_NAME_WIDTH, max(12, width - 40)), shrinks=True),
            TableColumn("last ", _FIGURE_WIDTH, right=True),
            TableColumn("change", _FIGURE_WIDTH, right=True),
            TableColumn("trend", self._spark),
            TableColumn("min", _FIGURE_WIDTH, right=True, optional=True),
            TableColumn("max", _FIGURE_WIDTH, right=True, optional=True),
        )

    def __len__(self) -> int:
        return len(self._items)

    def key(self, index: int) -> str:
        """Return the metric."""
        return self._items[index].metric

    def trend(self, index: int) -> Trend:
        """Return the trend of a line."""
        return self._items[index]

    def cells(self, index: int) -> Sequence[Cell]:
        """Return name, newest value, its change, sparkline and range."""
        trend, missing = self._items[index], self._glyphs.missing
        spec, known = trend.spec, trend.known
        last, previous = trend.last, trend.previous
        change = beyond_tolerance(spec, previous, last)
        moved = last - previous if last is not None and previous is not None else None
        spark = sparkline(
            trend.values,
            self._glyphs,
            width=min(self._spark, max(_LEAST_SPARK, len(trend.values))),
            least_span=least_span(trend.metric, trend.values),
        )
        ends = (float(known.min()), float(known.max()))
        figures = [value_text(v, spec, missing=missing, width=_FIGURE_WIDTH - 1) for v in ends]
        newest = value_text(last, spec, missing=missing, width=_FIGURE_WIDTH - 1)
        return (
            Cell(clean(trend.metric)),
            Cell(newest + SIGNS[change], change or "text"),
            Cell(delta_text(moved, spec, missing=missing, width=_FIGURE_WIDTH), "quiet"),
            Cell(spark, "trend"),
            Cell(figures[0], "quiet"),
            Cell(figures[1], "quiet"),
        )


class Chart(Widget):
    """One metric drawn large, with its scale at the left and the dates below.

    Args:
        glyphs: Signs to draw with.
    """

    DEFAULT_CSS = """
    Chart { height: 1fr; min-height: 5; padding: 0 1; }
    """

    def __init__(self, glyphs: Glyphs, *, now_s: float = 0.0, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._now_s = now_s
        self._trend: Trend | None = None
        self._starts = np.empty(0)
        self._baseline: float | None = None

    def show(self, trend: Trend | None, trends: Trends | None, now_s: float) -> None:
        """Show a metric of `trends`, or nothing."""
        self._trend, self._now_s = trend, now_s
        self._starts = trends.started_ms if trends is not None else np.empty(0)
        known = trend is not None and trends is not None
        self._baseline = trends.baselines.get(trend.metric) if known else None  # type: ignore[union-attr]
        self.refresh()

    def render(self) -> Content:
        """Draw heading, lines and dates for the size there is."""
        trend, size = self._trend, self.content_size
        height, width = size.height - 2, size.width - _LABEL_WIDTH - 1
        if trend is None or height < _LEAST_CHART_HEIGHT or width < _LEAST_SPARK:
            return Content("")
        lines = [self._heading(trend), *self._body(trend, width, height), self._dates(width)]
        return Content("\n").join(lines)

    def _heading(self, trend: Trend) -> Content:
        spec = trend.spec
        better = {Direction.HIGHER: "higher is better", Direction.LOWER: "lower is better"}
        words = [better.get(spec.direction, "")]
        if self._baseline is not None:
            value = value_text(self._baseline, spec, missing=self._glyphs.missing)
            words.append(f"baseline {value}")
        text = "  ".join(word for word in words if word)
        return Content.assemble((clean(trend.metric), "bold"), (f"  {text}", "$quiet"))

    def _body(self, trend: Trend, width: int, height: int) -> list[Content]:
        spec = trend.spec
        every = trend.values if self._baseline is None else np.append(trend.values, self._baseline)
        low, high = bounds(every, least_span(trend.metric, trend.values))
        lines = chart(trend.values, self._glyphs, width=width, height=height, scale=(low, high))
        labels = {0: high, height - 1: low}
        level = self._baseline_line(low, high, height)
        drawn = []
        for at, line in enumerate(lines):
            label = (
                value_text(labels[at], spec, missing="", width=_LABEL_WIDTH) if at in labels else ""
            )
            rule = "." if self._glyphs.ascii_only else "┄"
            text = line.replace(" ", rule) if at == level else line
            drawn.append(
                Content.assemble((f"{label:>{_LABEL_WIDTH}} ", "$quiet"), (text, "$secondary"))
            )
        return drawn

    def _baseline_line(self, low: float, high: float, height: int) -> int | None:
        if self._baseline is None or high <= low:
            return None
        share = (self._baseline - low) / (high - low)
        return height - 1 - max(0, min(height - 1, round(share * (height - 1))))

    def _dates(self, width: int) -> Content:
        if not len(self._starts):
            return Content("")
        first, last = (start_text(float(at), self._now_s, 12) for at in self._starts[[0, -1]])
        used = drawn_cells(len(self._starts), self._glyphs, width)
        blank = max(1, used - len(first) - len(last))
        return Content.styled(f"{'':{_LABEL_WIDTH + 1}}{first}{'':{blank}}{last}", "$quiet")


class TrendsPane(Vertical):
    """A table of every metric's trend above the chart of one.

    Args:
        glyphs: Signs to draw with.
    """

    DEFAULT_CSS = """
    TrendsPane { height: 1fr; }
    TrendsPane LineTable { height: 1fr; }
    TrendsPane Chart { height: 1fr; border-top: solid $panel; }
    """

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._trends: Trends | None = None
        self._now_s = 0.0
        self._lines: TrendLines | None = None

    def compose(self) -> ComposeResult:
        """Lay out words, table and chart."""
        yield Note(id="trends-about")
        yield LineTable(glyphs=self._glyphs)
        yield Chart(self._glyphs)

    @property
    def table(self) -> LineTable:
        """The table, which takes the focus."""
        return self.query_one(LineTable)

    def show(self, trends: Trends | None, now_s: float) -> None:
        """Show other trends; the cursor stays on its metric.

        Args:
            trends: What is shown, or None for nothing.
            now_s: Epoch seconds of now, for dates of today.
        """
        same = trends is self._trends and now_s // _DAY_S == self._now_s // _DAY_S
        self._trends, self._now_s = trends, now_s
        if not same:
            self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw the sparklines for the new width."""
        del event
        self._draw()

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Draw the metric the cursor is on now."""
        event.stop()
        self._draw_chart()

    def _draw(self) -> None:
        trends = self._trends
        if trends is None or not trends.items:
            self._lines = None
            words = Content.styled("no finished run of this mode yet", "$quiet")
            self.query_one(Note).show([words])
            self.table.show(NoLines(), ())
        else:
            self._lines = TrendLines(trends, self._glyphs, width=self.size.width)
            self.query_one(Note).show([Content.styled(strip_title(trends), "$quiet")])
            self.table.show(self._lines, self._lines.columns)
        self._draw_chart()

    def _draw_chart(self) -> None:
        lines = self._lines
        trend = lines.trend(self.table.cursor) if lines is not None and len(lines) else None
        self.query_one(Chart).show(trend, self._trends, self._now_s)
