"""K5, run_local_eval.py: skipped checks are written as failed; their outputs tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import report_documents as docs

from evaltui.domain.report import CaseStatus
from evaltui.errors import ReportSchemaError

SKIPPED = "Skipped - no DB credentials"
DEAD = "App not running"


def test_a_check_that_was_skipped_for_an_app_is_not_evaluated_there() -> None:
    apps = [
        docs.k5_app("a", "brtsdu", databricks_connectivity=SKIPPED),
        docs.k5_app("b", "brtsc"),
        docs.k5_app("c", "brts"),
    ]
    report = docs.read(docs.k5(apps))
    assert report.metric("databricks_connectivity_rate") == 0.5
    assert report.metric("databricks_connectivity_na") == 1
    assert report.cases[0].scores["databricks_connectivity"] is None


@pytest.mark.parametrize("output", [SKIPPED, "Disabled", "disabled by flag", "No Dockerfile"])
def test_each_beginning_that_tells_of_no_try_is_known(output: str) -> None:
    apps = [docs.k5_app("a", "b", ui_renders=output), docs.k5_app("b", "bu")]
    assert docs.read(docs.k5(apps)).metric("ui_renders_na") == 1


def test_an_app_that_did_not_run_fails_only_a_check_that_was_tried_for_some_app() -> None:
    skipped = [docs.k5_app(f"s{n}", "br", databricks_connectivity=SKIPPED) for n in range(3)]
    dead = docs.k5_app("dead", "", databricks_connectivity=DEAD, ui_renders=DEAD)
    live = docs.k5_app("live", "bru", databricks_connectivity=SKIPPED)
    report = docs.read(docs.k5([*skipped, dead, live]))
    assert report.metric("databricks_connectivity_rate") is None
    assert report.metric("databricks_connectivity_na") == 5
    assert report.metric("ui_renders_rate") == pytest.approx(1 / 5)  # 3 tried and failed, 1 dead
    assert "databricks_connectivity" in report.tags["evaltui.not_evaluated"]
    assert "ui_renders" not in report.tags["evaltui.not_evaluated"]
    assert report.metric("overall_quality_score") is None


def test_a_score_goes_with_its_check() -> None:
    report = docs.read(docs.k5([docs.k5_app("a", "bl"), docs.k5_app("b", "b")]))
    assert report.metric("avg_local_runability_score") == 1.5
    assert report.metric("local_runability_pass_rate") == 0.5
    assert report.metric("avg_deployability_score") is None  # no Dockerfile anywhere
    assert report.metric("deployability_pass_na") == 2
    assert report.params["score_scale"] == "local_runability 0-3, deployability 0-3"


def test_deployability_that_was_tried_counts() -> None:
    app = docs.k5_app("a", "b")
    trials = [{"trial": 1, "ok": False, "output": "no such image"}, {"trial": 2, "ok": True}]
    app["details"]["deployability"] = {"passes": 1, "trials": 2, "details": trials}
    app["metrics"]["deployability_score"] = 1
    report = docs.read(docs.k5([app, docs.k5_app("b", "b")]))
    assert report.metric("deployability_pass_rate") == 0
    assert report.metric("avg_deployability_score") == 1
    text = report.cases[0].details["deployability"]
    assert text == "trial 1: failed\nno such image\ntrial 2: passed"


def test_an_app_whose_evaluation_raised_is_an_error_outside_every_rate() -> None:
    broken = docs.k5_app("x", "")
    broken |= {"issues": ["Evaluation error: too many files"], "details": {"error": "too many"}}
    report = docs.read(docs.k5([docs.k5_app("a", "br"), broken]))
    assert report.metric("build_success_rate") == 1
    assert report.metric("build_success_error") == 1
    assert report.metric("total_apps") == 2
    assert report.cases[1].status is CaseStatus.ERROR
    assert report.cases[1].reason == "Evaluation error: too many files"


def test_coverage_that_is_always_0_is_dropped_and_outputs_stay_raw() -> None:
    app = docs.k5_app("a", "b", tests_pass="\x1b[31mFAIL\x1b[0m <b>")
    report = docs.read(docs.k5([app]))
    assert not [name for name in docs.metrics_of(report) if "coverage" in name]
    assert report.cases[0].details["tests"] == "\x1b[31mFAIL\x1b[0m <b>"
    assert report.cases[0].group == "streamlit"


def test_time_with_an_offset_identity_and_schema() -> None:
    apps = [docs.k5_app("a", "b")]
    report = docs.read(docs.k5(apps))
    assert report.started_at == datetime(2026, 3, 3, 0, 37, 50, 796082, tzinfo=UTC)
    assert report.params["app_eval.schema"] == "k5"
    later = docs.k5(apps) | {"run_timestamp": "2026-03-04T00:00:00+00:00"}
    assert docs.read(later).content_id != report.content_id
    moved = docs.k5(apps) | {"base_dir": "/elsewhere"}
    assert docs.read(moved).content_id == report.content_id


def test_the_files_own_count_is_kept_where_it_differs() -> None:
    broken = docs.k5_app("x", "") | {"issues": ["Evaluation error: x"], "details": {}}
    report = docs.read(docs.k5([docs.k5_app("a", "b"), broken]))
    assert report.tags["evaltui.reported.build_success_rate"] == "0.5"


def test_a_wrong_type_is_told_by_its_place_in_per_app() -> None:
    app = docs.k5_app("a")
    app["metrics"]["build_time_sec"] = "long"
    with pytest.raises(ReportSchemaError) as caught:
        docs.read(docs.k5([app]))
    assert caught.value.pointer == "/per_app/0/metrics/build_time_sec"
