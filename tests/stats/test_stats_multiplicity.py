import gc
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats import multitest

from evaltui.stats.multiplicity import benjamini_hochberg, holm

METHODS = [(holm, "holm"), (benjamini_hochberg, "fdr_bh")]
ps = st.lists(st.one_of(st.none(), st.floats(0, 1), st.sampled_from([0.0, 0.01, 1.0])), max_size=30)

ESTABLISHED = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]
"""P-values of Neuhaus et al. 1992, the worked example of Benjamini & Hochberg 1995."""


@pytest.mark.parametrize(("ours", "name"), METHODS)
def test_adjusted_p_values_agree_with_statsmodels(
    ours: Callable[[list[float | None]], tuple[float | None, ...]],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The oracle collects garbage at every call: 50 ms of each.
    monkeypatch.setattr(gc, "collect", lambda: 0)
    random = np.random.default_rng(0)
    for _ in range(3_000):
        values = random.beta(0.4, 1, size=int(random.integers(1, 50))).round(3)
        oracle = multitest.multipletests(values, method=name)[1]
        assert ours(values.tolist()) == pytest.approx(oracle.tolist(), abs=1e-12)


def test_the_published_example_rejects_four_by_rate_and_three_by_any_alarm() -> None:
    # Benjamini & Hochberg 1995, section 4.1: four hypotheses at .05, three by Bonferroni.
    assert sum(p <= 0.05 for p in benjamini_hochberg(ESTABLISHED) if p is not None) == 4
    assert sum(p <= 0.05 for p in holm(ESTABLISHED) if p is not None) == 3


@given(ps)
def test_adjusting_keeps_places_gaps_and_order_and_never_lowers(values: list[float | None]) -> None:
    for method, _ in METHODS:
        adjusted = method(values)
        assert [p is None for p in adjusted] == [p is None for p in values]
        pairs = sorted((p, q) for p, q in zip(values, adjusted, strict=True) if p is not None)
        assert all(p <= q + 1e-15 and q <= 1.0 for p, q in pairs if q is not None)
        assert [q for _, q in pairs] == sorted(q for _, q in pairs if q is not None)


@given(ps)
def test_holm_is_the_stricter_of_the_two(values: list[float | None]) -> None:
    for strict, loose in zip(holm(values), benjamini_hochberg(values), strict=True):
        if strict is not None and loose is not None:
            assert strict >= loose - 1e-15


@given(ps)
def test_metrics_that_could_not_be_tested_do_not_make_others_harder(
    values: list[float | None],
) -> None:
    for method, _ in METHODS:
        alone = method([p for p in values if p is not None])
        assert [p for p in method(values) if p is not None] == list(alone)


def test_nan_is_missing_and_a_single_metric_needs_no_correction() -> None:
    for method, _ in METHODS:
        assert method([math.nan, 0.03, None]) == (None, 0.03, None)
        assert method([]) == ()
        assert method([None]) == (None,)
