"""Names and ids of runs as one text each: a word is looked for once, not once per run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from weakref import WeakKeyDictionary

import numpy as np

from evaltui.domain.distinct import distinct
from evaltui.domain.table import BoolArray, FloatArray, IntArray, RunTable
from evaltui.late_dataclass import dataclass

_BETWEEN = "\n"
"""Stands between two texts; words that are looked for hold no blanks."""

_AT_ONCE = 4_096
"""Texts that are taken apart from the others at a time: all of them would be most of the memory."""


def named_so(table: RunTable, word: str) -> BoolArray:
    """Return the rows whose name holds a word, or whose id begins with it; case-blind.

    Args:
        table: The runs.
        word: A casefolded word without blanks.
    """
    names, ids = _texts_of(table)
    found = np.zeros(table.size, dtype=np.bool_)
    found[names.rows_with(word)] = True
    found[ids.rows_from(word)] = True
    return found


def name_ranks(table: RunTable) -> FloatArray:
    """Return the place of every row's name among all names, case-blind; equal names share one."""
    names = _texts_of(table)[0]
    if names.ranks is None:
        pieces = names.text.split(_BETWEEN)[:-1] if names.plain else names.pieces()
        places = {text: float(place) for place, text in enumerate(sorted(set(pieces)))}
        names.ranks = np.fromiter(map(places.__getitem__, pieces), np.float64, len(pieces))
    return names.ranks


@dataclass(slots=True, eq=False)
class _Joined:
    """Casefolded texts end to end.

    Attributes:
        text: The texts, each with a line end behind it.
        starts: Where each begins.
        plain: Whether no text holds a line end itself.
        ranks: Place of each text among all in order, or None before it was asked for.
    """

    text: str
    starts: IntArray
    plain: bool
    ranks: FloatArray | None = None

    @classmethod
    def of(cls, texts: Iterable[str]) -> _Joined:
        pieces: list[str] = []
        sizes: list[IntArray] = []
        source = iter(texts)
        while folded := [text.casefold() for text in islice(source, _AT_ONCE)]:
            sizes.append(np.fromiter(map(len, folded), dtype=np.int64, count=len(folded)) + 1)
            pieces.append(_BETWEEN.join([*folded, ""]))
        widths = np.concatenate([np.empty(0, dtype=np.int64), *sizes])
        text = "".join(pieces)
        return cls(text, np.cumsum(widths) - widths, text.count(_BETWEEN) == len(widths))

    def pieces(self) -> list[str]:
        edges = [*self.starts.tolist(), len(self.text)]
        return [self.text[low : high - 1] for low, high in pairwise(edges)]

    def rows_with(self, word: str) -> IntArray:
        """Return the rows whose text holds a word."""
        return self._rows(self._places(word))

    def rows_from(self, word: str) -> IntArray:
        """Return the rows whose text begins with a word."""
        places = np.fromiter(self._places(_BETWEEN + word), dtype=np.int64) + 1
        rows = self._rows(places)
        rows = rows[np.isin(self.starts[rows], places)]
        return np.append(rows, 0) if self.text.startswith(word) and len(self.starts) else rows

    def _places(self, word: str) -> Iterator[int]:
        at = self.text.find(word)
        while at >= 0:
            yield at
            at = self.text.find(word, at + 1)

    def _rows(self, places: Iterator[int] | IntArray) -> IntArray:
        if not isinstance(places, np.ndarray):
            places = np.fromiter(places, dtype=np.int64)
        found: IntArray = np.searchsorted(self.starts, places, side="right") - 1
        return distinct(found)


_known: WeakKeyDictionary[RunTable, tuple[int, _Joined, _Joined]] = WeakKeyDictionary()


def _texts_of(table: RunTable) -> tuple[_Joined, _Joined]:
    """Return names and ids, joined anew when a name changed or a run was added."""
    known = _known.get(table)
    if known is None or known[0] != table.names_version:
        ids, names = _Joined.of(table.run_ids), _Joined.of(table.names)
        known = _known[table] = (table.names_version, names, ids)
    return known[1], known[2]
