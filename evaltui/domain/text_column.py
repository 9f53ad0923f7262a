"""Texts of a table, each distinct one kept once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class TextColumn:
    """A column of texts, each distinct text kept once.

    Attributes:
        codes: Position in `values` per row, -1 where missing; longer than the table (capacity).
        values: The distinct texts in order of first use; only ever appended to.
    """

    __slots__ = ("_index", "codes", "values")

    def __init__(self, capacity: int) -> None:
        self.codes: npt.NDArray[np.int32] = np.full(capacity, -1, dtype=np.int32)
        self.values: list[str] = []
        self._index: dict[str, int] = {}

    def code(self, text: str) -> int:
        """Return the code of `text`, adding it when it is new."""
        found = self._index.get(text)
        if found is None:
            found = self._index[text] = len(self.values)
            self.values.append(text)
        return found

    def find(self, text: str) -> int:
        """Return the code of `text`, or -1 when no row ever had it."""
        return self._index.get(text, -1)

    def get(self, row: int) -> str | None:
        """Return the text of one row, or None where it is missing."""
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` rows."""
        codes = np.full(capacity, -1, dtype=np.int32)
        codes[: len(self.codes)] = self.codes
        self.codes = codes
