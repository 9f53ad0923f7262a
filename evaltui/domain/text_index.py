"""Where in a list a text stands, for 12 bytes per text instead of a hundred."""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from evaltui.domain.packed_texts import PackedTexts
from evaltui.domain.text_bytes import ByteArray, encoded

_WORD = 8
_ALL_BITS = (1 << 64) - 1
_HALF = 32
_MANY = 8
"""Texts that are sooner looked up together than one by one."""
_BEGIN, _FACTOR = (int.from_bytes(os.urandom(_WORD), "little") | 1 for _ in range(2))
"""Other ones in every process, as those of `hash`: nobody can choose texts that are all alike."""


class TextIndex:
    """Finds the positions of texts by their hashes; what comes later is kept in a dict.

    Args:
        texts: Texts that are there already, each once. They are looked into at every search, so
            they must stay what they are.
    """

    __slots__ = ("_added", "_hash", "_hashes", "_order", "_texts", "_width")

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = texts
        self._added: dict[str, int] = {}
        self._width = _width_of(texts)
        self._hash = _hash_of_width(self._width) if self._width else hash
        hashes = _hashes_of(texts, self._width)
        order = np.argsort(hashes)
        self._order = order.astype(np.int32).data
        self._hashes = hashes[order].data

    def get(self, text: str) -> int | None:
        """Return where a text stands, or None when it is not known."""
        if self._hashes:
            wanted = self._hash(text)
            at = bisect_left(self._hashes, wanted)
            while at < len(self._hashes) and self._hashes[at] == wanted:
                found = int(self._order[at])
                if self._texts[found] == text:
                    return found
                at += 1
        return self._added.get(text)

    def positions(self, texts: Sequence[str]) -> list[int | None]:
        """Return where texts stand, None for each that is not known.

        Those of a listing are new as a rule, and many: that a hash is of none is found out for all
        of them at once.
        """
        if not self._hashes:
            return [self._added.get(text) for text in texts]
        if len(texts) < _MANY:
            return [self.get(text) for text in texts]
        return [
            self.get(text) if maybe else self._added.get(text)
            for text, maybe in zip(texts, self._may_have(texts), strict=True)
        ]

    def add(self, text: str, position: int) -> int:
        """Note where a text stands that was not known; return where it does."""
        return self._added.setdefault(text, position)

    def _may_have(self, texts: Sequence[str]) -> list[bool]:
        """Return whether the hash of each text is one of those that are there already."""
        hashes = _hashes_of(texts, self._width)
        known = np.asarray(self._hashes)
        places = np.searchsorted(known, hashes)
        places[places == len(known)] = 0
        found: list[bool] = (known[places] == hashes).tolist()
        return found


def _width_of(texts: Sequence[str]) -> int:
    """Return how many bytes each text has, 0 where they are not of one length, in words.

    Ids are, as a rule, and packed ones need not become texts to be hashed.
    """
    if isinstance(texts, PackedTexts) and len(texts) and not texts.changed and not texts.added:
        first = texts.first
        width = len(first.data) // len(first)
        ends = np.arange(width, len(first.data) + 1, width) if width else first.ends[:0]
        if width % _WORD == 0 and np.array_equal(first.ends, ends):
            return width
    return 0


def _hashes_of(texts: Sequence[str], width: int) -> npt.NDArray[np.uint64] | npt.NDArray[np.int64]:
    """Return the hashes of texts; of others than of this many bytes, where that is not 0, any."""
    if not width:
        return np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))
    if isinstance(texts, PackedTexts):
        return _hashes(texts.first.data.reshape(len(texts), width))
    rows = [data if len(data) == width else bytes(width) for data in map(encoded, texts)]
    return _hashes(np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), width))


def _hashes(rows: ByteArray) -> npt.NDArray[np.uint64]:
    """Do for rows of bytes what `_hash_of_width` does for the text of each."""
    found = np.full(len(rows), _BEGIN, dtype=np.uint64)
    for word in rows.view("<u8").T:
        found ^= word
        found *= np.uint64(_FACTOR)
        found ^= found >> np.uint64(_HALF)
    return found


def _hash_of_width(width: int) -> Callable[[str], int]:
    words = struct.Struct(f"<{width // _WORD}Q")

    def hash_of(text: str) -> int:
        data = encoded(text)
        if len(data) != width:
            return -1  # stands for no text of the list
        found = _BEGIN
        for word in words.unpack(data):
            found = (found ^ word) * _FACTOR & _ALL_BITS
            found ^= found >> _HALF
        return found

    return hash_of
