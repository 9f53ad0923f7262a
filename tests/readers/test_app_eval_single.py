"""K4: single apps are cases of a report to come, or a report of one by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import report_documents as docs

from evaltui.errors import ReportSchemaError


def test_a_single_app_is_a_report_of_one_case() -> None:
    report = docs.read(docs.k1_app("churn", "brs"), "eval_result.json")
    assert report.format == "app_eval_single"
    assert [case.case_id for case in report.cases] == ["churn"]
    assert report.metric("build_success_rate") == 1
    assert report.metric("total_apps") == 1
    assert report.started_at == datetime(2025, 11, 3, 9, 1, 12, tzinfo=UTC)


def test_the_early_form_has_times_in_metadata_and_scores_instead_of_checks() -> None:
    app = docs.k1_app("a", "b", overall_status="FAIL")
    for name in ("build_time_sec", "startup_time_sec", "total_loc", "data_returned", "ui_renders"):
        del app["metrics"][name]
    app["metadata"] = {"build_time_sec": 7.5, "startup_time_sec": 0, "total_loc": 30}
    app["metrics"] |= {"data_validity_score": 3, "ui_functional_score": 5}
    report = docs.read(app)
    assert report.metric("avg_build_time") == 7.5
    assert report.metric("startup_time_sec_mean") is None
    assert report.metric("data_validity_score_mean") == 3
    assert report.metric("data_returned_n") is None


def test_a_k5_app_follows_the_rules_of_k5() -> None:
    app = docs.k5_app("a", "bru", databricks_connectivity="Skipped - no DB credentials")
    report = docs.read(app, "a_eval.json")
    assert report.metric("databricks_connectivity_na") == 1
    assert report.params["score_scale"].endswith("0-3")
    assert report.params["app_eval.schema"] == "k4.k5"


def test_generation_metrics_beside_a_single_app_are_its_own() -> None:
    numbers = {"cost_usd": 0.9, "input_tokens": 5, "output_tokens": 60, "turns": 7}
    beside = {"generation_metrics.json": docs.to_bytes(numbers)}
    report = docs.read(docs.k1_app("a", "b"), "eval_result.json", beside)
    assert report.metric("generation_cost_usd") == 0.9
    broken = docs.read(docs.k1_app("a"), "eval_result.json", {"generation_metrics.json": b"{"})
    assert broken.metric("generation_cost_usd") is None
    assert any("generation_metrics.json: left out" in note for note in broken.notes)


def test_a_list_of_apps_is_a_report_with_the_latest_time() -> None:
    apps = [docs.k1_app("a", "b"), docs.k1_app("b", timestamp="2025-11-03T10:00:00Z")]
    report = docs.read(apps, "eval_results_1.json")
    assert report.format == "app_eval_list"
    assert report.metric("build_success_rate") == 0.5
    assert report.started_at == datetime(2025, 11, 3, 10, tzinfo=UTC)


def test_a_list_may_be_wrapped_with_its_time() -> None:
    document = {
        "bulk_run_metadata": {"n_jobs": 2},
        "eval_timestamp": "2025-10-21T12:00:00Z",
        "results": [docs.k1_app("a", "b")],
    }
    report = docs.read(document, "eval_results_1761048000.json")
    assert report.started_at == datetime(2025, 10, 21, 12, tzinfo=UTC)


def test_without_a_time_inside_the_file_name_tells_and_else_the_file() -> None:
    app = docs.k1_app("a", "b")
    del app["timestamp"]
    named = docs.read([app], "eval_results_1761048000.json")
    assert named.started_at == datetime(2025, 10, 21, 12, tzinfo=UTC)
    assert docs.read([app], "eval_results.json").started_at == docs.MODIFIED


def test_equal_apps_are_one_evaluation_and_others_are_not() -> None:
    one = docs.read(docs.k1_app("a", "b"), "eval_result.json")
    assert docs.read(docs.k1_app("a", "b"), "copy.json").content_id == one.content_id
    assert docs.read(docs.k1_app("a", "br")).content_id != one.content_id


def test_a_wrong_value_is_told_by_its_place_from_the_top() -> None:
    app = docs.k1_app("a", metrics={"build_success": "maybe"})
    with pytest.raises(ReportSchemaError, match=r"^metrics\.build_success: expected true"):
        docs.read(app)
    with pytest.raises(ReportSchemaError, match=r"^\[1\]\.metrics\.build_success"):
        docs.read([docs.k1_app("b"), app])
