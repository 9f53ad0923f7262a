"""The cases of a run as lines of a table: failures first, or sorted by any column."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from evaltui.domain.events import RunDetail
from evaltui.domain.text import clean
from evaltui.ui.columns import Cell, title_of
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.widgets.table_columns import TableColumn

Value = str | float | None

_BAD_WORDS = frozenset({"fail", "failed", "failure", "error", "errored", "false", "no"})
_STATUS_COLUMNS = frozenset({"status", "state", "outcome", "result", "verdict"})
_WIDEST_NUMBER = 11
_WIDEST_TEXT = 24
_WIDEST_TITLE = 10
_EXACT_INTEGERS = 1e15
_LOOKED_AT = 200
"""Rows that decide how wide a column is."""


def value_text(value: Value, *, missing: str = "·") -> str:
    """Return a cell of a case table as cleaned text; None and NaN are `missing`."""
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return missing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return (
            f"{value:.0f}"
            if float(value).is_integer() and abs(value) < _EXACT_INTEGERS
            else f"{value:.4g}"
        )
    return clean(value, limit=2_000)


class CaseLines:
    """The case table of a run.

    Args:
        detail: Columns and rows; the first column is what a case is called.
        sort: Index of the column to sort by, or None for failures first.
        descending: Direction of the sort; missing values are last either way.
        skip: Number of columns after the first that are left out, to look further right.
        glyphs: The signs to draw with.
    """

    def __init__(
        self,
        detail: RunDetail,
        *,
        sort: int | None = None,
        descending: bool = False,
        skip: int = 0,
        glyphs: Glyphs = BLOCK,
    ) -> None:
        self.names = detail.case_columns
        self._rows = detail.case_rows
        self._missing = glyphs.missing
        self._judged = [_judges(name, self._column(at)) for at, name in enumerate(self.names)]
        self._order = self._sorted(sort, descending=descending)
        self._shown = [0, *range(1 + skip, len(self.names))] if self.names else []
        self._marks = {sort: glyphs.down if descending else glyphs.up} if sort is not None else {}

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """Return the case's number in the stored table, which no sort changes."""
        return str(self._order[index])

    def row(self, index: int) -> Sequence[Value]:
        """Return the values of a line."""
        return self._rows[self._order[index]]

    def cells(self, index: int) -> Sequence[Cell]:
        """Return one cell per column on show."""
        row = self._rows[self._order[index]]
        return [self._cell(row, at) for at in self._shown]

    def columns(self) -> list[TableColumn]:
        """Return the columns on show."""
        return [self._table_column(at) for at in self._shown]

    def is_failure(self, index: int) -> bool:
        """Return whether a judging column says that the case failed."""
        return self._failures(self._order[index]) > 0

    @property
    def failures(self) -> int:
        """Number of cases that failed by any judging column."""
        return sum(self._failures(at) > 0 for at in range(len(self._rows)))

    def next_failure(self, start: int, step: int) -> int | None:
        """Return the line of the next failed case after `start`, going round, or None."""
        count = len(self._rows)
        for away in range(1, count + 1):
            index = (start + away * step) % count
            if self.is_failure(index):
                return index
        return None

    def _column(self, at: int) -> list[Value]:
        return [row[at] if at < len(row) else None for row in self._rows]

    def _cell(self, row: Sequence[Value], at: int) -> Cell:
        value = row[at] if at < len(row) else None
        text = value_text(value, missing=self._missing)
        if text == self._missing:
            return Cell(text, "quiet")
        return Cell(text, "worse" if self._judged[at] and _is_bad(value) else "text")

    def _table_column(self, at: int) -> TableColumn:
        values = self._column(at)[:_LOOKED_AT]
        name, mark = clean(self.names[at], limit=40), self._marks.get(at, "")
        title = (name if cell_len(name) <= _WIDEST_TITLE else title_of(self.names[at])) + mark
        numeric = all(v is None or isinstance(v, (int, float)) for v in values)
        widest = max((cell_len(value_text(v, missing=self._missing)) for v in values), default=1)
        limit = _WIDEST_NUMBER if numeric else _WIDEST_TEXT
        width = max(min(widest, limit), min(cell_len(title), _WIDEST_TITLE), 3)
        if at == 0:
            return TableColumn(title, max(14, min(width, 20)), grow=1, shrinks=True)
        return TableColumn(title, width, right=numeric, shrinks=not numeric, optional=True)

    def _failures(self, at: int) -> int:
        row = self._rows[at]
        return sum(self._judged[i] and _is_bad(value) for i, value in enumerate(row))

    def _sorted(self, sort: int | None, *, descending: bool) -> list[int]:
        places = range(len(self._rows))
        if sort is None:
            return sorted(places, key=lambda at: -self._failures(at))
        values = self._column(sort)
        known = [at for at in places if value_text(values[at], missing="") != ""]
        known.sort(key=lambda at: _rank(values[at]), reverse=descending)
        return known + [at for at in places if value_text(values[at], missing="") == ""]


def _judges(name: str, values: Sequence[Value]) -> bool:
    """Return whether a column says of every case whether it passed.

    It does when it is called a status, or when it holds nothing but 0 and 1.
    """
    if name.casefold() in _STATUS_COLUMNS:
        return True
    known = [value for value in values if value is not None]
    return bool(known) and all(not isinstance(v, str) and v in {0.0, 1.0} for v in known)


def _is_bad(value: Value) -> bool:
    if isinstance(value, str):
        return value.casefold() in _BAD_WORDS
    return value is not None and value == 0


def _rank(value: Value) -> tuple[int, float, str]:
    if isinstance(value, (int, float)):
        return (0, float(value), "")
    return (1, 0.0, str(value).casefold())
