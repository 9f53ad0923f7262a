from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.catalogue import spec_for
from evaltui.domain.comparison import Change, compare
from evaltui.domain.metric import Direction
from evaltui.domain.stated import (
    MAX_TAG_VALUE,
    agreed_directions,
    stated_directions,
    stated_tags,
)
from tests.domain.builders import make_run


@given(st.dictionaries(st.text(min_size=1, max_size=60), st.sampled_from(Direction), max_size=400))
def test_what_differs_from_the_catalogue_comes_back_whole(told: dict[str, Direction]) -> None:
    tags = stated_tags(told)
    differing = {name: way for name, way in told.items() if spec_for(name).direction is not way}
    assert stated_directions(tags) == differing
    assert all(len(text) <= 8_000 for text in tags.values())


def test_expected_directions_need_no_tag() -> None:
    assert stated_tags({"build_success_rate": Direction.HIGHER}) == {}


def test_many_directions_go_on_in_further_tags() -> None:
    told = {f"unheard_of_{number:05}": Direction.LOWER for number in range(2_000)}
    tags = stated_tags(told)
    assert set(tags) >= {"evaltui.hib", "evaltui.hib.2"}
    assert max(map(len, tags.values())) <= MAX_TAG_VALUE + 100
    assert stated_directions(tags) == told


def test_damaged_tags_tell_nothing() -> None:
    assert stated_directions({"evaltui.hib": "{"}) == {}
    assert stated_directions({"evaltui.hib": "[1]"}) == {}
    odd = '{"lower": ["a", 1], "sideways": ["b"], "higher": "c"}'
    assert stated_directions({"evaltui.hib": odd}) == {"a": Direction.LOWER}


def test_runs_that_contradict_each_other_state_nothing() -> None:
    up = stated_tags({"x_count": Direction.HIGHER, "y_count": Direction.HIGHER})
    down = stated_tags({"x_count": Direction.LOWER})
    assert agreed_directions(up, down) == {"y_count": Direction.HIGHER}


def test_a_stated_direction_decides_a_comparison_until_a_person_says_otherwise() -> None:
    tags = stated_tags({"odd_number": Direction.LOWER})
    before = make_run("a", metrics={"odd_number": 2.0}, tags=tags)
    after = make_run("b", metrics={"odd_number": 1.0}, tags=tags)
    assert compare(before, after).metrics[0].change is Change.BETTER
    told = compare(before, after, overrides={"odd_number": Direction.HIGHER})
    assert told.metrics[0].change is Change.WORSE
