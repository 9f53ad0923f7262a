"""Cases as a report holds them: each id once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from evaltui.domain.report import Case
from evaltui.readers.notes import Notes


def unique(cases: Iterable[Case], notes: Notes) -> tuple[Case, ...]:
    """Return the cases with unique ids: one that comes again gets `#2`, which is noted."""
    taken: dict[str, Case] = {}
    next_number: dict[str, int] = {}  # so that thousands of one name take no longer than others
    for case in cases:
        case_id = case.case_id
        while case_id in taken:
            number = next_number.get(case.case_id, 2)
            next_number[case.case_id] = number + 1
            case_id = f"{case.case_id}#{number}"
        if case_id != case.case_id:
            notes.add(f"{case.case_id}: there twice, the later one is {case_id}")
            case = replace(case, case_id=case_id)  # noqa: PLW2901 - the same case, renamed
        taken[case_id] = case
    return tuple(taken.values())
