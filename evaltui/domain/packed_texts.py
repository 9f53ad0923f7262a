"""A list of texts that lie end to end in one buffer: 100,000 of them cost what their bytes cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

import numpy as np

from evaltui.domain.text_bytes import OffsetArray, TextBytes, decoded


class PackedTexts(Sequence[str]):
    """Texts in a buffer that may be mapped from a file, and those that came or changed since.

    Args:
        data: The texts in UTF-8, end to end.
        ends: Offset in `data` behind each text, ascending.

    Attributes:
        first: The texts as they were at first.

    Raises:
        ValueError: The offsets do not fit the data.
    """

    __slots__ = ("_added", "_changed", "_data", "_ends", "_packed", "first")

    def __init__(self, data: memoryview, ends: OffsetArray) -> None:
        steps_back = len(ends) and bool((ends[1:] < ends[:-1]).any())
        if steps_back or (int(ends[-1]) if len(ends) else 0) != len(data):
            raise ValueError("offsets that do not fit the texts")
        self.first = TextBytes(np.frombuffer(data, dtype=np.uint8), ends)
        self._data = data
        self._ends = ends.data
        self._packed = len(ends)
        self._changed: dict[int, str] = {}
        self._added: list[str] = []

    @classmethod
    def of(cls, texts: Iterable[str]) -> PackedTexts:
        """Pack texts.

        Raises:
            ValueError: They take more than 4 GB.
        """
        packed = TextBytes.of(texts)
        return cls(packed.data.data, packed.ends)

    @property
    def changed(self) -> Mapping[int, str]:
        """What other texts than at first are now, by position."""
        return self._changed

    @property
    def added(self) -> Sequence[str]:
        """The texts that came behind the first ones."""
        return self._added

    def __len__(self) -> int:
        return self._packed + len(self._added)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if index >= self._packed:
            return self._added[index - self._packed]
        if index < 0:
            raise IndexError(index)
        if self._changed and index in self._changed:
            return self._changed[index]
        start = self._ends[index - 1] if index else 0
        return decoded(self._data[start : self._ends[index]])

    def __setitem__(self, index: int, text: str) -> None:
        if index >= self._packed:
            self._added[index - self._packed] = text
        elif self[index] != text:
            self._changed[index] = text

    def __iter__(self) -> Iterator[str]:
        if not self._changed:
            yield from self.first
            yield from list(self._added)
        else:
            for index in range(len(self)):
                yield self[index]

    def packed(self) -> TextBytes:
        """Return all texts as they are now, packed.

        Raises:
            ValueError: They take more than 4 GB.
        """
        if self._changed:
            return TextBytes.of(self)
        return self.first.followed_by(TextBytes.of(self._added)) if self._added else self.first

    def append(self, text: str) -> None:
        """Add a text behind the others."""
        self._added.append(text)


def repacked(texts: list[str] | PackedTexts, loose_ratio: float) -> list[str] | PackedTexts:
    """Return texts packed; the very same ones where few of them are not.

    Args:
        texts: The texts.
        loose_ratio: How many may stay as they came, per packed one.
    """
    loose = len(texts) if isinstance(texts, list) else len(texts.added)
    if loose <= loose_ratio * (len(texts) - loose):
        return texts
    whole = TextBytes.of(texts) if isinstance(texts, list) else texts.packed()
    return PackedTexts(whole.data.data, whole.ends)
