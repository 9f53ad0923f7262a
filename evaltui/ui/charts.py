"""Sparklines and charts in blocks, braille or plain ASCII."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaltui.domain.table import FloatArray
from evaltui.ui.glyphs import Glyphs

_BRAILLE_BASE = 0x2800
_LEFT_DOTS = (0x40, 0x04, 0x02, 0x01)
"""Dots of the left half of a braille cell, from the bottom up."""
_RIGHT_DOTS = (0x80, 0x20, 0x10, 0x08)
_DOTS = len(_LEFT_DOTS)
_BLOCKS = "▁▂▃▄▅▆▇█"
"""Sparklines leave the last one out: full blocks of two lines would grow together."""
_BAR_WIDTHS = (10, 7, 5, 3, 2, 1)
"""Cells per value; few widths, so that most new values only add a bar."""
_BAR_WITH_GAP = 3
"""Cells per value from which bars stand apart."""


def bounds(values: FloatArray, least_span: float = 0.0) -> tuple[float, float]:
    """Return a scale for a chart: lowest and highest value, at least `least_span` apart.

    Without the least span a series that moves by a hair looks like one that moves by half.

    Args:
        values: NaN is a gap; without any finite value the scale is 0 to 1.
        least_span: Smallest difference between the two ends, in the metric's unit.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    lacking = least_span - (high - low)
    return (low - lacking / 2, high + lacking / 2) if lacking > 0 else (low, high)


def sparkline(
    values: FloatArray, glyphs: Glyphs, *, width: int | None = None, least_span: float = 0.0
) -> str:
    """Draw one line of a series, oldest first, from the left edge on.

    Args:
        values: NaN is a gap.
        glyphs: The signs to draw with.
        width: Cells of the result; more values than cells are shown by the worst deviation of
            each group, so that a single bad run stays visible. None: one cell per value.
        least_span: See `bounds`.

    Returns:
        Exactly `width` cells.
    """
    cells = len(values) if width is None else width
    if cells <= 0:
        return ""
    low, high = bounds(values, least_span)
    if len(values) > cells:
        values = _squeeze(values, cells)
    top = len(glyphs.levels) - 1
    text = [
        glyphs.levels[_level(value, low, high, top)] if value == value else glyphs.gap  # noqa: PLR0124 - NaN
        for value in values.tolist()
    ]
    return "".join(text).ljust(cells)


def _level(value: float, low: float, high: float, top: int) -> int:
    if high <= low:
        return top // 2
    return max(0, min(top, round((value - low) / (high - low) * top)))


def _squeeze(values: FloatArray, most: int) -> FloatArray:
    """Return at most `most` values: of each group the one farthest from the median, then the last.

    Groups are counted from the oldest value: what comes next changes the end and leaves the rest
    as it was drawn, until the groups must grow.
    """
    finite = values[np.isfinite(values)]
    middle = _median(finite) if len(finite) else 0.0
    size = _group_size(len(values), most)
    starts = np.floor(np.arange(math.ceil(len(values) / size)) * size).astype(np.intp)
    high, low = np.fmax.reduceat(values, starts), np.fmin.reduceat(values, starts)
    squeezed: FloatArray = np.where(high - middle > middle - low, high, low)
    squeezed[-1] = values[-1]  # the newest run is what people look for
    return squeezed


def _group_size(count: int, most: int) -> float:
    """Return how many values a group has on average, at least 1.

    It grows by a fifth or a quarter at a time, so at least four fifths of the room are drawn.
    """
    least = max(1.0, count / most)
    step = 2.0 ** math.floor(math.log2(least)) / 4
    return math.ceil(least / step) * step


def _median(values: FloatArray) -> float:
    """Return what `numpy.median` does, which first imports masked arrays, for a frame's time."""
    ordered, count = np.sort(values), len(values)
    return float(ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def chart(
    values: FloatArray, glyphs: Glyphs, *, width: int, height: int, scale: tuple[float, float]
) -> list[str]:
    """Draw a series over several lines, top line first, oldest value at the left edge.

    Args:
        values: NaN is a gap.
        glyphs: The signs to draw with.
        width: Cells per line; fewer values than cells are spread where two or more cells each fit.
        height: Lines, at least 1.
        scale: Values at the lower and upper edge.

    Returns:
        `height` texts of exactly `width` cells.
    """
    if glyphs.name == "braille":
        return _braille_chart(values, width=width, height=height, scale=scale)
    columns = _columns(values, width)
    steps = len(_BLOCKS) if glyphs.name == "block" else 1
    rows: list[list[str]] = [[" "] * width for _ in range(height)]
    for x, value in enumerate(columns.tolist()):
        if value != value:  # noqa: PLR0124 - NaN
            continue
        level = _level(value, *scale, height * steps - 1)
        if glyphs.name == "block":
            _draw_bar(rows, x, level, _BLOCKS)
        else:
            rows[height - 1 - level][x] = "*"
    return ["".join(row) for row in rows]


def _draw_bar(rows: list[list[str]], x: int, level: int, levels: str) -> None:
    full, rest = divmod(level, len(levels))
    height = len(rows)
    for line in range(full):
        rows[height - 1 - line][x] = levels[-1]
    rows[height - 1 - full][x] = levels[rest]


def _braille_chart(
    values: FloatArray, *, width: int, height: int, scale: tuple[float, float]
) -> list[str]:
    cells = [[0] * width for _ in range(height)]
    for x, value in enumerate(_columns(values, width * 2).tolist()):
        if value != value:  # noqa: PLR0124 - NaN
            continue
        level = _level(value, *scale, height * _DOTS - 1)
        line, dot = divmod(level, _DOTS)
        dots: Sequence[int] = _RIGHT_DOTS if x % 2 else _LEFT_DOTS
        cells[height - 1 - line][x // 2] |= dots[dot]
    return ["".join(chr(_BRAILLE_BASE + cell) for cell in row) for row in cells]


def drawn_cells(count: int, glyphs: Glyphs, width: int) -> int:
    """Return how many cells of each line `chart` draws for so many values, at most `width`."""
    each_cell = 2 if glyphs.name == "braille" else 1
    columns = width * each_cell
    used = math.ceil(count / _group_size(count, columns)) * _bar_width(count, columns)
    return math.ceil(used / each_cell)


def _bar_width(count: int, columns: int) -> int:
    return next((each for each in _BAR_WIDTHS if each * count <= columns), 1)


def _columns(values: FloatArray, width: int) -> FloatArray:
    """Return one value per column: squeezed, or spread over several columns each."""
    if len(values) > width:
        spread = _squeeze(values, width)
    else:
        each = _bar_width(len(values), width)
        spread = np.repeat(values, each)
        if each >= _BAR_WITH_GAP:
            spread[each - 1 :: each] = np.nan
    return np.concatenate((spread, np.full(width - len(spread), np.nan)))
