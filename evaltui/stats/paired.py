"""Tests and intervals over the same cases, measured twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from evaltui.stats.distributions import (
    half_binomial,
    normal_cdf,
    normal_quantile,
    t_quantile,
    two_sided_normal,
)
from evaltui.stats.intervals import Interval
from evaltui.stats.resampling import FLIPPED_ONE_BY_ONE, bootstrap_means, flipped_sums
from evaltui.stats.values import (
    SMALLEST_P,
    FloatArray,
    Values,
    as_p,
    check_counts,
    check_rate,
    finite,
)

SIGN_FLIP_DRAWS = 10_000
"""Sign patterns drawn where not all are counted: p is within .0044 of exact at .05 (95 %)."""

BCA_DRAWS = 4_000
"""Bootstrap samples; Efron and Tibshirani advise at least 1,000 for this interval."""

COUNTED_OUT = 20
"""Largest number of unequal pairs up to which every sign pattern is counted."""

_ROUNDING = 1e-12
_FEWEST = 2


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the p-value of the hypothesis that fixed and broken cases are equally likely.

    Args:
        only_first: Cases that passed the first time only.
        only_second: Cases that passed the second time only.

    Returns:
        The exact binomial p-value given the number of discordant cases; 1 without any. It cannot
        fall below .05 with fewer than 6 of them.

    Raises:
        ValueError: If a count is negative.

    Source: McNemar 1947, Psychometrika 12, 153-157; exact form by Mosteller 1952, Biometrics 8,
    220-226.
    """
    check_counts(only_first=only_first, only_second=only_second)
    below, _ = half_binomial(only_first + only_second, min(only_first, only_second))
    return as_p(2.0 * below)


def mcnemar_midp(only_first: int, only_second: int) -> float:
    """Return McNemar's p-value with half the weight of the observed table.

    Less cautious than the exact one, closer to the nominal rate, and seldom above it.

    Args:
        only_first: Cases that passed the first time only.
        only_second: Cases that passed the second time only.

    Returns:
        The mid-p-value; 1 without discordant cases.

    Raises:
        ValueError: If a count is negative.

    Source: Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13, 91.
    """
    check_counts(only_first=only_first, only_second=only_second)
    if only_first + only_second == 0:
        return 1.0
    below, at = half_binomial(only_first + only_second, min(only_first, only_second))
    return as_p(1.0 - 0.5 * at if only_first == only_second else 2.0 * below - at)


def sign_flip(differences: Values, *, seed: int = 0, draws: int = SIGN_FLIP_DRAWS) -> float:
    """Return the p-value of the hypothesis that differences are symmetric around 0.

    Equal pairs do not count. Up to 20 others all sign patterns are counted, which is exact; above,
    patterns are drawn, the observed one among them. Above 1,024 the largest differences get their
    signs one by one and the sum of the others is drawn as normal, on the cautious side of its
    steps.

    Args:
        differences: Second minus first per case, or log(second / first) for costs and times.
        seed: Seed of the patterns.
        draws: Number of patterns drawn, at least 1.

    Returns:
        The p-value; 1 without differences. It is at least 1 / (draws + 1) where patterns are drawn.

    Raises:
        ValueError: If draws is below 1.

    Source: Fisher 1935, The Design of Experiments, section 21; count of drawn patterns by Phipson
    & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39.
    """
    _check_draws(draws)
    values = finite(differences)
    values = values[values != 0.0]
    if not len(values):
        return 1.0
    values /= np.abs(values).max()
    magnitudes = np.sort(np.abs(values))[::-1]
    needed = abs(math.fsum(values)) - _ROUNDING * float(magnitudes.sum())
    if needed <= 0.0:
        return 1.0
    if len(values) <= COUNTED_OUT:
        return _share_of_patterns(magnitudes, needed)
    if len(values) > FLIPPED_ONE_BY_ONE:
        # Equal steps of size 2s put weight on the observed sum itself, which a smooth curve halves.
        needed -= float(magnitudes[-1])
    sums = flipped_sums(magnitudes, seed=seed, draws=draws)
    return (1 + int((np.abs(sums) >= needed).sum())) / (draws + 1)


def bca_mean(
    differences: Values, *, alpha: float = 0.05, seed: int = 0, draws: int = BCA_DRAWS
) -> Interval | None:
    """Return the bias-corrected and accelerated bootstrap interval of the mean difference.

    The level is widened for small samples as Student's t is wider than the normal curve: without
    that, the 95 % interval of 10 differences misses the truth in 10 % of cases, with it in 5 %.
    Above 256 differences those farthest from the mean are drawn one by one, and the sum of the
    others from a normal distribution with their skewness.

    Args:
        differences: Second minus first per case; for a ratio give logarithms and take exp of both
            ends.
        alpha: Two-sided error rate.
        seed: Seed of the samples.
        draws: Number of samples, at least 1.

    Returns:
        The interval in the unit of the differences; it contains their mean, and has no width if all
        are equal. None with fewer than two differences.

    Raises:
        ValueError: If alpha is not in (0, 1) or draws is below 1.

    Source: Efron 1987, J. Am. Stat. Assoc. 82, 171-185; Efron & Tibshirani 1993, An Introduction to
    the Bootstrap, section 14.3; the level for small samples by Hesterberg 2015, Am. Stat. 69,
    371-386, section 5.3.
    """
    check_rate("alpha", alpha)
    _check_draws(draws)
    values = np.sort(finite(differences))
    if len(values) < _FEWEST:
        return None
    scale = float(np.abs(values).max()) or 1.0
    values /= scale
    mean = math.fsum(values) / len(values)
    deviations = values - mean
    width = float(np.abs(deviations).max())
    if width <= _ROUNDING:
        return Interval(mean * scale, mean * scale)
    deviations /= width
    level = small_sample_alpha(len(values), alpha)
    low, high = _bca_of_deviations(deviations, alpha=level, seed=seed, draws=draws)
    return Interval((mean + min(0.0, low * width)) * scale, (mean + max(0.0, high * width)) * scale)


@lru_cache(maxsize=256)
def small_sample_alpha(n: int, alpha: float) -> float:
    """Return the error rate to ask a bootstrap of n values for, so that alpha is what comes out.

    A bootstrap of a mean is too narrow by the square root of (n - 1) / n, and has the tails of a
    normal curve where the spread is estimated.

    Args:
        n: Number of values, at least 2.
        alpha: Two-sided error rate that is wanted.

    Source: Hesterberg 2015, Am. Stat. 69, 371-386, section 5.3 (expanded percentiles).
    """
    return two_sided_normal(math.sqrt(n / (n - 1)) * t_quantile(alpha, n - 1))


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws!r}")


def _share_of_patterns(magnitudes: FloatArray, needed: float) -> float:
    """Return the share of all sign patterns whose sum is at least `needed` away from 0.

    The patterns of two halves are met by bisection: 2 x 1,024 sums instead of 1,048,576.
    """
    some, others = _all_sums(magnitudes[::2]), np.sort(_all_sums(magnitudes[1::2]))
    above = len(others) - np.searchsorted(others, needed - some, side="left")
    # As many patterns are below -needed: each has its mirror image.
    return as_p(2.0 * int(above.sum()) / (len(some) * len(others)))


def _all_sums(magnitudes: FloatArray) -> FloatArray:
    sums = np.zeros(1)
    for magnitude in magnitudes:
        sums = np.concatenate((sums + magnitude, sums - magnitude))
    return sums


def _bca_of_deviations(
    deviations: FloatArray, *, alpha: float, seed: int, draws: int
) -> tuple[float, float]:
    """Return the ends of the interval of sorted values with mean 0 and largest size 1."""
    squares = deviations * deviations
    acceleration = float((squares * deviations).sum()) / (6.0 * float(squares.sum()) ** 1.5)
    symmetric = abs(acceleration) < _ROUNDING
    # The longer tail is turned upwards, so that swapping first and second mirrors the interval.
    turn = -1.0 if acceleration < 0.0 and not symmetric else 1.0
    turned = (deviations * turn)[:: -int(turn)]
    turned = turned[np.argsort(-np.abs(turned), kind="stable")]
    means = bootstrap_means(turned, seed=seed, draws=draws)
    low, high = _bca_quantiles(means, abs(acceleration), alpha)
    if symmetric:
        half = 0.5 * (high - low)
        return -half, half
    return (low, high) if turn > 0 else (-high, -low)


def _bca_quantiles(means: FloatArray, acceleration: float, alpha: float) -> tuple[float, float]:
    below, above = int((means < -_ROUNDING).sum()), int((means > _ROUNDING).sum())
    draws = len(means)
    share = 0.5 * (draws + below - above) / draws
    bias = normal_quantile(min(max(share, 0.5 / draws), 1.0 - 0.5 / draws))
    z = normal_quantile(max(alpha / 2.0, SMALLEST_P))
    return _quantiles(means, [_bca_level(bias, acceleration, end) for end in (z, -z)])


def _quantiles(values: FloatArray, levels: Sequence[float]) -> tuple[float, float]:
    """Return what numpy.quantile does for two levels, in a fraction of its time."""
    last = len(values) - 1
    places = [level * last for level in levels]
    below = [min(int(place), last) for place in places]
    above = [min(place + 1, last) for place in below]
    parted = np.partition(values, sorted({*below, *above}))
    low, high = (
        float(parted[down] + (parted[up] - parted[down]) * (place - down))
        for place, down, up in zip(places, below, above, strict=True)
    )
    return low, high


def _bca_level(bias: float, acceleration: float, z: float) -> float:
    shifted = bias + z
    stretch = 1.0 - acceleration * shifted
    # Past its pole the correction asks for the end of all samples.
    return normal_cdf(bias + shifted / stretch) if stretch > 0.0 else 1.0
