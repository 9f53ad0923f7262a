"""The trend strip: one sparkline per metric with its least, greatest and last value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from evaltui.domain.text import clean
from evaltui.ui.border_title import show_title
from evaltui.ui.charts import sparkline
from evaltui.ui.columns import title_of
from evaltui.ui.format import beyond_tolerance, delta_text, value_text
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.row_text import SIGNS, least_span

if TYPE_CHECKING:
    from evaltui.ui.trend_data import Trend, Trends

TITLE_WIDTH = 8
LEAST_SPARK = 8
LEAST_COLUMN = 52
"""Cells that one metric needs to be drawn with its range."""
GAP = 3
TAIL_WIDTH = 2 * 7 + 3
"""Cells of the range after the sparkline."""
_FIGURE_WIDTH = 7
_DELTA_WIDTH = 8


class TrendStrip(Widget):
    """A few lines; as many metrics as there is height for.

    Args:
        glyphs: Signs to draw with.
    """

    DEFAULT_CSS = """
    TrendStrip { height: auto; padding: 0 1; }
    """

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._trends: Trends | None = None
        self._told = False
        self._drawn: tuple[Content, ...] = ()
        self._drawn_for = Size(-1, -1)

    def show(self, trends: Trends | None) -> None:
        """Show other trends; nothing is drawn when the lines stay the same."""
        if self._told and trends is self._trends and self.content_size == self._drawn_for:
            return
        self._trends, self._told = trends, True
        lines, self._drawn_for = self._lines(), self.content_size
        show_title(self, Content(strip_title(trends)))
        if lines != self._drawn:
            self._drawn = lines
            self.refresh()

    def render(self) -> Content:
        """Draw the lines for the size there is."""
        if self.content_size != self._drawn_for:
            self._drawn, self._drawn_for = self._lines(), self.content_size
        return Content("\n").join(self._drawn)

    def _lines(self) -> tuple[Content, ...]:
        width, height = self.content_size.width, self.content_size.height
        items = self._trends.items if self._trends is not None else ()
        if not self._told:
            return ()
        if not items:
            return (Content.styled("no finished run of this mode yet", "$quiet"),)
        columns = max(1, width // LEAST_COLUMN)
        cells = (width - GAP * (columns - 1)) // columns
        drawn = [
            trend_line(item, cells, self._glyphs) for item in items[: columns * max(1, height)]
        ]
        lines = -(-len(drawn) // columns)  # filled column by column, as evenly as they go
        return tuple(
            Content(" " * GAP).join(
                piece.pad_right(cells - piece.cell_length) for piece in drawn[line::lines]
            )
            for line in range(lines)
        )


def strip_title(trends: Trends | None) -> str:
    """Return what the strip is about."""
    if trends is None or not trends.items:
        return "Trends"
    runs = len(trends.started_ms)
    what = f"mode {clean(trends.mode)}" if trends.mode else "runs without a mode"
    return f"Trends {what}, {runs} run{'s' if runs != 1 else ''}"


def trend_line(trend: Trend, width: int, glyphs: Glyphs) -> Content:
    """Draw one metric: title, last value and its change, sparkline, range.

    Args:
        trend: The metric.
        width: Cells of the line; figures fall away where there is no room for them.
        glyphs: Signs to draw with.
    """
    spec = trend.spec
    missing = glyphs.missing

    def figure(value: float | None) -> str:
        return value_text(value, spec, missing=missing, width=_FIGURE_WIDTH)

    change = beyond_tolerance(spec, trend.previous, trend.last)
    moved = (
        trend.last - trend.previous
        if trend.previous is not None and trend.last is not None
        else None
    )
    delta = delta_text(moved, spec, missing=missing, width=_DELTA_WIDTH)
    pieces = [
        (set_cell_size(title_of(trend.metric), TITLE_WIDTH), "$foreground"),
        (
            f"{figure(trend.last):>{_FIGURE_WIDTH}}{SIGNS[change]}",
            f"bold ${change or 'foreground'}",
        ),
        (f" {delta:>{_DELTA_WIDTH}}  ", "$quiet"),
    ]
    known = trend.known
    tail = f" {figure(float(known.min()))}..{figure(float(known.max()))}" if len(known) else ""
    room = width - sum(cell_len(text) for text, _ in pieces)
    if room - TAIL_WIDTH < LEAST_SPARK:
        tail = ""
    else:
        room -= TAIL_WIDTH
    spark = sparkline(
        trend.values,
        glyphs,
        width=max(0, min(room, max(LEAST_SPARK, len(trend.values)))),
        least_span=least_span(trend.metric, trend.values),
    )
    return Content.assemble(*pieces, (spark, "$secondary"), (tail, "$quiet"))
