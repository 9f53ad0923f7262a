"""K2, evaluate_apps.py: a summary of texts, N/A as null, two writes of one evaluation."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import report_documents as docs

from evaltui.domain.report import CaseStatus, ModeSource
from evaltui.errors import ReportSchemaError
from evaltui.readers.app_eval_k2 import _stated
from evaltui.readers.notes import Notes

APPS = [
    docs.k2_app("a", type_safety=True, tests_pass=False),
    docs.k2_app("b", build_success=False, local_runability_score=1),
    docs.k2_error("c"),
]


def test_null_is_not_evaluated_and_an_app_that_raised_is_an_error() -> None:
    report = docs.read(docs.k2(APPS))
    metrics = docs.metrics_of(report)
    parts = ("pass", "fail", "n", "na", "error")
    assert [metrics[f"build_success_{part}"] for part in parts] == [1, 1, 2, 0, 1]
    assert [metrics[f"type_safety_{part}"] for part in parts] == [1, 0, 1, 1, 1]
    assert metrics["build_success_rate"] == 0.5
    assert "data_returned_rate" not in metrics
    assert (metrics["data_returned_na"], metrics["data_returned_error"]) == (2, 1)
    assert metrics["overall_quality_score"] == pytest.approx((0.5 + 1 + 0 + 1) / 4)


def test_scores_average_over_the_apps_that_have_one() -> None:
    report = docs.read(docs.k2(APPS, local_runability_avg="1.33/5"))
    assert report.metric("avg_local_runability_score") == 2
    assert report.tags["evaltui.reported.avg_local_runability_score"] == "1.33"
    assert report.params["score_scale"] == "local_runability 0-4, deployability 0-5"


def test_a_reported_average_that_is_only_rounded_is_no_difference() -> None:
    apps = [
        docs.k2_app(name, local_runability_score=score)
        for name, score in (("a", 2), ("b", 2), ("c", 3))
    ]
    report = docs.read(docs.k2(apps, local_runability_avg="2.33/5"))
    assert "evaltui.reported.avg_local_runability_score" not in report.tags


def test_the_case_of_an_app_that_raised_has_no_scores_and_the_reason() -> None:
    case = docs.read(docs.k2(APPS)).cases[2]
    assert case.status is CaseStatus.ERROR
    assert case.reason == "Evaluation error: npm is not there"
    assert not any(case.scores.values())


def test_the_reason_is_the_message_of_a_failed_check_not_of_a_passed_one() -> None:
    app = docs.k2_app("a", tests_pass=False)
    app["issues"] = ["Build: Build successful", "Tests: Tests failed: 3", "UI Renders: blank"]
    (case,) = docs.read(docs.k2([app])).cases
    assert case.reason == "Tests: Tests failed: 3"
    assert "issue_count" not in case.columns  # they hold successes too
    assert case.details["local_runability_details"] == "✓ Has README.md\n✗ Missing .env.example"


@pytest.mark.parametrize(
    ("text", "tally"),
    [
        ("18/20", (18, 2, 0)),
        ("1/13 (N/A: 7)", (1, 12, 7)),
        (" 1 / 13  ( N/A : 7 ) ", (1, 12, 7)),
        ("0/0 (N/A: 20)", (0, 0, 20)),
        ("Not implemented", (0, 0, 20)),
        ("N/A", (0, 0, 20)),
    ],
)
def test_the_summary_grammar_of_checks(text: str, tally: tuple[int, int, int]) -> None:
    told = {"total_apps": 20, "metrics_summary": {"tests_pass": text}}
    found = _stated(told, Notes()).tallies["tests_pass"]
    assert (found.passed, found.failed, found.na) == tally


@pytest.mark.parametrize(("text", "value"), [("3.00/5", 3.0), ("3/5", 3.0), ("2.62 / 5", 2.62)])
def test_an_average_of_five_is_a_score_and_never_a_rate(text: str, value: float) -> None:
    told = {"total_apps": 20, "metrics_summary": {"local_runability_avg": text}}
    found = _stated(told, Notes())
    assert found.values["avg_local_runability_score"][0] == value
    assert not found.tallies


@pytest.mark.parametrize("text", ["", "most", "3/x", "9" * 99 + "/1", 5, None, "1.5/2", "-1/2"])
def test_what_the_grammar_does_not_know_is_noted(text: Any) -> None:
    notes = Notes()
    found = _stated({"total_apps": 2, "metrics_summary": {"tests_pass": text}}, notes)
    known = text == ""  # blank is missing
    assert bool(found.tallies) is known
    assert bool(notes.lines()) is not known


def test_the_summary_counts_where_there_are_no_apps() -> None:
    document = docs.k2([], type_safety="1/13 (N/A: 7)", tests_pass="0/0 (N/A: 20)")
    document["summary"]["total_apps"] = 20
    document["summary"]["metrics_summary"]["build_success"] = "18/20"
    metrics = docs.metrics_of(docs.read(document))
    assert metrics["build_success_rate"] == 0.9
    assert metrics["type_safety_rate"] == pytest.approx(1 / 13)
    assert "tests_pass_rate" not in metrics
    assert metrics["avg_local_runability_score"] == 3
    assert metrics["total_apps"] == 20


def test_agent_checks_are_read_and_name_the_version() -> None:
    told = {"agent_build_success": "1/1 (N/A: 0)"}
    on = docs.read(docs.k2([docs.k2_app("a", agent_build_success=True)], **told))
    off = docs.read(docs.k2([docs.k2_app("a", agent_build_success=None)], **told))
    assert on.metric("agent_build_success_rate") == 1
    assert off.metric("agent_build_success_rate") is None
    assert off.metric("agent_build_success_na") == 1
    assert on.params["app_eval.schema"] == "k2.agent"


def test_the_second_write_with_a_mode_is_the_same_evaluation() -> None:
    first = docs.read(docs.k2(APPS))
    second = docs.read(docs.k2(APPS, mode="MCP (TypeScript/tRPC)"))
    assert first.content_id == second.content_id
    assert docs.metrics_of(first) == docs.metrics_of(second)
    assert first.params == second.params
    assert (first.mode, second.mode) == (None, "mcp")
    assert second.mode_label == "MCP (TypeScript/tRPC)"
    assert docs.read(docs.k2(APPS[:2])).content_id != first.content_id


@pytest.mark.parametrize(
    ("label", "mode"),
    [
        ("MCP (TypeScript/tRPC)", "mcp"),
        ("Vanilla SDK (Streamlit)", "vanilla_sdk"),
        ("vanilla_sdk", "vanilla_sdk"),
        ("test", "test"),
        ("mcpx", "mcpx"),
    ],
)
def test_mode_labels_have_short_forms(label: str, mode: str) -> None:
    report = docs.read(docs.k2(APPS, mode=label))
    assert (report.mode, report.mode_source) == (mode, ModeSource.REPORT)


def test_the_report_beats_its_companion_and_that_the_file_name() -> None:
    beside = {"run_metadata.json": docs.to_bytes(docs.RUN_METADATA)}
    stated = docs.read(docs.k2(APPS, mode="MCP"), "vanilla_report.json", beside)
    beside_it = docs.read(docs.k2(APPS), "mcp_report.json", beside)
    named = docs.read(docs.k2(APPS), "mcp_report.json")
    assert (stated.mode, stated.mode_source) == ("mcp", ModeSource.REPORT)
    assert (beside_it.mode, beside_it.mode_source) == ("vanilla_sdk", ModeSource.COMPANION)
    assert (named.mode, named.mode_source) == ("mcp", ModeSource.FILE_NAME)


def test_the_time_is_the_markdowns_in_the_zone_that_the_metadata_give_away() -> None:
    beside = {
        "EVALUATION_REPORT.md": docs.K2_MARKDOWN,
        "run_metadata.json": docs.to_bytes(docs.RUN_METADATA),
    }
    report = docs.read(docs.k2(APPS), neighbours=beside)
    assert report.started_at == datetime(2025, 10, 24, 8, 11, 12, tzinfo=UTC)
    assert any("UTC+0200" in note for note in report.notes)


def test_a_local_time_without_metadata_says_which_zone_was_assumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        report = docs.read(docs.k2(APPS), neighbours={"EVALUATION_REPORT.md": docs.K2_MARKDOWN})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert report.started_at == datetime(2025, 10, 24, 14, 11, 12, tzinfo=UTC)
    assert any("local time of this machine (UTC-0400)" in note for note in report.notes)


def test_without_markdown_the_metadata_tell_the_time_and_without_both_the_file() -> None:
    beside = {"run_metadata.json": docs.to_bytes(docs.RUN_METADATA)}
    told = docs.read(docs.k2(APPS), neighbours=beside)
    assert told.started_at == datetime(2025, 10, 24, 8, 11, tzinfo=UTC)
    bare = docs.read(docs.k2(APPS))
    assert bare.started_at == docs.MODIFIED
    assert any("time of the file" in note for note in bare.notes)


def test_metadata_become_params_under_a_prefix_of_their_own() -> None:
    beside = {"run_metadata.json": docs.to_bytes(docs.RUN_METADATA)}
    params = docs.read(docs.k2(APPS), neighbours=beside).params
    assert params["run_metadata.run_id"] == "20251024_101100"
    assert params["run_metadata.n_jobs"] == "-1"
    assert params["run_metadata.wipe_db"] == "false"
    assert params["run_metadata.os"] == "Linux"
    assert "run_metadata.mode" not in params


def test_a_run_summary_is_read_where_there_are_no_metadata() -> None:
    summary = {"run_id": "r1", "timestamp": 1761293460, "modes": ["mcp", "vanilla"]}
    report = docs.read(
        docs.k2(APPS), "mcp_report.json", {"run_summary.json": docs.to_bytes(summary)}
    )
    assert report.params["run_metadata.modes"] == '["mcp", "vanilla"]'
    assert report.mode == "mcp"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"timestamp": "soon"}', b"5"])
def test_a_broken_companion_never_breaks_the_report(data: bytes) -> None:
    beside = {"run_metadata.json": data, "EVALUATION_REPORT.md": b"**Generated:** \xff soon"}
    report = docs.read(docs.k2(APPS), neighbours=beside)
    assert report.metric("build_success_rate") == 0.5
    assert report.started_at == docs.MODIFIED
    assert report.notes


def test_a_wrong_type_is_refused_with_its_place() -> None:
    with pytest.raises(ReportSchemaError, match=r"apps\[0\]\.metrics\.ui_renders: expected true"):
        docs.read(docs.k2([docs.k2_app("a", ui_renders="blank page")]))


def test_apps_that_all_raised_are_counted_as_errors_of_the_summarys_checks() -> None:
    metrics = docs.metrics_of(docs.read(docs.k2([docs.k2_error("a"), docs.k2_error("b")])))
    assert metrics["build_success_error"] == 2
    assert "build_success_rate" not in metrics
