"""Smallest effects that a comparison of a given size can be expected to show."""

from __future__ import annotations

import math
from collections.abc import Callable

from evaltui.stats.distributions import normal_quantile, two_sided_z
from evaltui.stats.values import check_counts, check_rate

_STEPS = 60


def mde_paired_rate(
    n: int, discordance: float, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Return the smallest change of a rate that McNemar's exact test is likely to find.

    Args:
        n: Cases in both runs.
        discordance: Share of them that changed, either way, in [0, 1]: the noise. An effect that is
            larger than it needs more changed cases; they are then taken to change all one way.
        alpha: Two-sided error rate of the test.
        power: Probability with which the effect is to be found.

    Returns:
        The change in (0, 1], 0.1 for 10 percentage points; None if not even a change of every case
        would be found that often, or without cases.

    Raises:
        ValueError: If n is negative, discordance outside [0, 1], or alpha or power outside (0, 1).

    Source: Connett, Smith & McHugh 1987, Stat. Med. 6, 733-744, with a correction of half a case,
    which brings it close to the exact test: a promised power of 80 % is one of 77 to 87 %.
    """
    z_alpha, z_power = _quantiles(alpha, power)
    check_counts(n=n)
    if not 0.0 <= discordance <= 1.0:
        raise ValueError(f"discordance must lie in [0, 1], not {discordance!r}")
    if n == 0:
        return None

    def excess(change: float) -> float:
        changed = max(discordance, change)
        spread = math.sqrt(changed - change * change)
        return (change - 0.5 / n) * math.sqrt(n) - z_alpha * math.sqrt(changed) - z_power * spread

    return _root(excess)


def mde_paired_mean(n: int, sd: float, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Return the smallest mean difference per case that a paired test is likely to find.

    Args:
        n: Cases in both runs.
        sd: Standard deviation of the differences per case, at least 0.
        alpha: Two-sided error rate of the test.
        power: Probability with which the effect is to be found.

    Returns:
        The difference in the unit of `sd`; None where the cases are too few for any.

    Raises:
        ValueError: If n or sd is negative, or alpha or power outside (0, 1).

    Source: Guenther 1981, Am. Stat. 35, 243-244 (the normal formula with the loss of z^2 / 2 cases
    to the estimated spread).
    """
    z_alpha, z_power = _quantiles(alpha, power)
    check_counts(n=n)
    if not sd >= 0.0:
        raise ValueError(f"sd must not be negative, not {sd!r}")
    worth = n - 0.5 * z_alpha**2
    return (z_alpha + z_power) * sd / math.sqrt(worth) if worth > 0.0 else None


def mde_unpaired_rate(
    n1: int, n2: int, p: float, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Return the smallest change of a rate that Fisher's exact test is likely to find.

    Args:
        n1: Cases of the first group.
        n2: Cases of the second group.
        p: Rate of the first group, in [0, 1].
        alpha: Two-sided error rate of the test.
        power: Probability with which the effect is to be found.

    Returns:
        The change in (0, 1] towards the side that has more room (a fall from .9, a rise from .1);
        None if not even the largest change would be found that often, or if a group is empty.

    Raises:
        ValueError: If a count is negative, p outside [0, 1], or alpha or power outside (0, 1).

    Source: Casagrande, Pike & Smith 1978, Biometrics 34, 483-486; unequal groups by Fleiss, Tytun &
    Ury 1980, Biometrics 36, 343-346.
    """
    z_alpha, z_power = _quantiles(alpha, power)
    check_counts(n1=n1, n2=n2)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"p must lie in [0, 1], not {p!r}")
    if not (n1 and n2):
        return None
    rate = max(p, 1.0 - p)
    per_case = 1.0 / n1 + 1.0 / n2

    def excess(change: float) -> float:
        other = max(0.0, rate - change)
        pooled = (n1 * rate + n2 * other) / (n1 + n2)
        null = math.sqrt(pooled * (1.0 - pooled) * per_case)
        spread = math.sqrt(rate * (1.0 - rate) / n1 + other * (1.0 - other) / n2)
        return change - 0.5 * per_case - z_alpha * null - z_power * spread

    return _root(excess, high=rate)


def fewest_discordant(alpha: float = 0.05) -> int:
    """Return how many cases must change, all one way, before McNemar's exact p is below alpha.

    Args:
        alpha: Two-sided error rate of the test: 6 for .05.

    Raises:
        ValueError: If alpha is not in (0, 1).
    """
    check_rate("alpha", alpha)
    count = 1
    while math.ldexp(2.0, -count) >= alpha:
        count += 1
    return count


def _quantiles(alpha: float, power: float) -> tuple[float, float]:
    check_rate("alpha", alpha)
    check_rate("power", power)
    return two_sided_z(alpha), normal_quantile(power)


def _root(excess: Callable[[float], float], *, high: float = 1.0) -> float | None:
    """Return where a function crosses 0 for good, or None if it is below 0 at the end."""
    if excess(high) < 0.0:
        return None
    low = 0.0
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if excess(middle) < 0.0:
            low = middle
        else:
            high = middle
    return high
