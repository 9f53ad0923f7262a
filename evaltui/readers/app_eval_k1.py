"""Reports of `evaluate_all.py` (2025-10 to 2026-02), in all their dated variants.

What an app's `false` means changed over time: checks that were skipped, and apps the evaluator had
no scripts for, were written as failures. They are told apart here and count as not evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from evaltui.domain.report import Report, Source
from evaltui.errors import ReportSchemaError
from evaltui.readers import shape
from evaltui.readers.app_eval_k1_versions import (
    OLD_SCALE,
    SCALE,
    WITH_DETAILS,
    schema_of,
    version_params,
)
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
    App,
    read_checks,
    read_details,
    read_generation,
    read_issues,
    read_numbers,
)
from evaltui.readers.bounded_json import parse_streamed
from evaltui.readers.document import Text
from evaltui.readers.head import Head
from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time

FORMAT = "app_eval_k1"

SCORES = (
    "local_runability_score",
    "deployability_score",
    "appeval_100",
    "eff_units",
    "data_validity_score",
    "ui_functional_score",
)
NUMBERS = ("test_coverage_pct", "build_time_sec", "startup_time_sec", "total_loc")
FLAGS = ("has_dockerfile", "has_tests")
STUBS = frozenset(
    {
        "Docker-only apps not yet supported",
        "Python apps not yet supported",
        "Unknown template - no eval scripts available",
    }
)
STUB_TAG = "evaltui.stub_apps"

_CONNECTED = "databricks_connectivity"

_STATED_CHECKS = {
    "build_success": "build_success",
    "runtime_success": "runtime_success",
    "type_safety": "type_safety_pass",
    "tests_pass": "tests_pass",
    "databricks_connectivity": "databricks_connectivity",
    "data_returned": "data_returned",
    "ui_renders": "ui_renders",
}
_STATED_VALUES = {
    "avg_appeval_100": "avg_appeval_100",
    "avg_eff_units": "avg_eff_units",
    "avg_coverage": "avg_coverage",
    "avg_local_runability_score": "local_runability_avg",
    "avg_deployability_score": "deployability_avg",
    "total_loc": "total_loc",
    "avg_loc_per_app": "avg_loc_per_app",
    "avg_build_time": "avg_build_time",
    "avg_startup_time": "avg_startup_time",
}
_STATED_GENERATION = {
    "generation_cost_usd": "total_cost_usd",
    "total_input_tokens": "total_input_tokens",
    "total_output_tokens": "total_output_tokens",
    "avg_turns_per_app": "avg_turns",
}


def matches(head: Head) -> bool:
    """Return whether the start of a file is one of these reports."""
    return head.has("summary.total_apps", "summary.metrics_summary", "summary.evaluated_at")


def read(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report in `text`.

    Raises:
        ReportError: The text is no such report.
    """
    sink = AppSink(text, lambda index, item: read_app(item, f"/apps/{index}"))
    document = documents_root(parse_streamed(text, "apps", sink, notes), "apps")
    summary = shape.child(document, "summary", "")
    stated = _stated(summary, notes)
    schema = schema_of(document, summary, sink.apps)
    draft = Draft(
        format=FORMAT,
        schema=f"k1.{schema}",
        identity=identity_of(sink, document, "evaluation_run_id"),
        apps=sink.apps,
        stated=stated,
        notes=notes,
        scale=SCALE if schema in WITH_DETAILS else OLD_SCALE,
        started_at=read_time(summary.get("evaluated_at"), "summary.evaluated_at", notes),
        evaluation_id=shape.plain(document.get("evaluation_run_id"), limit=MAX_NAME),
        params=version_params(schema, sink.apps, notes),
    )
    place(draft, summary.get("mode"), source, neighbours)
    settle(draft.apps, draft.tags, notes, writes_issues=schema in WITH_DETAILS)
    if (
        _CONNECTED in draft.tags.get(NOT_EVALUATED_TAG, "")
        and "appeval_100.version" in draft.params
    ):
        draft.params["appeval_100.version"] += ", connectivity skipped"  # it counts as failed there
    _settle_statement(stated)
    if stated.total_apps is not None and sink.apps and stated.total_apps != len(sink.apps):
        notes.add(f"summary.total_apps is {stated.total_apps}, {len(sink.apps)} apps are there")
    return finish(draft)


# -- one app -------------------------------------------------------------------------------------


def read_app(item: Any, at: str) -> App:
    """Return one element of `apps`, or of a single-app file.

    Raises:
        ReportSchemaError: A value is not what the format says.
    """
    raw = app_object(item, at)
    metrics = shape.child(raw, "metrics", at)
    metadata = shape.child(raw, "metadata", at)
    inside = f"{at}/metrics"
    app = App(
        name=shape.cut(raw["app_name"], MAX_NAME),
        checks=read_checks(metrics, inside),
        scores=read_numbers(metrics, SCORES, inside),
        numbers=read_numbers(metadata, NUMBERS, f"{at}/metadata")
        | read_numbers(metrics, NUMBERS, inside),
        issues=read_issues(raw, at),
        details=read_details(shape.child(raw, "details", at)),
        template=shape.text(metrics, "template_type", inside, limit=MAX_NAME),
    )
    for name in FLAGS:
        result = shape.flag(metrics, name, inside)
        if name in metrics:
            app.columns[name] = None if result is None else float(result)
    read_generation(app, shape.child(raw, "generation_metrics", at), f"{at}/generation_metrics")
    app.group = app.template
    app.reason = app.issues[0] if app.issues else None
    app.errored = is_error(app)
    app.stub = is_stub(app)
    app.numbers["issue_count"] = float(len(shape.items(raw, "issues", at)))
    if "template_type" in metrics:
        app.columns["template_type"] = app.template
    if raw.get("timestamp") is not None:
        app.columns["timestamp"] = shape.plain(raw["timestamp"], limit=MAX_NAME)
    _forget_zeros(app)
    if app.errored or app.stub:
        app.exclude()
    return app


def is_stub(app: App) -> bool:
    """Return whether the evaluator had no scripts for an app and wrote all checks as failed."""
    only = len(app.issues) == 1 and app.issues[0].strip() in STUBS
    return only and not any(app.checks.values())


def is_error(app: App) -> bool:
    """Return whether the evaluation of an app itself failed."""
    return bool(app.issues) and app.issues[0].startswith("Evaluation error")


def _forget_zeros(app: App) -> None:
    """Make missing what is 0 only because nothing was measured."""
    for name in ("build_time_sec", "startup_time_sec"):
        if app.numbers.get(name) == 0:
            app.numbers[name] = None
    if app.numbers.get("test_coverage_pct") == 0 and app.columns.get("has_tests") == 0:
        app.numbers["test_coverage_pct"] = None


# -- what false means ----------------------------------------------------------------------------

_EVIDENCE = {
    "data_returned": "Data validity concerns",
    "ui_renders": "UI concerns",
    _CONNECTED: "Databricks connectivity failed",
}
"""The issue line that a failed check leaves; a check that was skipped leaves none."""


def settle(apps: list[App], tags: dict[str, str], notes: Notes, *, writes_issues: bool) -> None:
    """Make "not evaluated" what was written as failed without having been tried.

    `data_returned` and `ui_renders` that are false for every app were not evaluated; of a single
    app that says too little, so there an issue line about a failure counts as a try. `--fast`
    skips connectivity too: that is told from a failure by the issue line that every running app
    without a connection has.

    Args:
        apps: The apps; changed in place.
        tags: Takes the names of the checks.
        notes: Takes what was concluded.
        writes_issues: Whether the evaluator of this version leaves those issue lines.
    """
    stubs = sum(app.stub for app in apps)
    if stubs:
        tags[STUB_TAG] = str(stubs)
        notes.add(f"{stubs} of {len(apps)} apps are of a kind the evaluator cannot check")
    evaluated = [app for app in apps if not (app.stub or app.errored)]
    skipped = [check for check in ("data_returned", "ui_renders") if _untried(evaluated, check)]
    if len(skipped) > 1 and writes_issues and _connection_skipped(evaluated):
        skipped.insert(0, _CONNECTED)
    for check in skipped:
        told = _failures_told(evaluated, check)
        drop_check(apps, check)
        though = f", though {told} apps tell of a failure" if told else ""
        notes.add(f"{check} is false for every app: taken as not evaluated{though}")
    if skipped:
        tags[NOT_EVALUATED_TAG] = ", ".join(skipped)


def _settle_statement(stated: Stated) -> None:
    """Do the same to a summary, for files that hold no apps."""
    for check in ("data_returned", "ui_renders"):
        tally = stated.tallies.get(check)
        if tally is not None and not tally.passed:
            stated.tallies[check] = Tally(na=tally.n)


def _untried(apps: Sequence[App], check: str) -> bool:
    return _never_true(apps, check) and (len(apps) > 1 or not _failures_told(apps, check))


def _connection_skipped(apps: Sequence[App]) -> bool:
    runs = any(app.checks.get("runtime_success") for app in apps)
    return runs and _never_true(apps, _CONNECTED) and not _failures_told(apps, _CONNECTED)


def _never_true(apps: Sequence[App], check: str) -> bool:
    results = [app.checks.get(check) for app in apps]
    return False in results and True not in results


def _failures_told(apps: Iterable[App], check: str) -> int:
    """Return how many apps have the issue line that a failure of the check leaves."""
    line = _EVIDENCE[check]
    return sum(any(issue.startswith(line) for issue in app.issues) for app in apps)


# -- what the file says itself -------------------------------------------------------------------


def _stated(summary: dict[str, Any], notes: Notes) -> Stated:
    total = _quietly(shape.number, summary, "total_apps", "/summary", notes)
    stated = Stated(total_apps=None if total is None else int(total))
    told = shape.child(summary, "metrics_summary", "/summary")
    at = "/summary/metrics_summary"
    for check, key in _STATED_CHECKS.items():
        count = _quietly(shape.number, told, key, at, notes)
        if count is not None and stated.total_apps:
            passed = min(int(count), stated.total_apps)
            stated.tallies[check] = Tally(passed, stated.total_apps - passed)
    if stated.total_apps:
        _add_values(stated, told, _STATED_VALUES, at, notes)
    generation = shape.child(summary, "generation_metrics", "/summary")
    if any(value for value in generation.values() if isinstance(value, (int, float))):
        _add_values(stated, generation, _STATED_GENERATION, "/summary/generation_metrics", notes)
    return stated


def _add_values(
    stated: Stated, told: dict[str, Any], names: Mapping[str, str], at: str, notes: Notes
) -> None:
    for metric, key in names.items():
        value = _quietly(shape.number, told, key, at, notes)
        if value is not None:
            stated.values[metric] = (value, 0.0)


def _quietly(
    read_value: Callable[[dict[str, Any], str, str], float | None],
    parent: dict[str, Any],
    key: str,
    at: str,
    notes: Notes,
) -> float | None:
    """Return a value of the summary; a wrong one is noted, as the apps are what counts."""
    try:
        return read_value(parent, key, at)
    except ReportSchemaError as error:
        notes.add(f"{error.message}; left out")
        return None
