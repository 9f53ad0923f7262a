"""From a Report to the RunPlan: everything a run shall hold, decided before any call.

Pure: the same report and context give the same plan. The clock is not asked; what is not known is
left out, never filled with 0 or "unknown".
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.report import ModeSource, Report, ReportStatus
from evaltui.domain.run import RunStatus, Tag
from evaltui.domain.stated import stated_tags
from evaltui.late_dataclass import dataclass
from evaltui.tracking.case_table import CASE_TABLE_PATH, LOGGED_ARTIFACTS, case_table
from evaltui.tracking.mode import choose_mode
from evaltui.tracking.naming import (
    MAX_PARAM_VALUE,
    MAX_TAG_VALUE,
    ORIGINALS_PATH,
    Originals,
    legal_artifact_path,
    legal_keys,
    legal_run_name,
    legal_value,
    vacant_path,
)

__all__ = ["CHANGEABLE_PARAMS", "PlanContext", "choose_mode", "plan_run", "values_digest"]

STATE_LOGGING = "logging"
MAX_NOTES = 4_000
APP_EVAL_FRAMEWORK = "klaudbiusz"

_STATUSES = {
    ReportStatus.FINISHED: RunStatus.FINISHED,
    ReportStatus.PARTIAL: RunStatus.FINISHED,
    ReportStatus.FAILED: RunStatus.FAILED,
    ReportStatus.CANCELLED: RunStatus.KILLED,
    ReportStatus.RUNNING: RunStatus.KILLED,  # its report is all there will be
}
CHANGEABLE_PARAMS = frozenset({"mode", "timestamp", "git_commit"})
"""Params that tell of the circumstances: another value does not make another evaluation."""

_FOREIGN_PREFIX = "report."
_REPEATED = (Tag.MODE, Tag.RUN_NAME, Tag.STATUS, Tag.FILE_SHA256)
"""Tags of the create call that a rewritten report may change: they are set again with the rest."""


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan needs beyond the report.

    Attributes:
        mode: Mode of the run, as `choose_mode` found it.
        model: Model that beats the report's, or None.
        run_name: Name that beats the report's, or None.
        file_sha256: Hex digest of the raw bytes.
        file_name: Name of the file, for people.
        host: Name of this machine, for people.
        now_ms: Epoch milliseconds, used only when the file has no usable time.
        file_ms: Modification time of the file, epoch milliseconds: start when the report has none.
        artifacts: Files to upload: the report and its companions.
        git_commit: Commit of the directory the report lies in, or None.
        extra_tags: Further tags; they win over the report's.
    """

    mode: str
    mode_source: ModeSource
    model: str | None
    run_name: str | None
    file_sha256: str
    file_name: str
    host: str
    now_ms: int
    file_ms: int
    artifacts: tuple[ArtifactFile, ...] = ()
    git_commit: str | None = None
    extra_tags: Mapping[str, str] = field(default_factory=dict)


def plan_run(report: Report, context: PlanContext) -> RunPlan:
    """Return what the run of `report` shall hold, legal for MLflow."""
    started_ms, ended_ms = _times(report, context)
    stamp = datetime.fromtimestamp(started_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = context.run_name or report.name or f"eval_{context.mode}_{stamp}"
    name = legal_run_name(wanted)
    originals = Originals()
    if name != wanted:
        originals.note_names("run_name", {wanted: name})
    values = _metrics(report)
    metric_keys = legal_keys(values)
    originals.note_names("metrics", metric_keys)
    params = _fit("params", _params(report, context, stamp), MAX_PARAM_VALUE, originals)
    create_tags = _create_tags(report, context, name)
    tags = _fit("tags", _tags(report, context, metric_keys), MAX_TAG_VALUE, originals)
    tags.update((str(key), create_tags[key]) for key in _REPEATED if key in create_tags)
    artifacts = _artifacts(report, context, originals)
    if originals.count:
        tags[str(Tag.RENAMED)] = str(originals.count)
        artifacts = (*artifacts, ArtifactFile(ORIGINALS_PATH, data=originals.to_json()))
    return RunPlan(
        content_id=report.content_id,
        name=name,
        started_ms=started_ms,
        ended_ms=ended_ms,
        metric_ms=ended_ms,
        status=_STATUSES[report.status],
        create_tags=create_tags,
        tags=tags,
        params=params,
        metrics={metric_keys[key]: value for key, value in values.items()},
        artifacts=artifacts,
    )


def preview_values(report: Report) -> dict[str, float]:
    """Return the metrics of a report under the names that its run will have."""
    values = _metrics(report)
    keys = legal_keys(values)
    return {keys[name]: value for name, value in values.items()}


def values_digest(plan: RunPlan) -> str:
    """Return a hex digest of the plan's metrics and params.

    Left out is what may differ between two readings of one evaluation: times, mode, git commit.
    """
    params = {key: text for key, text in plan.params.items() if key not in CHANGEABLE_PARAMS}
    text = json.dumps([dict(plan.metrics), params], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


# -- times ---------------------------------------------------------------------------------------


def _times(report: Report, context: PlanContext) -> tuple[int, int]:
    """Return start and end, epoch milliseconds, both at least 1 (MLflow takes 0 for "now").

    An evaluation that states one of them is given no duration; one that states none gets the time
    of its file.
    """
    stated = [_to_ms(moment) for moment in (report.started_at, report.ended_at) if moment]
    fallback = context.file_ms if context.file_ms > 0 else context.now_ms
    started, ended = (stated[0], stated[-1]) if stated else (fallback, fallback)
    started = max(1, started)
    return started, max(started, ended)


def _to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


# -- values --------------------------------------------------------------------------------------


def _metrics(report: Report) -> dict[str, float]:
    """Return the finite metrics by original name, with what accompanies them."""
    values = {item.name: float(item.value) for item in report.metrics if math.isfinite(item.value)}
    for item in report.metrics:
        if item.name not in values:
            continue
        if item.stderr is not None and math.isfinite(item.stderr):
            values.setdefault(f"{item.name}_stderr", float(item.stderr))
        if item.n is not None and f"{item.name.removesuffix('_rate')}_n" not in values:
            values.setdefault(f"{item.name}_n", float(item.n))
    return values


def _params(report: Report, context: PlanContext, stamp: str) -> dict[str, str]:
    params = {name: text for name, text in report.params.items() if text.strip()}
    if report.framework == APP_EVAL_FRAMEWORK:
        params.setdefault("total_apps", str(len(report.cases)))
    model = context.model or report.model
    if model:
        params["model_version"] = model
    if context.git_commit:
        params.setdefault("git_commit", context.git_commit)
    return {**params, "mode": context.mode, "timestamp": stamp}


# -- tags ----------------------------------------------------------------------------------------


def _create_tags(report: Report, context: PlanContext, name: str) -> dict[str, str]:
    tags: dict[str, str] = {
        Tag.CONTENT_ID: report.content_id,
        Tag.STATE: STATE_LOGGING,
        Tag.FILE_SHA256: context.file_sha256,
        Tag.KIND: report.kind.value,
        Tag.STATUS: report.status.value,
        Tag.FORMAT: report.format,
        Tag.SOURCE: f"{context.host}:{context.file_name}" if context.host else context.file_name,
        Tag.MODE: context.mode,
        Tag.FRAMEWORK: report.framework or "",
        Tag.RUN_NAME: name,
    }
    return {str(key): legal_value(text, MAX_TAG_VALUE) for key, text in tags.items() if text}


def _tags(report: Report, context: PlanContext, metric_keys: Mapping[str, str]) -> dict[str, str]:
    directions = {
        metric_keys[item.name]: item.direction
        for item in report.metrics
        if item.direction is not None and item.name in metric_keys
    }
    label = report.mode_label if report.mode == context.mode else None
    headline = metric_keys.get(report.headline or "")
    own = {
        Tag.MODE_SOURCE: context.mode_source.value,
        Tag.MODE_LABEL: label or "",
        Tag.HEADLINE: headline or "",
        Tag.EVALUATION_ID: report.evaluation_id or "",
        "evaltui.format_version": report.format_version or "",
        Tag.NOTES: _notes(report.notes),
        Tag.LOGGED_ARTIFACTS: LOGGED_ARTIFACTS if report.cases else "",
    }
    tags = {_foreign(name, report): text for name, text in report.tags.items() if text.strip()}
    tags.update(stated_tags(directions))
    tags.update((str(key), text) for key, text in own.items() if text)
    return {**tags, **context.extra_tags}


def _foreign(name: str, report: Report) -> str:
    """Return a report's tag name, out of the way of those that MLflow and evaltui act upon."""
    if name == Tag.FRAMEWORK and report.framework is None:
        return name
    acted_upon = name.startswith("mlflow.") or name in set(Tag)
    return f"{_FOREIGN_PREFIX}{name}" if acted_upon else name


def _notes(notes: tuple[str, ...]) -> str:
    """Return the notes as lines of one tag; those that do not fit are counted."""
    kept: list[str] = []
    room = MAX_NOTES
    for number, note in enumerate(notes):
        line = note if len(note) < MAX_NOTES // 2 else f"{note[: MAX_NOTES // 2 - 1]}…"
        room -= len(line) + 1
        if room < 0:
            kept.append(f"… and {len(notes) - number} more")
            break
        kept.append(line)
    return "\n".join(kept)


def _fit(kind: str, values: Mapping[str, str], limit: int, originals: Originals) -> dict[str, str]:
    keys = legal_keys(values)
    originals.note_names(kind, keys)
    fitted: dict[str, str] = {}
    for name, text in values.items():
        key = keys[name]
        fitted[key] = legal_value(text, limit)
        if len(text) > limit:
            originals.note_value(kind, key, text)
    return fitted


# -- artifacts -----------------------------------------------------------------------------------


def _artifacts(
    report: Report, context: PlanContext, originals: Originals
) -> tuple[ArtifactFile, ...]:
    table = case_table(report)
    own = {CASE_TABLE_PATH} if table is not None else set()
    files: dict[str, ArtifactFile] = {}
    for file in context.artifacts:
        path = vacant_path(legal_artifact_path(file.path), {*own, ORIGINALS_PATH, *files})
        files[path] = ArtifactFile(path, data=file.data, local_path=file.local_path)
        originals.note_names("artifacts", {file.path: path})
    if table is not None:
        files[CASE_TABLE_PATH] = ArtifactFile(CASE_TABLE_PATH, data=table)
    return tuple(files.values())
