"""Where in a list a text stands, for 12 bytes per text instead of a hundred."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np


class TextIndex:
    """Finds the positions of texts by their hashes; what comes later is kept in a dict.

    Args:
        texts: Texts that are there already, each once. They are looked into at every search, so
            they must stay what they are.
    """

    __slots__ = ("_added", "_hashes", "_order", "_texts")

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = texts
        self._added: dict[str, int] = {}
        hashes = np.fromiter(map(hash, texts), dtype=np.int64, count=len(texts))
        order = np.argsort(hashes, kind="stable")
        self._order = order.astype(np.int32).data
        self._hashes = hashes[order].data

    def get(self, text: str) -> int | None:
        """Return where a text stands, or None when it is not known."""
        if self._hashes:
            wanted = hash(text)
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
