"""Tests between two independent groups: rates, and values of repeated runs."""

from __future__ import annotations

import math

import numpy as np

from evaltui.late_dataclass import dataclass
from evaltui.stats.distributions import (
    hypergeometric,
    t_quantile,
    two_sided_normal,
    two_sided_t,
)
from evaltui.stats.values import FloatArray, Values, as_p, check_rate, check_successes, finite

_TIE = 1.0 + 1e-7
"""Probabilities that differ by less than this factor are equal but for rounding."""

_EXACT_LIMIT = 4_000
"""Size of the smaller group times that of both, up to which rank sums are counted out."""

_FEWEST = 2


def fisher_exact(s1: int, n1: int, s2: int, n2: int) -> float:
    """Return the p-value of the hypothesis that two independent rates are equal.

    Args:
        s1: Cases of the first group that passed.
        n1: Cases of the first group.
        s2: Cases of the second group that passed.
        n2: Cases of the second group.

    Returns:
        The probability of all tables with the same margins that are no more likely than this one;
        1 if a group is empty.

    Raises:
        ValueError: If successes exceed a group or are negative.

    Source: Fisher 1935, The Design of Experiments; two-sided by Freeman & Halton 1951, Biometrika
    38, 141-149.
    """
    check_successes(s1, n1)
    check_successes(s2, n2)
    low, probabilities = hypergeometric(n1, n2, s1 + s2)
    at = probabilities[s1 - low]
    return as_p(float(probabilities[probabilities <= at * _TIE].sum()))


@dataclass(frozen=True, slots=True)
class Welch:
    """Result of Welch's test.

    Attributes:
        p: Two-sided p-value of equal means.
        low: Lower end of the interval of the mean of y minus the mean of x, in the values' unit.
        high: Upper end of it.
        df: Degrees of freedom after Welch and Satterthwaite.
    """

    p: float
    low: float
    high: float
    df: float


def welch(x: Values, y: Values, *, alpha: float = 0.05) -> Welch | None:
    """Compare the means of two independent groups whose spreads may differ.

    Args:
        x: Values of the first group.
        y: Values of the second group.
        alpha: Two-sided error rate of the interval.

    Returns:
        The result, or None if a group has fewer than two values or neither group has any spread
        (then there is no noise to measure a difference by).

    Raises:
        ValueError: If alpha is not in (0, 1).

    Source: Welch 1947, Biometrika 34, 28-35; degrees of freedom by Satterthwaite 1946.
    """
    check_rate("alpha", alpha)
    first, second = finite(x), finite(y)
    if min(len(first), len(second)) < _FEWEST:
        return None
    scale = max(float(np.abs(first).max()), float(np.abs(second).max()))
    if scale == 0.0:
        return None
    mean_x, error_x = _mean_error(first / scale)
    mean_y, error_y = _mean_error(second / scale)
    error = error_x + error_y
    if error == 0.0:
        return None
    share = error_x / error
    df = 1.0 / (share**2 / (len(first) - 1) + (1.0 - share) ** 2 / (len(second) - 1))
    difference, spread = mean_y - mean_x, math.sqrt(error)
    half = t_quantile(alpha, df) * spread
    p = as_p(two_sided_t(difference / spread, df))
    return Welch(p, (difference - half) * scale, (difference + half) * scale, df)


def mann_whitney_exact(x: Values, y: Values) -> float:
    """Return the p-value of the hypothesis that two independent groups are distributed alike.

    Ties get the mean of their ranks, and all divisions of the pooled ranks into two groups of these
    sizes are counted: exact with ties too. Where size of the smaller group times size of both
    exceeds 4,000, the normal approximation with tie and continuity corrections takes over.

    Args:
        x: Values of the first group.
        y: Values of the second group.

    Returns:
        The p-value; 1 if a group is empty. It cannot fall below 2 divided by the number of
        divisions: .10 for 3 against 3 values.

    Source: Mann & Whitney 1947, Ann. Math. Stat. 18, 50-60; counting with ties by the shift
    algorithm of Streitberg & Roehmel 1986, Stat. Softw. Newsl. 12, 10-17.
    """
    first, second = finite(x), finite(y)
    smaller = min(len(first), len(second))
    if not smaller:
        return 1.0
    doubled = _doubled_ranks(np.concatenate((first, second)))
    # The sums of the two groups are as far from what is expected as each other, on either side.
    group = doubled[: len(first)] if smaller == len(first) else doubled[len(first) :]
    observed = int(group.sum())
    if smaller * len(doubled) > _EXACT_LIMIT:
        return _rank_sum_normal(doubled, smaller, observed)
    return _rank_sum_exact(doubled, smaller, observed)


def _mean_error(values: FloatArray) -> tuple[float, float]:
    """Return the mean and its squared standard error; 0 exactly if all values are equal."""
    n = len(values)
    if (values == values[0]).all():
        return float(values[0]), 0.0
    mean = math.fsum(values) / n
    return mean, math.fsum((values - mean) ** 2) / (n - 1) / n


def _doubled_ranks(values: FloatArray) -> np.ndarray:
    """Return twice the ranks from 1, equal values sharing their mean rank: whole numbers."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (2 * last - counts + 1)[which]


def _rank_sum_exact(doubled: np.ndarray, size: int, observed: int) -> float:
    top = int(np.sort(doubled)[-size:].sum())
    ways = np.zeros((size + 1, top + 1))
    ways[0, 0] = 1.0
    for taken, rank in enumerate(doubled.tolist(), start=1):
        rows = min(taken, size)
        ways[1 : rows + 1, rank:] += ways[:rows, : top + 1 - rank]
    counts = ways[size] / ways[size].max()
    # Whole numbers: the expected doubled sum times the number of values, so that no tie is lost.
    away = np.abs(np.arange(top + 1) * len(doubled) - size * int(doubled.sum()))
    return as_p(float(counts[away >= away[observed]].sum() / counts.sum()))


def _rank_sum_normal(doubled: np.ndarray, size: int, observed: int) -> float:
    n = len(doubled)
    ranks = doubled / 2.0
    variance = size * (n - size) / (n * (n - 1.0)) * float(((ranks - ranks.mean()) ** 2).sum())
    away = abs(observed / 2.0 - size * (n + 1) / 2.0) - 0.5
    if variance == 0.0 or away <= 0.0:
        return 1.0
    return as_p(two_sided_normal(away / math.sqrt(variance)))
