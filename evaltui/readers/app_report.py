"""From apps and what a file says about itself to the Report of an app evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from evaltui.domain.catalogue import HEADLINE_CANDIDATES
from evaltui.domain.metric import Unit
from evaltui.domain.mode import normalise_mode
from evaltui.domain.report import MetricValue, ModeSource, Report, Source
from evaltui.late_dataclass import dataclass
from evaltui.readers import shape
from evaltui.readers.app_metrics import (
    QUALITY_VERSION,
    Stated,
    metrics_of_apps,
    metrics_of_statement,
)
from evaltui.readers.apps import MAX_NAME, App, to_cases
from evaltui.readers.companions import RunMetadata, mode_of_name, run_metadata
from evaltui.readers.document import Text, keeps_texts
from evaltui.readers.identity import canonical, content_id
from evaltui.readers.notes import Notes
from evaltui.readers.short_apps import Shortener

FRAMEWORK = "klaudbiusz"
CASE_COLUMN = "app_name"
REPORTED = "evaltui.reported."
NOT_EVALUATED_TAG = "evaltui.not_evaluated"

_SAME = 1e-6

ReadApp = Callable[[int, Any], App]
"""Reads the item at an index of the app list."""


@dataclass(slots=True)
class Draft:
    """What a reader found out, before the metrics are worked out.

    Attributes:
        identity: Identity fields of the format.
        mode_label: The mode as the file states it, or None.
    """

    format: str
    schema: str
    identity: dict[str, Any]
    apps: list[App]
    stated: Stated
    notes: Notes
    scale: str
    started_at: datetime | None = None
    evaluation_id: str | None = None
    mode: str | None = None
    mode_label: str | None = None
    mode_source: ModeSource = ModeSource.DEFAULT
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[MetricValue] = field(default_factory=list)


class AppSink:
    """Reads the apps of a report one by one and hashes them as they come.

    Args:
        text: The document.
        read: Reads one app.
        details: See Shortener.
    """

    def __init__(self, text: Text, read: ReadApp, *, details: int = 0) -> None:
        self.apps: list[App] = []
        self._text = text
        self._shortened = Shortener(details)
        self._read = read
        self.begin()

    def begin(self) -> None:
        """Start over."""
        self.apps.clear()
        self._digest = hashlib.sha256()

    def add(self, index: int, item: Any) -> None:
        """Read one app.

        Raises:
            ReportSchemaError: The app is not what the format says.
        """
        self._digest.update(canonical(item) + b"\n")
        app = self._read(index, item)
        self.apps.append(app if keeps_texts(self._text, app.name) else self._shortened(app))

    def digest(self) -> str:
        """Return the digest of all apps as they stand in the file."""
        return self._digest.hexdigest()


def finish(draft: Draft) -> Report:
    """Return the report: metrics from the apps where the file holds them."""
    metrics = (
        metrics_of_apps(draft.apps, draft.stated)
        if draft.apps
        else metrics_of_statement(draft.stated)
    )
    total = len(draft.apps) if draft.apps else draft.stated.total_apps
    if total is not None:
        metrics.append(MetricValue("total_apps", float(total), unit=Unit.COUNT))
    metrics += draft.metrics
    metrics = list({metric.name: metric for metric in metrics}.values())
    params = {
        "app_eval.schema": draft.schema,
        "score_scale": draft.scale,
        "overall_quality_score.version": QUALITY_VERSION,
        **({} if total is None else {"total_apps": str(total)}),
        **draft.params,
    }
    names = {metric.name for metric in metrics}
    return Report(
        format=draft.format,
        format_version=draft.schema,
        content_id=content_id(draft.format, draft.identity),
        evaluation_id=draft.evaluation_id,
        metrics=tuple(metrics),
        cases=to_cases(draft.apps, draft.notes),
        mode=draft.mode,
        mode_label=draft.mode_label,
        mode_source=draft.mode_source if draft.mode else ModeSource.DEFAULT,
        started_at=draft.started_at,
        params=params,
        tags={**_reported(draft.stated, metrics, total), **draft.tags},
        case_column=CASE_COLUMN,
        headline=next((name for name in HEADLINE_CANDIDATES if name in names), None),
        framework=FRAMEWORK,
        notes=draft.notes.lines(),
    )


def place(draft: Draft, label: Any, source: Source, neighbours: Mapping[str, bytes]) -> RunMetadata:
    """Set mode and params from what the report, its companions and its name tell, in this order.

    Args:
        draft: The report so far.
        label: The mode as the report states it, or anything else when it states none.
        source: Where the report lies.
        neighbours: Companions by name.

    Returns:
        What the companions tell.
    """
    metadata = run_metadata(neighbours, draft.notes)
    draft.params = {**metadata.params, **draft.params}
    named = mode_of_name(source.path.name)
    stated = label if isinstance(label, str) and label.strip() else None
    for text, origin in (
        (stated, ModeSource.REPORT),
        (metadata.mode, ModeSource.COMPANION),
        (named, ModeSource.FILE_NAME),
    ):
        if text is not None:
            draft.mode_label = shape.cut(text, MAX_NAME)
            draft.mode, draft.mode_source = normalise_mode(text), origin
            break
    return metadata


def _reported(stated: Stated, metrics: list[MetricValue], total: int | None) -> dict[str, str]:
    """Return tags with what the file says itself where that is not what its apps give."""
    found = {metric.name: metric.value for metric in metrics}
    tags = {
        f"{REPORTED}{name}": shape.format_number(value)
        for name, (value, rounding) in stated.rates().items()
        if name in found and abs(found[name] - value) > rounding + _SAME
    }
    if stated.total_apps is not None and stated.total_apps != total:
        tags[f"{REPORTED}total_apps"] = str(stated.total_apps)
    return tags


def drop_check(apps: Iterable[App], check: str) -> None:
    """Make a check "not evaluated" for apps that have it."""
    changed: dict[tuple[tuple[str, bool | None], ...], dict[str, bool | None]] = {}
    for app in apps:
        if check in app.checks:
            # not in place: apps of a long report share what is equal
            checks = app.checks | {check: None}
            app.checks = changed.setdefault(tuple(checks.items()), checks)


def identity_of(sink: AppSink, document: dict[str, Any], *own: str) -> dict[str, Any]:
    """Return the identity fields of a report: its apps, or what else it holds without any.

    Args:
        sink: The apps.
        document: The document without its apps.
        own: Keys of the document that belong to the identity.
    """
    fields: dict[str, Any] = {key: document[key] for key in own if document.get(key) is not None}
    if sink.apps:
        return {**fields, "apps": sink.digest()}
    summary = document.get("summary")
    if isinstance(summary, dict):
        fields["summary"] = {key: value for key, value in summary.items() if key != "mode"}
    else:
        fields["document"] = document
    return fields


def app_object(item: Any, at: str) -> dict[str, Any]:
    """Return an item of the app list as an object that has a name.

    Raises:
        ReportSchemaError: It is something else, or has no `app_name`.
    """
    if not isinstance(item, dict):
        raise shape.wrong(at, "an object", item)
    if not isinstance(item.get("app_name"), str) or not item["app_name"].strip():
        raise shape.wrong(f"{at}/app_name", "a name", item.get("app_name"))
    return item


def documents_root(document: Any, listed: str | None = None) -> dict[str, Any]:
    """Return the top of a document as an object.

    Args:
        document: The document, the list in it read already.
        listed: Name of that list, which may be missing; None: it may be an object as well.

    Raises:
        ReportSchemaError: It is something else, or the list is.
    """
    if not isinstance(document, dict):
        raise shape.wrong("", "an object", document)
    if listed is not None:
        shape.items(document, listed, "")
    return document
