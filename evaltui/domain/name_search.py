"""Words in names and ids of runs: looked for in all of them at once, not run by run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np

from evaltui.domain.packed_texts import PackedTexts
from evaltui.domain.table import BoolArray, FloatArray, IntArray, RunTable
from evaltui.domain.text_bytes import TextBytes, encoded


def named_so(table: RunTable, word: str) -> BoolArray:
    """Return the rows whose name holds a word, or whose id begins with it; case-blind.

    Args:
        table: The runs.
        word: A casefolded word without blanks.
    """
    names, ids = _texts_of(table)
    return names.with_(word) | ids.from_(word)


def name_ranks(table: RunTable) -> FloatArray:
    """Return the place of every row's name among all names, case-blind; equal names share one."""
    return _texts_of(table)[0].ranks()


class _Folded:
    """Casefolded texts of a list that grows.

    Args:
        texts: The texts; those that were packed stay as they are, which is most of them.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._packed = texts if isinstance(texts, PackedTexts) else None
        self._first = self._packed.first.folded() if self._packed is not None else TextBytes.of(())
        self.renew()

    def renew(self) -> None:
        """Take in what came and what changed since."""
        packed = self._packed
        others = self._texts if packed is None else packed.added
        changed = {} if packed is None else packed.changed
        self._others = TextBytes.of(text.casefold() for text in others)
        self._changed = {row: text.casefold() for row, text in changed.items()}
        self._ranks: FloatArray | None = None

    def with_(self, word: str) -> BoolArray:
        """Return which rows hold a word."""
        raw = encoded(word)
        found = self._found(self._first.rows_with(raw), self._others.rows_with(raw))
        for row, text in self._changed.items():
            found[row] = word in text
        return found

    def from_(self, word: str) -> BoolArray:
        """Return which rows begin with a word."""
        raw = encoded(word)
        found = self._found(self._first.rows_from(raw), self._others.rows_from(raw))
        for row, text in self._changed.items():
            found[row] = text.startswith(word)
        return found

    def ranks(self) -> FloatArray:
        """Return the place of each text among all in order."""
        if self._ranks is None:
            texts = [*_pieces(self._first), *_pieces(self._others)]
            for row, text in self._changed.items():
                texts[row] = encoded(text)
            places = {text: float(place) for place, text in enumerate(sorted(set(texts)))}
            self._ranks = np.fromiter(map(places.__getitem__, texts), np.float64, len(texts))
        return self._ranks

    def _found(self, first: IntArray, others: IntArray) -> BoolArray:
        found = np.zeros(len(self._texts), dtype=np.bool_)
        found[first] = True
        found[len(self._first) + others] = True
        return found


def _pieces(texts: TextBytes) -> list[bytes]:
    """Return each text in UTF-8, in which texts have the order that they have as texts."""
    whole = texts.data.tobytes()
    return [whole[start:end] for start, end in pairwise([0, *texts.ends.tolist()])]


_known: WeakKeyDictionary[RunTable, tuple[int, _Folded, _Folded]] = WeakKeyDictionary()


def _texts_of(table: RunTable) -> tuple[_Folded, _Folded]:
    """Return names and ids, up to date when a name changed or a run was added."""
    known = _known.get(table)
    if known is None:
        names, ids = _Folded(table.names), _Folded(table.run_ids)
    else:
        version, names, ids = known
        if version == table.names_version:
            return names, ids
        names.renew()
        ids.renew()
    _known[table] = (table.names_version, names, ids)
    return names, ids
