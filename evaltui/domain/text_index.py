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
_BEGIN, _FACTOR = (int.from_bytes(os.urandom(_WORD), "little") | 1 for _ in range(2))
"""Other ones in every process, as those of `hash`: nobody can choose texts that are all alike."""


class TextIndex:
    """Finds the positions of texts by their hashes; what comes later is kept in a dict.

    Args:
        texts: Texts that are there already, each once. They are looked into at every search, so
            they must stay what they are.
    """

    __slots__ = ("_added", "_hash", "_hashes", "_order", "_texts")

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = texts
        self._added: dict[str, int] = {}
        self._hash, hashes = _hashed(texts)
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

    def add(self, text: str, position: int) -> None:
        """Note where a text stands that was not known."""
        self._added[text] = position


def _hashed(
    texts: Sequence[str],
) -> tuple[Callable[[str], int], npt.NDArray[np.uint64] | npt.NDArray[np.int64]]:
    """Return what hashes a text, and the hashes of all texts.

    Ids are of one length as a rule, and packed ones need not become texts to be hashed.
    """
    if isinstance(texts, PackedTexts) and not texts.changed and not texts.added:
        data, count = texts.first.data, len(texts)
        width = len(data) // count if count else 0
        in_words = width > 0 and width % _WORD == 0
        if in_words and np.array_equal(texts.first.ends, np.arange(width, len(data) + 1, width)):
            return _hash_of_width(width), _hashes(data.reshape(count, width))
    return hash, np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))


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
