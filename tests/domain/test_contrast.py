"""Groups of runs against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.contrast import GroupComparison, GroupDelta, contrast, lowest_p
from evaltui.domain.groups import MOST_GROUPS, Grouping, GroupKind, choices
from evaltui.domain.metric import Direction
from evaltui.domain.run import Run, RunStatus
from evaltui.domain.terms import Terms
from evaltui.domain.verdict import Verdict
from evaltui.stats.unpaired import mann_whitney_exact, welch
from tests.domain.builders import make_run, make_table

BY_MODE = Grouping(GroupKind.MODE)
SCORES = st.lists(st.floats(0, 1).map(lambda value: round(value, 3)), min_size=1, max_size=7)


def runs(mode: str, values: list[float], name: str = "overall_quality_score") -> list[Run]:
    return [
        make_run(f"{mode}{index}", mode=mode, start=index, metrics={name: value})
        for index, value in enumerate(values)
    ]


def held(first: list[float], second: list[float], **terms: object) -> GroupDelta:
    """Hold group b against group a by one metric."""
    found = contrast(
        make_table(*runs("a", first), *runs("b", second)),
        BY_MODE,
        Terms(**terms),  # type: ignore[arg-type]
        reference="a",
    )
    assert isinstance(found, GroupComparison)
    (delta,) = found.deltas
    return delta


def test_five_runs_and_more_get_welch_with_its_interval() -> None:
    first, second = [0.5, 0.52, 0.48, 0.51, 0.5], [0.6, 0.62, 0.61, 0.63, 0.6]
    found, expected = held(first, second), welch(first, second)
    assert expected is not None
    assert (found.test, found.p_value) == ("Welch", expected.p)
    assert found.ci == (expected.low, expected.high)
    assert (found.verdict, found.reason) == (Verdict.IMPROVED, "better by 11 pp, p < .001")
    assert found.delta == pytest.approx(np.mean(second) - np.mean(first))


def test_three_against_three_cannot_go_below_a_tenth_and_says_so() -> None:
    found = held([0.1, 0.11, 0.12], [0.9, 0.91, 0.92])
    assert found.test == "Mann-Whitney exact"
    assert found.p_value == mann_whitney_exact([1, 2, 3], [4, 5, 6]) == lowest_p(3, 3)
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason == "3 v 3 runs cannot go below p = .1"


def test_four_against_four_can_be_told_apart() -> None:
    found = held([0.9, 0.91, 0.92, 0.93], [0.1, 0.11, 0.12, 0.13])
    assert (found.verdict, found.test) == (Verdict.REGRESSED, "Mann-Whitney exact")


def test_one_run_gives_a_difference_only() -> None:
    found = held([0.5], [0.9, 0.8])
    assert (found.p_value, found.verdict) == (None, Verdict.UNDECIDED)
    assert found.reason == "1 v 2 runs: one run has no spread, no test"
    assert (found.reference.sd, found.reference.low) == (None, None)
    assert found.delta == pytest.approx(0.35)


def test_the_mean_of_a_group_has_its_spread_and_interval() -> None:
    value = held([1.0, 2.0, 3.0], [1.0]).reference
    assert (value.n, value.mean, value.sd) == (3, 2.0, 1.0)
    assert value.low == pytest.approx(2 - 4.302652729911275 / 3**0.5)


def test_equal_runs_are_stable() -> None:
    found = held([0.5] * 3, [0.5] * 3)
    assert (found.verdict, found.reason) == (Verdict.STABLE, "all runs are equal")


def test_many_metrics_are_corrected_and_neutral_ones_are_not_tested() -> None:
    def several(mode: str, shift: float) -> list[Run]:
        return [
            make_run(
                f"{mode}{index}",
                mode=mode,
                metrics={
                    "build_success_rate": 0.5 + index / 100 + shift,
                    "tests_pass_rate": 0.5 + index / 100,
                    "total_loc": float(index),
                },
            )
            for index in range(5)
        ]

    found = contrast(make_table(*several("a", 0.0), *several("b", 0.05)), BY_MODE, Terms())
    assert found is not None
    deltas = {delta.metric: delta for delta in found.deltas}
    build = deltas["build_success_rate"]
    assert build.p_value is not None
    assert build.p_adjusted == pytest.approx(2 * build.p_value)
    assert deltas["total_loc"].verdict is Verdict.SAME
    assert deltas["total_loc"].p_value is None


def test_only_finished_runs_count_and_two_groups_are_needed() -> None:
    lone = make_run("x", mode="b", status=RunStatus.FAILED, metrics={"f1": 1.0})
    assert contrast(make_table(*runs("a", [0.5, 0.6]), lone), BY_MODE, Terms()) is None
    assert contrast(make_table(), BY_MODE, Terms()) is None


def test_the_group_of_the_baseline_is_the_one_to_compare_with_else_the_largest() -> None:
    table = make_table(*runs("a", [0.5]), *runs("b", [0.6, 0.7]), *runs("c", [0.6]))
    found = contrast(table, BY_MODE, Terms())
    assert found is not None
    assert (found.reference, dict(found.sizes)) == ("b", {"a": 1, "b": 2, "c": 1})
    found = contrast(table, BY_MODE, Terms(), baseline_row=table.row_of("c0"))
    assert found is not None
    assert found.reference == "c"
    assert [delta.group.group for delta in found.deltas] == ["a", "b"]


def test_runs_are_grouped_by_model_params_and_tags() -> None:
    table = make_table(
        make_run("a", mode=None, params={"model_version": "m1", "prompt": "v1"}, tags={"t": "x"}),
        make_run("b", mode=None, params={"model_version": "m2"}),
    )
    for text, groups in (
        ("model", {"m1": 1, "m2": 1}),
        ("param:prompt", {"v1": 1, None: 1}),
        ("tag:t", {"x": 1, None: 1}),
    ):
        grouping = Grouping.parse(text)
        assert grouping is not None
        found = contrast(table, grouping, Terms())
        assert found is not None
        assert dict(found.sizes) == groups
    assert contrast(table, Grouping(GroupKind.PARAM, "nothing"), Terms()) is None


@pytest.mark.parametrize("text", ["", "modes", "mode:x", "param", "param:", "tag"])
def test_what_is_no_grouping_is_refused(text: str) -> None:
    assert Grouping.parse(text) is None


def test_groups_whose_metric_changed_its_meaning_are_incomparable() -> None:
    old = runs("a", [0.5] * 5)
    new = [
        make_run(f"b{n}", mode="b", metrics={"overall_quality_score": 0.9}, params={"x": "1"})
        for n in range(5)
    ]
    told = {"overall_quality_score.version": "3"}
    versioned = [make_run(run.run_id, mode="b", metrics=run.metrics, params=told) for run in new]
    found = contrast(make_table(*old, *versioned), BY_MODE, Terms())
    assert found is not None
    assert found.deltas[0].verdict is Verdict.INCOMPARABLE
    assert "another formula" in found.deltas[0].reason


@given(SCORES, SCORES, st.sampled_from([Direction.HIGHER, Direction.LOWER]))
def test_swapping_the_groups_mirrors_the_verdict(
    first: list[float], second: list[float], way: Direction
) -> None:
    ways = {"overall_quality_score": way}
    there, back = held(first, second, overrides=ways), held(second, first, overrides=ways)
    assert there.delta == -back.delta
    assert there.p_value == pytest.approx(back.p_value)
    worse = {Verdict.REGRESSED, Verdict.SOFT}
    assert (there.verdict in worse) == (back.verdict is Verdict.IMPROVED)
    assert (there.verdict is Verdict.STABLE) == (back.verdict is Verdict.STABLE)


def test_what_makes_groups_is_offered_and_ids_are_not() -> None:
    rows = [
        make_run(
            f"{mode}{number}",
            mode=mode,
            start=number,
            metrics={"f1": 0.5},
            params={"prompt_version": f"v{number % 3}", "seed": f"{mode}{number}", "same": "x"},
            tags={"mlflow.user": mode, "evaltui.content_id": mode, "team": mode},
        )
        for mode in ("a", "b")
        for number in range(MOST_GROUPS)
    ]
    rows.append(make_run("broken", mode="c", status=RunStatus.FAILED, params={"same": "y"}))
    offered = {choice.grouping.text: choice.sizes for choice in choices(make_table(*rows))}
    assert offered == {
        "mode": (("a", 12), ("b", 12)),
        "param:prompt_version": (("v0", 8), ("v1", 8), ("v2", 8)),
        "tag:mode": (("a", 12), ("b", 12)),
        "tag:team": (("a", 12), ("b", 12)),
    }
    assert all(Grouping.parse(text) is not None for text in offered)
    few = [make_run(name, start=at, params={"seed": name}) for at, name in enumerate("abc")]
    assert choices(make_table(*few)) == []


def test_runs_made_in_another_way_make_a_metric_incomparable() -> None:
    def of(mode: str, version: str) -> list[Run]:
        return [
            make_run(
                f"{mode}{number}",
                mode=mode,
                start=number,
                metrics={"overall_quality_score": 0.5 + number / 100},
                params={"overall_quality_score.version": version},
            )
            for number in range(5)
        ]

    found = contrast(make_table(*of("a", "2"), *of("b", "3")), BY_MODE, Terms())
    assert found is not None
    assert [delta.verdict for delta in found.deltas] == [Verdict.INCOMPARABLE]
