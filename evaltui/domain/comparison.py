"""What changed between a baseline and a candidate: metrics, params, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evaltui.domain.metric import Direction, Unit


class Change(StrEnum):
    """What became of one metric, before any test says whether it is real."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    CHANGED = "changed"  # a neutral metric that differs
    MISSING = "missing"  # one of the two runs lacks it


@dataclass(frozen=True, slots=True)
class MetricDelta:
    """One metric of two runs.

    Attributes:
        baseline: Value, or None where the run lacks it.
        candidate: Value, or None where the run lacks it.
        delta: candidate - baseline in the metric's unit (not oriented), None when one is missing.
        relative: delta / |baseline|, None when one is missing or the baseline is 0.
        change: BETTER and WORSE follow the direction; MISSING when one value is None.
        ci: Confidence interval of delta, or None.
        verdict: One of the verdict words, or None while no test was made.
        reason: Why the verdict is what it is, or "".
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
    verdict: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ParamDelta:
    """A param that differs; None where the run lacks it."""

    name: str
    baseline: str | None
    candidate: str | None


@dataclass(frozen=True, slots=True)
class Remark:
    """A reason for care when two runs are compared; level is "info" or "warning"."""

    level: str
    reason: str


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
        verdict: Word for the whole run, or None while no test was made.
    """

    baseline: RunRef
    candidate: RunRef
    metrics: tuple[MetricDelta, ...]
    params: tuple[ParamDelta, ...]
    comparability: tuple[Remark, ...] = ()
    verdict: str | None = None
    reason: str = ""
