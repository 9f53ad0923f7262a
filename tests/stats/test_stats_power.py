"""Smallest detectable effects, against statsmodels and the exact power of the tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import power as oracle_power
from statsmodels.stats import proportion

from evaltui.stats.paired import mcnemar_exact
from evaltui.stats.power import (
    fewest_discordant,
    mde_paired_mean,
    mde_paired_rate,
    mde_unpaired_rate,
)
from evaltui.stats.unpaired import fisher_exact

sizes = st.integers(1, 3_000)
rates = st.floats(0, 1)


def _mcnemar_power(n: int, discordance: float, change: float) -> float:
    """Return the probability of p < .05 by all numbers of broken and fixed cases."""
    discordance = max(discordance, change)
    total = 0.0
    for discordant in range(n + 1):
        broken = np.arange(discordant + 1)
        rejects = [mcnemar_exact(int(k), discordant - int(k)) < 0.05 for k in broken]
        share = (discordance + change) / (2 * discordance)
        chance = stats.binom.pmf(broken, discordant, share)[rejects].sum()
        total += stats.binom.pmf(discordant, n, discordance) * chance
    return float(total)


def _fisher_power(n1: int, n2: int, p1: float, p2: float) -> float:
    first = stats.binom.pmf(np.arange(n1 + 1), n1, p1)
    second = stats.binom.pmf(np.arange(n2 + 1), n2, p2)
    return sum(
        first[i] * second[j]
        for i in range(n1 + 1)
        for j in range(n2 + 1)
        if first[i] * second[j] > 1e-9 and fisher_exact(i, n1, j, n2) < 0.05
    )


@pytest.mark.parametrize(
    ("n", "discordance"), [(20, 0.1), (20, 0.3), (20, 0.6), (50, 0.2), (100, 0.1), (100, 0.3)]
)
def test_mcnemar_finds_its_smallest_change_about_as_often_as_promised(
    n: int, discordance: float
) -> None:
    change = mde_paired_rate(n, discordance)
    assert change is not None
    assert 0.77 <= _mcnemar_power(n, discordance, change) <= 0.88


@pytest.mark.parametrize(
    ("n1", "n2", "p"), [(20, 20, 0.9), (20, 20, 0.5), (30, 60, 0.8), (100, 100, 0.8), (80, 40, 0.1)]
)
def test_fisher_finds_its_smallest_change_about_as_often_as_promised(
    n1: int, n2: int, p: float
) -> None:
    change = mde_unpaired_rate(n1, n2, p)
    assert change is not None
    other = p - change if p >= 0.5 else p + change
    assert 0.74 <= _fisher_power(n1, n2, p, other) <= 0.88


def test_the_uncorrected_formula_of_statsmodels_agrees_for_large_groups() -> None:
    for n in (2_000, 20_000):
        for p in (0.5, 0.7, 0.9):
            change = mde_unpaired_rate(n, n, p)
            assert change is not None
            result = proportion.power_proportions_2indep(
                -(change - 1 / n), p, n, ratio=1, alpha=0.05
            )
            assert result.power == pytest.approx(0.8, abs=0.01)


def test_the_smallest_mean_difference_agrees_with_statsmodels() -> None:
    solver = oracle_power.TTestPower()
    for n in (8, 10, 15, 20, 50, 100, 1_000):
        for alpha, power in ((0.05, 0.8), (0.01, 0.9), (0.1, 0.5)):
            exact = solver.solve_power(nobs=n, alpha=alpha, power=power)
            ours = mde_paired_mean(n, 3.0, alpha=alpha, power=power)
            tolerance = 0.01 if n >= 20 else 0.06
            assert ours == pytest.approx(3.0 * exact, rel=tolerance)


@given(sizes, rates, rates)
def test_more_cases_find_smaller_changes(n: int, discordance: float, p: float) -> None:
    for small, large in (
        (mde_paired_rate(n, discordance), mde_paired_rate(2 * n, discordance)),
        (mde_paired_mean(n, discordance), mde_paired_mean(2 * n, discordance)),
        (mde_unpaired_rate(n, n, p), mde_unpaired_rate(2 * n, 2 * n, p)),
    ):
        if small is not None:
            assert large is not None
            assert large <= small + 1e-9


@given(sizes, rates, rates)
def test_more_noise_hides_larger_changes(n: int, one: float, other: float) -> None:
    quiet, noisy = sorted((one, other))
    for low, high in (
        (mde_paired_rate(n, quiet), mde_paired_rate(n, noisy)),
        (mde_paired_mean(n, quiet), mde_paired_mean(n, noisy)),
    ):
        if low is not None and high is not None:
            assert low <= high + 1e-9


@given(sizes, sizes, rates)
def test_passed_and_failed_are_alike_to_the_smallest_change(n1: int, n2: int, p: float) -> None:
    change, mirrored = mde_unpaired_rate(n1, n2, p), mde_unpaired_rate(n1, n2, 1 - p)
    assert (change is None) == (mirrored is None)
    if change is not None:
        assert change == pytest.approx(mirrored, abs=1e-9)
        assert 0 < change <= 1


def test_too_few_cases_find_nothing_at_all() -> None:
    assert mde_paired_rate(0, 0.2) is None
    assert mde_paired_rate(4, 0.2) is None
    assert mde_paired_mean(1, 1.0) is None
    assert mde_unpaired_rate(0, 10, 0.5) is None
    assert mde_unpaired_rate(2, 2, 0.9) is None
    assert mde_paired_mean(20, 0.0) == 0.0


def test_six_discordant_cases_are_needed_at_the_usual_rate() -> None:
    assert fewest_discordant(0.05) == 6
    assert fewest_discordant(0.01) == 8
    for alpha in (0.2, 0.05, 0.01, 0.0625, 1e-6):
        fewest = fewest_discordant(alpha)
        assert mcnemar_exact(0, fewest) < alpha <= mcnemar_exact(0, fewest - 1)
