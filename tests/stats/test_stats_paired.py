"""Paired tests and intervals; the sampled ones against full counts, theory and scipy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import contingency_tables

from evaltui.stats.intervals import Interval
from evaltui.stats.paired import (
    BCA_DRAWS,
    SIGN_FLIP_DRAWS,
    bca_mean,
    mcnemar_exact,
    mcnemar_midp,
    sign_flip,
    small_sample_alpha,
)

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Heights of crossed minus self-fertilised maize in eighths of an inch (Fisher 1935)."""

AIR_CONDITIONING = [3, 5, 7, 18, 43, 85, 91, 98, 100, 130, 230, 487]
"""Hours between failures (Proschan 1963), very skewed."""

counts = st.integers(0, 3_000)
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
samples = st.lists(numbers, min_size=2, max_size=60)


def _by_counting(differences: list[int]) -> float:
    """Return the sign-flip p-value of whole numbers, by the distribution of their signed sum."""
    ways = np.ones(1)
    for size in map(abs, differences):
        ways = np.convolve(ways, np.bincount([0, 2 * size], minlength=2 * size + 1)) / 2
    total = sum(map(abs, differences))
    away = np.abs(np.arange(len(ways)) - total)
    return float(ways[away >= abs(sum(differences))].sum())


def test_exact_mcnemar_agrees_with_scipy_and_statsmodels_on_thousands_of_tables() -> None:
    random = np.random.default_rng(0)
    tables = np.exp(random.uniform(0, 8, size=(3_000, 2))).astype(int) - 1
    n, least = tables.sum(axis=1), tables.min(axis=1)
    oracle = np.minimum(1.0, 2 * stats.binom.cdf(least, n, 0.5))
    ours = [mcnemar_exact(first, second) for first, second in tables.tolist()]
    assert np.allclose(ours, oracle, rtol=1e-9, atol=1e-12)
    for (first, second), p in zip(tables[:200].tolist(), ours, strict=False):
        result = contingency_tables.mcnemar([[7, first], [second, 3]], exact=True)
        assert p == pytest.approx(result.pvalue, abs=1e-9)


def test_mid_p_mcnemar_agrees_with_its_definition_by_scipy() -> None:
    random = np.random.default_rng(1)
    for first, second in random.integers(0, 500, size=(3_000, 2)).tolist():
        n, least = first + second, min(first, second)
        at = stats.binom.pmf(least, n, 0.5)
        oracle = 1 - at / 2 if first == second else 2 * stats.binom.cdf(least, n, 0.5) - at
        if n:
            assert mcnemar_midp(first, second) == pytest.approx(oracle, abs=1e-9)


@pytest.mark.parametrize(
    ("only_first", "only_second", "exact", "midp"),
    [  # Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13, 91, tables 2 and 3
        (1, 7, 0.0703, 0.0391),
        (6, 16, 0.0525, 0.0347),
    ],
)
def test_mcnemar_gives_the_published_p_values(
    only_first: int, only_second: int, exact: float, midp: float
) -> None:
    assert mcnemar_exact(only_first, only_second) == pytest.approx(exact, abs=5e-5)
    assert mcnemar_midp(only_first, only_second) == pytest.approx(midp, abs=5e-5)


def test_mcnemar_without_discordant_cases_has_nothing_to_say() -> None:
    assert mcnemar_exact(0, 0) == mcnemar_midp(0, 0) == 1.0


def test_no_p_value_is_zero_however_clear_the_case() -> None:
    assert 0.0 < mcnemar_exact(0, 5_000) < 1e-300
    assert 0.0 < mcnemar_midp(5_000, 0) < 1e-300


@given(counts, counts)
def test_mcnemar_is_the_same_from_both_sides_and_mid_p_is_the_smaller(a: int, b: int) -> None:
    assert mcnemar_exact(a, b) == mcnemar_exact(b, a)
    assert mcnemar_midp(a, b) == mcnemar_midp(b, a)
    assert 0.0 < mcnemar_midp(a, b) <= mcnemar_exact(a, b) <= 1.0


@given(st.integers(1, 2_000), st.data())
def test_mcnemar_falls_as_the_discordant_cases_lean_to_one_side(
    n: int, data: st.DataObject
) -> None:
    least = data.draw(st.integers(0, (n - 1) // 2))
    if least:
        assert mcnemar_exact(least - 1, n - least + 1) <= mcnemar_exact(least, n - least)
        assert mcnemar_midp(least - 1, n - least + 1) <= mcnemar_midp(least, n - least)


def test_sign_flip_gives_the_published_count_of_darwins_maize() -> None:
    # Fisher 1935, section 21: 863 of 32,768 sums are as large; 1,726 in both directions.
    assert sign_flip(DARWIN) == pytest.approx(1_726 / 32_768, abs=1e-15)


def test_sign_flip_counts_out_small_samples_as_scipy_does() -> None:
    random = np.random.default_rng(2)
    for _ in range(300):
        differences = random.normal(0.3, 1, size=int(random.integers(2, 9)))
        oracle = stats.permutation_test(
            (differences, np.zeros_like(differences)),
            lambda x, y, axis: (x - y).sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf,
        )
        assert sign_flip(differences) == pytest.approx(oracle.pvalue, abs=1e-9)


def test_sign_flip_counts_out_every_sample_up_to_20_with_its_ties() -> None:
    random = np.random.default_rng(3)
    for _ in range(2_000):
        differences = random.integers(-4, 6, size=int(random.integers(1, 21))).tolist()
        assert sign_flip(differences) == pytest.approx(_by_counting(differences), abs=1e-9)
        # Tenths are not exact in binary; ties must be seen all the same.
        tenths = [value / 10 for value in differences]
        assert sign_flip(tenths) == pytest.approx(_by_counting(differences), abs=1e-9)


def _sampled_and_exact(n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(n)
    pairs = []
    for trial in range(12):
        lean = random.uniform(0, 4) / math.sqrt(n)
        differences = np.rint(random.normal(lean, 1, size=n) * 2).astype(int).tolist()
        pairs.append((sign_flip(differences, seed=trial), _by_counting(differences)))
    sampled, exact = np.array(pairs).T
    return sampled, exact


@pytest.mark.parametrize("n", [21, 30, 80, 200, 1_000])
def test_a_sampled_sign_flip_agrees_with_the_full_count_within_its_error(n: int) -> None:
    sampled, exact = _sampled_and_exact(n)
    errors = (sampled - exact) / np.sqrt(exact * (1 - exact) / SIGN_FLIP_DRAWS + 1e-7)
    assert np.abs(errors).max() < 4.5
    assert abs(errors.mean()) < 1.5


@pytest.mark.parametrize("n", [1_300, 3_000])
def test_a_large_sign_flip_of_whole_numbers_is_on_the_cautious_side(n: int) -> None:
    sampled, exact = _sampled_and_exact(n)
    noise = np.sqrt(exact * (1 - exact) / SIGN_FLIP_DRAWS + 1e-7)
    assert ((sampled - exact) / noise).min() > -4.5
    assert (sampled - exact - 4.5 * noise).max() < 0.01


@pytest.mark.parametrize("n", [1_025, 3_000, 40_000])
def test_a_large_sign_flip_agrees_with_normal_theory(n: int) -> None:
    random = np.random.default_rng(n)
    for trial in range(5):
        differences = random.exponential(1, n) - 1 + random.uniform(0, 3) / math.sqrt(n)
        z = differences.sum() / math.sqrt((differences**2).sum())
        theory = 2 * stats.norm.sf(abs(z))
        p = sign_flip(differences, seed=trial)
        assert p == pytest.approx(theory, abs=5 * math.sqrt(theory / SIGN_FLIP_DRAWS) + 1e-3)


def test_one_huge_difference_among_a_hundred_thousand_keeps_its_whole_weight() -> None:
    differences = np.full(100_000, 1e-6) * np.resize([1, -1], 100_000)
    differences[0] = 1.0
    # Whichever sign the huge one gets, the rest decides, evenly. A normal curve would say .32.
    assert sign_flip(differences) == pytest.approx(0.5, abs=0.02)


@given(samples, st.integers(0, 5))
def test_sign_flip_does_not_depend_on_side_order_or_unit(values: list[float], seed: int) -> None:
    p = sign_flip(values, seed=seed, draws=200)
    assert 0.0 < p <= 1.0
    assert sign_flip([-value for value in values], seed=seed, draws=200) == p
    assert sign_flip(values[::-1], seed=seed, draws=200) == p
    assert sign_flip([value * 8 for value in values], seed=seed, draws=200) == p


@given(samples)
def test_equal_and_missing_pairs_do_not_change_a_sign_flip(values: list[float]) -> None:
    extra = [*values, 0.0, math.nan, math.inf, -math.inf]
    assert sign_flip(extra, draws=200) == sign_flip(values, draws=200)


def test_sign_flip_of_nothing_or_of_one_case_concludes_nothing() -> None:
    assert (
        sign_flip([]) == sign_flip([math.nan]) == sign_flip([0.0, 0.0]) == sign_flip([3.0]) == 1.0
    )


def test_sign_flip_cannot_fall_below_what_its_patterns_allow() -> None:
    assert sign_flip([1.0] * 5) == pytest.approx(2 / 2**5)
    assert sign_flip([1.0] * 50, draws=99) == pytest.approx(1 / 100)


@pytest.mark.parametrize("n", [8, 15, 40, 100, 256, 300, 2_000])
def test_bca_agrees_with_scipy_within_its_error(n: int) -> None:
    random = np.random.default_rng(n)
    for make in (random.normal, random.exponential, lambda size: random.integers(-1, 2, size=size)):
        differences = np.asarray(make(size=n), dtype=float)
        oracle = stats.bootstrap(
            (differences,),
            np.mean,
            confidence_level=1 - small_sample_alpha(n, 0.05),
            method="BCa",
            n_resamples=20_000,
            rng=n,
            batch=2_000,
        ).confidence_interval
        error = differences.std() / math.sqrt(n)
        for seed in range(3):
            ours = bca_mean(differences, seed=seed, draws=20_000)
            assert ours is not None
            # Monte-Carlo error of both; means of whole numbers may fall on the next step.
            margin = max(0.4 * error, 1.01 / n)
            assert ours.low == pytest.approx(oracle.low, abs=margin)
            assert ours.high == pytest.approx(oracle.high, abs=margin)


def test_bca_averaged_over_seeds_is_the_interval_of_a_large_bootstrap() -> None:
    # The mean over seeds has a tenth of the Monte-Carlo error of one: a bias would show.
    for values in (
        np.array(AIR_CONDITIONING, dtype=float),
        np.random.default_rng(5).gamma(1, 1, 60),
    ):
        oracle = stats.bootstrap(
            (values,),
            np.mean,
            confidence_level=1 - small_sample_alpha(len(values), 0.05),
            method="BCa",
            n_resamples=200_000,
            rng=1,
            batch=10_000,
        ).confidence_interval
        ours = [interval for seed in range(60) if (interval := bca_mean(values, seed=seed))]
        error = values.std() / math.sqrt(len(values))
        assert np.mean([interval.low for interval in ours]) == pytest.approx(
            oracle.low, abs=0.03 * error
        )
        assert np.mean([interval.high for interval in ours]) == pytest.approx(
            oracle.high, abs=0.08 * error
        )


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40, 1_000, 100_000])
def test_the_level_for_small_samples_makes_a_normal_bootstrap_students_interval(n: int) -> None:
    # A normal bootstrap has the spread sqrt((n - 1) / n) s / sqrt(n).
    for alpha in (0.01, 0.05, 0.2):
        level = small_sample_alpha(n, alpha)
        if level == 0.0:
            assert n == 2  # as wide as can be: the smallest and the largest value
            continue
        z = stats.norm.isf(level / 2)
        assert z * math.sqrt((n - 1) / n) == pytest.approx(stats.t.isf(alpha / 2, n - 1), rel=1e-9)


def test_bca_of_even_data_is_close_to_students_interval() -> None:
    for n in (10, 30, 200):
        values = stats.norm.ppf((np.arange(n) + 0.5) / n) + 0.3
        interval, half = bca_mean(values), stats.t.isf(0.025, n - 1) * stats.sem(values)
        assert interval is not None
        assert interval.low == pytest.approx(values.mean() - half, abs=0.12 * half)
        assert interval.high == pytest.approx(values.mean() + half, abs=0.12 * half)


def test_bca_reaches_farther_towards_the_longer_tail() -> None:
    interval = bca_mean(AIR_CONDITIONING)
    mean = np.mean(AIR_CONDITIONING)
    assert interval is not None
    assert interval.high - mean > 1.5 * (mean - interval.low)


def test_bca_with_a_large_sample_keeps_the_influence_of_a_few_extreme_values() -> None:
    values = np.zeros(5_000)
    values[:3] = 1_000.0
    oracle = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=4_000, rng=1, batch=200
    ).confidence_interval
    ours = bca_mean(values)
    assert ours is not None
    # Sums are multiples of 0.2: the ends are the same step or the next.
    assert ours.low == pytest.approx(oracle.low, abs=0.21)
    assert ours.high == pytest.approx(oracle.high, abs=0.41)


@given(samples, st.integers(0, 3), st.sampled_from([0.01, 0.05, 0.3]))
def test_bca_contains_the_mean_and_is_mirrored_by_a_swap(
    values: list[float], seed: int, alpha: float
) -> None:
    interval = bca_mean(values, seed=seed, alpha=alpha, draws=300)
    mirrored = bca_mean([-value for value in values[::-1]], seed=seed, alpha=alpha, draws=300)
    assert interval is not None
    assert mirrored is not None
    slack = 1e-9 * max(map(abs, values))
    assert interval.low - slack <= math.fsum(values) / len(values) <= interval.high + slack
    assert min(values) - slack <= interval.low
    assert interval.high <= max(values) + slack
    assert (-mirrored.high, -mirrored.low) == pytest.approx(
        (interval.low, interval.high), abs=slack, rel=1e-9
    )


@given(samples)
def test_bca_with_more_confidence_is_never_narrower(values: list[float]) -> None:
    wide, narrow = bca_mean(values, alpha=0.01, draws=300), bca_mean(values, alpha=0.2, draws=300)
    assert wide is not None
    assert narrow is not None
    slack = 1e-9 * max(map(abs, values))
    assert wide.low <= narrow.low + slack
    assert wide.high >= narrow.high - slack


@given(samples, st.randoms(use_true_random=False))
def test_bca_does_not_depend_on_the_order_of_cases_or_on_missing_ones(
    values: list[float], random: object
) -> None:
    mixed = [*values, math.nan, -math.inf]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert bca_mean(mixed, draws=300) == bca_mean(values, draws=300)


def test_bca_needs_two_values_and_has_no_width_where_all_are_equal() -> None:
    assert bca_mean([]) is None
    assert bca_mean([1.0]) is None
    assert bca_mean([1.0, math.nan]) is None
    assert bca_mean([0.0, 0.0, 0.0]) == Interval(0.0, 0.0)
    equal = bca_mean([0.1] * 7)
    assert equal is not None
    assert equal.low == equal.high == pytest.approx(0.1)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e9, 1e300])
def test_the_unit_of_the_differences_does_not_matter(scale: float) -> None:
    plain = bca_mean(DARWIN)
    scaled = bca_mean([value * scale for value in DARWIN])
    assert plain is not None
    assert scaled is not None
    assert (scaled.low / scale, scaled.high / scale) == pytest.approx((plain.low, plain.high))
    assert sign_flip([value * scale for value in DARWIN]) == sign_flip(DARWIN)


def test_different_seeds_give_different_draws_and_equal_seeds_equal_ones() -> None:
    values = np.random.default_rng(9).normal(0.2, 1, 60)
    answers = [(sign_flip(values, seed=seed), bca_mean(values, seed=seed)) for seed in range(4)]
    again = [(sign_flip(values, seed=seed), bca_mean(values, seed=seed)) for seed in range(4)]
    assert answers == again
    for one, other in itertools.pairwise(answers):
        assert one != other


def test_the_draws_are_as_many_as_their_error_is_stated_for() -> None:
    assert 1.96 * math.sqrt(0.05 * 0.95 / SIGN_FLIP_DRAWS) < 0.0044
    assert BCA_DRAWS >= 1_000
