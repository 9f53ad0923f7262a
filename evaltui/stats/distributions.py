"""Normal and Student t distributions, and binomial and hypergeometric weights."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from evaltui.stats.values import FloatArray

_NORMAL = NormalDist()
_EPSILON = 1e-16
_MAX_TERMS = 10_000
_MAX_STEPS = 200
_LARGE = 100.0
_TINY = 1e-300


def normal_cdf(z: float) -> float:
    """Return the probability that a standard normal value is below z."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def normal_quantile(p: float) -> float:
    """Return z such that a standard normal value is below it with probability p, 0 < p < 1.

    Source: Wichura 1988, algorithm AS 241 (as the standard library has it).
    """
    return _NORMAL.inv_cdf(p)


def two_sided_z(alpha: float) -> float:
    """Return the z that a standard normal value exceeds in size with probability alpha."""
    # From the lower tail: 1 - alpha / 2 would round away a small alpha.
    return -normal_quantile(alpha / 2.0)


def two_sided_normal(z: float) -> float:
    """Return the probability that a standard normal value is at least as far from 0 as z."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def two_sided_t(t: float, df: float) -> float:
    """Return the probability that a Student t value is at least as far from 0 as t.

    Args:
        t: The statistic.
        df: Degrees of freedom, above 0, not necessarily whole.

    Source: Abramowitz & Stegun 1964, 26.7.1, by the incomplete beta function I_x(df/2, 1/2) with
    x = df / (df + t^2), from the continued fraction of Press et al. 2007, section 6.4.
    """
    if t == 0.0:
        return 1.0
    square = t * t
    if math.isinf(square):
        return 0.0
    a, b = df / 2.0, 0.5
    x, rest = df / (df + square), square / (df + square)
    log_front = a * -math.log1p(square / df) + b * math.log(rest) - _log_beta_half(a)
    if x < (a + 1.0) / (a + b + 2.0):
        return math.exp(log_front) * _beta_fraction(a, b, x) / a
    return 1.0 - math.exp(log_front) * _beta_fraction(b, a, rest) / b


@lru_cache(maxsize=1_024)
def t_quantile(alpha: float, df: float) -> float:
    """Return the t that a Student t value exceeds in size with probability alpha.

    Newton's method on log p over log t, from the first terms of the expansion in 1 / df (Abramowitz
    & Stegun 1964, 26.7.5), kept inside a bracket that shrinks with every step.
    """
    z = two_sided_z(alpha)
    start = z + (z**3 + z) / (4.0 * df) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * df * df)
    low, high = 0.0, max(1.0, 1.25 * min(start, 8.0 * z))
    while two_sided_t(high, df) > alpha:
        low, high = high, high * 2.0
    t = start if low < start < high else high
    for _ in range(_MAX_STEPS):
        p = two_sided_t(t, df)
        if p > alpha:
            low = t
        else:
            high = t
        step = math.log(p / alpha) * p / (2.0 * _t_density(t, df) * t) if p > 0.0 else 0.0
        new = t * math.exp(min(step, 1.0))
        if not low < new < high:
            new = 0.5 * (low + high)
        if abs(new - t) <= 1e-15 * t:
            break
        t = new
    return t


def half_binomial(n: int, count: int) -> tuple[float, float]:
    """Return P(X <= count) and P(X = count) for X ~ Binomial(n, 1/2), count <= n / 2.

    Weights are built from the middle outwards and divided by their own sum, so that no factorial,
    and no error of one, enters.
    """
    middle = n // 2
    steps = np.arange(middle, 0, -1, dtype=np.float64)
    weights = np.exp(np.concatenate(([0.0], np.cumsum(np.log(steps / (n - steps + 1.0))))))
    total = 2.0 * float(weights.sum()) - (1.0 if n % 2 == 0 else 0.0)
    at = middle - count
    return float(weights[at:].sum()) / total, float(weights[at]) / total


def hypergeometric(first: int, second: int, successes: int) -> tuple[int, FloatArray]:
    """Return the distribution of the successes in the first group, all successes given.

    Args:
        first: Size of the first group.
        second: Size of the second group.
        successes: Successes in both groups together.

    Returns:
        The smallest possible number and the probabilities of it and of all that follow.
    """
    low, high = max(0, successes - second), min(successes, first)
    x = np.arange(low, high, dtype=np.float64)
    ratios = (successes - x) * (first - x) / ((x + 1.0) * (second - successes + x + 1.0))
    logs = np.concatenate(([0.0], np.cumsum(np.log(ratios))))
    weights = np.exp(logs - logs.max())
    return low, weights / weights.sum()


def _t_density(t: float, df: float) -> float:
    log_density = -0.5 * (df + 1.0) * math.log1p(t * t / df) - _log_beta_half(df / 2.0)
    return math.exp(log_density) / math.sqrt(df)


def _log_beta_half(a: float) -> float:
    """Return log B(a, 1/2); by series for large a, where the gamma functions would cancel."""
    if a < _LARGE:
        ratio = math.lgamma(a + 0.5) - math.lgamma(a)
    else:
        ratio = 0.5 * math.log(a) - 1 / (8 * a) + 1 / (192 * a**3) - 1 / (640 * a**5)
    return 0.5 * math.log(math.pi) - ratio


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function by Lentz's method."""
    c = 1.0
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _EPSILON:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
