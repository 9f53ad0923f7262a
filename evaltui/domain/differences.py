"""The difference of two runs, metric by metric and param by param, as plain data."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from enum import StrEnum

from evaltui.domain.case_changes import CaseComparison
from evaltui.domain.comparability import Remark
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.verdict import Verdict
from evaltui.late_dataclass import dataclass


class Change(StrEnum):
    """What became of one metric, before any test says whether it is real."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    CHANGED = "changed"  # a neutral metric that differs
    MISSING = "missing"  # one of the two runs lacks it


@dataclass(frozen=True, slots=True)
class MetricTest:
    """A test in detail.

    Attributes:
        kind: `difference` (of one case, in the metric's unit) or `ratio`.
        effect: What was tested, over the cases that were tested: not turned by the direction.
        paired: Whether the same cases were compared.
        tolerance: How far the metric may move before a move counts; a log for ratios.
        median: Median of the pairs, or None where they are not paired.
        both: Cases that passed in both runs; None where no check was tested, as the next three.
        only_baseline: Cases that passed in the baseline only.
        only_candidate: Cases that passed in the candidate only.
        neither: Cases that passed in neither run.
        differing: Pairs that are not equal.
        needed: Fewest differing pairs that could reach alpha; 0 where that is no limit.
        p_mid: McNemar's mid-p-value, less cautious than the exact one, or None.
        detectable: Smallest effect that would be seen four times in five; a ratio's minus 1.
        power: The same in words.
    """

    kind: str
    effect: float
    paired: bool
    tolerance: float
    median: float | None
    both: int | None
    only_baseline: int | None
    only_candidate: int | None
    neither: int | None
    differing: int
    needed: int
    p_mid: float | None
    detectable: float | None
    power: str


@dataclass(frozen=True, slots=True)
class MetricDelta:
    """One metric of two runs.

    Attributes:
        baseline: Value, or None where the run lacks it.
        candidate: Value, or None where the run lacks it.
        delta: candidate - baseline in the metric's unit (not oriented), None when one is missing.
        relative: delta / |baseline|, None when one is missing or the baseline is 0.
        change: BETTER and WORSE follow the direction; MISSING when one value is None.
        ci: Confidence interval of the effect that was tested (see `detail`), or None. For checks
            and scores that is a difference like delta; for costs, tokens and times it is the ratio
            candidate / baseline of a case.
        p_value: Two-sided p-value of the test, None without one.
        p_adjusted: The same, corrected for the number of tests; verdicts go by it.
        test: Name of the test, or None.
        n: Pairs of cases behind the test, or cases of both runs where they are not paired.
        verdict: What may be concluded.
        reason: Why, in words.
        detail: More about the test, or None without one.
    """

    name: str
    direction: Direction
    unit: Unit
    baseline: float | None
    candidate: float | None
    delta: float | None
    relative: float | None
    change: Change
    ci: tuple[float, float] | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    test: str | None = None
    n: int | None = None
    verdict: Verdict = Verdict.UNDECIDED
    reason: str = ""
    detail: MetricTest | None = None


@dataclass(frozen=True, slots=True)
class ParamDelta:
    """A param that differs; None where the run lacks it."""

    name: str
    baseline: str | None
    candidate: str | None


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run by id and name."""

    run_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One candidate against the baseline.

    Attributes:
        metrics: Every metric either run has: headline first, then in catalogue order.
        params: Only those that differ.
        comparability: What limits the comparison, worst first.
        cases: The cases, or None where those of a run are not known.
        primaries: Metrics that the verdict of the run goes by.
        verdict: The worst verdict of the primary metrics.
        reason: Which metric that is, and why.
        alpha: Two-sided error rate.
        correction: How p-values were corrected: `bh`, `holm` or `none`.
        tests: Number of tests.
    """

    baseline: RunRef
    candidate: RunRef
    metrics: tuple[MetricDelta, ...]
    params: tuple[ParamDelta, ...]
    comparability: tuple[Remark, ...] = ()
    cases: CaseComparison | None = None
    primaries: tuple[str, ...] = ()
    verdict: Verdict = Verdict.UNDECIDED
    reason: str = ""
    alpha: float = 0.05
    correction: str = "bh"
    tests: int = 0


_EQUAL_RELATIVE = 1e-12
"""Two values this close are one value that took two ways through floating point."""

_LATE_PARAMS = ("timestamp", "run_id", "git_commit", "commit", "path", "dir", "date", "time")
"""Params that differ between any two runs: still shown, after those that explain something."""


def change_of(
    direction: Direction, baseline: float | None, candidate: float | None
) -> tuple[float | None, float | None, Change]:
    """Return difference, relative difference and change of one metric.

    Args:
        direction: Which way is better.
        baseline: Value, or None where it is missing.
        candidate: Value, or None where it is missing.

    Returns:
        `candidate - baseline` and that over `|baseline|`, both None when a value is missing, the
        second also when the baseline is 0; 0.0 for values that are equal but for float noise.
    """
    if baseline is None or candidate is None:
        return None, None, Change.MISSING
    if math.isclose(baseline, candidate, rel_tol=_EQUAL_RELATIVE):
        return 0.0, None if baseline == 0 else 0.0, Change.SAME
    delta = max(-sys.float_info.max, min(sys.float_info.max, candidate - baseline))
    relative = None if baseline == 0 else delta / abs(baseline)
    if relative is not None and not math.isfinite(relative):
        relative = None  # a baseline next to 0 says as little as 0
    if direction is Direction.NEUTRAL:
        return delta, relative, Change.CHANGED
    better = (delta > 0) is (direction is Direction.HIGHER)
    return delta, relative, Change.BETTER if better else Change.WORSE


def finite_value(metrics: Mapping[str, float], name: str) -> float | None:
    """Return a metric, None where it is missing or not finite."""
    value = metrics.get(name)
    return value if value is not None and math.isfinite(value) else None


def param_deltas(baseline: Mapping[str, str], candidate: Mapping[str, str]) -> list[ParamDelta]:
    """Return the params that differ, those that differ between any two runs last."""
    names = [n for n in baseline.keys() | candidate.keys() if baseline.get(n) != candidate.get(n)]
    names.sort(key=lambda name: (_is_late(name), name))
    return [ParamDelta(name, baseline.get(name), candidate.get(name)) for name in names]


def _is_late(name: str) -> bool:
    last = name.rpartition(".")[2].lower()
    return any(last == word or last.endswith(f"_{word}") for word in _LATE_PARAMS)
