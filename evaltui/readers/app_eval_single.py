"""Files of single apps: `eval_result.json`, `<app>_eval.json`, and lists `eval_results_*.json`.

A single app is a case of a report that is still to come; named on purpose it is a report of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from evaltui.domain.report import Report, Source
from evaltui.errors import ReportError
from evaltui.readers import app_eval_k1, app_eval_k5, bounded_json
from evaltui.readers.app_eval_k1_versions import SCALE
from evaltui.readers.app_metrics import Stated
from evaltui.readers.app_report import AppSink, Draft, app_object, finish, place
from evaltui.readers.apps import App, read_generation
from evaltui.readers.companions import GENERATION_METRICS, read_companion
from evaltui.readers.document import Text, begins_with, decode
from evaltui.readers.head import Head
from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time, time_of_name

FORMAT = "app_eval_single"
LIST_FORMAT = "app_eval_list"

_KEYS = frozenset({"app_name", "metrics", "issues"})


def matches(head: Head) -> bool:
    """Return whether the start of a file is one app."""
    return head.root == "{" and set(head.keys) >= _KEYS and head.kinds.get("metrics") == "{"


def matches_list(head: Head) -> bool:
    """Return whether the start of a file is a list of such apps."""
    if head.root == "[":
        return head.has("[].app_name", "[].metrics", "[].issues")
    return "eval_timestamp" in head.keys and head.has("results[].app_name", "results[].metrics")


def case_key(data: bytes) -> tuple[str, str] | None:
    """Return name and time of the app in a per-app file, or None when it is no such file.

    A report that holds an app of the same name and time makes the file superfluous.
    """
    try:
        document = bounded_json.parse(decode(data), Notes())
    except ReportError:
        return None
    if not isinstance(document, dict) or not document.keys() >= _KEYS:
        return None
    name, time = document["app_name"], document.get("timestamp")
    if not isinstance(name, str):
        return None
    return name, time if isinstance(time, str) else ""


def read(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report of the one app in `text`.

    Raises:
        ReportError: The text is no such app.
    """
    item = app_object(bounded_json.parse(text, notes), "")
    sink = _sink(text, lambda _index: "")
    sink.add(0, item)
    if sink.apps[0].cost_usd is None:
        _add_generation(sink.apps[0], neighbours, notes)
    return _finish(FORMAT, sink, item.get("timestamp"), source, notes)


def read_list(text: Text, source: Source, neighbours: Mapping[str, bytes], notes: Notes) -> Report:
    """Return the report of the apps that a list holds.

    Raises:
        ReportError: The text is no such list.
    """
    del neighbours  # what lies beside it is about single apps
    bare = begins_with(text, "[")
    key = bounded_json.ROOT if bare else "results"
    at = "" if bare else "/results"
    sink = _sink(text, lambda index: f"{at}/{index}")
    document = bounded_json.parse_streamed(text, key, sink, notes)
    time = document.get("eval_timestamp") if isinstance(document, dict) else None
    return _finish(LIST_FORMAT, sink, time, source, notes)


def _sink(text: Text, place_of: Callable[[int], str]) -> AppSink:
    """Return what takes the apps: any may be of K5, where details tell what was tried."""
    return AppSink(
        text,
        lambda index, raw: _read_app(raw, place_of(index)),
        details=app_eval_k5.TOLD,
    )


def _read_app(item: Any, at: str) -> App:
    raw = app_object(item, at)
    return app_eval_k5.read_app(raw, at) if _is_k5(raw) else app_eval_k1.read_app(raw, at)


def _is_k5(item: dict[str, Any]) -> bool:
    metrics = item.get("metrics")
    return isinstance(metrics, dict) and "local_runability_pass" in metrics


def _add_generation(app: App, neighbours: Mapping[str, bytes], notes: Notes) -> None:
    generation = read_companion(neighbours, GENERATION_METRICS, notes)
    try:
        read_generation(app, generation, "")
    except ReportError as error:
        notes.add(f"{GENERATION_METRICS}: left out, {error.message}")


def _finish(format_id: str, sink: AppSink, time: Any, source: Source, notes: Notes) -> Report:
    apps = sink.apps
    is_k5 = any("local_runability_pass" in app.checks for app in apps)
    draft = Draft(
        format=format_id,
        schema="k4.k5" if is_k5 else "k4",
        identity={"apps": sink.digest()},
        apps=apps,
        stated=Stated(),
        notes=notes,
        scale=app_eval_k5.SCALE if is_k5 else SCALE,
        started_at=read_time(time, "timestamp", notes) or _latest(apps, notes),
    )
    if is_k5:
        app_eval_k5.settle(apps, draft.tags, notes)
    else:
        app_eval_k1.settle(apps, draft.tags, notes, writes_issues=True)
    if draft.started_at is None:
        draft.started_at = time_of_name(source.path.name, notes)
    if draft.started_at is None:
        notes.add("no time in the file: the time of the file is taken")
        draft.started_at = source.modified_at
    place(draft, None, source, {})
    return finish(draft)


def _latest(apps: list[App], notes: Notes) -> datetime | None:
    times = [read_time(app.columns.get("timestamp"), "timestamp", notes) for app in apps]
    return max(filter(None, times), default=None)
