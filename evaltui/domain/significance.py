"""The test that fits the data: what the cases, or the counts, of two runs say about a metric."""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache

import numpy as np

from evaltui.domain.table import FloatArray
from evaltui.late_dataclass import dataclass
from evaltui.stats.intervals import Interval, newcombe, newcombe_paired
from evaltui.stats.paired import bca_mean, mcnemar_exact, sign_flip
from evaltui.stats.power import (
    fewest_discordant,
    mde_paired_mean,
    mde_paired_rate,
    mde_unpaired_rate,
)
from evaltui.stats.unpaired import fisher_exact

_SAMPLES = 2_000
"""Bootstrap samples of an interval: forty metrics of eight runs are to be there at once."""


class Method(StrEnum):
    """Name of a test as people and scripts read it."""

    MCNEMAR = "McNemar exact"
    SIGN_FLIP = "sign-flip permutation"
    SIGN_FLIP_LOG = "sign-flip permutation of log ratios"
    FISHER = "Fisher exact"
    WELCH = "Welch"
    MANN_WHITNEY = "Mann-Whitney exact"


class EffectKind(StrEnum):
    """What the effect of a test is: candidate - baseline, or candidate / baseline."""

    DIFFERENCE = "difference"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Counts:
    """Cases by where they passed."""

    both: int
    only_baseline: int
    only_candidate: int
    neither: int

    @property
    def discordant(self) -> int:
        """Cases that passed in one run only."""
        return self.only_baseline + self.only_candidate


@dataclass(frozen=True, slots=True)
class Finding:
    """What a test found; not turned by the direction of the metric.

    Attributes:
        n: Pairs of cases, or cases of both runs together where they are not paired.
        paired: Whether the same cases were compared.
        p: Two-sided p-value before any correction.
        effect: Difference in the unit of one case, or ratio, by `kind`.
        low: Lower end of its confidence interval, or None where the data give none.
        high: Upper end of it.
        differing: Pairs that are not equal; discordant ones of a check.
        needed: Fewest differing pairs that could reach alpha; 0 where that is no limit.
        counts: Passes of a check by run, or None.
        median: Median difference or ratio of the pairs, or None where they are not paired.
        detectable: Smallest effect that would be seen four times in five; a ratio's minus 1.
    """

    method: Method
    n: int
    paired: bool
    p: float
    effect: float
    kind: EffectKind
    low: float | None
    high: float | None
    differing: int = 0
    needed: int = 0
    counts: Counts | None = None
    median: float | None = None
    detectable: float | None = None

    @property
    def all_equal(self) -> bool:
        """Whether every pair is equal."""
        return self.paired and self.differing == 0


def weigh_pairs(
    baseline: FloatArray, candidate: FloatArray, *, is_expense: bool, alpha: float, seed: int
) -> Finding | None:
    """Return what the values of the same cases in two runs say, None without any.

    Args:
        baseline: Values by case; no NaN.
        candidate: Values of the same cases in the same order; no NaN.
        is_expense: Whether the ratio counts (cost, tokens, time) rather than the difference.
        alpha: Two-sided error rate.
        seed: Seed of the draws.
    """
    if not len(baseline):
        return None
    if _is_binary(baseline) and _is_binary(candidate):
        return _weigh_checks(baseline > 0, candidate > 0, alpha)
    if is_expense and min(baseline.min(), candidate.min()) > 0:
        logs = _without_noise(np.log(candidate), np.log(baseline))
        found = _weigh_differences(logs, alpha, seed)
        low, high = _exp(found.low), _exp(found.high)
        return Finding(
            method=Method.SIGN_FLIP_LOG,
            n=found.n,
            paired=True,
            p=found.p,
            effect=math.exp(found.effect),
            kind=EffectKind.RATIO,
            low=low,
            high=high,
            differing=found.differing,
            needed=found.needed,
            median=_exp(found.median),
            detectable=None if found.detectable is None else math.expm1(min(found.detectable, 700)),
        )
    return _weigh_differences(_without_noise(candidate, baseline), alpha, seed)


def weigh_counts(s1: int, n1: int, s2: int, n2: int, *, alpha: float) -> Finding | None:
    """Return what two rates over other or unknown cases say, None without cases.

    Args:
        s1: Passed cases of the baseline.
        n1: Its cases.
        s2: Passed cases of the candidate.
        n2: Its cases.
        alpha: Two-sided error rate.
    """
    if not (n1 and n2):
        return None
    interval = newcombe(s1, n1, s2, n2, alpha=alpha)
    return Finding(
        method=Method.FISHER,
        n=n1 + n2,
        paired=False,
        p=fisher_exact(s1, n1, s2, n2),
        effect=s2 / n2 - s1 / n1,
        kind=EffectKind.DIFFERENCE,
        low=interval.low,
        high=interval.high,
        detectable=mde_unpaired_rate(n1, n2, (s1 + s2) / (n1 + n2), alpha=alpha),
    )


def _weigh_checks(before: np.ndarray, after: np.ndarray, alpha: float) -> Finding:
    n = len(before)
    both = int((before & after).sum())
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    counts = Counts(both, lost, won, n - both - lost - won)
    interval = newcombe_paired(both, lost, won, counts.neither, alpha=alpha)
    return Finding(
        method=Method.MCNEMAR,
        n=n,
        paired=True,
        p=mcnemar_exact(lost, won),
        effect=(won - lost) / n,
        kind=EffectKind.DIFFERENCE,
        low=interval.low,
        high=interval.high,
        differing=counts.discordant,
        needed=fewest_discordant(alpha),
        counts=counts,
        detectable=_mde_paired_rate(n, counts.discordant / n, alpha=alpha),
    )


def _weigh_differences(differences: FloatArray, alpha: float, seed: int) -> Finding:
    n = len(differences)
    interval: Interval | None = bca_mean(differences, alpha=alpha, seed=seed, draws=_SAMPLES)
    mean = _mean(differences)
    away = differences - mean
    spread = math.sqrt(float(away @ away) / (n - 1)) if n > 1 else math.nan
    return Finding(
        method=Method.SIGN_FLIP,
        n=n,
        paired=True,
        p=sign_flip(differences, seed=seed),
        effect=mean,
        kind=EffectKind.DIFFERENCE,
        low=interval.low if interval is not None else None,
        high=interval.high if interval is not None else None,
        differing=int((differences != 0).sum()),
        needed=fewest_discordant(alpha),
        median=_median(differences),
        detectable=mde_paired_mean(n, spread, alpha=alpha) if spread > 0 else None,
    )


_mde_paired_rate = lru_cache(maxsize=1_024)(mde_paired_rate)
"""Kept, because the checks of one report often have the same numbers."""


def _is_binary(values: FloatArray) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _mean(values: FloatArray) -> float:
    return (
        float(values.mean()) if len(values) > _SUMMED_EXACTLY else math.fsum(values) / len(values)
    )


def _median(values: FloatArray) -> float:
    """Return the median; numpy's own takes several times as long for a few values."""
    ordered, middle = np.sort(values), len(values) // 2
    if len(values) % 2:
        return float(ordered[middle])
    return 0.5 * float(ordered[middle - 1] + ordered[middle])


_SUMMED_EXACTLY = 10_000  # above that numpy's own sum, pairwise, is good enough
_NOISE = 1e-12
_LARGEST = 1e150  # its square is still a float


def _without_noise(after: FloatArray, before: FloatArray) -> FloatArray:
    """Return the differences; those of values that are equal but for float noise are 0."""
    size = np.maximum(np.abs(after), np.abs(before))
    if size.max() > _LARGEST:
        before, after = (np.clip(values, -_LARGEST, _LARGEST) for values in (before, after))
    differences = after - before
    return np.asarray(np.where(np.abs(differences) <= _NOISE * size, 0.0, differences))


def _exp(value: float | None) -> float | None:
    return None if value is None else math.exp(min(value, 700.0))
