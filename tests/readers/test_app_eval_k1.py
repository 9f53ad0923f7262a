"""K1, evaluate_all.py: what false means, what zero means, which version wrote the file."""

from __future__ import annotations

import copy
import math
from datetime import UTC, datetime
from typing import Any

import pytest
import report_documents as docs

from evaltui.domain.report import CaseStatus, ModeSource, ReportKind
from evaltui.errors import ReportSchemaError

# three apps: builds 2 of 3, runs 2, types 1, tests 1, connected 1, data 1, ui 1
APPS = [docs.k1_app("a", "brtscdu"), docs.k1_app("b", "br"), docs.k1_app("c", "")]


def test_rates_counts_and_averages_come_from_the_apps() -> None:
    report = docs.read(docs.k1(APPS))
    metrics = docs.metrics_of(report)
    assert metrics["build_success_rate"] == pytest.approx(2 / 3)
    parts = ("pass", "fail", "n", "na", "error")
    assert [metrics[f"build_success_{part}"] for part in parts] == [2, 1, 3, 0, 0]
    assert metrics["tests_pass_rate"] == pytest.approx(1 / 3)
    assert metrics["overall_quality_score"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 3) / 4)
    assert metrics["avg_local_runability_score"] == 4
    assert metrics["avg_deployability_score"] == 2
    assert metrics["total_apps"] == 3
    assert report.params["total_apps"] == "3"
    assert report.params["overall_quality_score.version"] == "3"
    assert report.headline == "overall_quality_score"
    assert report.framework == "klaudbiusz"
    assert report.kind is ReportKind.EVALUATION
    assert report.started_at == datetime(2025, 11, 3, 9, 7, 13, tzinfo=UTC)
    assert report.evaluation_id == docs.STAMP


def test_a_check_gives_no_mean_and_a_score_gives_mean_and_standard_error() -> None:
    apps = [
        docs.k1_app(name, metrics={"local_runability_score": score})
        for name, score in (("a", 1), ("b", 2), ("c", 5))
    ]
    metrics = docs.metrics_of(docs.read(docs.k1(apps)))
    deviation = math.sqrt(((1 - 8 / 3) ** 2 + (2 - 8 / 3) ** 2 + (5 - 8 / 3) ** 2) / 2)
    assert metrics["local_runability_score_mean"] == pytest.approx(8 / 3)
    assert metrics["local_runability_score_stderr"] == pytest.approx(deviation / math.sqrt(3))
    assert not [name for name in metrics if name.startswith("build_success_mean")]
    assert "build_success_stderr" not in metrics


def test_one_app_has_a_mean_and_no_standard_error() -> None:
    metrics = docs.metrics_of(docs.read(docs.k1(APPS[:1])))
    assert metrics["local_runability_score_mean"] == 4
    assert "local_runability_score_stderr" not in metrics


def test_cases_carry_checks_scores_and_why_they_fail() -> None:
    apps = copy.deepcopy(APPS)
    apps[1]["issues"] = ["Tests failed", "UI concerns: blank"]
    apps[1]["details"] = {"local_runability": ["✓ README", "✗ no .env"], "note": {"a": 1}}
    first, second, third = docs.read(docs.k1(apps)).cases
    assert [first.case_id, second.case_id, third.case_id] == ["a", "b", "c"]
    assert [first.status, second.status] == [CaseStatus.PASS, CaseStatus.FAIL]
    assert second.scores["build_success"] == 1.0
    assert second.scores["tests_pass"] == 0.0
    assert second.scores["local_runability_score"] == 4.0
    assert second.reason == "Tests failed"
    assert first.reason is None
    assert second.details["local_runability"] == "✓ README\n✗ no .env"
    assert second.details["note"] == '{"a": 1}'
    assert second.columns["issue_count"] == 2


def test_data_and_ui_that_are_false_for_every_app_are_not_evaluated() -> None:
    report = docs.read(docs.k1([docs.k1_app("a", "brtsc"), docs.k1_app("b", "b")]))
    metrics = docs.metrics_of(report)
    assert "data_returned_rate" not in metrics
    assert "ui_renders_pass" not in metrics
    assert (metrics["data_returned_n"], metrics["data_returned_na"]) == (0, 2)
    assert report.tags["evaltui.not_evaluated"] == "data_returned, ui_renders"
    assert report.cases[0].scores["ui_renders"] is None
    assert report.cases[0].status is CaseStatus.PASS
    assert metrics["databricks_connectivity_rate"] == 0.5


def test_a_single_app_that_failed_the_data_check_for_certain_has_failed_it() -> None:
    app = docs.k1_app("a", "brtsc", issues=["Data validity concerns: no rows"])
    report = docs.read(docs.k1([app]))
    assert report.metric("data_returned_rate") == 0
    assert report.metric("ui_renders_rate") is None


def _detailed(name: str, passed: str, *issues: str) -> dict[str, Any]:
    lists = {"local_runability": ["✓ README"], "deployability": ["✗ No Dockerfile"]}
    return docs.k1_app(name, passed, issues=list(issues), details=lists)


def test_fast_mode_that_skipped_connectivity_is_told_by_the_missing_issue_lines() -> None:
    report = docs.read(docs.k1([_detailed("a", "brts"), _detailed("b", "brts")]))
    metrics = docs.metrics_of(report)
    assert metrics["databricks_connectivity_na"] == 2
    assert "databricks_connectivity_rate" not in metrics
    assert "overall_quality_score" not in metrics
    assert report.headline == "avg_local_runability_score"
    assert report.tags["evaltui.not_evaluated"].startswith("databricks_connectivity, ")


def test_an_appeval_100_that_counts_skipped_connectivity_as_failed_says_so() -> None:
    apps = [_detailed("a", "brts"), _detailed("b", "brts")]
    for app in apps:
        app["metrics"]["appeval_100"] = 3.0
    skipped = docs.read(docs.k1(apps))
    assert skipped.params["appeval_100.version"].endswith(", connectivity skipped")
    apps[0]["metrics"]["databricks_connectivity"] = True
    assert "skipped" not in docs.read(docs.k1(apps)).params["appeval_100.version"]


@pytest.mark.parametrize(
    "apps",
    [
        [_detailed("a", "brts", "Databricks connectivity failed"), _detailed("b", "")],
        [_detailed("a", "b"), _detailed("b", "")],  # nothing ran: nothing could connect
        [docs.k1_app("a", "brts"), docs.k1_app("b", "brts")],  # a version without issue lines
    ],
)
def test_connectivity_that_failed_everywhere_is_a_rate_of_0(apps: list[Any]) -> None:
    assert docs.read(docs.k1(apps)).metric("databricks_connectivity_rate") == 0


@pytest.mark.parametrize(
    "line",
    [
        "Docker-only apps not yet supported",
        "Python apps not yet supported",
        "Unknown template - no eval scripts available",
    ],
)
def test_stub_apps_are_outside_every_rate_and_mean(line: str) -> None:
    stub = docs.stub_app()
    stub["issues"] = [line]
    report = docs.read(docs.k1([*APPS, stub]))
    metrics = docs.metrics_of(report)
    assert metrics["build_success_rate"] == pytest.approx(2 / 3)
    assert metrics["build_success_na"] == 1
    assert metrics["avg_local_runability_score"] == 4
    assert metrics["total_apps"] == 4
    assert report.tags["evaltui.stub_apps"] == "1"
    assert report.cases[3].status is CaseStatus.NA
    assert report.cases[3].reason == line
    assert set(report.cases[3].scores.values()) == {None}


def test_a_failed_app_with_a_stubs_line_and_others_is_no_stub() -> None:
    app = docs.k1_app("x", "", issues=["Python apps not yet supported", "Tests failed"])
    assert docs.read(docs.k1([*APPS, app])).metric("build_success_na") == 0


def test_times_of_apps_that_were_never_built_are_missing_not_zero() -> None:
    app = docs.k1_app("x", "", metrics={"build_time_sec": 0.0, "startup_time_sec": 0})
    report = docs.read(docs.k1([*APPS, app]))
    assert report.metric("avg_build_time") == 10
    assert report.metric("startup_time_sec_mean") == 2
    assert report.cases[3].columns["build_time_sec"] is None


def test_coverage_of_apps_without_tests_is_missing_not_zero() -> None:
    app = docs.k1_app("x", "", metrics={"test_coverage_pct": 0.0, "has_tests": False})
    assert docs.read(docs.k1([*APPS, app])).metric("avg_coverage") == 50


def test_generation_averages_are_over_the_apps_that_have_data() -> None:
    known = {"cost_usd": 0.5, "input_tokens": 10, "output_tokens": 1000, "turns": 40}
    zeros = {"cost_usd": 0, "input_tokens": 0, "output_tokens": 0, "turns": 0}
    apps = [
        docs.k1_app("a", "b", generation_metrics=known),
        docs.k1_app("b", "b", generation_metrics={**known, "cost_usd": 1.5, "turns": 60}),
        docs.k1_app("c", "b"),
        docs.k1_app("d", "b", generation_metrics=zeros),  # what the script writes for "unknown"
    ]
    told = {"total_cost_usd": 2.0, "total_output_tokens": 2000, "avg_turns": 25.0}
    report = docs.read(docs.k1(apps, generation_metrics=told))
    metrics = docs.metrics_of(report)
    assert metrics["generation_cost_usd"] == 2.0
    assert metrics["avg_turns_per_app"] == 50
    assert metrics["total_output_tokens"] == 2000
    assert metrics["total_input_tokens"] == 20
    assert metrics["apps_per_dollar"] == 1.0
    assert metrics["cost_usd_stderr"] == pytest.approx(0.5)
    assert report.tags["evaltui.reported.avg_turns_per_app"] == "25"
    assert "evaltui.reported.generation_cost_usd" not in report.tags
    assert [case.cost_usd for case in report.cases] == [0.5, 1.5, None, None]


def test_what_the_file_says_otherwise_is_kept_in_tags() -> None:
    stub = docs.stub_app()
    report = docs.read(docs.k1([*APPS, stub], metrics_summary={"local_runability_avg": 3.0}))
    assert report.tags["evaltui.reported.build_success_rate"] == "0.5"  # 2 of 4, stub included
    assert report.tags["evaltui.reported.avg_local_runability_score"] == "3"
    assert "evaltui.reported.avg_deployability_score" not in report.tags
    fewer = docs.read(docs.k1(APPS, total_apps=9))
    assert fewer.tags["evaltui.reported.total_apps"] == "9"
    assert fewer.metric("total_apps") == 3


def test_a_report_without_its_apps_gives_the_files_own_figures() -> None:
    document = docs.k1(APPS, metrics_summary={"data_returned": 0, "avg_appeval_100": 31.5})
    del document["apps"]
    metrics = docs.metrics_of(docs.read(document))
    assert metrics["build_success_rate"] == pytest.approx(2 / 3)
    assert metrics["avg_appeval_100"] == 31.5
    assert metrics["data_returned_na"] == 3
    assert "data_returned_rate" not in metrics
    assert metrics["total_apps"] == 3


def test_no_apps_at_all_give_a_count_and_no_rates() -> None:
    zeros = {"avg_appeval_100": 0, "avg_eff_units": None, "local_runability_avg": 0}
    report = docs.read(docs.k1([], metrics_summary=zeros, generation_metrics={"total_cost_usd": 0}))
    assert docs.metrics_of(report) == {"total_apps": 0}
    assert report.cases == ()
    assert report.headline is None


@pytest.mark.parametrize(
    ("feature", "schema", "loc", "scale"),
    [
        ("bare", "k1.bare", "lines", "deployability 0-4"),
        ("run_id", "k1.run_id", "lines", "deployability 0-4"),
        ("generation", "k1.generation_metrics", "lines", "deployability 0-4"),
        ("discovery", "k1.generation_metrics", "lines", "deployability 0-4"),
        ("appeval_100", "k1.appeval_100", "lines", "deployability 0-4"),
        ("details", "k1.details", "files", "deployability 0-5"),
        ("eff_units", "k1.eff_units", "files", "deployability 0-5"),
        ("template_type", "k1.template_type", "files", "deployability 0-5"),
        ("avg_appeval_100", "k1.avg_appeval_100", "files", "deployability 0-5"),
    ],
)
def test_every_dated_variant_is_known_by_its_newest_feature(
    feature: str, schema: str, loc: str, scale: str
) -> None:
    order = ["bare", "run_id", "generation", "discovery", "appeval_100"]
    order += ["details", "eff_units", "template_type", "avg_appeval_100"]
    has = set(order[: order.index(feature) + 1])
    app = docs.k1_app("a", "brtscdu")
    if "discovery" in has:
        app["details"] = {"app_type": "trpc", "discovered_commands": {"build": "npm run build"}}
    if "details" in has:
        app["details"] = {"local_runability": ["✓ README"], "deployability": []}
    values = {"appeval_100": 80.0, "eff_units": None, "template_type": "trpc"}
    app["metrics"] |= {name: value for name, value in values.items() if name in has}
    told = {"avg_appeval_100": 80.0} if feature == "avg_appeval_100" else {}
    summary = {"generation_metrics": {"total_cost_usd": 0}} if "generation" in has else {}
    run_id = None if feature == "bare" else docs.STAMP
    report = docs.read(docs.k1([app], run_id=run_id, metrics_summary=told, **summary))
    assert report.params["app_eval.schema"] == schema
    assert report.format_version == schema
    assert report.params["total_loc.version"] == loc
    assert report.params["score_scale"].endswith(scale)
    assert report.metric("eff_units_mean") is None


def _appeval(checks: int, passed: int) -> float:
    """R is the geometric mean of the checks (floor 1e-6); here D = 1 and the gates are open."""
    reliability = math.prod([1.0] * passed + [1e-6] * (checks - passed)) ** (1 / checks)
    return round(100 * (0.7 * reliability + 0.3), 1)


@pytest.mark.parametrize(
    ("told", "version"),
    [(_appeval(5, 4), "5-term"), (_appeval(7, 5), "7-term"), (55.5, "unknown")],
)
def test_the_formula_of_appeval_100_is_found_by_working_it_out(told: float, version: str) -> None:
    values = {"local_runability_score": 5, "deployability_score": 5, "appeval_100": told}
    app = docs.k1_app("a", "brtcd", metrics=values)  # tests and ui failed
    report = docs.read(docs.k1([app, docs.k1_app("b", "brtscdu")]))
    assert report.params["appeval_100.version"] == version


def test_templates_are_counted_and_group_the_cases() -> None:
    kinds = ("trpc", "vite", "trpc")
    apps = [docs.k1_app(f"a{n}", metrics={"template_type": kind}) for n, kind in enumerate(kinds)]
    report = docs.read(docs.k1(apps))
    assert report.metric("template_trpc_count") == 2
    assert report.metric("template_vite_count") == 1
    assert report.cases[1].group == "vite"


def test_identity_is_run_id_and_apps_and_nothing_else() -> None:
    one = docs.read(docs.k1(APPS))
    assert docs.read(docs.k1(APPS, common_issues={"x": 1}), name="copy.json").content_id == (
        one.content_id
    )
    assert docs.read(docs.k1(APPS, run_id="20251104_100713")).content_id != one.content_id
    assert docs.read(docs.k1(APPS[:2])).content_id != one.content_id
    assert docs.read(docs.k1(APPS, run_id=None)).content_id != one.content_id
    reordered = [dict(reversed(app.items())) for app in APPS]
    assert docs.read(docs.k1(reordered)).content_id == one.content_id


def test_reports_without_apps_are_told_apart_by_their_summary() -> None:
    early = docs.read(docs.k1([], run_id=None))
    later = docs.read(docs.k1([], run_id=None, evaluated_at="2025-11-04T00:00:00Z"))
    assert early.content_id != later.content_id


def test_a_name_that_comes_twice_gets_a_number_and_a_note() -> None:
    report = docs.read(docs.k1([docs.k1_app("a"), docs.k1_app("a"), docs.k1_app("a")]))
    assert [case.case_id for case in report.cases] == ["a", "a#2", "a#3"]
    assert any("a#2" in note for note in report.notes)


@pytest.mark.parametrize(
    ("change", "message", "pointer"),
    [
        (
            {"tests_pass": "yes"},
            "apps[1].metrics.tests_pass: expected true, false or null, got 'yes'",
            "/apps/1/metrics/tests_pass",
        ),
        (
            {"total_loc": [1]},
            "apps[1].metrics.total_loc: expected a number or null, got a list",
            "/apps/1/metrics/total_loc",
        ),
        (
            {"eff_units": True},
            "apps[1].metrics.eff_units: expected a number or null, got true",
            "/apps/1/metrics/eff_units",
        ),
    ],
)
def test_a_wrong_type_is_told_in_words_with_its_place(
    change: dict[str, Any], message: str, pointer: str
) -> None:
    apps = copy.deepcopy(APPS)
    apps[1]["metrics"].update(change)
    with pytest.raises(ReportSchemaError) as caught:
        docs.read(docs.k1(apps))
    assert caught.value.message == message
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("apps", "message"),
    [
        ([5], r"apps\[0\]: expected an object, got 5"),
        ([{"app_name": None}], r"apps\[0\]\.app_name: expected a name, got null"),
        ([{"app_name": "a", "metrics": "x"}], r"apps\[0\]\.metrics: expected an object, got 'x'"),
        ([{"app_name": "a", "issues": {}}], r"apps\[0\]\.issues: expected a list"),
    ],
)
def test_an_app_of_another_shape_is_refused(apps: list[Any], message: str) -> None:
    document = docs.k1([])
    document["apps"] = apps
    with pytest.raises(ReportSchemaError, match=message):
        docs.read(document)


def test_words_for_missing_are_missing() -> None:
    app = docs.k1_app("a", "b", metrics={"tests_pass": "N/A", "total_loc": "Not implemented"})
    report = docs.read(docs.k1([app]))
    assert report.metric("tests_pass_na") == 1
    assert report.metric("total_loc") is None


def test_nan_in_an_app_is_missing_and_noted_by_place() -> None:
    app = docs.k1_app("a", metrics={"eff_units": float("nan")})
    report = docs.read(docs.k1([app]))
    assert report.metric("avg_eff_units") is None
    assert any(note.startswith("/apps/0/metrics/eff_units") for note in report.notes)


def test_a_wrong_summary_is_noted_and_the_apps_count() -> None:
    report = docs.read(docs.k1(APPS, metrics_summary={"build_success": "many"}))
    assert report.metric("build_success_rate") == pytest.approx(2 / 3)
    assert any("metrics_summary.build_success" in note for note in report.notes)


def test_a_time_that_is_none_is_noted() -> None:
    report = docs.read(docs.k1(APPS, evaluated_at="yesterday"))
    assert report.started_at is None
    assert any("'yesterday' is no time" in note for note in report.notes)


def test_a_mode_may_come_from_a_companion_and_is_none_without() -> None:
    assert docs.read(docs.k1(APPS)).mode is None
    assert docs.read(docs.k1(APPS)).mode_source is ModeSource.DEFAULT
    beside = {"run_metadata.json": docs.to_bytes(docs.RUN_METADATA)}
    report = docs.read(docs.k1(APPS), neighbours=beside)
    assert (report.mode, report.mode_source) == ("vanilla_sdk", ModeSource.COMPANION)


def test_long_texts_of_a_case_are_bounded() -> None:
    app = docs.k1_app("n" * 5_000, issues=["x" * 100_000] * 100, details={"log": "y" * 1_000_000})
    (case,) = docs.read(docs.k1([app])).cases
    assert len(case.case_id) <= 500
    assert len(case.details["log"]) <= 20_000
    assert "1,000,000 characters in all" in case.details["log"]
    assert len(case.details["issues"]) <= 20_000
    assert case.columns["issue_count"] == 100
