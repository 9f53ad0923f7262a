from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.comparison import Change, MetricDelta, ParamDelta, Remark, change_of, compare
from evaltui.domain.metric import Direction
from evaltui.domain.run import RunStatus, Tag
from tests.domain.builders import make_run

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | FLOATS
OPPOSITE = {Change.BETTER: Change.WORSE, Change.WORSE: Change.BETTER}


def delta_of(name: str, before: float | None, after: float | None) -> MetricDelta:
    runs = [
        make_run(run_id, metrics={} if value is None else {name: value})
        for run_id, value in (("a", before), ("b", after))
    ]
    return compare(*runs).metrics[0]


def test_a_rate_that_rises_is_better_and_a_cost_that_rises_is_worse() -> None:
    rate = delta_of("build_success_rate", 0.5, 0.75)
    assert (rate.delta, rate.relative, rate.change) == (0.25, 0.5, Change.BETTER)
    cost = delta_of("generation_cost_usd", 4.0, 5.0)
    assert (cost.delta, cost.relative, cost.change) == (1.0, 0.25, Change.WORSE)


def test_a_value_that_one_run_lacks_is_missing_and_not_zero() -> None:
    for before, after in ((None, 0.5), (0.5, None)):
        item = delta_of("build_success_rate", before, after)
        assert (item.baseline, item.candidate) == (before, after)
        assert (item.delta, item.relative, item.change) == (None, None, Change.MISSING)


def test_a_value_that_is_not_finite_is_missing() -> None:
    for value in (math.nan, math.inf):
        assert delta_of("build_success_rate", value, 1.0).change is Change.MISSING


def test_nothing_is_relative_to_zero() -> None:
    item = delta_of("generation_cost_usd", 0.0, 2.0)
    assert (item.delta, item.relative, item.change) == (2.0, None, Change.WORSE)
    item = delta_of("generation_cost_usd", 0.0, -0.0)
    assert (item.delta, item.relative, item.change) == (0.0, None, Change.SAME)


def test_float_noise_is_no_change() -> None:
    item = delta_of("build_success_rate", 0.3, 0.1 + 0.2)
    assert (item.delta, item.relative, item.change) == (0.0, 0.0, Change.SAME)


def test_a_neutral_metric_only_changes() -> None:
    assert delta_of("total_loc", 1.0, 2.0).change is Change.CHANGED
    assert delta_of("total_loc", 1.0, 1.0).change is Change.SAME


def test_a_direction_that_people_set_turns_the_verdict() -> None:
    before, after = make_run("a", metrics={"x": 1}), make_run("b", metrics={"x": 2})
    for direction, change in (
        (Direction.HIGHER, Change.BETTER),
        (Direction.LOWER, Change.WORSE),
        (Direction.NEUTRAL, Change.CHANGED),
    ):
        item = compare(before, after, overrides={"x": direction}).metrics[0]
        assert (item.direction, item.change) == (direction, change)


@given(st.sampled_from(Direction), VALUES, VALUES)
def test_swapping_the_runs_turns_everything_round(
    direction: Direction, before: float | None, after: float | None
) -> None:
    there, _, change = change_of(direction, before, after)
    back, _, opposite = change_of(direction, after, before)
    assert opposite is OPPOSITE.get(change, change)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert there == -back
        assert math.isfinite(there)


@given(VALUES, VALUES)
def test_the_other_direction_mirrors_the_verdict(before: float | None, after: float | None) -> None:
    higher = change_of(Direction.HIGHER, before, after)
    lower = change_of(Direction.LOWER, before, after)
    assert higher[:2] == lower[:2]
    assert lower[2] is OPPOSITE.get(higher[2], higher[2])


@given(FLOATS, FLOATS)
def test_a_relative_change_is_finite_and_has_the_sign_of_the_change(
    before: float, after: float
) -> None:
    delta, relative, _ = change_of(Direction.HIGHER, before, after)
    assert delta is not None
    if relative is not None:
        assert math.isfinite(relative)
        assert relative * delta >= 0


@given(st.dictionaries(st.text(max_size=8), FLOATS), st.dictionaries(st.text(max_size=8), FLOATS))
def test_every_metric_of_either_run_is_listed_once(
    before: dict[str, float], after: dict[str, float]
) -> None:
    metrics = compare(make_run("a", metrics=before), make_run("b", metrics=after)).metrics
    assert sorted(item.name for item in metrics) == sorted(before.keys() | after.keys())
    missing = {item.name for item in metrics if item.change is Change.MISSING}
    assert missing == before.keys() ^ after.keys()


def test_the_headline_comes_first_then_the_catalogue_then_the_rest_by_name() -> None:
    values = {"zeta": 1.0, "alpha": 1.0, "build_success_rate": 1.0, "generation_cost_usd": 1.0}
    run = make_run("a", metrics=values, tags={Tag.HEADLINE: "zeta"})
    names = [item.name for item in compare(run, run).metrics]
    assert names == ["zeta", "build_success_rate", "generation_cost_usd", "alpha"]


def test_params_that_differ_are_listed_with_those_that_explain_first() -> None:
    before = make_run("a", params={"model": "x", "timestamp": "1", "same": "s", "old": "o"})
    after = make_run("b", params={"model": "y", "timestamp": "2", "same": "s", "new": ""})
    assert compare(before, after).params == (
        ParamDelta("model", "x", "y"),
        ParamDelta("new", None, ""),
        ParamDelta("old", "o", None),
        ParamDelta("timestamp", "1", "2"),
    )


@pytest.mark.parametrize(
    "param",
    ["app_eval.schema", "score_scale", "backend", "appeval_100.version", "total_apps"],
)
def test_a_changed_meaning_is_a_warning(param: str) -> None:
    before = make_run("a", params={param: "1"})
    assert compare(before, before).comparability == ()
    (remark,) = compare(before, make_run("b", params={param: "2"})).comparability
    assert remark.level == "warning"
    assert "1, 2" in remark.reason


def test_a_meaning_that_one_run_does_not_state_is_unknown() -> None:
    (remark,) = compare(make_run("a"), make_run("b", params={"backend": "claude"})).comparability
    assert "unknown, claude" in remark.reason


def test_app_counts_are_compared_as_params_or_metrics() -> None:
    before = make_run("a", params={"total_apps": "20"})
    assert compare(before, make_run("b", metrics={"total_apps": 20.0})).comparability == ()
    assert compare(before, make_run("b", metrics={"total_apps": 7.0})).comparability


@pytest.mark.parametrize(
    ("tags", "status", "words"),
    [
        ({Tag.STATUS: "partial"}, RunStatus.FINISHED, "partial"),
        ({Tag.KIND: "generation"}, RunStatus.FINISHED, "generation"),
        ({}, RunStatus.RUNNING, "not finished"),
        ({}, RunStatus.FAILED, "failed"),
        ({}, RunStatus.KILLED, "cancelled"),
    ],
)
def test_a_run_that_is_not_whole_is_said_to_be(
    tags: dict[str, str], status: RunStatus, words: str
) -> None:
    remarks = compare(make_run("a"), make_run("b", tags=tags, status=status)).comparability
    assert [remark.level for remark in remarks] == ["warning"]
    assert "candidate" in remarks[0].reason
    assert words in remarks[0].reason


def test_warnings_come_before_notes() -> None:
    before = make_run("a", tags={Tag.SUPERSEDED_BY: "x"})
    after = make_run("b", status=RunStatus.FAILED)
    remarks = compare(before, after).comparability
    assert [remark.level for remark in remarks] == ["warning", "info"]
    assert all(isinstance(remark, Remark) for remark in remarks)
