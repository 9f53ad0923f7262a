"""Which column of the cases a metric summarises, and how."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum

import numpy as np

from evaltui.domain.cases import STATUS, CaseTable
from evaltui.domain.catalogue import ALIASES
from evaltui.domain.table import FloatArray
from evaltui.late_dataclass import dataclass


class Statistic(StrEnum):
    """How a metric is made of the values of its cases."""

    MEAN = "mean"
    TOTAL = "total"
    PASSED = "passed"  # number of cases that passed
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CaseColumn:
    """A column of the cases.

    Attributes:
        name: Column, STATUS for the outcome, or QUALITY for the score that is made of four checks.
        statistic: What the metric is of it.
    """

    name: str
    statistic: Statistic

    def of(self, table: CaseTable) -> FloatArray | None:
        """Return the column of a table, or None where it has none."""
        if self.name == QUALITY and QUALITY not in table.results:
            return _quality(table)
        if self.name == STATUS and STATUS not in table.results:
            return table.outcome
        return table.column(self.name)

    def summary(self, table: CaseTable) -> float | None:
        """Return the metric as the cases of a table give it, or None where none has a value."""
        if self.name == QUALITY and QUALITY not in table.results:
            return _mean_of_rates(table)
        column = self.of(table)
        values = column[~np.isnan(column)] if column is not None else np.empty(0)
        if not len(values):
            return None
        if self.statistic is Statistic.MEAN:
            return float(values.mean())
        if self.statistic is Statistic.TOTAL:
            return float(values.sum())
        return float((values == (self.statistic is Statistic.PASSED)).sum())


QUALITY = "overall_quality_score"
"""Mean of the rates of four checks; of one case: the mean of its four results."""

_QUALITY_CHECKS = ("build_success", "runtime_success", "tests_pass", "databricks_connectivity")
_OUTCOME_RATES = frozenset({"pass_rate", "success_rate", "resolved_rate", "accuracy", "pass_at_1"})
_SPECIAL: Mapping[str, tuple[str, Statistic]] = {
    QUALITY: (QUALITY, Statistic.MEAN),
    "avg_coverage": ("test_coverage_pct", Statistic.MEAN),
    "avg_build_time": ("build_time_sec", Statistic.MEAN),
    "avg_startup_time": ("startup_time_sec", Statistic.MEAN),
    "avg_loc_per_app": ("total_loc", Statistic.MEAN),
    "avg_turns_per_app": ("turns", Statistic.MEAN),
    "generation_cost_usd": ("cost_usd", Statistic.TOTAL),
}
_SUFFIX = re.compile(r"(?P<base>.+?)[_/](?P<kind>rate|mean|avg|pass|fail|total)\Z")
_PREFIX = re.compile(r"(?P<kind>avg|mean|total)_(?P<base>.+)\Z")
_STATISTICS: Mapping[str, Statistic] = {
    "rate": Statistic.MEAN,
    "mean": Statistic.MEAN,
    "avg": Statistic.MEAN,
    "total": Statistic.TOTAL,
    "pass": Statistic.PASSED,
    "fail": Statistic.FAILED,
}
_AGREE = 1e-6


def candidates_for(metric: str) -> Iterator[CaseColumn]:
    """Yield the columns that a metric may summarise by its name, likeliest first."""
    name = ALIASES.get(metric, metric)
    if name in _SPECIAL:
        yield CaseColumn(*_SPECIAL[name])
    for pattern in (_SUFFIX, _PREFIX):
        found = pattern.match(name)
        if found is not None:
            yield CaseColumn(found["base"], _STATISTICS[found["kind"]])
    yield CaseColumn(name, Statistic.MEAN)
    yield CaseColumn(name, Statistic.TOTAL)
    if name in _OUTCOME_RATES:
        yield CaseColumn(STATUS, Statistic.MEAN)


def column_of(
    metric: str, values: tuple[float, float], tables: tuple[CaseTable, CaseTable]
) -> tuple[CaseColumn | None, str]:
    """Return the column that a metric summarises in two runs, or None and why not.

    A column is believed only where the metric's values are what the cases give.

    Args:
        metric: Name of the metric.
        values: The metric in both runs.
        tables: The cases of both, as they are, not averaged.
    """
    near = ""
    for column in candidates_for(metric):
        found = [column.summary(table) for table in tables]
        given = [value for value in found if value is not None]
        if len(given) < len(tables):
            continue
        if all(map(_agree, given, values)):
            return column, ""
        near = near or "the run's value is not what its cases give"
    return None, near


def _agree(given: float, value: float) -> bool:
    return math.isclose(given, value, rel_tol=_AGREE, abs_tol=_AGREE)


def _quality_checks(table: CaseTable) -> list[FloatArray]:
    columns = [table.results[name] for name in _QUALITY_CHECKS if name in table.results]
    return columns if len(columns) == len(_QUALITY_CHECKS) else []


def _quality(table: CaseTable) -> FloatArray | None:
    columns = _quality_checks(table)
    if not columns:
        return None
    return np.asarray(np.vstack(columns).mean(axis=0))  # NaN where a case lacks one of them


def _mean_of_rates(table: CaseTable) -> float | None:
    rates = [float(np.nanmean(column)) for column in _quality_checks(table)]
    return sum(rates) / len(rates) if rates else None
