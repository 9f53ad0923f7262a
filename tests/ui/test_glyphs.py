"""Sparklines and charts: exact width, gaps for NaN, one bad run stays visible."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from evaltui.ui.charts import bounds, chart, sparkline
from evaltui.ui.glyphs import ASCII, BLOCK, BRAILLE, Glyphs, choose_glyphs

values = st.lists(
    st.one_of(st.floats(-1e300, 1e300), st.just(math.nan), st.just(math.inf)), max_size=60
)
every = st.sampled_from([BLOCK, BRAILLE, ASCII])


@given(values, every, st.integers(0, 40))
def test_a_sparkline_is_as_wide_as_asked(found: list[float], glyphs: Glyphs, width: int) -> None:
    finite = [math.nan if math.isinf(value) else value for value in found]
    text = sparkline(np.array(finite), glyphs, width=width)
    assert cell_len(text) == len(text) == width
    assert not glyphs.ascii_only or text.isascii()


@given(values, every, st.integers(1, 40), st.integers(1, 9))
def test_a_chart_is_as_large_as_asked(
    found: list[float], glyphs: Glyphs, width: int, height: int
) -> None:
    finite = np.array([math.nan if math.isinf(value) else value for value in found])
    lines = chart(finite, glyphs, width=width, height=height, scale=bounds(finite))
    assert [cell_len(line) for line in lines] == [width] * height


def test_a_run_without_the_metric_is_a_gap() -> None:
    assert sparkline(np.array([0.0, math.nan, 1.0]), BLOCK) == "▁ ▇"
    assert sparkline(np.array([0.0, math.nan, 1.0]), ASCII) == "_ #"


def test_equal_values_stand_in_the_middle() -> None:
    assert sparkline(np.array([2.0, 2.0]), BLOCK) == "▄▄"


def test_no_value_is_blank() -> None:
    assert sparkline(np.array([math.nan, math.nan]), BLOCK) == "  "
    assert sparkline(np.array([]), BLOCK, width=3) == "   "


def test_noise_does_not_look_like_a_cliff() -> None:
    assert sparkline(np.array([0.80, 0.81]), BLOCK, least_span=0.08) == "▄▄"
    assert sparkline(np.array([0.80, 0.81]), BLOCK) == "▁▇"


def test_one_bad_run_among_many_stays_visible() -> None:
    series = np.full(400, 0.9)
    series[137] = 0.1
    assert "▁" in sparkline(series, BLOCK, width=20)


def test_few_values_stand_at_the_right() -> None:
    assert sparkline(np.array([0.0, 1.0]), BLOCK, width=4) == "  ▁▇"


def test_a_chart_is_highest_where_the_value_is() -> None:
    lines = chart(np.array([0.0, 1.0]), ASCII, width=2, height=3, scale=(0.0, 1.0))
    assert lines == [" *", "  ", "* "]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "en_GB.UTF-8"}, "block"),
        ({"LANG": "de_DE.utf8"}, "block"),
        ({"LANG": "C"}, "ascii"),
        ({"LC_ALL": "en_US.ISO-8859-1", "LANG": "en_US.UTF-8"}, "ascii"),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, "ascii"),
        ({}, "block"),
    ],
)
def test_glyphs_follow_the_locale(environ: dict[str, str], expected: str) -> None:
    assert choose_glyphs("auto", environ).name == expected


@pytest.mark.parametrize("name", ["block", "braille", "ascii"])
def test_a_wish_for_glyphs_wins(name: str) -> None:
    assert choose_glyphs(name, {"LANG": "C"}).name == name
