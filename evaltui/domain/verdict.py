"""What may be concluded from the difference of two runs in one metric, in words with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a metric, or of a run as the worst of its primary metrics."""

    REGRESSED = "regressed"
    SOFT = "soft"  # worse, but inside the tolerance
    IMPROVED = "improved"
    STABLE = "stable"
    UNDECIDED = "undecided"
    INCOMPARABLE = "incomparable"
    CHANGED = "changed"  # a neutral metric that differs
    SAME = "same"  # a neutral metric that does not


WORST_FIRST = (
    Verdict.REGRESSED,
    Verdict.SOFT,
    Verdict.INCOMPARABLE,
    Verdict.UNDECIDED,
    Verdict.CHANGED,
    Verdict.STABLE,
    Verdict.SAME,
    Verdict.IMPROVED,
)


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the worst of some verdicts, None of none."""
    return min(verdicts, key=WORST_FIRST.index, default=None)


def judge(
    p: float | None,
    delta: float,
    interval: tuple[float, float] | None,
    *,
    tolerance: float,
    alpha: float,
    all_equal: bool = False,
) -> Verdict:
    """Return the verdict on a metric; the first rule that fits decides.

    Args:
        p: Two-sided p-value after the correction for the number of metrics; None: no test.
        delta: The difference, turned so that more is better.
        interval: Its confidence interval, turned too; None where there is none.
        tolerance: How far the metric may move before a move counts, at least 0.
        alpha: Error rate.
        all_equal: Whether every pair of cases is equal.
    """
    found = p is not None and p < alpha
    if found and delta < -tolerance:
        return Verdict.REGRESSED
    if found and delta < 0:
        return Verdict.SOFT
    if found and delta > 0:
        return Verdict.IMPROVED
    inside = interval is not None and -tolerance <= interval[0] and interval[1] <= tolerance
    return Verdict.STABLE if all_equal or inside else Verdict.UNDECIDED
