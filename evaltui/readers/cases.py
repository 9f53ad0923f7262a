"""Cases as a report holds them: each id once, and of a long report packed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import overload

from evaltui.domain.report import Case, CaseStatus
from evaltui.readers.document import Text, is_lean
from evaltui.readers.notes import Notes

_BLOCK = 256
_LEVEL = 1  # cases are alike: little work packs them well


class CaseList(Sequence[Case]):
    """Cases in the order they were added.

    Packed ones take some tens of bytes each instead of a thousand; they are made anew by whoever
    goes through them.

    Args:
        packed: Whether memory counts for more than time.
    """

    def __init__(self, *, packed: bool) -> None:
        self.packed = packed
        self._blocks: list[bytes] = []
        self._last: list[Case] = []

    @classmethod
    def of(cls, text: Text) -> CaseList:
        """Return a list for the cases of a document."""
        return cls(packed=is_lean(text))

    def append(self, case: Case) -> None:
        """Add a case."""
        self._last.append(case)
        if self.packed and len(self._last) == _BLOCK:
            self._blocks.append(_pack(self._last))
            self._last.clear()

    def __len__(self) -> int:
        return len(self._blocks) * _BLOCK + len(self._last)

    def __iter__(self) -> Iterator[Case]:
        for block in self._blocks:
            yield from _unpack(block)
        yield from self._last

    @overload
    def __getitem__(self, index: int) -> Case: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Case, ...]: ...
    def __getitem__(self, index: int | slice) -> Case | tuple[Case, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        place = range(len(self))[index]
        block, number = divmod(place, _BLOCK)
        if block < len(self._blocks):
            return _unpack(self._blocks[block])[number]
        return self._last[place - len(self._blocks) * _BLOCK]


def like(cases: Sequence[Case], made: Iterable[Case]) -> Sequence[Case]:
    """Return cases that were made of others, packed when those are."""
    if not (isinstance(cases, CaseList) and cases.packed):
        return tuple(made)
    found = CaseList(packed=True)
    for case in made:
        found.append(case)
    return found


def unique(cases: Sequence[Case], notes: Notes) -> Sequence[Case]:
    """Return the cases with unique ids: one that comes again gets `#2`, which is noted."""
    return like(cases, _renamed(cases, notes))


def _renamed(cases: Iterable[Case], notes: Notes) -> Iterator[Case]:
    taken: set[str] = set()
    next_number: dict[str, int] = {}  # so that thousands of one name take no longer than others
    for case in cases:
        case_id = case.case_id
        while case_id in taken:
            number = next_number.get(case.case_id, 2)
            next_number[case.case_id] = number + 1
            case_id = f"{case.case_id}#{number}"
        taken.add(case_id)
        if case_id == case.case_id:
            yield case
        else:
            notes.add(f"{case.case_id}: there twice, the later one is {case_id}")
            yield replace(case, case_id=case_id)


def _pack(cases: Iterable[Case]) -> bytes:
    rows = [
        (
            case.case_id,
            case.status.value,
            dict(case.scores),
            case.group,
            case.reason,
            case.output,
            case.duration_s,
            case.cost_usd,
            dict(case.details),
            dict(case.columns),
        )
        for case in cases
    ]
    return zlib.compress(json.dumps(rows).encode("ascii"), _LEVEL)


def _unpack(block: bytes) -> list[Case]:
    return [
        Case(
            case_id=case_id,
            status=CaseStatus(status),
            scores=scores,
            group=group,
            reason=reason,
            output=output,
            duration_s=duration_s,
            cost_usd=cost_usd,
            details=details,
            columns=columns,
        )
        for (
            case_id, status, scores, group, reason, output, duration_s, cost_usd, details, columns,
        ) in json.loads(zlib.decompress(block))
    ]  # fmt: skip
