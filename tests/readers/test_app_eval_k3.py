"""K3, written by an agent: what can be read counts, the rest is left out and noted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import report_documents as docs

from evaltui.domain.report import CaseStatus

APPS = [
    docs.k3_app("a", tests_pass=True, ui_renders=True, local_runability_score=3.0),
    docs.k3_app("b", tests_pass=False, ui_renders=False, local_runability_score=4.0),
]


def test_rates_come_from_the_apps_and_the_time_from_the_summary() -> None:
    report = docs.read(docs.k3(APPS))
    assert report.metric("tests_pass_rate") == 0.5
    assert report.metric("avg_local_runability_score") == 3.5
    assert report.metric("evaluated") == 2
    assert report.started_at == datetime(2025, 10, 22, 10, 55, 27, tzinfo=UTC)


def test_zero_of_zero_in_the_summary_is_not_evaluated_whatever_the_apps_say() -> None:
    report = docs.read(docs.k3(APPS, ui_renders={"pass": 0, "fail": 0}))
    assert report.metric("ui_renders_rate") is None
    assert report.metric("ui_renders_na") == 2
    assert report.tags["evaltui.not_evaluated"] == "ui_renders"


def test_pass_and_fail_may_be_fewer_than_the_apps() -> None:
    document = docs.k3([], build_success={"pass": 3, "fail": 2})
    document["summary"] |= {"total_apps": 8, "evaluated": 5}
    metrics = docs.metrics_of(docs.read(document))
    assert metrics["build_success_rate"] == 0.6
    assert metrics["build_success_na"] == 3
    assert metrics["total_apps"] == 8


def test_a_check_that_only_the_summary_counts_is_taken_from_it() -> None:
    report = docs.read(docs.k3(APPS, type_safety={"pass": 1, "fail": 1}))
    assert report.metric("type_safety_rate") == 0.5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pass", 1.0),
        ("PASSED", 1.0),
        ("✓", 1.0),
        (1, 1.0),
        ("fail", 0.0),
        ("false", 0.0),
        (0, 0.0),
        ("N/A", None),
        (None, None),
        ("perhaps", None),
        ([], None),
        (0.5, None),
    ],
)
def test_words_for_yes_and_no_are_understood(value: Any, expected: float | None) -> None:
    (case,) = docs.read(docs.k3([docs.k3_app("a", tests_pass=value)])).cases
    assert case.scores["tests_pass"] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("3", 3.0), ("3.5", 3.5), ("4/5", 4.0), ("80%", 80.0), ("many", None), (True, None)],
)
def test_numbers_may_be_texts(value: Any, expected: float | None) -> None:
    (case,) = docs.read(docs.k3([docs.k3_app("a", deployability_score=value)])).cases
    assert case.scores["deployability_score"] == expected


def test_an_answer_that_is_neither_yes_nor_no_is_noted() -> None:
    report = docs.read(docs.k3([docs.k3_app("a", tests_pass="perhaps")]))
    assert "apps[0].metrics.tests_pass is neither yes nor no: taken as missing" in report.notes


def test_apps_of_strange_shapes_do_not_break_the_report() -> None:
    strange: list[Any] = ["text", {"name": "b", "metrics": []}, {"issues": "one line"}, None]
    document = docs.k3([])
    document["apps"] = strange
    document["extra"] = {"free": "form"}
    report = docs.read(document)
    assert [case.case_id for case in report.cases] == ["app-1", "b", "app-3", "app-4"]
    assert {case.status for case in report.cases} == {CaseStatus.NA}


def test_apps_may_be_an_object_by_name() -> None:
    document = docs.k3([], build_success={"pass": 1, "fail": 1})
    document["apps"] = {"a": {"build_success": "pass"}, "b": {"metrics": {"build_success": False}}}
    report = docs.read(document)
    assert [case.case_id for case in report.cases] == ["a", "b"]
    assert report.metric("build_success_rate") == 0.5


def test_without_a_time_the_files_own_is_taken() -> None:
    document = docs.k3(APPS)
    del document["summary"]["timestamp"]
    assert docs.read(document).started_at == docs.MODIFIED


def test_identity_is_the_apps_and_not_the_mode() -> None:
    document = docs.k3(APPS)
    before = docs.read(document).content_id
    document["summary"]["mode"] = "MCP (TypeScript/tRPC)"
    after = docs.read(document)
    assert after.content_id == before
    assert after.mode == "mcp"
