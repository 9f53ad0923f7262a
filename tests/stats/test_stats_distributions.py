import math

import numpy as np
import pytest
from scipy import special, stats

from evaltui.stats.distributions import (
    half_binomial,
    hypergeometric,
    normal_cdf,
    normal_quantile,
    t_quantile,
    two_sided_normal,
    two_sided_t,
    two_sided_z,
)


def test_the_normal_distribution_agrees_with_scipy() -> None:
    z = np.random.default_rng(0).normal(scale=3, size=3_000)
    p = np.random.default_rng(1).uniform(1e-12, 1 - 1e-12, size=3_000)
    assert np.allclose([normal_cdf(x) for x in z], stats.norm.cdf(z), rtol=1e-12, atol=0)
    assert np.allclose([two_sided_normal(x) for x in z], 2 * stats.norm.sf(abs(z)), rtol=1e-12)
    assert np.allclose([normal_quantile(x) for x in p], stats.norm.ppf(p), rtol=1e-12, atol=1e-12)
    assert two_sided_z(1e-20) == pytest.approx(stats.norm.isf(5e-21), rel=1e-12)


def test_the_t_distribution_agrees_with_scipy_from_1_to_a_million_degrees_of_freedom() -> None:
    random = np.random.default_rng(2)
    df = np.exp(random.uniform(0, math.log(1e6), size=5_000))
    t = random.standard_t(2, size=5_000) * 2
    ours = np.array([two_sided_t(*pair) for pair in zip(t.tolist(), df.tolist(), strict=True)])
    oracle = 2 * special.stdtr(df, -abs(t))
    assert np.allclose(ours, oracle, rtol=1e-9, atol=1e-300)
    assert two_sided_t(0.0, 3.0) == 1.0
    assert two_sided_t(1e200, 3.0) == 0.0


def test_t_quantiles_agree_with_scipy() -> None:
    random = np.random.default_rng(3)
    df = np.exp(random.uniform(0, math.log(1e6), size=3_000))
    alpha = np.exp(random.uniform(math.log(1e-8), math.log(0.999), size=3_000))
    ours = [t_quantile(*pair) for pair in zip(alpha.tolist(), df.tolist(), strict=True)]
    assert np.allclose(ours, stats.t.isf(alpha / 2, df), rtol=1e-9, atol=1e-9)


def test_half_binomial_weights_agree_with_scipy() -> None:
    random = np.random.default_rng(4)
    for n in random.integers(0, 3_000, size=1_000).tolist():
        count = int(random.integers(0, n // 2 + 1))
        below, at = half_binomial(n, count)
        assert below == pytest.approx(stats.binom.cdf(count, n, 0.5), rel=1e-9, abs=1e-200)
        assert at == pytest.approx(stats.binom.pmf(count, n, 0.5), rel=1e-9, abs=1e-200)


def test_half_binomial_weights_are_exact_for_small_numbers() -> None:
    for n in range(30):
        for count in range(n // 2 + 1):
            below, at = half_binomial(n, count)
            ways = sum(math.comb(n, k) for k in range(count + 1))
            assert below == pytest.approx(ways / 2**n, rel=1e-14)
            assert at == pytest.approx(math.comb(n, count) / 2**n, rel=1e-14)


def test_hypergeometric_weights_agree_with_scipy() -> None:
    random = np.random.default_rng(5)
    for _ in range(1_000):
        first, second = (int(n) for n in random.integers(0, 300, size=2))
        successes = int(random.integers(0, first + second + 1))
        low, probabilities = hypergeometric(first, second, successes)
        x = np.arange(low, low + len(probabilities))
        oracle = stats.hypergeom.pmf(x, first + second, successes, first)
        assert np.allclose(probabilities, oracle, rtol=1e-9, atol=1e-15)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)
