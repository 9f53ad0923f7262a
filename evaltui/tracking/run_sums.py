"""What every run of a store last looked like: three numbers per run, packed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evaltui.domain.packed_ids import BoolArray, IntArray, PackedIds

SumArray = npt.NDArray[np.uint64]
"""Sums of which 0 and 1 are taken for the same."""

_NONE = np.uint64(0)
_ONE = np.uint64(1)


class RunSums:
    """The runs that are there at one look, and sums of them to tell changes from repetitions.

    Args:
        ids: The runs, in the order that `PackedIds.find` needs.
        heads: Sums of their rows in the table of runs.

    Attributes:
        ids: The runs.
    """

    __slots__ = ("_digests", "_heads", "_tags", "ids")

    def __init__(self, ids: PackedIds, heads: SumArray) -> None:
        self.ids = ids
        self._heads = _noted(heads)
        self._digests: SumArray = np.zeros(len(ids), dtype=np.uint64)
        self._tags: SumArray = np.zeros(len(ids), dtype=np.uint64)

    def __len__(self) -> int:
        return len(self.ids)

    def go_on_from(self, before: RunSums) -> BoolArray:
        """Take over what an earlier look knew of the runs.

        Returns:
            Whether each run is new, or its row in the table of runs another than then.
        """
        places = before.ids.find(self.ids)
        known = places >= 0
        places = places[known]
        self._digests[known] = before._digests[places]
        self._tags[known] = before._tags[places]
        changed = ~known
        changed[known] = before._heads[places] != self._heads[known]
        return changed

    def gone_at(self, later: RunSums) -> list[str]:
        """Return the runs whose digests are known and that a later look did not find."""
        return self.ids[(later.ids.find(self.ids) < 0) & (self._digests != _NONE)].texts()

    def forget_heads(self) -> None:
        """Let the row of every run be another than last noted."""
        self._heads[:] = _NONE

    def note_digests(self, run_ids: Sequence[str], digests: SumArray) -> IntArray:
        """Remember digests of runs; return the positions of those that had another one.

        Args:
            run_ids: Runs that are there, each once.
            digests: A sum of everything that is shown of each.
        """
        places, noted = self._places(run_ids), _noted(digests)
        different = np.flatnonzero(self._digests[places] != noted)
        self._digests[places] = noted
        return different

    def note_tags(self, run_ids: Sequence[str], totals: SumArray) -> None:
        """Remember the sums of the tags of runs that are there."""
        self._tags[self._places(run_ids)] = _noted(totals)

    def tags_differ(self, begin: int, totals: SumArray) -> BoolArray:
        """Return whether runs have other tags than last noted, from the one at `begin` on."""
        return np.asarray(self._tags[begin : begin + len(totals)] != _noted(totals))

    def forget(self, run_ids: Sequence[str]) -> list[str]:
        """Let runs that are there be as if they were not known; return whose digest was."""
        places = self._places(run_ids)
        known = np.flatnonzero(self._digests[places] != _NONE).tolist()
        for column in (self._heads, self._digests, self._tags):
            column[places] = _NONE
        return [run_ids[position] for position in known]

    def _places(self, run_ids: Sequence[str]) -> IntArray:
        return self.ids.find(PackedIds.of(run_ids))


def _noted(sums: SumArray) -> SumArray:
    return np.maximum(sums, _ONE)
