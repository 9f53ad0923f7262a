"""A list of texts that lie end to end in one buffer: 100,000 of them cost what their bytes cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
import numpy.typing as npt

OffsetArray = npt.NDArray[np.uint32]

_CODEC = "utf-8"
_SURROGATES = "surrogatepass"  # a server may send half of a pair; it comes back as it came
_MOST_BYTES = 2**32 - 1


class PackedTexts(Sequence[str]):
    """Texts in a buffer that may be mapped from a file, and those that came or changed since.

    Args:
        data: The texts in UTF-8, end to end.
        ends: Offset in `data` behind each text, ascending.
        let_go: Called when all texts were gone through: what was read for that is not looked at
            soon again.

    Raises:
        ValueError: The offsets do not fit the data.
    """

    __slots__ = ("_added", "_changed", "_data", "_ends", "_let_go", "_packed")

    def __init__(
        self, data: memoryview, ends: OffsetArray, let_go: Callable[[], None] | None = None
    ) -> None:
        steps_back = len(ends) and bool((ends[1:] < ends[:-1]).any())
        if steps_back or (int(ends[-1]) if len(ends) else 0) != len(data):
            raise ValueError("offsets that do not fit the texts")
        self._data = data
        self._ends = ends.data
        self._let_go = let_go
        self._packed = len(ends)
        self._changed: dict[int, str] = {}
        self._added: list[str] = []

    @classmethod
    def of(cls, texts: Iterable[str]) -> PackedTexts:
        """Pack texts.

        Raises:
            ValueError: They take more than 4 GB.
        """
        return cls(*packed(texts))

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
        return str(self._data[start : self._ends[index]], _CODEC, _SURROGATES)

    def __setitem__(self, index: int, text: str) -> None:
        if index >= self._packed:
            self._added[index - self._packed] = text
        elif self[index] != text:
            self._changed[index] = text

    def __iter__(self) -> Iterator[str]:
        if not self._changed:
            yield from _unpacked(self._data, self._ends)
            yield from list(self._added)
        else:
            for index in range(len(self)):
                yield self[index]
        if self._let_go is not None:
            self._let_go()

    def append(self, text: str) -> None:
        """Add a text behind the others."""
        self._added.append(text)


def packed(texts: Iterable[str]) -> tuple[memoryview, OffsetArray]:
    """Return texts end to end in UTF-8, and the offset behind each.

    Raises:
        ValueError: They take more than 4 GB.
    """
    pieces = [text.encode(_CODEC, _SURROGATES) for text in texts]
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.uint64)
    if len(ends) and int(ends[-1]) > _MOST_BYTES:
        raise ValueError("more than 4 GB of text")
    return memoryview(b"".join(pieces)), ends.astype("<u4")


def _unpacked(data: memoryview, ends: memoryview) -> Iterator[str]:
    """Yield all texts, at the price of one decoding where every character is one byte."""
    whole = bytes(data)
    edges = pairwise([0, *ends.tolist()])
    if whole.isascii():
        text = whole.decode("ascii")
        for start, end in edges:
            yield text[start:end]
    else:
        for start, end in edges:
            yield whole[start:end].decode(_CODEC, _SURROGATES)
