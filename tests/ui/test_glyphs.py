"""Sparklines and charts: exact width, gaps for NaN, one bad run stays visible."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from evaltui.ui.charts import bounds, chart, drawn_cells, sparkline
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


def test_few_values_stand_at_the_left_and_leave_room_for_what_comes() -> None:
    assert sparkline(np.array([0.0, 1.0]), BLOCK, width=4) == "▁▇  "
    assert chart(np.array([0.0, 1.0]), ASCII, width=3, height=2, scale=(0.0, 1.0)) == [" * ", "*  "]


@pytest.mark.parametrize("glyphs", [BLOCK, BRAILLE, ASCII], ids=lambda glyphs: glyphs.name)
def test_a_new_value_changes_the_end_of_what_is_drawn_and_leaves_the_rest(glyphs: Glyphs) -> None:
    series = np.random.default_rng(3).uniform(size=400)
    series[:2] = 0.0, 1.0  # the scale stays

    def changed(count: int) -> tuple[int, int]:
        spark = [sparkline(series[:at], glyphs, width=50) for at in (count, count + 1)]
        large = [
            "".join(chart(series[:at], glyphs, width=60, height=1, scale=(0.0, 1.0)))
            for at in (count, count + 1)
        ]
        return differing(*spark), differing(*large)

    # When the groups grow all is drawn anew; the median moves, and with it a choice now and then.
    changes = [changed(count) for count in range(2, 399)]
    few = [pair for pair in changes if max(pair) <= 4]
    assert len(few) >= 0.85 * len(changes)
    assert max(map(max, changes)) > 10


@given(st.integers(1, 500), st.integers(5, 60))
def test_most_of_the_room_is_drawn_however_many_values_there_are(count: int, width: int) -> None:
    text = sparkline(np.ones(count), BLOCK, width=width)
    drawn = len(text.rstrip())
    assert drawn == count if count <= width else 0.8 * width <= drawn + 1 <= width + 1


def differing(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


@given(st.integers(1, 500), every, st.integers(1, 60))
def test_it_is_known_how_many_cells_a_chart_draws(count: int, glyphs: Glyphs, width: int) -> None:
    steps = np.arange(count) % 2  # no newest value is at the bottom of a chart of one line
    lines = chart(steps + 1.0, glyphs, width=width, height=1, scale=(0.0, 2.0))
    used = drawn_cells(count, glyphs, width)
    assert 0 < used <= width
    assert used - 1 <= len(lines[0].rstrip(" \u2800")) <= used  # a gap may end it


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
