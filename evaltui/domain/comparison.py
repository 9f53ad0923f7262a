"""What changed between a baseline and a candidate: metrics, params, and which way is better."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evaltui.domain.catalogue import spec_for
from evaltui.domain.comparability import Remark, remarks
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.run import Run, Tag
from evaltui.domain.stated import agreed_directions

__all__ = [
    "Change",
    "Comparison",
    "MetricDelta",
    "ParamDelta",
    "Remark",
    "RunRef",
    "change_of",
    "compare",
]


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


_EQUAL_RELATIVE = 1e-12
"""Two values this close are one value that took two ways through floating point."""

_LATE_PARAMS = ("timestamp", "run_id", "git_commit", "commit", "path", "dir", "date", "time")
"""Params that differ between any two runs: still shown, after those that explain something."""


def compare(
    baseline: Run, candidate: Run, *, overrides: Mapping[str, Direction] | None = None
) -> Comparison:
    """Say what changed from one run to another.

    Args:
        baseline: The run to compare with.
        candidate: The run in question.
        overrides: Directions that people set, by metric name.
    """
    return Comparison(
        baseline=RunRef(baseline.run_id, baseline.name),
        candidate=RunRef(candidate.run_id, candidate.name),
        metrics=tuple(_metric_deltas(baseline, candidate, overrides)),
        params=tuple(_param_deltas(baseline.params, candidate.params)),
        comparability=remarks(baseline, candidate),
    )


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


def _metric_deltas(
    baseline: Run, candidate: Run, overrides: Mapping[str, Direction] | None
) -> list[MetricDelta]:
    headlines = [run.tags.get(Tag.HEADLINE) for run in (candidate, baseline)]
    stated = agreed_directions(baseline.tags, candidate.tags)
    specs = {
        name: spec_for(name, overrides=overrides, stated=stated.get(name))
        for name in baseline.metrics.keys() | candidate.metrics.keys()
    }
    order = sorted(specs, key=lambda name: (name not in headlines, specs[name].rank, name))
    deltas = []
    for name in order:
        before, after = _finite(baseline.metrics, name), _finite(candidate.metrics, name)
        delta, relative, change = change_of(specs[name].direction, before, after)
        deltas.append(
            MetricDelta(
                name=name,
                direction=specs[name].direction,
                unit=specs[name].unit,
                baseline=before,
                candidate=after,
                delta=delta,
                relative=relative,
                change=change,
            )
        )
    return deltas


def _finite(metrics: Mapping[str, float], name: str) -> float | None:
    value = metrics.get(name)
    return value if value is not None and math.isfinite(value) else None


def _param_deltas(baseline: Mapping[str, str], candidate: Mapping[str, str]) -> list[ParamDelta]:
    names = [n for n in baseline.keys() | candidate.keys() if baseline.get(n) != candidate.get(n)]
    names.sort(key=lambda name: (_is_late(name), name))
    return [ParamDelta(name, baseline.get(name), candidate.get(name)) for name in names]


def _is_late(name: str) -> bool:
    last = name.rpartition(".")[2].lower()
    return any(last == word or last.endswith(f"_{word}") for word in _LATE_PARAMS)
