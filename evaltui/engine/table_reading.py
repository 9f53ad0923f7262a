"""Logged case tables as rows: a large one is never held as one object per cell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from evaltui.domain.cases import Cell
from evaltui.errors import ReportError, ReportSchemaError
from evaltui.readers.bounded_json import parse_streamed
from evaltui.readers.document import Pieces, checked
from evaltui.readers.notes import Notes

LARGE_BYTES = 4_000_000
"""Tables above this size are read row by row."""

_WINDOW_BYTES = 256 * 1024
_MOST_SHARED = 10_000
_LONGEST_SHARED = 100

Table = tuple[list[str], Sequence[Sequence[Cell]]]
"""Names of the columns, and the rows."""


def read_rows(data: bytes) -> Table | None:
    """Return a table in the format that MLflow shows (`columns` and `data`), None for no table."""
    try:
        return _walked(data) if len(data) > LARGE_BYTES else _loaded(data)
    except (ReportError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _loaded(data: bytes) -> Table:
    document = json.loads(data)
    return [str(name) for name in document["columns"]], [list(row) for row in document["data"]]


def _walked(data: bytes) -> Table:
    def windows() -> Iterator[bytes]:
        for start in range(0, len(data), _WINDOW_BYTES):
            yield data[start : start + _WINDOW_BYTES]

    rows = _Rows()
    text = Pieces(len(data), checked(windows, len(data), len(data)))
    document = parse_streamed(text, "data", rows, Notes())
    if not isinstance(document["data"], list):
        raise ReportSchemaError("data is no list")
    return [str(name) for name in document["columns"]], rows


class _Rows(Sequence[Sequence[Cell]]):
    """Rows of one length, kept by column; what comes often is one object."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start over."""
        self._columns: list[list[Cell]] = []
        self._size = 0
        self._shared: dict[tuple[type, Any], Any] = {}

    def add(self, index: int, item: Any) -> None:
        """Take a row.

        Raises:
            ReportSchemaError: It is no list, or of another length than the first.
        """
        if not self._size and isinstance(item, list):
            self._columns = [[] for _ in item]
        if not isinstance(item, list) or len(item) != len(self._columns):
            raise ReportSchemaError(f"row {index} is not as long as the first")
        for column, cell in zip(self._columns, item, strict=True):
            column.append(self._share(cell))
        self._size += 1

    def _share(self, cell: Any) -> Any:
        if isinstance(cell, str):
            if len(cell) > _LONGEST_SHARED:
                return cell
        elif not isinstance(cell, float) or cell not in (0.0, 1.0):
            return cell
        key = (type(cell), str(cell))  # 0.0 and -0.0 are equal, and are not the same
        if len(self._shared) >= _MOST_SHARED:
            return self._shared.get(key, cell)
        return self._shared.setdefault(key, cell)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        return iter(zip(*self._columns, strict=True))

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]
