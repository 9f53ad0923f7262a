from __future__ import annotations

import json

import numpy as np
import pytest

from evaltui.domain.cases import from_cases, from_rows, plain_ids, with_more
from evaltui.domain.report import Case, CaseStatus, Report
from evaltui.tracking.case_table import case_table
from tests.domain.case_builders import make_case, make_cases


def test_an_errored_case_has_no_results_but_keeps_what_it_cost() -> None:
    table = from_cases(
        [make_case("a", CaseStatus.ERROR, tests_pass=0.0, cost=2.0), make_case("b", tests_pass=1.0)]
    )
    assert table.errored.tolist() == [True, False]
    assert np.isnan(table.results["tests_pass"][0])
    assert table.numbers["cost_usd"][0] == 2.0
    assert np.isnan(table.outcome[0])


def test_columns_that_nobody_has_are_not_there() -> None:
    table = from_cases([make_case("a", tests_pass=None)])
    assert (dict(table.results), dict(table.numbers)) == ({}, {})


@pytest.mark.parametrize(
    ("ids", "plain"),
    [
        (["a", "a#2", "a#3"], ["a", "a", "a"]),
        (["a#2"], ["a#2"]),  # no `a`: it is called so
        (["a", "a#1", "a#x", "a#"], ["a", "a#1", "a#x", "a#"]),
    ],
)
def test_only_marks_of_repetitions_are_taken_off_an_id(ids: list[str], plain: list[str]) -> None:
    assert list(plain_ids(ids)) == plain


def test_a_logged_table_gives_the_columns_of_its_report() -> None:
    cases = (
        Case("a", CaseStatus.PASS, {"tests_pass": 1.0, "f1": 0.5}, group="g", cost_usd=1.5),
        Case("b", CaseStatus.ERROR, {"tests_pass": None, "f1": None}, columns={"turns": 3.0}),
        Case("c", CaseStatus.FAIL, {"tests_pass": 0.0, "f1": None}, columns={"stack": "node"}),
    )
    data = case_table(Report(format="x", content_id="1", metrics=(), cases=cases))
    assert data is not None
    document = json.loads(data)
    table, expected = from_rows(document["columns"], document["data"]), from_cases(cases)
    assert (table.ids, table.groups) == (expected.ids, expected.groups)
    np.testing.assert_array_equal(table.outcome, expected.outcome)
    np.testing.assert_array_equal(table.errored, expected.errored)
    for name in ("tests_pass", "f1"):
        np.testing.assert_array_equal(table.results[name], expected.results[name])
    assert table.numbers["cost_usd"][0] == 1.5
    assert "stack" not in {**table.results, **table.numbers}


def test_a_table_of_the_old_tracker_has_a_column_of_apps_and_no_status() -> None:
    columns = ["app_name", "build_success", "tests_pass", "runability_score"]
    table = from_rows(columns, [["x", 1, 1, 4], ["y", 1, 0, 3], ["z", None, None, None]])
    assert table.ids == ("x", "y", "z")
    assert table.outcome.tolist()[:2] == [1.0, 0.0]
    assert np.isnan(table.outcome[2])


def test_a_table_without_rows_has_no_cases() -> None:
    assert len(from_rows([], [])) == len(from_rows(["id"], [])) == 0


def test_numbers_from_another_table_are_added_only_for_the_same_cases() -> None:
    table = make_cases({"tests_pass": [1, 0]})
    more = make_cases({"tests_pass": [0, 0]}, {"turns": [5, 6]})
    joined = with_more(table, more)
    assert joined.numbers["turns"].tolist() == [5, 6]
    assert joined.results["tests_pass"].tolist() == [1, 0]
    other = make_cases({"x": [1, 0]}, ids=["other", "c1"])
    assert with_more(table, other) is table
