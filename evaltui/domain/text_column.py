"""Texts of a table, each distinct one kept once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evaltui.domain.packed_texts import PackedTexts, repacked
from evaltui.domain.text_index import TextIndex

CodeArray = npt.NDArray[np.int32]


class TextColumn:
    """A column of texts, each distinct text kept once.

    Args:
        capacity: Number of rows there is room for.

    Attributes:
        codes: Position in `values` per row, -1 where missing; longer than the table (capacity).
        values: The distinct texts in order of first use; only ever appended to.
    """

    __slots__ = ("_index", "codes", "values")

    def __init__(self, capacity: int) -> None:
        self.codes: CodeArray = np.full(capacity, -1, dtype=np.int32)
        self.values: list[str] | PackedTexts = []
        self._index: TextIndex | None = TextIndex()

    @classmethod
    def of(cls, codes: CodeArray, values: PackedTexts) -> TextColumn:
        """Return a column of what is there already; where its texts stand is looked up later.

        Args:
            codes: Position in `values` per row, -1 where missing.
            values: Distinct texts.
        """
        column = cls(0)
        column.codes, column.values, column._index = codes, values, None
        return column

    def code(self, text: str) -> int:
        """Return the code of `text`, adding it when it is new."""
        found = self._texts().get(text)
        return self._added(text) if found is None else found

    def codes_of(self, texts: Sequence[str | None]) -> list[int]:
        """Return the codes of texts, -1 where one is missing, adding those that are new."""
        distinct = [text for text in dict.fromkeys(texts) if text is not None]
        codes: dict[str | None, int] = {None: -1}
        for text, found in zip(distinct, self._texts().positions(distinct), strict=True):
            codes[text] = self._added(text) if found is None else found
        return [codes[text] for text in texts]

    def find(self, text: str) -> int:
        """Return the code of `text`, or -1 when no row ever had it."""
        found = self._texts().get(text)
        return -1 if found is None else found

    def get(self, row: int) -> str | None:
        """Return the text of one row, or None where it is missing."""
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` rows."""
        codes = np.full(capacity, -1, dtype=np.int32)
        codes[: len(self.codes)] = self.codes
        self.codes = codes

    def pack(self, loose_ratio: float) -> None:
        """Keep the texts packed; where they stand is looked up when it is next asked for.

        Args:
            loose_ratio: How many may stay as they came, per packed one.
        """
        values = repacked(self.values, loose_ratio)
        if values is not self.values:
            self.values, self._index = values, None

    def _added(self, text: str) -> int:
        """Add a text that is new; return its code."""
        self.values.append(text)
        return self._texts().add(text, len(self.values) - 1)

    def _texts(self) -> TextIndex:
        """Return where each text stands; worked out when it is first asked for."""
        if self._index is None:
            self._index = TextIndex(self.values)
        return self._index
