from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.engine.pace import SLOWEST_S, Pace


def test_every_refusal_doubles_the_interval_up_to_the_slowest() -> None:
    pace, seen = Pace.quiet(10.0), []
    for _ in range(7):
        pace = pace.refused()
        seen.append(pace.interval_s)
    assert seen == [20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_answers_bring_it_back_step_by_step_and_no_further() -> None:
    pace, seen = Pace(10.0, 40.0), []
    for _ in range(5):
        pace = pace.answered()
        seen.append(pace.interval_s)
    assert seen == [30.0, 20.0, 10.0, 10.0, 10.0]
    assert Pace(10.0, 40.0).slowdown == 4.0
    assert pace.slowdown == 1.0


@pytest.mark.parametrize(
    ("asked", "least"), [(None, 20.0), (3.0, 20.0), (45.0, 45.0), (7200.0, 300.0), (-5.0, 20.0)]
)
def test_what_the_store_asks_for_is_waited_for_and_never_less(
    asked: float | None, least: float
) -> None:
    pace = Pace.quiet(10.0).refused()
    assert pace.wait_s(asked, jitter_ratio=0.2, chance=0.0) == least
    assert pace.wait_s(asked, jitter_ratio=0.2, chance=1.0) == pytest.approx(least * 1.2)


@given(
    st.floats(0.1, 600.0),
    st.lists(st.booleans(), max_size=60),
)
def test_the_interval_stays_between_the_usual_one_and_the_slowest(
    usual: float, refusals: list[bool]
) -> None:
    pace = Pace.quiet(usual)
    for refused in refusals:
        pace = pace.refused() if refused else pace.answered()
        assert usual <= pace.interval_s <= max(SLOWEST_S, usual)
    for _ in range(3100):
        pace = pace.answered()
    assert pace.interval_s == usual
