"""Which case of one run belongs to which case of another."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from itertools import repeat

import numpy as np

from evaltui.domain.cases import CaseTable, Pick, average_repetitions
from evaltui.domain.table import BoolArray, FloatArray, IntArray
from evaltui.late_dataclass import dataclass

CaseKey = tuple[str, str]
"""Group and id of a case; the group is "" where ids are unique without it."""


def label_of(key: CaseKey) -> str:
    """Return a case's name for people and scripts: its id, after its group where that counts."""
    group, case_id = key
    return f"{group}/{case_id}" if group else case_id


@dataclass(frozen=True, eq=False)
class Pairing:
    """The cases of two runs, repetitions averaged, held against each other.

    Attributes:
        baseline: Cases of the baseline, one row per case.
        candidate: Cases of the candidate, one row per case.
        keys: Cases that both have, in the baseline's order.
        baseline_rows: Row of each key in `baseline`.
        candidate_rows: Row of each key in `candidate`.
        only_baseline: Cases that the candidate lacks, with their rows in `baseline`.
        only_candidate: Cases that the baseline lacks, with their rows in `candidate`.
        repeated: Whether a run had repetitions.
    """

    baseline: CaseTable
    candidate: CaseTable
    keys: tuple[CaseKey, ...]
    baseline_rows: IntArray
    candidate_rows: IntArray
    only_baseline: tuple[tuple[CaseKey, int], ...]
    only_candidate: tuple[tuple[CaseKey, int], ...]
    repeated: bool

    def __len__(self) -> int:
        return len(self.keys)

    def both(self, pick: Pick) -> tuple[FloatArray, FloatArray]:
        """Return a column of both runs, row by row of `keys`; NaN where a run lacks it."""
        return (
            self._of(pick(self.baseline), self.baseline_rows),
            self._of(pick(self.candidate), self.candidate_rows),
        )

    @cached_property
    def errored(self) -> BoolArray:
        """Where a case errored in either run."""
        before = self.baseline.errored[self.baseline_rows]
        after = self.candidate.errored[self.candidate_rows]
        return np.asarray(before | after, dtype=np.bool_)

    def _of(self, column: FloatArray | None, rows: IntArray) -> FloatArray:
        return np.full(len(rows), math.nan) if column is None else column[rows]


def pair(baseline: CaseTable, candidate: CaseTable) -> Pairing:
    """Join the cases of two runs on their ids.

    The group counts only where one run has an id in several groups: a group such as an app's
    template may differ between two runs of the same case.
    """
    grouped = _is_ambiguous(baseline) or _is_ambiguous(candidate)
    first, first_keys = _unique(baseline, grouped=grouped)
    second, second_keys = _unique(candidate, grouped=grouped)
    common = [key for key in first_keys if key in second_keys]
    return Pairing(
        baseline=first,
        candidate=second,
        keys=tuple(common),
        baseline_rows=_rows(first_keys[key] for key in common),
        candidate_rows=_rows(second_keys[key] for key in common),
        only_baseline=tuple(item for item in first_keys.items() if item[0] not in second_keys),
        only_candidate=tuple(item for item in second_keys.items() if item[0] not in first_keys),
        repeated=len(first) < len(baseline) or len(second) < len(candidate),
    )


def _is_ambiguous(table: CaseTable) -> bool:
    if len(set(table.ids)) == len(table.ids) or len(set(table.groups)) == 1:
        return False
    first: dict[str, str | None] = {}
    return any(
        first.setdefault(case_id, group) != group
        for case_id, group in zip(table.ids, table.groups, strict=True)
    )


def _unique(table: CaseTable, *, grouped: bool) -> tuple[CaseTable, dict[CaseKey, int]]:
    groups = (group or "" for group in table.groups) if grouped else repeat("", len(table))
    whole = list(zip(groups, table.ids, strict=True))
    keys = {key: row for row, key in enumerate(dict.fromkeys(whole))}
    if len(keys) == len(table):
        return table, keys
    rows = _rows(keys[key] for key in whole)
    return average_repetitions(table, rows, len(keys)), keys


def _rows(rows: Iterable[int]) -> IntArray:
    return np.fromiter(rows, dtype=np.int64)
