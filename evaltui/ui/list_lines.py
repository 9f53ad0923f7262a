"""The lines of the run list as texts with roles: what a widget draws, and what a page keeps."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from evaltui.domain.list_page import Line, Piece
from evaltui.ui.columns import Cell, Column, ColumnPlan
from evaltui.ui.fitting import shorten
from evaltui.ui.row_text import RowText

GUTTER = 2
"""Cells in front of the first column: the cursor mark and a blank."""


def head_line(plan: ColumnPlan) -> Line:
    """Return the line of the titles."""
    texts = [_fit(Cell(column.title, "head"), column) for column in plan.columns]
    return (("head", " " * GUTTER + " ".join(texts)),)


def run_line(rows: RowText, row: int, plan: ColumnPlan, *, at_cursor: bool) -> Line:
    """Return the line of a run.

    Args:
        rows: Makes the cells of a row.
        row: Row of the table.
        plan: The columns on show.
        at_cursor: Whether the cursor stands there.
    """
    # The gutter is a piece of its own: a cursor move then sends just these two cells.
    pieces: list[Piece] = [("cursor", rows.glyphs.cursor if at_cursor else " "), ("text", " ")]
    text, role = "", ""
    for column, cell in zip(plan.columns, rows.cells(row, plan), strict=True):
        piece = _fit(cell, column) + " "
        if cell.role == role or not piece.strip():
            text += piece
        else:
            if text:
                pieces.append((role or cell.role, text))
            text, role = piece, cell.role
    pieces.append((role or "text", text))
    return tuple(pieces)


def _fit(cell: Cell, column: Column) -> str:
    """Return the cell's text in exactly the column's width, counting wide characters."""
    text, width = cell.text, column.width
    size = cell_len(text)
    if size > width:
        text = shorten(text, width) if column.shrinks else set_cell_size(text, width)
        size = cell_len(text)
    pad = " " * (width - size)
    return pad + text if column.right else text + pad
