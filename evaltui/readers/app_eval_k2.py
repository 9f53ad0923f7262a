"""Reports of `evaluate_apps.py` (2025-10-23 to 2025-11-11).

The summary is text ("18/20", "1/13 (N/A: 7)", "3.00/5", "Not implemented"). The report is written
twice within seconds, the second time with `summary.mode`: both are the same evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evaltui.domain.report import Report, Source
from evaltui.readers import shape
from evaltui.readers.app_metrics import Stated, Tally
from evaltui.readers.app_report import (
    AppSink,
    Draft,
    app_object,
    documents_root,
    finish,
    identity_of,
    place,
)
from evaltui.readers.apps import (
    MAX_NAME,
    App,
    read_checks,
    read_details,
    read_issues,
    read_numbers,
)
from evaltui.readers.bounded_json import parse_streamed
from evaltui.readers.companions import generated_at
from evaltui.readers.document import Text
from evaltui.readers.head import Head
from evaltui.readers.names import markdown_name
from evaltui.readers.notes import Notes

FORMAT = "app_eval_k2"
SCALE = "local_runability 0-4, deployability 0-5"

_SCORES = ("local_runability_score", "deployability_score")
_DETAILS = ("local_runability_details", "deployability_details")
_AVERAGES = {
    "local_runability_avg": "avg_local_runability_score",
    "deployability_avg": "avg_deployability_score",
}
_CHECK_OF_ISSUE = {
    "Build": "build_success",
    "Runtime": "runtime_success",
    "Type Safety": "type_safety",
    "Tests": "tests_pass",
    "Databricks": "databricks_connectivity",
    "UI Renders": "ui_renders",
    "Agent Build": "agent_build_success",
    "Agent Run": "agent_run_success",
    "Agent Test": "agent_test_success",
    "Agent Deploy": "agent_deploy_success",
}

_SCORE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*5\Z")
_RATIO = re.compile(r"(\d+)\s*/\s*(\d+)(?:\s*\(\s*N/A\s*:\s*(\d+)\s*\))?\Z", re.IGNORECASE)
_ROUNDING = 0.005
_MOST_DIGITS = 12


def matches(head: Head) -> bool:
    """Return whether the start of a file is one of these reports."""
    return (
        head.has("summary.total_apps", "summary.metrics_summary")
        and "summary.evaluated_at" not in head.kinds
        and '"' in head.below("summary.metrics_summary")
    )


def read(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report in `text`.

    Raises:
        ReportError: The text is no such report.
    """
    sink = AppSink(text, lambda index, item: _read_app(item, f"/apps/{index}"))
    document = documents_root(parse_streamed(text, "apps", sink, notes), "apps")
    summary = shape.child(document, "summary", "")
    draft = Draft(
        format=FORMAT,
        schema="k2.agent" if _has_agent_checks(summary, sink.apps) else "k2",
        identity=identity_of(sink, document),
        apps=sink.apps,
        stated=_stated(summary, notes),
        notes=notes,
        scale=SCALE,
    )
    metadata = place(draft, summary.get("mode"), source, neighbours)
    markdown = neighbours.get(markdown_name(source.path.name) or "")
    draft.started_at = generated_at(markdown, notes, zone=metadata.zone) or metadata.written_at
    if draft.started_at is None:
        notes.add("no time in the report or beside it: the time of the file is taken")
        draft.started_at = source.modified_at
    return finish(draft)


def _read_app(item: Any, at: str) -> App:
    raw = app_object(item, at)
    metrics = shape.child(raw, "metrics", at)
    inside = f"{at}/metrics"
    app = App(
        name=shape.cut(raw["app_name"], MAX_NAME),
        checks=read_checks(metrics, inside),
        scores=read_numbers(metrics, _SCORES, inside),
        issues=read_issues(raw, at),
        details=read_details({key: metrics[key] for key in _DETAILS if key in metrics}),
    )
    app.errored = any(line.startswith("Evaluation error") for line in app.issues)
    if app.errored:
        app.exclude()
    app.reason = _reason(app)
    return app


def _reason(app: App) -> str | None:
    """Return the message of the first failed check: the issues hold those of passed ones too."""
    if app.errored:
        return next(line for line in app.issues if line.startswith("Evaluation error"))
    for line in app.issues:
        check = _CHECK_OF_ISSUE.get(line.partition(":")[0])
        if check is not None and app.checks.get(check) is False:
            return line
    return None


def _has_agent_checks(summary: dict[str, Any], apps: list[App]) -> bool:
    told = shape.child(summary, "metrics_summary", "/summary")
    return "agent_build_success" in told or any("agent_build_success" in app.checks for app in apps)


# -- the summary ---------------------------------------------------------------------------------


def _stated(summary: dict[str, Any], notes: Notes) -> Stated:
    total = summary.get("total_apps")
    stated = Stated(total_apps=total if isinstance(total, int) and total >= 0 else None)
    for key, value in shape.child(summary, "metrics_summary", "/summary").items():
        if not isinstance(value, str) or not _take(stated, key, value.strip()):
            notes.add(f"summary.metrics_summary.{key}: {str(value)[:40]!r} is not understood")
    return stated


def _take(stated: Stated, key: str, told: str) -> bool:
    """Take one value of the summary; False when it is by no known rule."""
    if shape.is_missing(told):
        stated.tallies[key] = Tally(na=stated.total_apps or 0)
        return True
    if key in _AVERAGES or "." in told.partition("/")[0]:
        score = _SCORE.match(told)
        if score is None:
            return False
        stated.values[_AVERAGES.get(key, key)] = (float(score[1]), _ROUNDING)
        return True
    ratio = _RATIO.match(told)
    if ratio is None or len(told) > _MOST_DIGITS * 3:
        return False
    passed, of, na = int(ratio[1]), int(ratio[2]), int(ratio[3] or 0)
    stated.tallies[key] = Tally(passed, max(0, of - passed), na)
    return True
