"""Reports that an agent wrote by a prompt (2025-10-22 and after): read with tolerance.

Numbers may be texts, truth values words, keys may be missing or new: what cannot be read is left
out and noted, and the rest counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evaltui.domain.catalogue import CHECKS
from evaltui.domain.metric import Unit
from evaltui.domain.report import MetricValue, Report, Source
from evaltui.readers import shape
from evaltui.readers.app_metrics import Stated, Tally
from evaltui.readers.app_report import (
    NOT_EVALUATED_TAG,
    AppSink,
    Draft,
    documents_root,
    drop_check,
    finish,
    identity_of,
    place,
)
from evaltui.readers.apps import MAX_NAME, MAX_TEXT, App, read_details
from evaltui.readers.bounded_json import parse_streamed
from evaltui.readers.document import Text
from evaltui.readers.head import Head
from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time

FORMAT = "app_eval_k3"
SCALE = "local_runability 0-5, deployability 0-5"

_SCORES = ("local_runability_score", "deployability_score")
_YES = frozenset({"true", "yes", "pass", "passed", "ok", "success", "✓", "✅", "1"})
_NO = frozenset({"false", "no", "fail", "failed", "error", "failure", "✗", "❌", "0"})
_NUMBER = re.compile(r"\s*(-?\d{1,15}(?:\.\d{1,15})?)\s*(?:/\s*\d{1,3}|%)?\s*\Z")


def matches(head: Head) -> bool:
    """Return whether the start of a file is one of these reports."""
    kinds = head.below("summary.metrics_summary")
    return (
        head.has("summary.total_apps", "summary.metrics_summary")
        and "summary.evaluated_at" not in head.kinds
        and "{" in kinds
        and any(head.has(f"summary.metrics_summary.{check}.pass") for check in CHECKS)
    )


def read(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report in `text`.

    Raises:
        ReportError: The text is not JSON or has no summary.
    """
    sink = AppSink(text, lambda index, item: _read_app(index, item, notes))
    document = documents_root(parse_streamed(text, "apps", sink, notes))
    summary = shape.child(document, "summary", "")
    _take_named_apps(document, sink)
    draft = Draft(
        format=FORMAT,
        schema="k3",
        identity=identity_of(sink, document),
        apps=sink.apps,
        stated=_stated(summary),
        notes=notes,
        scale=SCALE,
        started_at=read_time(summary.get("timestamp"), "summary.timestamp", notes),
    )
    place(draft, summary.get("mode"), source, neighbours)
    _leave_out_untried(draft)
    evaluated = _number(summary.get("evaluated"))
    if evaluated is not None:
        draft.metrics.append(MetricValue("evaluated", evaluated, unit=Unit.COUNT))
    if draft.started_at is None:
        notes.add("no time in the report: the time of the file is taken")
        draft.started_at = source.modified_at
    return finish(draft)


def _take_named_apps(document: dict[str, Any], sink: AppSink) -> None:
    """Read apps that are given as an object by name instead of a list.

    Raises:
        ReportSchemaError: They are neither.
    """
    named = document.get("apps")
    if not isinstance(named, dict):
        shape.items(document, "apps", "")
    else:
        for index, (name, value) in enumerate(named.items()):
            own = value if isinstance(value, dict) else {}
            sink.add(index, {"app_name": name, "metrics": own.get("metrics", own), **own})


def _leave_out_untried(draft: Draft) -> None:
    """Drop checks that the summary counts as tried for no app, whatever the apps say."""
    untried = [
        check
        for check, tally in draft.stated.tallies.items()
        if not tally.n and any(app.checks.get(check) is not None for app in draft.apps)
    ]
    for check in untried:
        drop_check(draft.apps, check)
        draft.notes.add(f"{check} is 0 of 0 in the summary: taken as not evaluated")
    if untried:
        draft.tags[NOT_EVALUATED_TAG] = ", ".join(untried)


def _read_app(index: int, item: Any, notes: Notes) -> App:
    raw = item if isinstance(item, dict) else {}
    if raw is not item:
        notes.add(f"apps[{index}] is no object: nothing of it can be read")
    name = raw.get("app_name") or raw.get("name")
    metrics = raw.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    issues = raw.get("issues")
    lines = issues if isinstance(issues, list) else [] if issues is None else [issues]
    details = raw.get("details")
    app = App(
        name=shape.cut(name, MAX_NAME) if isinstance(name, str) else f"app-{index + 1}",
        checks={check: _truth(metrics[check]) for check in CHECKS if check in metrics},
        scores={score: _number(metrics[score]) for score in _SCORES if score in metrics},
        issues=tuple(filter(None, (shape.plain(line, limit=MAX_TEXT) for line in lines[:40]))),
        details=read_details(details) if isinstance(details, dict) else {},
    )
    app.reason = app.issues[0] if app.issues else None
    for check, result in app.checks.items():
        if result is None and not shape.is_missing(metrics[check]):
            notes.add(f"apps[{index}].metrics.{check} is neither yes nor no: taken as missing")
    return app


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold() if isinstance(value, (str, int, float)) else ""
    return True if word in _YES else False if word in _NO else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    found = _NUMBER.match(value) if isinstance(value, str) else None
    return float(found[1]) if found is not None else None


def _stated(summary: dict[str, Any]) -> Stated:
    total = _number(summary.get("total_apps"))
    stated = Stated(total_apps=None if total is None or total < 0 else int(total))
    told = summary.get("metrics_summary")
    for key, value in told.items() if isinstance(told, dict) else ():
        if not isinstance(value, dict):
            continue
        passed, failed = _number(value.get("pass")), _number(value.get("fail"))
        if passed is None or failed is None or min(passed, failed) < 0:
            continue
        tried = int(passed) + int(failed)
        na = max(0, (stated.total_apps or tried) - tried)
        stated.tallies[key] = Tally(int(passed), int(failed), na)
    return stated
