"""What became of every case between two runs: fixed, regressed, same, missing or in error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import islice

import numpy as np
import numpy.typing as npt

from evaltui.domain.cases import STATUS, CaseTable, Pick
from evaltui.domain.catalogue import CHECKS, MetricSpec, spec_for
from evaltui.domain.metric import Direction
from evaltui.domain.pairing import Pairing, label_of
from evaltui.domain.significance import Finding, weigh_pairs
from evaltui.domain.table import FloatArray, IntArray
from evaltui.late_dataclass import dataclass

MAX_ROWS = 5_000
"""Rows that a comparison lists at most; changed ones come first."""


class CaseChange(StrEnum):
    """What became of a case in one check; an error is never a regression."""

    FIXED = "fixed"
    REGRESSED = "regressed"
    SAME = "same"
    MISSING = "missing"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One check or score of one case in two runs.

    Attributes:
        case_id: Id of the case, after its group where ids are not unique without it.
        check: Name of the check or score; `status` for the outcome of the whole case.
        baseline: Value, or None where the run lacks it; an outcome is a word.
        candidate: The same for the candidate.
    """

    case_id: str
    check: str
    baseline: float | str | None
    candidate: float | str | None
    change: CaseChange


@dataclass(frozen=True, slots=True)
class CheckTally:
    """Cases of one check or score by what became of them."""

    check: str
    fixed: int
    regressed: int
    same: int
    missing: int
    error: int


@dataclass(frozen=True, slots=True)
class CaseComparison:
    """The cases of two runs against each other.

    Attributes:
        paired: Cases that both runs have.
        only_baseline: Cases that only the baseline has.
        only_candidate: Cases that only the candidate has.
        fixed: Ids of the cases that failed and pass now.
        regressed: Ids of the cases that passed and fail now.
        same: Number of cases with the same outcome.
        missing: Number of cases without an outcome in one run.
        error: Number of cases in error in one run or both.
        tallies: The same per check and score.
        rows: Changed rows first, at most MAX_ROWS.
        rows_left_out: Number of rows beyond those.
        outcome: What the outcomes say together, or None without any.
    """

    paired: int
    only_baseline: int
    only_candidate: int
    fixed: tuple[str, ...]
    regressed: tuple[str, ...]
    same: int
    missing: int
    error: int
    tallies: tuple[CheckTally, ...]
    rows: tuple[CaseRow, ...]
    rows_left_out: int
    outcome: Finding | None


_ORDER = (
    CaseChange.REGRESSED,
    CaseChange.ERROR,
    CaseChange.MISSING,
    CaseChange.FIXED,
    CaseChange.SAME,
)
_CODES: Mapping[CaseChange, int] = {change: code for code, change in enumerate(_ORDER)}
_NOTHING = len(_ORDER)  # neither run has it: no row
_WORDS: Mapping[float, str] = {1.0: "pass", 0.0: "fail"}
_Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class _Check:
    """One check over the paired cases."""

    name: str
    before: FloatArray
    after: FloatArray
    codes: _Codes


def compare_cases(
    cases: Pairing,
    *,
    directions: Mapping[str, Direction] | None = None,
    alpha: float,
    seed: int,
    max_rows: int = MAX_ROWS,
) -> CaseComparison:
    """Say what became of every case, in its outcome and in each check and score.

    A score changes when it moves by more than its tolerance; a neutral one is left out.

    Args:
        cases: The cases of both runs.
        directions: Directions that people set, by name of a check or score.
        alpha: Two-sided error rate of the test on the outcomes.
        seed: Seed of its draws.
        max_rows: Rows to list at most.
    """
    checks = list(_checks(cases, directions))
    outcome = checks[0]
    rows, left_out = _rows(cases, checks, max_rows)
    there = ~np.isnan(outcome.before) & ~np.isnan(outcome.after) & ~cases.errored
    return CaseComparison(
        paired=len(cases),
        only_baseline=len(cases.only_baseline),
        only_candidate=len(cases.only_candidate),
        fixed=_ids(cases, outcome.codes == _CODES[CaseChange.FIXED]),
        regressed=_ids(cases, outcome.codes == _CODES[CaseChange.REGRESSED]),
        same=_count(outcome, CaseChange.SAME),
        missing=_count(outcome, CaseChange.MISSING),
        error=_count(outcome, CaseChange.ERROR),
        tallies=tuple(_tally(check) for check in checks),
        rows=rows,
        rows_left_out=left_out,
        outcome=weigh_pairs(
            outcome.before[there], outcome.after[there], is_expense=False, alpha=alpha, seed=seed
        ),
    )


def _checks(cases: Pairing, directions: Mapping[str, Direction] | None) -> Iterator[_Check]:
    spec = spec_for("pass_rate")
    yield _check(cases, STATUS, spec, lambda table: table.outcome)
    there = dict.fromkeys([*cases.baseline.results, *cases.candidate.results])
    known = [name for name in CHECKS if name in there]
    for name in dict.fromkeys([*known, *there]):
        spec = spec_for(name, overrides=directions)
        if spec.direction is not Direction.NEUTRAL:
            yield _check(cases, name, spec, _result(name))


def _result(name: str) -> Pick:
    return lambda table: table.results.get(name)


def _check(cases: Pairing, name: str, spec: MetricSpec, pick: Pick) -> _Check:
    before, after = cases.both(pick)
    sign = -1.0 if spec.direction is Direction.LOWER else 1.0
    size = np.maximum(np.abs(before), np.abs(after))
    is_check = _is_binary(before) and _is_binary(after)
    amount = 0.0 if is_check else spec.tolerance.amount
    allowed = amount * size if spec.tolerance.relative else np.full(len(before), amount)
    with np.errstate(invalid="ignore", over="ignore"):
        gain = (after - before) * sign
        slack = allowed + 1e-9 * size
        codes = np.full(len(before), _CODES[CaseChange.SAME], dtype=np.int8)
        codes[gain > slack] = _CODES[CaseChange.FIXED]
        codes[gain < -slack] = _CODES[CaseChange.REGRESSED]
    lacks = np.isnan(before) | np.isnan(after)
    codes[lacks] = _CODES[CaseChange.MISSING]
    codes[cases.errored & lacks] = _CODES[CaseChange.ERROR]
    nowhere = np.isnan(before) & np.isnan(after)
    codes[nowhere & ~cases.errored if name == STATUS else nowhere] = _NOTHING
    return _Check(name, before, after, codes)


def _count(check: _Check, change: CaseChange) -> int:
    return int((check.codes == _CODES[change]).sum())


def _tally(check: _Check) -> CheckTally:
    counts = np.bincount(check.codes, minlength=_NOTHING + 1)
    return CheckTally(
        check=check.name,
        **{change.value: int(counts[code]) for change, code in _CODES.items()},
    )


def _ids(cases: Pairing, chosen: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(label_of(cases.keys[row]) for row in np.flatnonzero(chosen))


def _rows(cases: Pairing, checks: list[_Check], max_rows: int) -> tuple[tuple[CaseRow, ...], int]:
    """Return the rows, by change, then in the order of cases and checks; and how many are left."""
    grid = np.vstack([check.codes for check in checks]).T
    alone = len(cases.only_baseline) + len(cases.only_candidate)
    total = int((grid != _NOTHING).sum()) + alone
    rows: list[CaseRow] = []
    for change, code in _CODES.items():
        room = max(0, max_rows - len(rows))
        found = np.flatnonzero(grid == code)  # case by case, check by check
        if change is CaseChange.SAME:  # every case before the checks of the first ones
            found = found[np.argsort(found % len(checks) != 0, kind="stable")]
        found = found[:room]
        rows += _rows_of(cases, checks, change, *np.divmod(found, len(checks)))
        if change is CaseChange.MISSING:
            rows += islice(_alone(cases), max(0, max_rows - len(rows)))
    return tuple(rows), total - len(rows)


def _rows_of(
    cases: Pairing, checks: list[_Check], change: CaseChange, rows: IntArray, columns: IntArray
) -> Iterator[CaseRow]:
    """Yield the rows of some places; one by one from arrays would take ten times as long."""
    before, after = np.empty(len(rows)), np.empty(len(rows))
    for place, check in enumerate(checks):
        here = columns == place
        before[here], after[here] = check.before[rows[here]], check.after[rows[here]]
    values = zip(rows.tolist(), columns.tolist(), before.tolist(), after.tolist(), strict=True)
    for row, column, first, second in values:
        check, label = checks[column].name, label_of(cases.keys[row])
        if check != STATUS:
            yield CaseRow(label, check, _known(first), _known(second), change)
        else:
            told = _outcome(cases.baseline, int(cases.baseline_rows[row]))
            now = _outcome(cases.candidate, int(cases.candidate_rows[row]))
            yield CaseRow(label, check, told, now, change)


def _alone(cases: Pairing) -> Iterator[CaseRow]:
    """Yield a row for each case that only one run has."""
    for key, row in cases.only_baseline:
        value = _outcome(cases.baseline, row)
        yield CaseRow(label_of(key), STATUS, value, None, CaseChange.MISSING)
    for key, row in cases.only_candidate:
        value = _outcome(cases.candidate, row)
        yield CaseRow(label_of(key), STATUS, None, value, CaseChange.MISSING)


def _outcome(table: CaseTable, row: int) -> float | str | None:
    if table.errored[row]:
        return "error"
    value = _known(float(table.outcome[row]))
    return None if value is None else _WORDS.get(value, value)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _is_binary(values: FloatArray) -> bool:
    return bool(((values == 0) | (values == 1) | np.isnan(values)).all())
