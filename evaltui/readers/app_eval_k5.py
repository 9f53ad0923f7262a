"""Reports of `run_local_eval.py` (2026-03): K5.

Checks that were skipped are written as failed and counted in every total. What really happened
stands in `details.<check>.output`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaltui.domain.report import Report, Source
from evaltui.readers import shape
from evaltui.readers.app_metrics import Stated, Tally
from evaltui.readers.app_report import (
    NOT_EVALUATED_TAG,
    AppSink,
    Draft,
    app_object,
    documents_root,
    drop_check,
    finish,
    identity_of,
    place,
)
from evaltui.readers.apps import (
    MAX_NAME,
    MAX_TEXT,
    App,
    read_checks,
    read_issues,
    read_numbers,
)
from evaltui.readers.bounded_json import parse_streamed
from evaltui.readers.document import Text
from evaltui.readers.head import Head
from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time

FORMAT = "app_eval_k5"
SCALE = "local_runability 0-3, deployability 0-3"

_SCORES = ("local_runability_score", "deployability_score")
_NUMBERS = ("total_loc", "build_time_sec")
_FACTS = ("app_type", "framework")

_DETAIL_OF = {
    "build_success": "build",
    "runtime_success": "runtime",
    "type_safety": "type_safety",
    "tests_pass": "tests",
    "databricks_connectivity": "db_connectivity",
    "data_returned": "data_returned",
    "ui_renders": "ui_renders",
    "local_runability_pass": "runability",
    "deployability_pass": "deployability",
}
_SCORE_OF = {
    "local_runability_pass": "local_runability_score",
    "deployability_pass": "deployability_score",
}
_STATED = {
    "L1_build": "build_success",
    "L2_runtime": "runtime_success",
    "L3_type_safety": "type_safety",
    "L4_tests": "tests_pass",
    "L5_db_connectivity": "databricks_connectivity",
    "L6_data_returned": "data_returned",
    "L7_ui_renders": "ui_renders",
    "D8_runability": "local_runability_pass",
    "D9_deployability": "deployability_pass",
}
_NOT_TRIED = ("skipped", "disabled", "no dockerfile")
_NOT_RUNNING = "app not running"
TOLD = 40
"""Characters at the begin of an output that tell whether the check was tried."""


def matches(head: Head) -> bool:
    """Return whether the start of a file is one of these reports."""
    return head.has("metrics_summary.L1_build")


def read(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report in `text`.

    Raises:
        ReportError: The text is no such report.
    """
    sink = AppSink(text, lambda index, item: read_app(item, f"/per_app/{index}"), details=TOLD)
    document = documents_root(parse_streamed(text, "per_app", sink, notes), "per_app")
    draft = Draft(
        format=FORMAT,
        schema="k5",
        identity=identity_of(sink, document, "run_timestamp"),
        apps=sink.apps,
        stated=_stated(document, notes),
        notes=notes,
        scale=SCALE,
        started_at=read_time(document.get("run_timestamp"), "run_timestamp", notes),
        params={"total_loc.version": "k5"},
    )
    place(draft, document.get("mode"), source, neighbours)
    settle(draft.apps, draft.tags, notes)
    base = shape.plain(document.get("base_dir"), limit=MAX_NAME)
    if base:
        draft.params["base_dir"] = base
    return finish(draft)


def read_app(item: Any, at: str) -> App:
    """Return one element of `per_app`, or of a single-app file.

    Raises:
        ReportSchemaError: A value is not what the format says.
    """
    raw = app_object(item, at)
    metrics = shape.child(raw, "metrics", at)
    inside = f"{at}/metrics"
    details = shape.child(raw, "details", at)
    app = App(
        name=shape.cut(raw["app_name"], MAX_NAME),
        checks=read_checks(metrics, inside),
        scores=read_numbers(metrics, _SCORES, inside),
        numbers=read_numbers(metrics, _NUMBERS, inside),
        issues=read_issues(raw, at),
        details={name: _output(value) for name, value in list(details.items())[:40]},
    )
    facts = {name: shape.text(metrics, name, inside, limit=MAX_NAME) for name in _FACTS}
    facts["timestamp"] = shape.plain(raw.get("timestamp"), limit=MAX_NAME)
    app.columns.update((name, told) for name, told in facts.items() if told is not None)
    app.group = None if facts["framework"] == "unknown" else facts["framework"]
    app.reason = app.issues[0] if app.issues else None
    app.numbers["issue_count"] = float(len(shape.items(raw, "issues", at)))
    if app.numbers.get("build_time_sec") == 0:
        app.numbers["build_time_sec"] = None
    app.errored = any(line.startswith("Evaluation error") for line in app.issues)
    if app.errored:
        app.exclude()
    return app


def _output(value: Any) -> str:
    """Return the text of a check's details: its output or error, or the outputs of its trials."""
    if not isinstance(value, dict):
        return shape.plain(value, limit=MAX_TEXT) or ""
    trials = value.get("details")
    if isinstance(trials, list):
        lines = [_trial(trial) for trial in trials if isinstance(trial, dict)]
        return shape.cut("\n".join(lines), MAX_TEXT)
    told = [value[key] for key in ("output", "error") if isinstance(value.get(key), str)]
    return shape.cut("\n".join(filter(None, told)), MAX_TEXT)


def _trial(trial: dict[str, Any]) -> str:
    result = "passed" if trial.get("ok") is True else "failed"
    output = shape.plain(trial.get("output"), limit=MAX_TEXT)
    told = f"trial {shape.plain(trial.get('trial'), limit=20)}: {result}"
    return f"{told}\n{output}" if output else told


# -- what false means ----------------------------------------------------------------------------


def settle(apps: list[App], tags: dict[str, str], notes: Notes) -> None:
    """Make "not evaluated" what was skipped but written as failed.

    "App not running" is a failure only where the check was really tried for some app.

    Args:
        apps: The apps; changed in place.
        tags: Takes the names of the checks that were tried for no app.
        notes: Takes what was concluded.
    """
    alive = [app for app in apps if not app.errored]
    skipped: list[str] = []
    for check in _DETAIL_OF:
        failed = [app for app in alive if app.checks.get(check) is False]
        passed = any(app.checks.get(check) for app in alive)
        tried = passed or any(_told(app, check, ()) for app in failed)
        untried = _NOT_TRIED if tried else (*_NOT_TRIED, _NOT_RUNNING)
        dropped = [app for app in failed if not _told(app, check, untried)]
        _drop(dropped, check)
        if dropped:
            notes.add(f"{check} was not tried for {len(dropped)} of {len(apps)} apps")
        if dropped and len(dropped) == len(alive):
            skipped.append(check)
    if skipped:
        tags[NOT_EVALUATED_TAG] = ", ".join(skipped)


def _told(app: App, check: str, untried: tuple[str, ...]) -> bool:
    """Return whether the output of a failed check tells of a try.

    Args:
        app: The app.
        check: The check.
        untried: Beginnings that tell of none, or nothing for all known ones.
    """
    output = app.details.get(_DETAIL_OF[check], "").lstrip().casefold()
    return not output.startswith(untried or (*_NOT_TRIED, _NOT_RUNNING))


def _drop(apps: Sequence[App], check: str) -> None:
    drop_check(apps, check)
    if check in _SCORE_OF:
        for app in apps:
            app.scores[_SCORE_OF[check]] = None


def _stated(document: dict[str, Any], notes: Notes) -> Stated:
    total = document.get("total_apps")
    stated = Stated(total_apps=total if isinstance(total, int) and total >= 0 else None)
    told = shape.child(document, "metrics_summary", "")
    for key, check in _STATED.items():
        value = told.get(key)
        counts = value if isinstance(value, dict) else {}
        passed, of = counts.get("pass"), counts.get("total")
        if isinstance(passed, int) and isinstance(of, int) and 0 <= passed <= of:
            stated.tallies[check] = Tally(passed, of - passed)
        elif value is not None:
            notes.add(f"metrics_summary.{key} is not understood")
    return stated
