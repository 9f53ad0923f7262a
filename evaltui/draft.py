"""What was noted of one evaluation before it is written: the run of an EvaluationTracker."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any

from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.report import MetricValue, ModeSource, Report, ReportStatus
from evaltui.domain.run import Tag
from evaltui.late_dataclass import dataclass
from evaltui.tracking.mapping import PlanContext, choose_mode, plan_run

REPORT_NAME = "evaluation_report.json"
FORMAT = "evaltui_tracker"
"""Format id of runs without a report."""

FRAMEWORK = "klaudbiusz"
"""What runs of the older tracker are tagged with."""


def generation_metrics(sums: Mapping[str, Any]) -> tuple[MetricValue, ...]:
    """Return what a generation cost, from its sums; what is missing or no number is left out.

    Args:
        sums: `cost_usd` (or `total_cost_usd`), `total_output_tokens`, `total_input_tokens`,
            `avg_turns`, `total_apps`.
    """
    cost = _number(sums.get("cost_usd", sums.get("total_cost_usd")))
    apps = _number(sums.get("total_apps"))
    values = {
        "generation_cost_usd": cost,
        "total_output_tokens": _number(sums.get("total_output_tokens")),
        "total_input_tokens": _number(sums.get("total_input_tokens")),
        "avg_turns_per_app": _number(sums.get("avg_turns")),
        "apps_per_dollar": apps / cost if apps and cost else None,
    }
    return tuple(MetricValue(name, value) for name, value in values.items() if value is not None)


@dataclass(slots=True)
class Draft:
    """What was logged of one evaluation so far.

    Attributes:
        provisional: Content id as long as no report is known.
        unclear: Whether the store may have made the run although its id is not known.
    """

    name: str
    tags: dict[str, str]
    provisional: str
    started_ms: int
    unclear: bool = False
    mode: str | None = None
    model: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, MetricValue] = field(default_factory=dict)
    report: Report | None = None
    report_bytes: bytes = b""
    files: list[ArtifactFile] = field(default_factory=list)

    def note_generation(self, metrics: Mapping[str, Any]) -> None:
        """Note what the generation cost; the number of apps is that of the params by default."""
        apps = self.params.get("total_apps", "")
        sums = {"total_apps": int(apps) if apps.isdecimal() else None, **metrics}
        self.metrics.update((item.name, item) for item in generation_metrics(sums))

    def note_file(self, name: str, data: bytes) -> None:
        """Note an artifact; the last of a name counts."""
        self.files = [known for known in self.files if known.path != name]
        self.files.append(ArtifactFile(name, data=data))

    def plan(
        self,
        status: ReportStatus,
        *,
        forced: tuple[str, ModeSource] | None,
        model: str | None,
        now_ms: int,
    ) -> RunPlan:
        """Return the run as it is to be written now.

        Args:
            status: How the evaluation stands.
            forced: The mode that beats the report's, or None.
            model: Model where none was noted, or None.
            now_ms: The time, epoch milliseconds.
        """
        mode, source = choose_mode(report := self._report(status, now_ms), forced=forced)
        plan = plan_run(
            report,
            PlanContext(
                mode=mode,
                mode_source=source,
                model=self.model or model,
                run_name=self.name,
                file_sha256="",
                file_name=REPORT_NAME if self.report_bytes else "",
                host=os.uname().nodename,
                now_ms=now_ms,
                file_ms=self.started_ms,
                artifacts=tuple(self._artifacts()),
                extra_tags=self.tags,
            ),
        )
        stamp = self.params.get("timestamp") or plan.params["timestamp"]
        # the run may have been made before its report was known
        made_with = {key: text for key, text in plan.create_tags.items() if key != Tag.STATE}
        return replace(
            plan,
            params={**plan.params, "timestamp": stamp},
            tags={**made_with, **plan.tags},
        )

    def _report(self, status: ReportStatus, now_ms: int) -> Report:
        report = self.report or Report(FORMAT, self.provisional, (), framework=FRAMEWORK)
        if self.report is None or status is not ReportStatus.FINISHED:
            report = replace(report, status=status)
        if report.started_at is None and report.ended_at is None:
            began, ended = (_instant(at) for at in (self.started_ms, now_ms))
            report = replace(report, started_at=began, ended_at=ended)
        report = replace(report, params={**report.params, **self.params})
        return report.with_metrics(self.metrics.values())

    def _artifacts(self) -> list[ArtifactFile]:
        if self.report_bytes and all(file.path != REPORT_NAME for file in self.files):
            return [ArtifactFile(REPORT_NAME, data=self.report_bytes), *self.files]
        return self.files


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
