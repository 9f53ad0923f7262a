from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.run import LOCAL_PREFIX, Run, RunStatus, Tag
from evaltui.domain.select import (
    default_baseline,
    eligible,
    eligible_order,
    headline,
    mode_of,
    order_rows,
    resolve,
    visible,
)
from evaltui.domain.table import RunDelta, RunTable
from evaltui.errors import RunNotFoundError
from tests.domain.builders import make_run, make_table, packed_table


@pytest.mark.parametrize(
    ("run", "is_visible"),
    [
        (make_run("x", status=RunStatus.RUNNING), True),
        (make_run("x", status=RunStatus.FAILED), True),
        (make_run("x", status=RunStatus.KILLED), True),
        (make_run("x", status=RunStatus.PENDING), True),
        (make_run("x", tags={Tag.STATUS: "partial"}), True),
        (make_run("x", tags={Tag.KIND: "generation"}), True),
        (make_run("x", tags={Tag.STATE: "logging"}), True),
        (make_run(f"{LOCAL_PREFIX}x"), True),
        (make_run("x", tags={Tag.SUPERSEDED_BY: "y"}), False),
        (make_run("x", tags={Tag.DUPLICATE_OF: "y"}), False),
    ],
)
def test_a_run_that_is_no_whole_evaluation_is_never_eligible(run: Run, is_visible: bool) -> None:
    table = make_table(make_run("good"), run)
    assert eligible(table).tolist() == [True, False]
    assert visible(table).tolist() == [True, is_visible]


@pytest.mark.parametrize(
    "tags", [{}, {Tag.STATUS: "finished"}, {Tag.KIND: "evaluation"}, {Tag.SUPERSEDED_BY: ""}]
)
def test_a_finished_evaluation_is_eligible(tags: Mapping[str, str]) -> None:
    assert eligible(make_table(make_run("x", tags=tags))).tolist() == [True]


def test_runs_that_the_store_lacks_are_told_by_their_ids_however_these_are_kept() -> None:
    runs = [make_run(run_id) for run_id in ("a", f"{LOCAL_PREFIX}1", f"x{LOCAL_PREFIX}", "")]
    table = packed_table(make_table(*runs))
    assert eligible(table).tolist() == [True, False, True, True]
    table.apply(RunDelta.from_runs([make_run("b"), make_run(f"{LOCAL_PREFIX}2")]))
    assert eligible(table).tolist() == [True, False, True, True, True, False]


def test_a_removed_run_is_neither_visible_nor_eligible() -> None:
    table = make_table(make_run("a"), make_run("b"))
    assert eligible(table).tolist() == [True, True]
    table.apply(RunDelta(removed=("a",)))
    assert eligible(table).tolist() == [False, True]
    assert visible(table).tolist() == [False, True]
    assert order_rows(table).tolist() == [1]


def test_what_callers_do_to_a_selection_stays_with_them() -> None:
    table = make_table(make_run("a"))
    eligible(table)[:] = False
    eligible_order(table)[:] = 9
    assert eligible(table).tolist() == [True]
    assert eligible_order(table).tolist() == [0]


@given(st.lists(st.none() | st.integers(0, 3), max_size=12))
def test_runs_stand_in_order_of_start_then_id(starts: list[int | None]) -> None:
    size = len(starts)
    runs = [make_run(f"{size - at:02}", start=start) for at, start in enumerate(starts)]
    table = make_table(*runs)
    expected = sorted(
        range(size),
        key=lambda row: (-1 if (start := starts[row]) is None else start, runs[row].run_id),
    )
    assert order_rows(table).tolist() == expected


def test_a_mode_is_a_tag_and_else_a_param() -> None:
    table = make_table(
        make_run("a", mode="mcp", params={"mode": "other"}),
        make_run("b", mode=None, params={"mode": "vanilla_sdk"}),
        make_run("c", mode=None),
    )
    assert [mode_of(table, row) for row in range(3)] == ["mcp", "vanilla_sdk", None]


@pytest.fixture
def history() -> RunTable:
    return make_table(
        make_run("run-1", start=1),
        make_run("run-2", start=2, mode="vanilla_sdk"),
        make_run("run-3", start=3, status=RunStatus.FAILED),
        make_run("run-4", start=4),
        make_run("run-5", start=4),
        make_run("run-6", start=None, status=RunStatus.RUNNING),
    )


def test_the_baseline_is_the_previous_finished_run_of_the_same_mode(history: RunTable) -> None:
    rows = [default_baseline(history, row).row for row in range(6)]
    assert rows == [None, None, 0, 0, 3, 4]
    assert "previous mcp" in default_baseline(history, 3).why
    assert "vanilla_sdk" in default_baseline(history, 1).why


def test_a_baseline_of_this_session_beats_the_shared_one(history: RunTable) -> None:
    choice = default_baseline(history, 4, shared_run_id="run-1", session_run_id="run-2")
    assert (choice.row, choice.why) == (1, "set in this session")
    assert default_baseline(history, 4, shared_run_id="run-1").row == 0


def test_a_baseline_that_is_gone_gives_way_and_the_reason_says_so(history: RunTable) -> None:
    choice = default_baseline(history, 4, shared_run_id="deleted")
    assert choice.row == 3
    assert "gone" in choice.why


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 4), st.sampled_from(["a", "b"]), st.booleans()),
        max_size=10,
    )
)
def test_the_baseline_is_what_a_plain_search_finds(
    rows: list[tuple[int | None, str, bool]],
) -> None:
    runs = [
        make_run(
            f"{97 * (at + 1) % 11:02}-{at}",
            start=start,
            mode=mode,
            status=RunStatus.FINISHED if good else RunStatus.FAILED,
        )
        for at, (start, mode, good) in enumerate(rows)
    ]
    table = make_table(*runs)
    for row, (start, mode, _) in enumerate(rows):
        before = [
            (-1 if other[0] is None else other[0], runs[at].run_id, at)
            for at, other in enumerate(rows)
            if other[1:] == (mode, True) and at != row
        ]
        if start is not None:
            before = [key for key in before if key[:2] < (start, runs[row].run_id)]
        expected = max(before)[2] if before else None
        assert default_baseline(table, row).row == expected


def test_runs_are_named_by_position_name_id_or_prefix(history: RunTable) -> None:
    assert resolve(history, "latest") == 4
    assert resolve(history, "latest~1") == 3
    assert resolve(history, "latest:mode=vanilla_sdk") == 1
    assert resolve(history, "latest~2:mode=mcp") == 0
    assert resolve(history, "run-3") == 2
    assert resolve(history, "baseline", baseline_run_id="run-2") == 1


def test_a_prefix_of_an_id_is_enough_when_it_is_the_only_one() -> None:
    table = make_table(make_run("0123abcd", name="x"), make_run("0123ffff", name="x"))
    assert resolve(table, "0123a") == 0
    with pytest.raises(RunNotFoundError, match="2 runs") as caught:
        resolve(table, "0123")
    assert "0123abcd" in (caught.value.hint or "")
    with pytest.raises(RunNotFoundError, match="2 runs"):
        resolve(table, "x")
    with pytest.raises(RunNotFoundError):
        resolve(table, "012")  # too short to be meant as an id


def test_a_superseded_run_of_the_same_name_does_not_make_a_name_ambiguous() -> None:
    table = make_table(
        make_run("a", name="x", tags={Tag.SUPERSEDED_BY: "b"}), make_run("b", name="x")
    )
    assert resolve(table, "x") == 1


def test_a_name_that_nobody_has_gets_near_ones(history: RunTable) -> None:
    with pytest.raises(RunNotFoundError) as caught:
        resolve(history, "rum-4")
    assert "run-4" in (caught.value.hint or "")
    with pytest.raises(RunNotFoundError) as caught:
        resolve(history, "latest:mode=mpc")
    assert "mcp" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["latest~9", "baseline", "", "latest:mode="])
def test_what_is_not_there_is_an_error(history: RunTable, text: str) -> None:
    with pytest.raises(RunNotFoundError):
        resolve(history, text)


def test_a_baseline_that_was_deleted_does_not_resolve(history: RunTable) -> None:
    with pytest.raises(RunNotFoundError, match="baseline"):
        resolve(history, "baseline", baseline_run_id="deleted")


def test_the_headline_is_what_the_run_says() -> None:
    table = make_table(
        make_run("a", metrics={"acc": 1, "avg_appeval_100": 2}, tags={Tag.HEADLINE: "acc"}),
        make_run("b", metrics={"acc": 1}, tags={Tag.HEADLINE: "gone"}),
        make_run("c"),
    )
    assert headline(table, 0) == "acc"
    assert headline(table, 1) == "acc"
    assert headline(table, 2) is None


def test_without_a_tag_the_headline_is_the_familys_score() -> None:
    values = {"build_success_rate": 1.0, "avg_appeval_100": 50.0}
    table = make_table(
        make_run("a", metrics=values | {"overall_quality_score": 0.5}),
        make_run("b", metrics=values),
    )
    assert headline(table) == "overall_quality_score"
    assert headline(table, 1) == "avg_appeval_100"


def test_without_a_known_score_the_headline_is_the_gain_most_runs_have() -> None:
    table = make_table(
        make_run("a", metrics={"total_cost_usd": 1, "total_apps": 1, "f1": 1, "acc": 1}),
        make_run("b", metrics={"total_cost_usd": 1, "total_apps": 1, "f1": 1}),
    )
    assert headline(table) == "f1"
    only_cost = make_table(make_run("a", metrics={"total_cost_usd": 1, "total_apps": 1}))
    assert headline(only_cost) == "total_cost_usd"
    assert headline(RunTable()) is None
