from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.amounts import amount_text, p_text
from evaltui.domain.metric import Unit
from evaltui.domain.verdict import WORST_FIRST, Verdict, judge, worst

SIZES = st.floats(-1, 1)


@pytest.mark.parametrize(
    ("p", "delta", "interval", "verdict"),
    [
        (0.04, -0.021, (-0.3, 0.1), Verdict.REGRESSED),
        (0.04, -0.02, (-0.3, 0.1), Verdict.SOFT),  # the tolerance itself is inside
        (0.04, -0.001, (-0.01, 0.01), Verdict.SOFT),  # soft comes before stable
        (0.04, 0.001, (-0.01, 0.01), Verdict.IMPROVED),
        (0.04, 0.0, (-0.3, 0.3), Verdict.UNDECIDED),
        (0.05, -0.5, (-0.9, 0.1), Verdict.UNDECIDED),  # alpha itself is not below alpha
        (0.5, -0.01, (-0.02, 0.02), Verdict.STABLE),
        (0.5, -0.01, (-0.021, 0.01), Verdict.UNDECIDED),
        (None, -0.5, None, Verdict.UNDECIDED),
    ],
)
def test_the_first_rule_that_fits_decides(
    p: float | None, delta: float, interval: tuple[float, float] | None, verdict: Verdict
) -> None:
    assert judge(p, delta, interval, tolerance=0.02, alpha=0.05) is verdict


def test_equal_pairs_are_stable_however_wide_the_interval() -> None:
    wide = judge(1.0, 0.0, (-0.5, 0.5), tolerance=0.0, alpha=0.05, all_equal=True)
    assert wide is Verdict.STABLE


@given(st.floats(0, 1), SIZES, SIZES, SIZES, st.floats(0, 0.5))
def test_the_other_direction_mirrors_the_verdict(
    p: float, delta: float, one: float, other: float, tolerance: float
) -> None:
    low, high = sorted((one, other))
    there = judge(p, delta, (low, high), tolerance=tolerance, alpha=0.05)
    back = judge(p, -delta, (-high, -low), tolerance=tolerance, alpha=0.05)
    worse = {Verdict.REGRESSED, Verdict.SOFT}
    assert (there in worse) == (back is Verdict.IMPROVED)
    assert (there is Verdict.IMPROVED) == (back in worse)
    assert (there is Verdict.STABLE) == (back is Verdict.STABLE)


def test_the_worst_verdict_stands_for_the_run() -> None:
    assert set(WORST_FIRST) == set(Verdict)
    assert worst([Verdict.IMPROVED, Verdict.STABLE]) is Verdict.STABLE
    assert worst([Verdict.UNDECIDED, Verdict.SOFT]) is Verdict.SOFT
    assert worst([Verdict.INCOMPARABLE, Verdict.REGRESSED]) is Verdict.REGRESSED
    assert worst([]) is None


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0312, "p = .031"),
        (0.5, "p = .5"),
        (0.1, "p = .1"),
        (1.0, "p = 1"),
        (0.99999, "p = 1"),
        (0.0009, "p < .001"),
        (0.001, "p = .001"),
    ],
)
def test_p_values_are_written_short(p: float, text: str) -> None:
    assert p_text(p) == text


def test_amounts_have_their_unit() -> None:
    assert amount_text(-0.12, Unit.RATE) == "12 pp"
    assert amount_text(0.051, Unit.USD, is_ratio=True) == "5.1 %"
    assert amount_text(12_345.6, Unit.TOKENS) == "12,346 tokens"
    assert amount_text(0.5, Unit.USD) == "$0.5"
