"""Many texts end to end: all of them are looked through at once, and none is taken out for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt

from evaltui.late_dataclass import dataclass

ByteArray = npt.NDArray[np.uint8]
OffsetArray = npt.NDArray[np.uint32]
IntArray = npt.NDArray[np.int64]

_CODEC = "utf-8"
_SURROGATES = "surrogatepass"  # a server may send half of a pair; it comes back as it came
_MOST_BYTES = 2**32 - 1
_ASCII = 0x80
_LETTERS = 26
_TO_SMALL = np.uint8(ord("a") - ord("A"))
_AT_ONCE = 4_096
"""Texts that are packed at a time: all of them as objects would be most of the memory."""
_SCANNED = 2
"""Bytes of a word that are looked for everywhere; the others only behind these."""


def encoded(text: str) -> bytes:
    """Return a text as it is packed, whatever is in it."""
    return text.encode(_CODEC, _SURROGATES)


def decoded(data: bytes | memoryview) -> str:
    """Return the text that was `encoded`."""
    return str(data, _CODEC, _SURROGATES)


@dataclass(frozen=True, slots=True, eq=False)
class TextBytes:
    """Texts in UTF-8; rows are their positions.

    Attributes:
        data: The texts, end to end.
        ends: Offset in `data` behind each text, ascending.
    """

    data: ByteArray
    ends: OffsetArray

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextBytes:
        """Pack texts.

        Raises:
            ValueError: They take more than 4 GB.
        """
        source = iter(texts)
        blocks: list[bytes] = []
        widths: list[npt.NDArray[np.uint64]] = []
        while pieces := [encoded(text) for text in islice(source, _AT_ONCE)]:
            blocks.append(b"".join(pieces))
            widths.append(np.fromiter(map(len, pieces), dtype=np.uint64, count=len(pieces)))
        ends = np.cumsum(np.concatenate(widths or [np.empty(0, dtype=np.uint64)]))
        _check(ends)
        data = np.frombuffer(b"".join(blocks), dtype=np.uint8)
        return cls(data, ends.astype(np.uint32))

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[str]:
        """Yield all texts, at the price of one decoding where every character is one byte."""
        whole = self.data.tobytes()
        edges = pairwise([0, *self.ends.tolist()])
        if whole.isascii():
            text = whole.decode("ascii")
            for start, end in edges:
                yield text[start:end]
        else:
            for start, end in edges:
                yield decoded(whole[start:end])

    def followed_by(self, more: TextBytes) -> TextBytes:
        """Return these texts and others behind them.

        Raises:
            ValueError: They take more than 4 GB.
        """
        ends = np.concatenate([self.ends.astype(np.uint64), more.ends + np.uint64(len(self.data))])
        _check(ends)
        return TextBytes(np.concatenate([self.data, more.data]), ends.astype(np.uint32))

    @property
    def starts(self) -> OffsetArray:
        """Offset at which each text begins."""
        starts = np.zeros_like(self.ends)
        starts[1:] = self.ends[:-1]
        return starts

    def folded(self) -> TextBytes:
        """Return the texts casefolded; these very ones where they are so already."""
        if self.data.max(initial=0) >= _ASCII:
            return TextBytes.of(text.casefold() for text in self)
        capital = self.data - np.uint8(ord("A")) < _LETTERS  # what is below "A" wraps around
        if not capital.any():
            return self
        data = self.data.copy()
        data[capital] += _TO_SMALL
        return TextBytes(data, self.ends)

    def rows_with(self, word: bytes) -> IntArray:
        """Return the rows whose text holds a word, ascending; one may be named several times.

        Args:
            word: At least one byte, `encoded`.
        """
        last = len(self.data) - len(word) + 1
        if last <= 0:
            return np.empty(0, dtype=np.int64)
        here = self.data[:last] == word[0]
        for at in range(1, min(_SCANNED, len(word))):
            here &= self.data[at : at + last] == word[at]
        places = np.flatnonzero(here)
        for at in range(_SCANNED, len(word)):
            places = places[self.data[places + at] == word[at]]
        rows = np.searchsorted(self.ends, places.astype(np.uint32), side="right")
        inside = places + len(word) <= self.ends[rows]  # not across the end of a text
        return np.asarray(rows[inside], dtype=np.int64)

    def rows_from(self, word: bytes) -> IntArray:
        """Return the rows whose text begins with a word, ascending.

        Args:
            word: `encoded`.
        """
        starts = self.starts
        rows = np.flatnonzero(self.ends - starts >= len(word))
        for at, byte in enumerate(word):
            rows = rows[self.data[starts[rows] + np.uint32(at)] == byte]
        return rows


def _check(ends: npt.NDArray[np.uint64]) -> None:
    if len(ends) and int(ends[-1]) > _MOST_BYTES:
        raise ValueError("more than 4 GB of text")
