import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaltui.stats.unpaired import fisher_exact, mann_whitney_exact, welch

counts = st.integers(0, 300)
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
groups = st.lists(numbers, max_size=12)


def _fisher_by_fractions(s1: int, n1: int, s2: int, n2: int) -> float:
    total = s1 + s2
    ways = {
        k: math.comb(n1, k) * math.comb(n2, total - k)
        for k in range(max(0, total - n2), min(n1, total) + 1)
    }
    return float(Fraction(sum(way for way in ways.values() if way <= ways[s1]), sum(ways.values())))


def _mann_whitney_by_division(x: list[float], y: list[float]) -> float:
    ranks = [Fraction(2 * rank).limit_denominator() for rank in stats.rankdata([*x, *y]).tolist()]
    middle = sum(ranks) * Fraction(len(x), len(ranks))
    observed = abs(sum(ranks[: len(x)]) - middle)
    sums = [abs(sum(some) - middle) for some in itertools.combinations(ranks, len(x))]
    return sum(one >= observed for one in sums) / len(sums)


def test_fisher_agrees_with_exact_fractions_on_thousands_of_tables() -> None:
    random = np.random.default_rng(0)
    for _ in range(3_000):
        n1, n2 = (int(n) for n in random.integers(0, 60, size=2))
        table = int(random.integers(0, n1 + 1)), n1, int(random.integers(0, n2 + 1)), n2
        assert fisher_exact(*table) == pytest.approx(_fisher_by_fractions(*table), abs=1e-9)


def test_fisher_agrees_with_scipy_on_larger_tables() -> None:
    random = np.random.default_rng(1)
    for _ in range(500):
        n1, n2 = (int(n) for n in random.integers(1, 3_000, size=2))
        rate = random.uniform()
        s1, s2 = int(random.binomial(n1, rate)), int(random.binomial(n2, rate))
        oracle = stats.fisher_exact([[s1, n1 - s1], [s2, n2 - s2]]).pvalue
        assert fisher_exact(s1, n1, s2, n2) == pytest.approx(oracle, abs=1e-9)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((3, 4, 1, 4), 17 / 35),  # Fisher 1935, the lady tasting tea, both sides
        ((7, 34, 1, 34), 0.0544),  # Perondi et al. 2004, N. Engl. J. Med. 350, 1722-1730
    ],
)
def test_fisher_gives_the_published_p_values(table: tuple[int, int, int, int], p: float) -> None:
    assert fisher_exact(*table) == pytest.approx(p, abs=5e-5)


@given(counts, counts, counts, counts)
def test_fisher_is_the_same_from_every_side(a: int, b: int, c: int, d: int) -> None:
    p = fisher_exact(a, a + b, c, c + d)
    assert 0.0 < p <= 1.0
    assert fisher_exact(c, c + d, a, a + b) == pytest.approx(p, rel=1e-9)
    assert fisher_exact(b, a + b, d, c + d) == pytest.approx(p, rel=1e-9)


def test_fisher_with_an_empty_group_has_nothing_to_say() -> None:
    assert fisher_exact(0, 0, 3, 5) == fisher_exact(3, 5, 0, 0) == fisher_exact(0, 0, 0, 0) == 1.0


def test_welch_agrees_with_scipy_on_thousands_of_samples() -> None:
    random = np.random.default_rng(2)
    for _ in range(1_500):
        x = random.normal(0, random.lognormal(), size=int(random.integers(2, 40)))
        y = random.normal(0.5, random.lognormal(), size=int(random.integers(2, 40)))
        alpha = float(random.choice([0.01, 0.05, 0.2]))
        ours = welch(x, y, alpha=alpha)
        oracle = stats.ttest_ind(y, x, equal_var=False)
        interval = oracle.confidence_interval(1 - alpha)
        assert ours is not None
        assert ours.p == pytest.approx(oracle.pvalue, abs=1e-9)
        assert ours.df == pytest.approx(oracle.df, rel=1e-9)
        assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


@given(st.lists(numbers, min_size=2, max_size=12), st.lists(numbers, min_size=2, max_size=12))
def test_swapping_the_groups_mirrors_welch(x: list[float], y: list[float]) -> None:
    one, other = welch(x, y), welch(y, x)
    if one is None or other is None:
        assert one is other is None
        assert len(set(x)) == len(set(y)) == 1
        return
    assert 0.0 < one.p <= 1.0
    assert other.p == pytest.approx(one.p, rel=1e-9)
    assert (-other.high, -other.low) == pytest.approx((one.low, one.high), rel=1e-9, abs=1e-9)
    difference = math.fsum(y) / len(y) - math.fsum(x) / len(x)
    slack = 1e-9 * max(map(abs, [*x, *y]))
    assert one.low - slack <= difference <= one.high + slack
    # The interval leaves 0 out where the test says so.
    if abs(one.p - 0.05) > 1e-6:
        assert (one.low > 0 or one.high < 0) == (one.p < 0.05)


def test_welch_says_none_where_there_is_no_noise_to_measure_by() -> None:
    assert welch([1.0], [1.0, 2.0]) is None
    assert welch([], []) is None
    assert welch([1.0, math.nan], [1.0, 2.0]) is None
    assert welch([0.1, 0.1, 0.1], [0.2, 0.2]) is None
    assert welch([0.0, 0.0], [0.0, 0.0]) is None
    one_sided = welch([0.1, 0.1, 0.1], [0.2, 0.3])
    assert one_sided is not None
    assert one_sided.df == pytest.approx(1.0)


def test_mann_whitney_agrees_with_scipy_where_there_are_no_ties() -> None:
    random = np.random.default_rng(3)
    for _ in range(1_000):
        x = random.normal(size=int(random.integers(1, 12)))
        y = random.normal(0.7, 1, size=int(random.integers(1, 12)))
        oracle = stats.mannwhitneyu(x, y, method="exact").pvalue
        assert mann_whitney_exact(x, y) == pytest.approx(oracle, abs=1e-9)


def test_mann_whitney_counts_every_division_where_there_are_ties() -> None:
    random = np.random.default_rng(4)
    for _ in range(400):
        x = random.integers(0, 4, size=int(random.integers(1, 6))).tolist()
        y = random.integers(0, 5, size=int(random.integers(1, 6))).tolist()
        assert mann_whitney_exact(x, y) == pytest.approx(_mann_whitney_by_division(x, y), abs=1e-9)


def test_a_large_mann_whitney_agrees_with_the_normal_approximation_of_scipy() -> None:
    random = np.random.default_rng(5)
    for _ in range(300):
        x = random.integers(0, 30, size=int(random.integers(64, 400)))
        y = random.integers(1, 31, size=int(random.integers(64, 400)))
        oracle = stats.mannwhitneyu(x, y, method="asymptotic").pvalue
        assert mann_whitney_exact(x, y) == pytest.approx(oracle, abs=1e-9)


def test_the_exact_and_the_normal_mann_whitney_meet_where_one_takes_over() -> None:
    random = np.random.default_rng(6)
    for _ in range(20):
        x, y = random.normal(size=44), random.normal(0.3, 1, size=44)
        ours = mann_whitney_exact(x, y)  # 44 x 88 is below 4,000: counted
        assert ours == pytest.approx(stats.mannwhitneyu(x, y, method="exact").pvalue, abs=1e-9)
        assert ours == pytest.approx(stats.mannwhitneyu(x, y, method="asymptotic").pvalue, abs=0.01)


@given(groups, groups)
def test_mann_whitney_is_the_same_from_both_sides_and_under_any_rising_scale(
    x: list[float], y: list[float]
) -> None:
    p = mann_whitney_exact(x, y)
    assert 0.0 < p <= 1.0
    assert mann_whitney_exact(y, x) == pytest.approx(p, rel=1e-9)
    assert mann_whitney_exact([-value for value in x], [-value for value in y]) == pytest.approx(p)
    cubed = [value**3 for value in x], [value**3 for value in y]
    assert mann_whitney_exact(*cubed) == pytest.approx(p)
    assert mann_whitney_exact([*x, math.nan], [math.nan, *y]) == pytest.approx(p)


def test_three_runs_against_three_cannot_go_below_a_tenth() -> None:
    assert mann_whitney_exact([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert mann_whitney_exact([1, 2, 3, 4], [5, 6, 7, 8]) == pytest.approx(2 / 70)


def test_mann_whitney_of_equal_values_or_of_an_empty_group_concludes_nothing() -> None:
    assert mann_whitney_exact([], [1.0]) == 1.0
    assert mann_whitney_exact([1.0], []) == 1.0
    assert mann_whitney_exact([2.0] * 5, [2.0] * 6) == pytest.approx(1.0)
    assert mann_whitney_exact([2.0] * 500, [2.0] * 600) == 1.0
