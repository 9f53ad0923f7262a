"""Columns of a table: which ones fit, how wide they are, and how texts are cut to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size

from evaltui.late_dataclass import dataclass
from evaltui.ui.fitting import shorten

_LEAST_NAME = 8


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column.

    Attributes:
        title: Cleaned text of the head.
        width: Cells, without the blank that follows; the least width of a growing column.
        grow: Share of the room that is left, 0 for a column of fixed width.
        right: Whether texts stand at the right.
        shrinks: Whether a long text loses its middle instead of its end.
        path: Whether texts are paths; a long one keeps its name and the folder it is in.
        optional: Whether the column goes, the last one first, where there is no room.
    """

    title: str
    width: int
    grow: int = 0
    right: bool = False
    shrinks: bool = False
    path: bool = False
    optional: bool = False


def fit_columns(columns: Sequence[TableColumn], width: int) -> list[tuple[int, TableColumn]]:
    """Choose the columns that fit and share out what is left.

    Args:
        columns: Left to right.
        width: Cells for all columns with the blank after each.

    Returns:
        Index and column, its `width` being the final one, at least 1.
    """
    chosen = list(enumerate(columns))
    while sum(column.width + 1 for _, column in chosen) > width:
        gone = next((item for item in reversed(chosen) if item[1].optional), None)
        if gone is None:
            break
        chosen.remove(gone)
    left = width - sum(column.width + 1 for _, column in chosen)
    shares = sum(column.grow for _, column in chosen)
    fitted: list[tuple[int, TableColumn]] = []
    for index, column in chosen:
        part = left * column.grow // shares if shares else 0
        left -= part
        shares -= column.grow
        fitted.append((index, replace(column, width=max(1, column.width + part))))
    return fitted


def fit(text: str, column: TableColumn) -> str:
    """Return a cleaned text in exactly the column's width, counting wide characters."""
    width = column.width
    size = cell_len(text)
    if size > width:
        if column.path:
            text = shorten_path(text, width)
        else:
            text = shorten(text, width) if column.shrinks else cut(text, width)
        size = cell_len(text)
    pad = " " * (width - size)
    return pad + text if column.right else text + pad


def shorten_path(text: str, width: int) -> str:
    """Shorten a path so that it still tells which one it is.

    Reports tend to have the same name in different folders: outer folders go first, then the
    middle of the name.
    """
    if cell_len(text) <= width:
        return text
    folders, slash, name = text.rpartition("/")
    parent = folders.rpartition("/")[2] + slash
    if cell_len(parent + name) + 2 <= width:
        return f"…/{parent}{name}"
    room = width - cell_len(parent)
    return parent + shorten(name, room) if room >= _LEAST_NAME else shorten(text, width)


def cut(text: str, width: int) -> str:
    """Cut the end of a text that is too wide, and say so with an ellipsis."""
    if cell_len(text) <= width:
        return text
    return (
        set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else set_cell_size(text, width)
    )
