"""Reports and plan contexts for the tests of tracking, short to write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evaltui.domain.report import Case, CaseStatus, MetricValue, ModeSource, Report
from evaltui.tracking.mapping import PlanContext

CONTENT_ID = "c" * 64
FILE_SHA256 = "f" * 64
FILE_MS = 1_762_160_833_000  # 2025-11-03T09:07:13Z


def make_report(**changes: Any) -> Report:
    """Return a report of two apps with one metric, changed as told."""
    base = Report(
        format="app_eval_k1",
        content_id=CONTENT_ID,
        metrics=(MetricValue("build_success_rate", 0.5),),
        cases=(
            Case("one", CaseStatus.PASS, {"build_success": 1.0}),
            Case("two", CaseStatus.FAIL, {"build_success": 0.0}, reason="it did not build"),
        ),
        case_column="app_name",
        framework="klaudbiusz",
    )
    return replace(base, **changes)


def make_context(**changes: Any) -> PlanContext:
    """Return a context of mode `mcp`, changed as told."""
    base = PlanContext(
        mode="mcp",
        mode_source=ModeSource.REPORT,
        model=None,
        run_name=None,
        file_sha256=FILE_SHA256,
        file_name="evaluation_report.json",
        host="devbox",
        now_ms=FILE_MS + 60_000,
        file_ms=FILE_MS,
    )
    return replace(base, **changes)
