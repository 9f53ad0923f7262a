"""How often each test should find an effect, by summing or integrating instead of drawing."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from scipy import stats

from evaltui.stats.paired import mcnemar_exact, mcnemar_midp
from evaltui.stats.unpaired import fisher_exact

_NEGLIGIBLE = 1e-10


def joint_rates(first: float, second: float, correlation: float) -> tuple[float, float]:
    """Return how often only the first, and only the second of two normal thresholds is met."""
    ends = NormalDist().inv_cdf(first), NormalDist().inv_cdf(second)
    covariance = [[1.0, correlation], [correlation, 1.0]]
    both = float(stats.multivariate_normal(cov=covariance).cdf(ends))
    return first - both, second - both


def mcnemar_power(n: int, rates: tuple[float, float], alpha: float, *, midp: bool = False) -> float:
    """Return the probability of p < alpha over all numbers of broken and fixed cases."""
    test = mcnemar_midp if midp else mcnemar_exact
    broken, fixed = rates
    total = 0.0
    for discordant in range(n + 1):
        weight = float(stats.binom.pmf(discordant, n, broken + fixed))
        if weight > _NEGLIGIBLE:
            k = np.arange(discordant + 1)
            found = [test(int(one), discordant - int(one)) < alpha for one in k]
            total += weight * stats.binom.pmf(k, discordant, broken / (broken + fixed))[found].sum()
    return float(total)


def fisher_power(n: int, first: float, second: float, alpha: float) -> float:
    """Return the probability of p < alpha over all tables of two independent groups of n."""
    one, other = (stats.binom.pmf(np.arange(n + 1), n, rate) for rate in (first, second))
    return float(
        sum(
            one[i] * other[j]
            for i in range(n + 1)
            for j in range(n + 1)
            if one[i] * other[j] > _NEGLIGIBLE and fisher_exact(i, n, j, n) < alpha
        )
    )


def t_power(effect: float, error: float, df: float, alpha: float) -> float:
    """Return the power of a t test for an effect with that standard error (noncentral t)."""
    limit = stats.t.isf(alpha / 2, df)
    centre = abs(effect) / error
    return float(stats.nct.sf(limit, df, centre) + stats.nct.cdf(-limit, df, centre))


def welch_power(size: int, shift: float, spread: float, alpha: float) -> float:
    """Return the power of Welch's test of two normal groups, at its expected degrees of freedom."""
    df = (size - 1) * (1 + spread**2) ** 2 / (1 + spread**4)
    return t_power(shift, math.sqrt((1 + spread**2) / size), df, alpha)


def rank_power(size: int, shift: float, alpha: float) -> float:
    """Return the power of the rank-sum test of two normal groups (Noether 1987, in both tails)."""
    better = NormalDist().cdf(shift / math.sqrt(2))
    centre = abs(better - 0.5) * math.sqrt(6 * size)
    limit = NormalDist().inv_cdf(1 - alpha / 2)
    return NormalDist().cdf(centre - limit) + NormalDist().cdf(-centre - limit)
