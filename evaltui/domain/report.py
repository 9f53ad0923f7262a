"""What a reader makes of a file: a Report with its metrics and cases.

Missing is missing: absent, null, NaN, infinite and "N/A" values are None (or the metric is not
there at all), never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from evaltui.domain.metric import Direction, Unit
from evaltui.late_dataclass import dataclass


class ReportStatus(StrEnum):
    """How the evaluation ended, as its report tells it."""

    FINISHED = "finished"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RUNNING = "running"


class ReportKind(StrEnum):
    """What the run stands for; generation runs are never a baseline, a trend point or latest."""

    EVALUATION = "evaluation"
    GENERATION = "generation"


class CaseStatus(StrEnum):
    """Outcome of one case. ERROR and NA are outside every denominator."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    ERROR = "error"
    SKIP = "skip"
    NA = "na"


class ModeSource(StrEnum):
    """Where the mode of a run was taken from, in falling order of trust."""

    ARGUMENT = "argument"
    ENVIRONMENT = "environment"
    REPORT = "report"
    COMPANION = "companion"
    FILE_NAME = "file_name"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes of a report came from.

    Attributes:
        path: Path of the file as it was found.
        size_bytes: Size of the bytes that were read.
        modified_at: Modification time, aware UTC.
    """

    path: Path
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One number of a report.

    Attributes:
        name: Name as it is to be logged (before MLflow's own refusals are mapped).
        value: Finite float.
        direction: Only where the file itself states one, else None.
        unit: Only where the format fixes it, else None.
        stderr: Standard error of the value, same unit, or None.
        n: Number of cases behind the value, or None.
    """

    name: str
    value: float
    direction: Direction | None = None
    unit: Unit | None = None
    stderr: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One evaluated case (an app, a sample, a test).

    Attributes:
        case_id: Stable across runs: comparisons join on it.
        status: Outcome.
        scores: Value per check or score. 0/1 checks are 1.0 and 0.0; None is missing.
        group: Task, scorer, template or prompt the case belongs to, or None.
        reason: One line why it failed or erred, or None.
        output: Output or log text, or None.
        details: Further plain-text facts by name (check outputs), for the case view.
        columns: Further columns of the case table (tokens, turns, cost), None is missing.
    """

    case_id: str
    status: CaseStatus
    scores: Mapping[str, float | None]
    group: str | None = None
    reason: str | None = None
    output: str | None = None
    duration_s: float | None = None
    cost_usd: float | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, float | str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation as a file tells it; becomes one MLflow run.

    Attributes:
        format: Format id, such as `app_eval_k1`.
        format_version: Variant of the format, or None.
        content_id: Hex sha256 of the format id and the format's identity fields; no path in it.
        evaluation_id: The evaluation's own run id where the format has one, else None.
        name: The report's own name for the run, or None (then `eval_{mode}_{timestamp}`).
        mode: Mode the report states, already normalised (`mcp`, `vanilla_sdk`), or None.
        mode_label: The text the mode was normalised from, or None.
        mode_source: REPORT, COMPANION, FILE_NAME, or DEFAULT when mode is None.
        model: Model the report states, or None.
        started_at: Start of the evaluation, aware UTC, or None.
        ended_at: End of the evaluation, aware UTC, or None.
        params: Text values by name, without mode, model and timestamp.
        tags: Extra tags by name.
        metrics: Finite values only, names unique.
        cases: Cases in file order, ids unique.
        case_column: Name of the id column in the case table.
        headline: Name of the primary metric, or None.
        framework: Value of the `framework` tag, or None.
        notes: What was left out or changed while reading, one line each with its place.
    """

    format: str
    content_id: str
    metrics: tuple[MetricValue, ...]
    cases: Sequence[Case] = ()
    format_version: str | None = None
    kind: ReportKind = ReportKind.EVALUATION
    evaluation_id: str | None = None
    name: str | None = None
    mode: str | None = None
    mode_label: str | None = None
    mode_source: ModeSource = ModeSource.DEFAULT
    model: str | None = None
    status: ReportStatus = ReportStatus.FINISHED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    case_column: str = "case_id"
    headline: str | None = None
    framework: str | None = None
    notes: tuple[str, ...] = ()

    def metric(self, name: str) -> float | None:
        """Return the value of the metric `name`, or None when the report has no such metric."""
        for item in self.metrics:
            if item.name == name:
                return item.value
        return None

    def with_metrics(self, metrics: Iterable[MetricValue]) -> Report:
        """Return the report with more metrics; its own value of a name is kept."""
        known = {item.name for item in self.metrics}
        more = tuple(item for item in metrics if item.name not in known)
        return replace(self, metrics=(*self.metrics, *more)) if more else self
