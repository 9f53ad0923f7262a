"""From a metric's difference and what its cases say to a verdict with its reason."""

from __future__ import annotations

import math

from evaltui.domain.amounts import amount_text, counted, p_text
from evaltui.domain.catalogue import MetricSpec, Tolerance
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.significance import EffectKind, Finding, Method
from evaltui.domain.verdict import Verdict, judge
from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why."""

    verdict: Verdict
    reason: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class Rules:
    """What a verdict goes by.

    Attributes:
        alpha: Two-sided error rate.
        tests: Number of metrics that p-values were corrected for.
        margin: Tolerance that people set for the metric, or None for the catalogue's.
    """

    alpha: float
    tests: int = 1
    margin: Tolerance | None = None


def judge_finding(
    finding: Finding,
    p_adjusted: float,
    spec: MetricSpec,
    values: tuple[float, float],
    rules: Rules,
    *,
    factor: float = 1.0,
) -> Judgement:
    """Return the verdict on a metric that was tested.

    Args:
        finding: What its cases say.
        p_adjusted: The p-value after the correction for the number of metrics.
        spec: What the metric means; not a neutral one.
        values: The metric in baseline and candidate.
        rules: What the verdict goes by.
        factor: What the effect of one case is to be multiplied with to be in the metric's unit.
    """
    is_ratio = finding.kind is EffectKind.RATIO
    tolerance = _tolerance(spec, values, rules.margin, is_ratio=is_ratio)
    delta, low, high = (
        _turned(value, spec.direction, factor, is_ratio=is_ratio)
        for value in (finding.effect, finding.low, finding.high)
    )
    assert delta is not None
    interval = None if low is None or high is None else (min(low, high), max(low, high))
    verdict = judge(
        p_adjusted,
        delta,
        interval,
        tolerance=tolerance,
        alpha=rules.alpha,
        all_equal=finding.all_equal,
    )
    words = _Words(finding, p_adjusted, spec.unit, rules, is_ratio=is_ratio, factor=factor)
    return Judgement(verdict, words.reason(verdict, delta, tolerance), tolerance)


def _tolerance(
    spec: MetricSpec, values: tuple[float, float], margin: Tolerance | None, *, is_ratio: bool
) -> float:
    """Return the tolerance in the unit of the turned effect: a log for ratios.

    A share is taken of the larger value, so that the runs may be swapped.
    """
    tolerance = margin or spec.tolerance
    size = max(map(abs, values))
    if not is_ratio:
        return tolerance.amount * size if tolerance.relative else tolerance.amount
    share = tolerance.amount
    if not tolerance.relative:
        share = tolerance.amount / size if size else 0.0
    return math.log1p(share)


def _turned(
    value: float | None, direction: Direction, factor: float, *, is_ratio: bool
) -> float | None:
    """Return an effect so that more is better; the logarithm of a ratio."""
    if value is None:
        return None
    size = math.log(max(value, 1e-300)) if is_ratio else value * factor
    return -size if direction is Direction.LOWER else size


@dataclass(frozen=True, slots=True)
class _Words:
    """Puts the reason of a verdict into words."""

    finding: Finding
    p_adjusted: float
    unit: Unit
    rules: Rules
    is_ratio: bool
    factor: float

    def reason(self, verdict: Verdict, delta: float, tolerance: float) -> str:
        moved, allowed, p = self._amount(delta), self._amount(tolerance), p_text(self.p_adjusted)
        if verdict is Verdict.REGRESSED:
            return f"worse by {moved}, {p}"
        if verdict is Verdict.SOFT:
            return f"worse by {moved}, {p}, inside the tolerance of {allowed}"
        if verdict is Verdict.IMPROVED:
            return f"better by {moved}, {p}"
        if verdict is Verdict.STABLE:
            return self._all_equal() or f"inside {allowed} either way"
        return self._undecided()

    def _all_equal(self) -> str:
        if not self.finding.all_equal:
            return ""
        n = self.finding.n
        return "the one paired case is equal" if n == 1 else f"all {n:,} pairs are equal"

    def _undecided(self) -> str:
        finding = self.finding
        if finding.n == 1:
            return "one paired case says nothing"
        if 0 < finding.differing < finding.needed:
            what = "discordant case" if finding.method is Method.MCNEMAR else "differing case"
            return f"{counted(finding.differing, what)}; {finding.needed} needed"
        if finding.p < self.rules.alpha:
            tests = f"{self.rules.tests} metrics"
            return f"{p_text(finding.p)}, but {p_text(self.p_adjusted)} counting {tests}"
        return (
            f"{p_text(self.p_adjusted)}; {detectable_text(finding, self.unit, factor=self.factor)}"
        )

    def _amount(self, turned: float) -> str:
        if self.is_ratio:
            return amount_text(math.expm1(abs(turned)), self.unit, is_ratio=True)
        return amount_text(turned, self.unit)


def detectable_text(finding: Finding, unit: Unit, *, factor: float = 1.0) -> str:
    """Return in words the smallest change that the data could have shown.

    Args:
        finding: What the cases say.
        unit: Unit of the metric.
        factor: What the effect of one case is to be multiplied with to be in that unit.
    """
    cases = counted(finding.n, "case")
    if finding.detectable is None:
        return f"{cases} are too few to see any change"
    is_ratio = finding.kind is EffectKind.RATIO
    size = finding.detectable * (1.0 if is_ratio else factor)
    return f"with {cases} you can see {amount_text(size, unit, is_ratio=is_ratio)} or more"
