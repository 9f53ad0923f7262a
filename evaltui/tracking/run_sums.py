"""What every run of a store last looked like: three numbers per run, packed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

_NONE = 0
_ONES = 2**64 - 1


class RunSums:
    """Remembers sums of runs, to tell a change from a repetition.

    One dict finds the place of a run in three arrays. As dicts of their own these would take three
    times as much, and with ids that are read anew at every look, a second copy of every id.

    All sums are whole numbers of which 64 bits count; 0 and 1 are taken for the same.
    """

    __slots__ = ("_digests", "_free", "_heads", "_places", "_tags")

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._free: list[int] = []
        self._heads = array("Q")
        self._digests = array("Q")
        self._tags = array("Q")

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._places

    @property
    def places(self) -> int:
        """How many runs there is room for; the places of forgotten ones are used again."""
        return len(self._heads)

    def head_differs(self, run_id: str, head: int) -> bool:
        """Return whether a run is new, or its row in the table of runs another than last noted."""
        place = self._places.get(run_id)
        return place is None or self._heads[place] != _packed(head)

    def tags_differ(self, run_id: str, total: int) -> bool:
        """Return whether a run is new, or has other tags than last noted."""
        place = self._places.get(run_id)
        return place is None or self._tags[place] != _packed(total)

    def note_heads(self, heads: Iterable[tuple[str, int]]) -> None:
        """Remember the rows of runs in the table of runs, by their sums."""
        for run_id, head in heads:
            self._heads[self._place(run_id)] = _packed(head)

    def note_tags(self, run_ids: Iterable[str], totals: Iterable[int]) -> None:
        """Remember the sums of the tags of runs."""
        for run_id, total in zip(run_ids, totals, strict=True):
            self._tags[self._place(run_id)] = _packed(total)

    def forget_heads(self) -> None:
        """Let the row of every run be another than last noted."""
        self._heads = array("Q", bytes(self._heads.itemsize * len(self._heads)))

    def differs(self, run_id: str, digest: int) -> bool:
        """Return whether a run is new or has another digest than last time, and remember it."""
        place = self._place(run_id)
        packed = _packed(digest)
        if self._digests[place] == packed:
            return False
        self._digests[place] = packed
        return True

    def forget(self, run_id: str) -> bool:
        """Drop a run; return whether its digest was known."""
        place = self._places.pop(run_id, None)
        if place is None:
            return False
        known = self._digests[place] != _NONE
        self._heads[place] = self._digests[place] = self._tags[place] = _NONE
        self._free.append(place)
        return known

    def _place(self, run_id: str) -> int:
        place = self._places.get(run_id)
        if place is None:
            if self._free:
                place = self._free.pop()
            else:
                place = len(self._heads)
                for column in (self._heads, self._digests, self._tags):
                    column.append(_NONE)
            self._places[run_id] = place
        return place


def _packed(number: int) -> int:
    return number & _ONES or 1
