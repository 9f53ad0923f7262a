"""evaltui's own report: what a script writes is what is logged, and mistakes are told."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import report_documents as docs

from evaltui.domain.metric import Direction, Unit
from evaltui.domain.report import CaseStatus, ModeSource, ReportStatus
from evaltui.errors import ReportSchemaError
from evaltui.readers import evaltui_report


def own(**changes: Any) -> dict[str, Any]:
    document = copy.deepcopy(docs.OWN)
    document.update(changes)
    return document


def test_everything_a_report_may_say_is_read() -> None:
    report = docs.read(docs.OWN, "out.json")
    assert report.format == "evaltui_report"
    assert (report.name, report.model) == ("nightly", "claude-sonnet-4-5")
    assert (report.mode, report.mode_label) == ("mcp", "MCP (TypeScript/tRPC)")
    assert report.mode_source is ModeSource.REPORT
    assert report.status is ReportStatus.PARTIAL
    assert report.started_at == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert report.ended_at == datetime(2026, 3, 1, 2, 41, 10, tzinfo=UTC)
    assert report.params == {"dataset": "v3", "temperature": "0.2", "cached": "true"}
    assert report.tags == {"team": "search"}
    accuracy, latency = report.metrics
    assert (accuracy.name, accuracy.value, accuracy.stderr, accuracy.n) == (
        "accuracy",
        0.81,
        0.02,
        400,
    )
    assert (accuracy.direction, accuracy.unit) == (Direction.HIGHER, Unit.RATE)
    assert (latency.direction, latency.unit) == (Direction.LOWER, Unit.SECONDS)
    assert report.headline == "accuracy"
    first, second = report.cases
    assert (first.case_id, first.group, first.status) == ("q-17", "geography", CaseStatus.FAIL)
    assert first.scores == {"exact": 0.0, "f1": 0.4, "judge": None}
    assert (first.reason, first.output) == ("wrong capital", "Sydney")
    assert (first.duration_s, first.cost_usd) == (1.2, 0.003)
    assert (second.case_id, second.status) == ("18", CaseStatus.PASS)
    assert report.framework is None
    assert report.notes == ()


def test_the_example_in_the_documentation_is_a_report() -> None:
    text = evaltui_report.__doc__ or ""
    example = text[text.index("    {\n") : text.index("\n    }\n") + 6]
    report = docs.read(example.encode())
    assert report.metric("accuracy") == 0.81
    assert report.cases[0].case_id == "q-17"


def test_the_schema_alone_is_a_report() -> None:
    report = docs.read({"schema": "evaltui.report/1"})
    assert report.metrics == ()
    assert report.status is ReportStatus.FINISHED
    assert (report.mode, report.started_at, report.headline) == (None, None, None)


def test_a_report_with_cases_only_gets_pass_rate_and_means() -> None:
    cases = [
        {"id": "a", "status": "pass", "scores": {"f1": 0.2, "exact": 1}},
        {"id": "b", "status": "fail", "scores": {"f1": 0.6, "exact": 0}},
        {"id": "c", "status": "error", "scores": {"f1": None}},
        {"id": "d", "status": "skip"},
    ]
    report = docs.read({"schema": "evaltui.report/1", "cases": cases})
    found = {metric.name: metric for metric in report.metrics}
    assert found["pass_rate"].value == 0.5
    assert found["pass_rate"].n == 2
    assert found["f1_mean"].value == pytest.approx(0.4)
    assert found["f1_mean"].stderr == pytest.approx(0.2)
    assert found["exact_mean"].stderr is None


def test_missing_values_are_left_out_and_noted_never_zero() -> None:
    metrics = [{"name": "a", "value": None}, {"name": "b", "value": float("nan")}]
    report = docs.read(own(metrics=metrics, cases=[]))
    assert report.metrics == ()
    assert "metrics[0]: a has no value, left out" in report.notes
    assert any("/metrics/1/value" in note for note in report.notes)


def test_of_a_metric_given_twice_the_last_one_counts() -> None:
    metrics = [{"name": "a", "value": 1}, {"name": "b", "value": 2}, {"name": "a", "value": 3}]
    report = docs.read(own(metrics=metrics))
    assert docs.metrics_of(report) == {"a": 3, "b": 2}
    assert any("a is there twice" in note for note in report.notes)


def test_identity_is_the_id_or_else_metrics_and_cases() -> None:
    base = docs.read(own())
    assert docs.read(own(metrics=[], params={})).content_id == base.content_id
    assert docs.read(own(id="other")).content_id != base.content_id
    assert base.evaluation_id == "nightly-1"
    nameless = docs.read(own(id=None))
    assert docs.read(own(id=None, name="x", mode="y")).content_id == nameless.content_id
    assert docs.read(own(id=None, cases=[])).content_id != nameless.content_id
    assert docs.read(own(id=None, metrics=[])).content_id != nameless.content_id


def test_tags_that_evaltui_and_mlflow_act_upon_are_not_taken_from_a_file() -> None:
    tags = {"mlflow.runName": "x", "evaltui.content_id": "y", "team": "z"}
    report = docs.read(own(tags=tags))
    assert report.tags == {"team": "z"}
    assert len(report.notes) == 2


def test_unknown_keys_are_noted() -> None:
    assert docs.read(own(metric=[])).notes == ("metric: not a key of evaltui.report/1, left out",)


def test_a_time_may_be_epoch_seconds_and_without_a_zone_is_local() -> None:
    report = docs.read(own(started_at=1772330400, ended_at="2026-03-01 02:41:10"))
    assert report.started_at == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert report.ended_at == datetime(2026, 3, 1, 2, 41, 10).astimezone()
    assert any("ended_at" in note and "names no zone" in note for note in report.notes)


def test_cases_that_share_an_id_are_both_kept() -> None:
    report = docs.read(own(cases=[{"id": "a", "status": "pass"}, {"id": "a", "status": "fail"}]))
    assert [case.case_id for case in report.cases] == ["a", "a#2"]


def test_thousands_of_cases_of_one_id_are_all_kept() -> None:
    cases = [{"id": "a", "status": "pass"}] * 20_000 + [{"id": "a#7", "status": "pass"}]
    report = docs.read(own(cases=cases))
    assert len({case.case_id for case in report.cases}) == 20_001


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"schema": "evaltui.report/2"},
            "schema: expected 'evaltui.report/1', got 'evaltui.report/2'",
        ),
        ({"status": "done"}, "status: expected finished, partial, failed, cancelled or running"),
        ({"name": 5}, "name: expected a text or null, got 5"),
        ({"id": {}}, "id: expected a name, got an object"),
        ({"params": []}, "params: expected an object, got a list"),
        ({"metrics": {}}, "metrics: expected a list, got an object"),
        ({"metrics": [1]}, r"metrics\[0\]: expected an object, got 1"),
        ({"metrics": [{"value": 1}]}, r"metrics\[0\]\.name: expected a name, got null"),
        (
            {"metrics": [{"name": "a", "value": "high"}]},
            r"metrics\[0\]\.value: expected a number or null, got 'high'",
        ),
        (
            {"metrics": [{"name": "a", "value": 1, "direction": "up"}]},
            r"metrics\[0\]\.direction: expected higher, lower or neutral, got 'up'",
        ),
        (
            {"metrics": [{"name": "a", "value": 1, "unit": []}]},
            r"metrics\[0\]\.unit: expected rate",
        ),
        ({"cases": {"a": 1}}, "cases: expected a list, got an object"),
        ({"cases": [{"id": "a"}]}, r"cases\[0\]\.status: expected pass, fail, error, skip or na"),
        ({"cases": [{"status": "pass"}]}, r"cases\[0\]\.id: expected a name, got null"),
        (
            {"cases": [{"id": "a", "status": "pass", "scores": {"f1": "good"}}]},
            r"cases\[0\]\.scores\.f1: expected a number or null, got 'good'",
        ),
    ],
)
def test_mistakes_are_told_with_their_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ReportSchemaError, match=f"^{message}"):
        docs.read(own(**change))


def test_outputs_of_cases_are_kept_raw_and_bounded() -> None:
    cases = [{"id": "a", "status": "pass", "output": "\x1b[31m" + "x" * 100_000}]
    (case,) = docs.read(json.dumps(own(cases=cases)).encode()).cases
    assert case.output is not None
    assert case.output.startswith("\x1b[31m")
    assert len(case.output) <= 20_000
