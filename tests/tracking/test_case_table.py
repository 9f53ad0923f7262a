from __future__ import annotations

import json
import math
from typing import Any

from report_builders import make_report

from evaltui.domain.report import Case, CaseStatus
from evaltui.tracking.case_table import LOGGED_ARTIFACTS, case_table


def table(*cases: Case, column: str = "case_id") -> Any:
    data = case_table(make_report(cases=cases, case_column=column))
    assert data is not None
    return json.loads(data)


def test_a_report_without_cases_has_no_table() -> None:
    assert case_table(make_report(cases=())) is None


def test_the_table_holds_id_status_and_scores_in_the_split_format() -> None:
    found = table(
        Case("a", CaseStatus.PASS, {"build": 1.0, "tests": None}),
        Case("b", CaseStatus.ERROR, {"ui": 0.25}),
        column="app_name",
    )
    assert found == {
        "columns": ["app_name", "status", "build", "tests", "ui"],
        "data": [["a", "pass", 1.0, None, None], ["b", "error", None, None, 0.25]],
    }


def test_optional_columns_are_there_when_a_case_has_them() -> None:
    found = table(
        Case(
            "a",
            CaseStatus.FAIL,
            {},
            group="g",
            reason="why",
            duration_s=1.5,
            cost_usd=0.25,
            columns={"turns": 12, "note": "x"},
        ),
        Case("b", CaseStatus.SKIP, {}),
    )
    assert found["columns"] == [
        "case_id", "status", "group", "reason", "duration_s", "cost_usd", "turns", "note",
    ]  # fmt: skip
    assert found["data"] == [
        ["a", "fail", "g", "why", 1.5, 0.25, 12, "x"],
        ["b", "skip", None, None, None, None, None, None],
    ]


def test_what_is_not_finite_is_missing() -> None:
    found = table(Case("a", CaseStatus.PASS, {"x": math.nan, "y": math.inf}))
    assert found["data"] == [["a", "pass", None, None]]


def test_a_column_name_that_is_taken_is_numbered() -> None:
    found = table(
        Case("a", CaseStatus.PASS, {"status": 1.0, "case_id": 0.0}, columns={"status": "s"})
    )
    assert found["columns"] == ["case_id", "status", "status_2", "case_id_2", "status_3"]
    assert found["data"] == [["a", "pass", 1.0, 0.0, "s"]]


def test_lone_surrogates_do_not_reach_the_file() -> None:
    found = table(Case("a\ud800", CaseStatus.PASS, {"b\udfff": 1.0}, reason="\ud83d"))
    assert found["columns"][2] == "b\ufffd"
    assert found["data"][0][0] == "a\ufffd"


def test_the_tag_names_the_table_as_mlflow_does() -> None:
    assert LOGGED_ARTIFACTS == '[{"path": "app_metrics.json", "type": "table"}]'
