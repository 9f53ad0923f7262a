"""What is on show at a size: one pane and tabs, stacked panes, or two columns."""

from __future__ import annotations

from enum import StrEnum

from evaltui.late_dataclass import dataclass

STACKED_FROM = 100
WIDE_FROM = 160
TALL_FROM = 30
BORDERS_FROM = 16
"""Lines of the terminal below which no line is spent on borders."""

_TREND_LINES = 5
_TREND_LINES_TALL = 10
_VERY_TALL_FROM = 50


class Shape(StrEnum):
    """How panes stand to each other."""

    NARROW = "narrow"
    STACKED = "stacked"
    WIDE = "wide"


@dataclass(frozen=True, slots=True)
class Layout:
    """What is on show.

    Attributes:
        shape: How panes stand to each other.
        runs: Whether the run list is there.
        side: The pane beside, below or in place of the list, or "".
        diff_strip: Whether the diff is one line.
        trend_lines: Lines of the trend strip, 0 without it.
        borders: Whether panes have borders.
    """

    shape: Shape
    runs: bool
    side: str
    diff_strip: bool
    trend_lines: int
    borders: bool


def layout_for(width: int, height: int, pane: str) -> Layout:
    """Choose what is on show.

    Args:
        width: Cells of the terminal.
        height: Its lines.
        pane: The current pane; "runs" is the run list with what belongs to it.
    """
    borders = height >= BORDERS_FROM
    tall = height >= TALL_FROM
    lines = _TREND_LINES_TALL if height >= _VERY_TALL_FROM else _TREND_LINES
    if width >= WIDE_FROM:
        side = "diff" if pane == "runs" else pane
        strip = lines if tall and side != "trends" else 0
        return Layout(Shape.WIDE, True, side, False, strip, borders)
    shape = Shape.STACKED if width >= STACKED_FROM else Shape.NARROW
    if pane != "runs":
        return Layout(shape, False, pane, False, 0, borders)
    if shape is Shape.STACKED and tall:
        return Layout(shape, True, "diff", False, lines, borders)
    return Layout(shape, True, "", True, 0, borders)
