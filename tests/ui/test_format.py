"""Numbers on the screen: exact width, never a cut digit, never a false zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.catalogue import spec_for
from evaltui.ui.format import (
    beyond_tolerance,
    delta_text,
    number_text,
    relative_text,
    tolerance_text,
    value_text,
)
from evaltui.ui.instants import duration_text, start_text

NOW_S = 1_795_530_120.0  # 2026-11-24 14:22:00 UTC
RATE, COST, TOKENS, COUNT, SCORE = map(
    spec_for,
    (
        "build_success_rate",
        "generation_cost_usd",
        "total_output_tokens",
        "total_apps",
        "avg_appeval_100",
    ),
)


@given(st.floats(-1e300, 1e300), st.integers(0, 6), st.integers(6, 12))
def test_a_number_fits_and_reads_as_itself(value: float, precision: int, width: int) -> None:
    text = number_text(value, precision, width=width)
    assert len(text) <= max(width, 7)  # -9e-300 is the shortest there is
    factor = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(text[-1])
    read = float(text[:-1]) * factor if factor else float(text)
    assert abs(read - value) <= max(abs(value) * 0.51, 10.0**-precision) * 1.001


@given(st.floats(min_value=1e-300, max_value=1e-3))
def test_a_small_number_is_never_zero(value: float) -> None:
    assert float(number_text(value, 2)) != 0


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (0.95, RATE, "0.95"),
        (1.0, RATE, "1.00"),
        (0.0, RATE, "0.00"),
        (-0.0, RATE, "0.00"),
        (None, RATE, "·"),
        (float("nan"), RATE, "·"),
        (4.3, COST, "4.30"),
        (20.0, COUNT, "20"),
        (181_234.0, TOKENS, "181.2k"),
        (9_999.0, TOKENS, "9999"),
        (82.14, SCORE, "82.1"),
        (123_456_789.0, TOKENS, "123.5M"),
    ],
)
def test_values_follow_their_unit(value: float | None, spec: object, text: str) -> None:
    assert value_text(value, spec, missing="·") == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("delta", "spec", "text"),
    [
        (0.05, RATE, "+5.0pp"),
        (-0.123, RATE, "-12.3pp"),
        (0.0, RATE, "0.0pp"),
        (0.21, COST, "+0.21"),
        (-15_000.0, TOKENS, "-15.0k"),
        (None, COST, "·"),
    ],
)
def test_differences_have_a_sign_and_rates_are_in_points(
    delta: float | None, spec: object, text: str
) -> None:
    assert delta_text(delta, spec, missing="·") == text  # type: ignore[arg-type]


def test_relative_differences_are_in_percent() -> None:
    assert relative_text(0.0512, missing="·") == "+5.1%"
    assert relative_text(-0.5, missing="·") == "-50.0%"
    assert relative_text(123.0, missing="·") == "+>999%"
    assert relative_text(None, missing="·") == "·"


def test_a_move_counts_from_the_tolerance_on() -> None:
    assert beyond_tolerance(RATE, 0.80, 0.83) == "better"
    assert beyond_tolerance(RATE, 0.80, 0.77) == "worse"
    assert beyond_tolerance(RATE, 0.80, 0.82) == ""
    assert beyond_tolerance(COST, 4.00, 4.50) == "worse"
    assert beyond_tolerance(COST, 4.00, 3.50) == "better"
    assert beyond_tolerance(COST, None, 3.50) == ""
    assert beyond_tolerance(spec_for("total_apps"), 10, 20) == ""


def test_tolerances_are_told_in_their_unit() -> None:
    assert tolerance_text(RATE, missing="?") == "2pp"
    assert tolerance_text(COST, missing="?") == "5%"
    assert tolerance_text(SCORE, missing="?") == "2"
    assert tolerance_text(spec_for("issue_count"), missing="?") == "?"


def test_a_start_is_a_time_today_and_a_date_before() -> None:
    hour = 3_600_000
    now = NOW_S * 1000
    assert start_text(now - hour, NOW_S, 6) == "13:22"
    assert start_text(now - 20 * hour, NOW_S, 6) == "Nov 23"
    assert start_text(now - 20 * hour, NOW_S, 12) == "Nov 23 18:22"
    assert start_text(now - 400 * 24 * hour, NOW_S, 6) == "Oct'25"
    assert start_text(now - 400 * 24 * hour, NOW_S, 12) == "2025-10-20"
    assert start_text(None, NOW_S, 6) == ""
    assert start_text(float("nan"), NOW_S, 6) == ""
    assert start_text(1e300, NOW_S, 6) == "?"


def test_durations_have_two_units_at_most() -> None:
    assert duration_text(4.21) == "4.2 s"
    assert duration_text(59) == "59 s"
    assert duration_text(200) == "3 min 20 s"
    assert duration_text(7_500) == "2 h 5 min"
    assert duration_text(90_000) == "1 d 1 h"
