"""The trend strip: one sparkline per metric with its least, greatest and last value."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget

from evaltui.domain.catalogue import spec_for
from evaltui.domain.text import clean
from evaltui.ui.columns import title_of
from evaltui.ui.format import beyond_tolerance, delta_text, value_text
from evaltui.ui.glyphs import Glyphs, sparkline
from evaltui.ui.row_text import SIGNS, least_span
from evaltui.ui.trend_data import Trend, Trends

TITLE_WIDTH = 9
LEAST_SPARK = 8
_FIGURE_WIDTH = 8


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
        self._drawn: tuple[Content, ...] = ()
        self._title = ""

    def show(self, trends: Trends | None) -> None:
        """Show other trends; nothing is drawn when the lines stay the same."""
        self._trends = trends
        lines = self._lines()
        title = strip_title(trends)
        if title != self._title:
            self._title = title
            self.border_title = Content(title)
        if lines != self._drawn:
            self._drawn = lines
            self.refresh()

    def render(self) -> Content:
        """Draw the lines for the size there is."""
        self._drawn = self._lines()
        return Content("\n").join(self._drawn)

    def _lines(self) -> tuple[Content, ...]:
        width, height = self.content_size.width, self.content_size.height
        items = self._trends.items if self._trends is not None else ()
        if not items:
            return (Content.styled("no finished run of this mode yet", "$quiet"),)
        return tuple(trend_line(item, width, self._glyphs) for item in items[:height])


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
    spec = spec_for(trend.metric)
    missing = glyphs.missing

    def figure(value: float | None) -> str:
        return value_text(value, spec, missing=missing, width=_FIGURE_WIDTH)

    change = beyond_tolerance(spec, trend.previous, trend.last)
    moved = (
        trend.last - trend.previous
        if trend.previous is not None and trend.last is not None
        else None
    )
    pieces = [
        (set_cell_size(title_of(trend.metric), TITLE_WIDTH), "$foreground"),
        (
            f"{figure(trend.last):>{_FIGURE_WIDTH}}{SIGNS[change]}",
            f"bold ${change}" if change else "bold",
        ),
        (f" {delta_text(moved, spec, missing=missing, width=9):>9} ", "$quiet"),
    ]
    known = trend.known
    tail = f"  {figure(float(known.min())):>{_FIGURE_WIDTH}} to {figure(float(known.max()))}"
    taken = sum(cell_len(text) for text, _ in pieces)
    room = width - taken - _FIGURE_WIDTH * 2 - 7
    if room < LEAST_SPARK:
        tail, room = "", max(0, width - taken)
    spark = sparkline(
        trend.values,
        glyphs,
        width=min(room, max(LEAST_SPARK, len(trend.values))),
        least_span=least_span(trend.metric, trend.values),
    )
    return Content.assemble(
        *pieces, (f" {spark}", "$primary"), (tail if known.any() or len(known) else "", "$quiet")
    )
