"""Texts cut to a width, counting wide characters."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

_LEAST_TO_SHORTEN = 4


def shorten(text: str, width: int) -> str:
    """Cut the middle of a text so that its two ends, which tell runs apart, stay.

    Args:
        text: A cleaned text.
        width: Cells available, at least 1.
    """
    if cell_len(text) <= width:
        return text
    if width < _LEAST_TO_SHORTEN:
        return set_cell_size(text, width)
    tail = (width - 1) * 3 // 5
    head = width - 1 - tail
    left = set_cell_size(text, head).rstrip()
    right = text[-tail:]
    while cell_len(right) > tail:
        right = right[1:]
    return f"{left}…{right}"
