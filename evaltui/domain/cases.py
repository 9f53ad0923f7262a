"""The cases of one run as columns: what a comparison by case works on.

Missing is NaN. An errored case has no results: it is outside every denominator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

import numpy as np

from evaltui.domain.catalogue import CHECKS, spec_for
from evaltui.domain.metric import Unit
from evaltui.domain.report import Case, CaseStatus
from evaltui.domain.table import BoolArray, FloatArray, IntArray
from evaltui.late_dataclass import dataclass

STATUS = "status"
"""Name of the outcome of a case among its checks."""

EXPENSES = frozenset({Unit.USD, Unit.TOKENS, Unit.SECONDS})
_OUTCOMES = {CaseStatus.PASS: 1.0, CaseStatus.FAIL: 0.0}
_ID_COLUMNS = ("app_name", "case_id", "id", "name")
_TEXTS = frozenset({"group", "reason"})

Cell = str | float | None


@dataclass(frozen=True, slots=True, eq=False)
class CaseTable:
    """The cases of a run; all columns have one length.

    Attributes:
        ids: Case ids without the mark of a repetition; not unique when cases are repeated.
        groups: Task, template or prompt of each case, or None.
        outcome: 1 pass, 0 fail, NaN otherwise; in between where repetitions were averaged.
        errored: Whether the case itself failed to be evaluated.
        results: Checks (0 and 1) and scores by name; NaN where missing or errored.
        numbers: Costs, tokens, times and other numbers by name; NaN where missing.
        note: What was left out or could not be read, or "".
    """

    ids: tuple[str, ...] = ()
    groups: tuple[str | None, ...] = ()
    outcome: FloatArray = field(default_factory=lambda: np.empty(0))
    errored: BoolArray = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    results: Mapping[str, FloatArray] = field(default_factory=dict)
    numbers: Mapping[str, FloatArray] = field(default_factory=dict)
    note: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> FloatArray | None:
        """Return a result, else a number, by name, or None."""
        found = self.results.get(name)
        return self.numbers.get(name) if found is None else found


def from_cases(cases: Sequence[Case]) -> CaseTable:
    """Return the cases of a report as columns."""
    errored = np.array([case.status is CaseStatus.ERROR for case in cases], dtype=np.bool_)
    results = {
        name: np.where(errored, math.nan, _floats(case.scores.get(name) for case in cases))
        for name in _names(case.scores for case in cases)
    }
    numbers = {
        name: _floats(case.columns.get(name) for case in cases)
        for name in _names(case.columns for case in cases)
        if name not in results
    }
    numbers.setdefault("duration_s", _floats(case.duration_s for case in cases))
    numbers.setdefault("cost_usd", _floats(case.cost_usd for case in cases))
    return CaseTable(
        ids=plain_ids([case.case_id for case in cases]),
        groups=tuple(case.group for case in cases),
        outcome=np.array([_OUTCOMES.get(case.status, math.nan) for case in cases], dtype=float),
        errored=errored,
        results=_known(results),
        numbers=_known(numbers),
    )


def from_rows(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> CaseTable:
    """Return a logged case table as columns.

    Tables that another program logged are taken too: without a status, a case passes when all its
    checks did.

    Args:
        columns: Names; the id is the first known one, else the first of all.
        rows: Cells in the order of `columns`.
    """
    if not columns or not rows:
        return CaseTable()
    place = {name: index for index, name in reversed(list(enumerate(columns)))}
    id_column = next((name for name in _ID_COLUMNS if name in place), columns[0])

    def cells(name: str) -> Iterable[Cell]:
        return (row[place[name]] for row in rows)

    ids = plain_ids([str(cell) for cell in cells(id_column)])
    skipped = {id_column, STATUS, *_TEXTS}
    found = _known({name: _floats(cells(name)) for name in place if name not in skipped})
    statuses = list(cells(STATUS)) if STATUS in place else None
    errored = np.array([word == CaseStatus.ERROR for word in statuses or [None] * len(rows)])
    results, numbers = {}, {}
    for name, column in found.items():
        if _is_expense(name):
            numbers[name] = column
        else:
            results[name] = np.where(errored, math.nan, column)
    groups = cells("group") if "group" in place else [None] * len(rows)
    return CaseTable(
        ids=ids,
        groups=tuple(None if cell is None else str(cell) for cell in groups),
        outcome=_all_passed(results, len(rows)) if statuses is None else _outcomes(statuses),
        errored=errored,
        results=results,
        numbers=numbers,
    )


def with_more(table: CaseTable, more: CaseTable) -> CaseTable:
    """Return a table with the numbers that another table of the same cases has beyond it."""
    if more.ids != table.ids:
        return table
    numbers = {**more.numbers, **table.numbers}
    for name, column in more.results.items():
        if name not in table.results and name not in numbers:
            numbers[name] = column
    return CaseTable(
        table.ids, table.groups, table.outcome, table.errored, table.results, numbers, table.note
    )


def plain_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """Return case ids without the `#2`, `#3` that readers give to an id that comes again."""
    there = set(ids)
    plain = []
    for case_id in ids:
        base, mark, number = case_id.rpartition("#")
        again = bool(mark) and base in there and number.isdecimal() and int(number[:9]) > 1
        plain.append(base if again else case_id)
    return tuple(plain)


def average_repetitions(table: CaseTable, rows: IntArray, size: int) -> CaseTable:
    """Return a table with one row per case: the mean of what its repetitions have.

    A case is errored when every repetition is.

    Args:
        table: The cases.
        rows: For each of them its row in the result.
        size: Number of rows of the result; each has at least one case.
    """
    first = np.full(size, len(table), dtype=np.int64)
    np.minimum.at(first, rows, np.arange(len(table)))

    def mean(column: FloatArray) -> FloatArray:
        there = ~np.isnan(column)
        count = np.bincount(rows[there], minlength=size)
        total = np.bincount(rows[there], weights=column[there], minlength=size)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(count > 0, total / np.maximum(count, 1), math.nan))

    errors = np.bincount(rows, weights=table.errored, minlength=size)
    return CaseTable(
        ids=tuple(table.ids[row] for row in first),
        groups=tuple(table.groups[row] for row in first),
        outcome=mean(table.outcome),
        errored=errors == np.bincount(rows, minlength=size),
        results={name: mean(column) for name, column in table.results.items()},
        numbers={name: mean(column) for name, column in table.numbers.items()},
        note=table.note,
    )


def _names(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def _floats(values: Iterable[object]) -> FloatArray:
    return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: object) -> float:
    if not isinstance(value, (int, float)):
        return math.nan
    return float(value) if math.isfinite(value) else math.nan


def _known(columns: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the columns that have a value at all."""
    return {name: column for name, column in columns.items() if not np.isnan(column).all()}


def _is_expense(name: str) -> bool:
    return spec_for(name).unit in EXPENSES


def _outcomes(statuses: Iterable[Cell]) -> FloatArray:
    words: Mapping[str, float] = {status.value: value for status, value in _OUTCOMES.items()}
    told = (words.get(word, math.nan) if isinstance(word, str) else math.nan for word in statuses)
    return np.array(list(told), dtype=np.float64)


def _all_passed(results: Mapping[str, FloatArray], size: int) -> FloatArray:
    checks = [results[name] for name in CHECKS if name in results]
    if not checks:
        return np.full(size, math.nan)
    grid = np.vstack(checks)
    told = ~np.isnan(grid).all(axis=0)
    passed = (np.where(np.isnan(grid), 1.0, grid) >= 1.0).all(axis=0)
    return np.asarray(np.where(told, passed.astype(np.float64), math.nan))


Pick = Callable[[CaseTable], FloatArray | None]
"""Takes one column out of a case table."""
