"""What is known of a metric beyond its two values: cases or counts, and the test of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

import numpy as np

from evaltui.domain.case_columns import CaseColumn, Statistic, column_of
from evaltui.domain.cases import EXPENSES, CaseTable
from evaltui.domain.catalogue import MetricSpec
from evaltui.domain.inference import is_effort
from evaltui.domain.metric import Unit
from evaltui.domain.pairing import Pairing
from evaltui.domain.run import Run
from evaltui.domain.significance import Finding, weigh_counts, weigh_pairs
from evaltui.late_dataclass import dataclass
from evaltui.stats.multiplicity import benjamini_hochberg, holm

ONE_VALUE = "one value per run"
MOST_COUNTED = 1_000_000
"""Largest number of cases of a run whose rate is tested by counting tables."""

_COUNTS = frozenset({Statistic.PASSED, Statistic.FAILED})
_WHOLE = 1e-6

Key = tuple[str, bool]
"""What was tested, and whether as an expense: metrics of one column share one test."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one metric goes by.

    Attributes:
        key: The test, shared by all metrics that summarise the same column; None without one.
        counts_only: The metric is a count of cases that the key's rate is made of.
        factor: What the effect of one case is to be multiplied with to be in the metric's unit.
        why: Why there is no test, or "".
    """

    key: Key | None = None
    counts_only: bool = False
    factor: float = 1.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A p-value after the correction, and the number of tests that it was corrected for."""

    p: float
    tests: int


@dataclass(slots=True)
class Laboratory:
    """Tests the metrics of two runs, each column of their cases once.

    Attributes:
        runs: Baseline and candidate.
        tables: Their cases as they are, or None where those of one are not known.
        cases: The cases joined, or None.
        alpha: Two-sided error rate.
        seed: Seed of all draws.
        findings: What was found, by test.
    """

    runs: tuple[Run, Run]
    tables: tuple[CaseTable, CaseTable] | None
    cases: Pairing | None
    alpha: float
    seed: int
    findings: dict[Key, Finding] = field(default_factory=dict)

    def examine(self, spec: MetricSpec, values: tuple[float, float]) -> Evidence:
        """Find and test what a metric summarises.

        Args:
            spec: The metric; not a neutral one.
            values: It in baseline and candidate.
        """
        why = ONE_VALUE
        if self.tables is not None and self.cases is not None:
            column, why = column_of(spec.name, values, self.tables)
            if column is not None:
                paired = self._examine_pairs(column, spec)
                if paired is not None:
                    return paired
                why = "no case has it in both runs"
        counted = self._examine_counts(spec)
        return counted or Evidence(why=why or ONE_VALUE)

    def adjusted(self, correction: str, primaries: Iterable[Key]) -> Mapping[Key, Adjusted]:
        """Return the p-values corrected for the number of tests.

        Args:
            correction: `bh`: over all tests; `holm`: over those of the primary metrics, and
                Benjamini-Hochberg over the others; `none`.
            primaries: Tests of the primary metrics.
        """
        chosen = set(primaries) if correction == "holm" else set()
        families = (
            (holm, [key for key in self.findings if key in chosen]),
            (
                _as_they_are if correction == "none" else benjamini_hochberg,
                [key for key in self.findings if key not in chosen],
            ),
        )
        return {
            key: Adjusted(p, len(keys))
            for correct, keys in families
            for key, p in zip(keys, correct([self.findings[key].p for key in keys]), strict=True)
            if p is not None
        }

    def _examine_pairs(self, column: CaseColumn, spec: MetricSpec) -> Evidence | None:
        assert self.cases is not None
        is_expense = spec.unit in EXPENSES or is_effort(spec.name)
        key = (column.name, is_expense)
        if key not in self.findings:
            before, after = self.cases.both(column.of)
            there = ~(np.isnan(before) | np.isnan(after))
            found = weigh_pairs(
                before[there],
                after[there],
                is_expense=is_expense,
                alpha=self.alpha,
                seed=self.seed,
            )
            if found is None:
                return None
            self.findings[key] = found
        factor = float(self.findings[key].n) if column.statistic is Statistic.TOTAL else 1.0
        return Evidence(key, counts_only=column.statistic in _COUNTS, factor=factor)

    def _examine_counts(self, spec: MetricSpec) -> Evidence | None:
        if spec.unit is not Unit.RATE:
            return None
        first, second = (_counts(run.metrics, spec.name) for run in self.runs)
        if first is None or second is None:
            return None
        found = weigh_counts(*first, *second, alpha=self.alpha)
        if found is None:
            return None
        key = (f"{spec.name} as counts", False)
        self.findings[key] = found
        return Evidence(key)


def _as_they_are(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(ps)


def _counts(metrics: Mapping[str, float], name: str) -> tuple[int, int] | None:
    """Return how many cases passed and how many there were, as far as the run's metrics tell."""
    base = name.removesuffix("_rate")
    total = metrics.get(f"{base}_n", metrics.get(f"{name}_n"))
    if total is None and f"{base}_pass" in metrics and f"{base}_fail" in metrics:
        total = metrics[f"{base}_pass"] + metrics[f"{base}_fail"]
    rate = metrics.get(name)
    if total is None or rate is None or not 0 <= rate <= 1 or not 0 < total <= MOST_COUNTED:
        return None
    passed = rate * total
    if not all(math.isclose(value, round(value), abs_tol=_WHOLE) for value in (total, passed)):
        return None
    return round(passed), round(total)
