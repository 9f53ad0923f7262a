import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats import proportion

from evaltui.stats.intervals import Interval, newcombe, newcombe_paired, wilson

ALPHAS = (0.001, 0.01, 0.05, 0.1, 0.32)
counts = st.integers(0, 400)
alphas = st.sampled_from(ALPHAS)


def test_wilson_agrees_with_statsmodels_on_thousands_of_counts() -> None:
    random = np.random.default_rng(0)
    n = random.integers(1, 100_000, size=4_000)
    successes = random.integers(0, n + 1)
    successes[:200], successes[200:400] = 0, n[200:400]
    for alpha in ALPHAS:
        low, high = proportion.proportion_confint(successes, n, alpha=alpha, method="wilson")
        ours = [wilson(*pair, alpha=alpha) for pair in zip(successes, n, strict=True)]
        assert np.allclose([interval.low for interval in ours if interval], low, atol=1e-9)
        assert np.allclose([interval.high for interval in ours if interval], high, atol=1e-9)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe 1998, Stat. Med. 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    successes: int, n: int, low: float, high: float
) -> None:
    interval = wilson(successes, n)
    assert interval is not None
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


def test_newcombe_agrees_with_statsmodels_on_thousands_of_tables() -> None:
    random = np.random.default_rng(1)
    for _ in range(3_000):
        n1, n2 = (int(n) for n in random.integers(1, 2_000, size=2))
        s1, s2 = int(random.integers(0, n1 + 1)), int(random.integers(0, n2 + 1))
        alpha = float(random.choice(ALPHAS))
        oracle = proportion.confint_proportions_2indep(s2, n2, s1, n1, "newcomb", alpha=alpha)
        ours = newcombe(s1, n1, s2, n2, alpha=alpha)
        assert (ours.low, ours.high) == pytest.approx(oracle, abs=1e-9)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [  # Newcombe 1998, Stat. Med. 17, 873-890, table II, method 10
        ((48, 80, 56, 70), 0.0524, 0.3339),
        ((3, 10, 9, 10), 0.1705, 0.8090),
        ((2, 7, 6, 7), 0.0582, 0.8062),
        ((0, 29, 5, 56), -0.0381, 0.1926),
        ((0, 20, 0, 10), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((0, 20, 10, 10), 0.6791, 1.0),
        ((0, 10, 10, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_gives_the_published_intervals(
    table: tuple[int, int, int, int], low: float, high: float
) -> None:
    interval = newcombe(*table)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


def test_paired_newcombe_is_what_its_paper_makes_of_the_score_intervals_of_statsmodels() -> None:
    random = np.random.default_rng(2)
    for _ in range(3_000):
        table = random.multinomial(int(random.integers(1, 500)), random.dirichlet([0.5] * 4))
        e, f, g, h = (float(n) for n in table)  # both, only first, only second, neither
        alpha = float(random.choice(ALPHAS))
        n, first, second = e + f + g + h, e + f, e + g
        l1, u1 = proportion.proportion_confint(first, n, alpha=alpha, method="wilson")
        l2, u2 = proportion.proportion_confint(second, n, alpha=alpha, method="wilson")
        p1, p2 = first / n, second / n
        below = np.sqrt(first * (g + h) * second * (f + h))
        above = max(e * h - f * g - n / 2, 0) if e * h > f * g else e * h - f * g
        phi = above / below if below else 0.0
        down = (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2
        up = (u2 - p2) ** 2 - 2 * phi * (u2 - p2) * (p1 - l1) + (p1 - l1) ** 2
        ours = newcombe_paired(*(int(count) for count in table), alpha=alpha)
        assert ours.low == pytest.approx(p2 - p1 - np.sqrt(max(down, 0)), abs=1e-9)
        assert ours.high == pytest.approx(p2 - p1 + np.sqrt(max(up, 0)), abs=1e-9)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [  # Newcombe 1998, Stat. Med. 17, 2635-2650, method 10 (second minus first)
        ((36, 2, 12, 0), 0.0569, 0.3404),
        ((18, 2, 12, 18), 0.0562, 0.3290),
        ((53, 0, 0, 1), -0.0729, 0.0729),
        ((0, 0, 30, 0), 0.8395, 1.0),
        # Fagerland, Lydersen & Laake 2014, Stat. Med. 33, 2850-2875
        ((1, 7, 1, 12), -0.5069, -0.0256),
        ((59, 16, 6, 80), -0.1186, -0.0046),
    ],
)
def test_paired_newcombe_gives_the_published_intervals(
    table: tuple[int, int, int, int], low: float, high: float
) -> None:
    interval = newcombe_paired(*table)
    assert interval.low == pytest.approx(low, abs=5.1e-5)
    assert interval.high == pytest.approx(high, abs=5.1e-5)


@given(counts, counts, alphas)
def test_wilson_contains_the_rate_and_mirrors_passed_and_failed(
    passed: int, failed: int, alpha: float
) -> None:
    n = passed + failed
    interval, mirrored = wilson(passed, n, alpha=alpha), wilson(failed, n, alpha=alpha)
    if n == 0:
        assert interval is None
        return
    assert interval is not None
    assert mirrored is not None
    assert 0.0 <= interval.low <= passed / n <= interval.high <= 1.0
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx(
        (interval.low, interval.high), abs=1e-12
    )


@given(counts, counts, counts, counts, alphas)
def test_swapping_the_runs_mirrors_the_interval_of_their_difference(
    a: int, b: int, c: int, d: int, alpha: float
) -> None:
    for interval, mirrored, first, second in (
        (
            newcombe(a, a + b, c, c + d, alpha=alpha),
            newcombe(c, c + d, a, a + b, alpha=alpha),
            (a, a + b),
            (c, c + d),
        ),
        (
            newcombe_paired(a, b, c, d, alpha=alpha),
            newcombe_paired(a, c, b, d, alpha=alpha),
            (a + b, a + b + c + d),
            (a + c, a + b + c + d),
        ),
    ):
        assert (-mirrored.high, -mirrored.low) == pytest.approx(
            (interval.low, interval.high), abs=1e-12
        )
        assert -1.0 <= interval.low <= interval.high <= 1.0
        if first[1] and second[1]:
            difference = second[0] / second[1] - first[0] / first[1]
            assert interval.low <= difference <= interval.high


@given(counts, counts, counts, counts)
def test_more_confidence_never_makes_an_interval_narrower(a: int, b: int, c: int, d: int) -> None:
    for make in (
        lambda alpha: newcombe(a, a + b, c, c + d, alpha=alpha),
        lambda alpha: newcombe_paired(a, b, c, d, alpha=alpha),
    ):
        wide, narrow = make(0.01), make(0.1)
        assert wide.low <= narrow.low + 1e-12
        assert wide.high >= narrow.high - 1e-12


def test_more_cases_at_the_same_rates_make_the_interval_narrower() -> None:
    widths = []
    for times in (1, 2, 5, 20, 1_000):
        interval = newcombe_paired(12 * times, 2 * times, 4 * times, 2 * times)
        widths.append(interval.high - interval.low)
    assert widths == sorted(widths, reverse=True)


def test_without_cases_nothing_is_known() -> None:
    assert wilson(0, 0) is None
    assert newcombe(0, 0, 1, 2) == newcombe(1, 2, 0, 0) == Interval(-1.0, 1.0)
    assert newcombe_paired(0, 0, 0, 0) == Interval(-1.0, 1.0)


def test_one_case_gives_a_wide_interval_not_a_point() -> None:
    interval = newcombe_paired(1, 0, 0, 0)
    assert interval.high - interval.low > 1.0
