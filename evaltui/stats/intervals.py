"""Intervals of rates and of differences of rates."""

from __future__ import annotations

import math

from evaltui.late_dataclass import dataclass
from evaltui.stats.distributions import two_sided_z
from evaltui.stats.values import check_counts, check_rate, check_successes


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, both ends included; in the unit of what it is an interval of."""

    low: float
    high: float


_NOTHING_KNOWN = Interval(-1.0, 1.0)


def wilson(successes: int, n: int, *, alpha: float = 0.05) -> Interval | None:
    """Return the score interval of one rate.

    Args:
        successes: Cases that passed.
        n: All cases.
        alpha: Two-sided error rate.

    Returns:
        The interval inside [0, 1]; it contains successes / n. None without cases.

    Raises:
        ValueError: If not 0 <= successes <= n, or alpha is not in (0, 1).

    Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    check_rate("alpha", alpha)
    check_successes(successes, n)
    return _wilson(successes, n, two_sided_z(alpha)) if n else None


def newcombe(s1: int, n1: int, s2: int, n2: int, *, alpha: float = 0.05) -> Interval:
    """Return the interval of the difference s2/n2 - s1/n1 of two independent rates.

    Args:
        s1: Cases of the first group that passed.
        n1: Cases of the first group.
        s2: Cases of the second group that passed.
        n2: Cases of the second group.
        alpha: Two-sided error rate.

    Returns:
        The interval inside [-1, 1]; it contains the difference. With an empty group it is [-1, 1]:
        nothing is known.

    Raises:
        ValueError: If successes exceed a group or are negative, or alpha is not in (0, 1).

    Source: Newcombe 1998, Stat. Med. 17, 873-890, method 10.
    """
    check_rate("alpha", alpha)
    check_successes(s1, n1)
    check_successes(s2, n2)
    if not (n1 and n2):
        return _NOTHING_KNOWN
    z = two_sided_z(alpha)
    return _combine(s1 / n1, _wilson(s1, n1, z), s2 / n2, _wilson(s2, n2, z), correlation=0.0)


def newcombe_paired(
    both: int, only_first: int, only_second: int, neither: int, *, alpha: float = 0.05
) -> Interval:
    """Return the interval of the difference second - first of two rates over the same cases.

    Args:
        both: Cases that passed both times.
        only_first: Cases that passed the first time only.
        only_second: Cases that passed the second time only.
        neither: Cases that passed neither time.
        alpha: Two-sided error rate.

    Returns:
        The interval inside [-1, 1]; it contains the difference. Without cases it is [-1, 1]:
        nothing is known.

    Raises:
        ValueError: If a count is negative, or alpha is not in (0, 1).

    Source: Newcombe 1998, Stat. Med. 17, 2635-2650, method 10 (score intervals of the two rates,
    combined by the correlation of the pairs with its continuity correction).
    """
    check_rate("alpha", alpha)
    check_counts(both=both, only_first=only_first, only_second=only_second, neither=neither)
    n = both + only_first + only_second + neither
    if not n:
        return _NOTHING_KNOWN
    z = two_sided_z(alpha)
    first, second = both + only_first, both + only_second
    return _combine(
        first / n,
        _wilson(first, n, z),
        second / n,
        _wilson(second, n, z),
        correlation=_correlation(both, only_first, only_second, neither),
    )


def _wilson(successes: int, n: int, z: float) -> Interval:
    rate = successes / n
    shrink = 1.0 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(rate * (1.0 - rate) / n + (z / (2 * n)) ** 2)
    low = 0.0 if successes == 0 else min(max(0.0, centre - half), rate)
    high = 1.0 if successes == n else max(min(1.0, centre + half), rate)
    return Interval(low, high)


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    margins = (
        (both + only_first)
        * (only_second + neither)
        * (both + only_second)
        * (only_first + neither)
    )
    if margins == 0:
        return 0.0
    n = both + only_first + only_second + neither
    product = float(both * neither - only_first * only_second)
    if product > 0:
        product = max(product - n / 2, 0.0)
    return product / math.sqrt(margins)


def _combine(
    first: float, first_ci: Interval, second: float, second_ci: Interval, *, correlation: float
) -> Interval:
    down = _hypotenuse(second - second_ci.low, first_ci.high - first, correlation)
    up = _hypotenuse(second_ci.high - second, first - first_ci.low, correlation)
    difference = second - first
    return Interval(max(-1.0, difference - down), min(1.0, difference + up))


def _hypotenuse(a: float, b: float, correlation: float) -> float:
    return math.sqrt(max(0.0, a * a - 2.0 * correlation * a * b + b * b))
