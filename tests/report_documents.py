"""Small documents of every format, made in Python: the fixtures of the readers' tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evaltui.domain.report import Report, Source
from evaltui.readers import read_reports

MODIFIED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHECKS = (
    "build_success",
    "runtime_success",
    "type_safety",
    "tests_pass",
    "databricks_connectivity",
    "data_returned",
    "ui_renders",
)
STAMP = "20251103_100713"


def to_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def source(name: str = "evaluation_report.json") -> Source:
    return Source(Path("/reports") / name, 1, MODIFIED)


def read(
    document: Any,
    name: str = "evaluation_report.json",
    neighbours: Mapping[str, bytes] | None = None,
) -> Report:
    """Read a document (an object, or its bytes) that holds one report."""
    data = document if isinstance(document, bytes) else to_bytes(document)
    (report,) = read_reports(data, source(name), neighbours=neighbours or {})
    return report


def metrics_of(report: Report) -> dict[str, float]:
    return {metric.name: metric.value for metric in report.metrics}


# -- K1: evaluate_all.py ---------------------------------------------------------------------------


def k1_app(name: str, passed: str = "", **more: Any) -> dict[str, Any]:
    """Return an app whose checks pass where their first letter stands in `passed`.

    The letters are b(uild) r(untime) t(ypes) s (tests) c(onnectivity) d(ata) u(i).
    """
    metrics: dict[str, Any] = {
        check: letter in passed for check, letter in zip(CHECKS, "brtscdu", strict=True)
    }
    metrics |= {
        "local_runability_score": 4,
        "deployability_score": 2,
        "test_coverage_pct": 50.0,
        "total_loc": 100,
        "has_dockerfile": True,
        "has_tests": True,
        "build_time_sec": 10.0,
        "startup_time_sec": 2.0,
    }
    metrics.update(more.pop("metrics", {}))
    return {
        "app_name": name,
        "app_dir": f"/apps/{name}",
        "timestamp": "2025-11-03T09:01:12Z",
        "metrics": metrics,
        "issues": [],
        "details": {},
        **more,
    }


def k1(apps: list[dict[str, Any]], *, run_id: str | None = STAMP, **summary: Any) -> dict[str, Any]:
    """Return a K1 report whose summary counts every false as a failure, as the script did."""
    told: dict[str, Any] = {
        "build_success": _count(apps, "build_success"),
        "runtime_success": _count(apps, "runtime_success"),
        "type_safety_pass": _count(apps, "type_safety"),
        "tests_pass": _count(apps, "tests_pass"),
        "databricks_connectivity": _count(apps, "databricks_connectivity"),
        "data_returned": _count(apps, "data_returned"),
        "ui_renders": _count(apps, "ui_renders"),
    }
    told.update(summary.pop("metrics_summary", {}))
    document: dict[str, Any] = {
        "summary": {
            "total_apps": len(apps),
            "evaluated_at": "2025-11-03T09:07:13Z",
            "metrics_summary": told,
            **summary,
        },
        "apps": apps,
    }
    if run_id is not None:
        document |= {"timestamp": run_id, "evaluation_run_id": run_id}
    return document


def _count(apps: list[dict[str, Any]], check: str) -> int:
    return sum(app["metrics"].get(check) is True for app in apps)


def stub_app(name: str = "stub") -> dict[str, Any]:
    zeros = {"local_runability_score": 0, "deployability_score": 0, "appeval_100": 0.0}
    zeros |= {"total_loc": 0, "build_time_sec": 0.0, "startup_time_sec": 0.0}
    return k1_app(name, "", metrics=zeros, issues=["Docker-only apps not yet supported"])


# -- K2: evaluate_apps.py --------------------------------------------------------------------------


def k2_app(name: str, **metrics: Any) -> dict[str, Any]:
    return {
        "app_name": name,
        "metrics": {
            "build_success": True,
            "runtime_success": True,
            "type_safety": None,
            "tests_pass": None,
            "test_coverage": None,
            "databricks_connectivity": True,
            "data_returned": None,
            "ui_renders": None,
            "local_runability_score": 3,
            "local_runability_details": ["✓ Has README.md", "✗ Missing .env.example"],
            "deployability_score": 1,
            "deployability_details": ["✗ Missing Dockerfile"],
            **metrics,
        },
        "issues": ["Build: Build successful (Node.js)", "Runtime: App started"],
    }


def k2_error(name: str) -> dict[str, Any]:
    return {"app_name": name, "metrics": {}, "issues": ["Evaluation error: npm is not there"]}


def k2(apps: list[dict[str, Any]], *, mode: str | None = None, **told: str) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "total_apps": len(apps),
        "metrics_summary": {
            "build_success": f"{len(apps)}/{len(apps)}",
            "data_returned": "Not implemented",
            "local_runability_avg": "3.00/5",
            **told,
        },
    }
    if mode is not None:
        summary["mode"] = mode
    return {"summary": summary, "apps": apps}


K2_MARKDOWN = b"# Evaluation Report\n\n**Generated:** 2025-10-24 10:11:12\n\n## Summary\n"
RUN_METADATA = {
    "run_id": "20251024_101100",
    "mode": "vanilla_sdk",
    "timestamp": 1761293460,  # 2025-10-24T08:11:00Z
    "date_human": "2025-10-24 10:11:00",
    "duration_total_sec": 4210,
    "environment": {"os": "Linux", "hostname": "dev"},
    "parameters": {"n_jobs": -1, "wipe_db": False},
}


# -- K3 and K5 -------------------------------------------------------------------------------------


def k3(apps: list[dict[str, Any]], **told: Any) -> dict[str, Any]:
    return {
        "summary": {
            "timestamp": "2025-10-22T10:55:27Z",
            "total_apps": len(apps),
            "evaluated": len(apps),
            "metrics_summary": {"build_success": {"pass": len(apps), "fail": 0}, **told},
        },
        "apps": apps,
    }


def k3_app(name: str, **metrics: Any) -> dict[str, Any]:
    return {"app_name": name, "metrics": {"build_success": True, **metrics}}


K5_DETAIL = {
    "build_success": "build",
    "runtime_success": "runtime",
    "type_safety": "type_safety",
    "tests_pass": "tests",
    "databricks_connectivity": "db_connectivity",
    "data_returned": "data_returned",
    "ui_renders": "ui_renders",
}


def k5_app(name: str, passed: str = "", **outputs: str) -> dict[str, Any]:
    """Return a K5 app; `outputs` are texts of `details` by check, such as `ui_renders=`."""
    checks = {check: letter in passed for check, letter in zip(CHECKS, "brtscdu", strict=True)}
    trials = [{"trial": number, "ok": "l" in passed, "output": ""} for number in (1, 2, 3)]
    return {
        "app_name": name,
        "app_dir": f"/gen/{name}",
        "timestamp": "2026-03-02T23:56:12.181904+00:00",
        "metrics": {
            **checks,
            "local_runability_score": 3 if "l" in passed else 0,
            "deployability_score": 0,
            "local_runability_pass": "l" in passed,
            "deployability_pass": False,
            "test_coverage_pct": 0.0,
            "total_loc": 2124,
            "build_time_sec": 12.5,
            "app_type": "node",
            "framework": "streamlit",
        },
        "issues": [],
        "details": {
            **{
                detail: {"ok": checks[check], "output": outputs.get(check, "tried")}
                for check, detail in K5_DETAIL.items()
            },
            "runability": {"passes": 3, "trials": 3, "details": trials},
            "deployability": {"ok": False, "output": outputs.get("deployability", "No Dockerfile")},
        },
    }


def k5(apps: list[dict[str, Any]]) -> dict[str, Any]:
    count = _count(apps, "build_success")
    return {
        "run_timestamp": "2026-03-03T00:37:50.796082+00:00",
        "base_dir": "/gen",
        "total_apps": len(apps),
        "metrics_summary": {"L1_build": {"pass": count, "total": len(apps), "pct": 1.0}},
        "per_app": apps,
    }


# -- bulk runs -------------------------------------------------------------------------------------


def bulk_item(variant: str, name: str, cost: float | None = 1.0, *, ok: bool = True) -> Any:
    """Return an item of a bulk run in one of the variants b0 to b9."""
    metrics = None
    if cost is not None:
        metrics = {"cost_usd": cost, "input_tokens": 10, "output_tokens": 1000, "turns": 50}
    error = None if ok else "the agent gave up\nsecond line"
    base: dict[str, Any] = {"prompt": f"make {name}", "success": ok, "metrics": metrics}
    base["error"] = error
    directory = {"app_dir": f"/apps/{name}"}
    screenshot = {"screenshot_path": "/s.png"}
    shapes: dict[str, dict[str, Any]] = {
        "b0": {},
        "b1": directory | screenshot | {"screenshot_log": "/s.log"},
        "b2": directory | screenshot | {"screenshot_log": "/s.log", "browser_logs_path": "/b"},
        "b3": directory | screenshot | {"browser_logs_path": "/b"},
        "b4": directory | screenshot | {"browser_logs_path": "/b", "enable_mcp": True},
        "b5": directory | screenshot | {"browser_logs_path": "/b"},
        "b6": directory,
        "b7": directory | {"mcp_binary": "/m", "backend": "claude", "model": None},
    }
    if variant in shapes:
        return base | shapes[variant]
    known = {"app_name": name, "success": ok, "log_file": "/l", "error": error}
    known |= directory | {"backend": "litellm", "model": "gpt-5"}
    if variant == "b8":
        return known | {"cost_usd": cost, "tokens": 10, "turns": 50}
    return known | {"prompt": f"make {name}", "metrics": metrics}


def bulk(variant: str, items: list[Any]) -> Any:
    if variant != "b5":
        return items
    metadata = {"run_timestamp": "20251103_100000", "n_jobs": -1, "total_prompts": len(items)}
    return {"metadata": metadata, "results": items}


# -- evaltui's own ---------------------------------------------------------------------------------

OWN: dict[str, Any] = {
    "schema": "evaltui.report/1",
    "id": "nightly-1",
    "name": "nightly",
    "mode": "MCP (TypeScript/tRPC)",
    "model": "claude-sonnet-4-5",
    "started_at": "2026-03-01T02:00:00Z",
    "ended_at": "2026-03-01T02:41:10Z",
    "status": "partial",
    "params": {"dataset": "v3", "temperature": 0.2, "cached": True},
    "tags": {"team": "search"},
    "metrics": [
        {
            "name": "accuracy",
            "value": 0.81,
            "direction": "higher",
            "unit": "rate",
            "stderr": 0.02,
            "n": 400,
        },
        {"name": "latency", "value": 1.5, "direction": "lower", "unit": "s"},
    ],
    "cases": [
        {
            "id": "q-17",
            "group": "geography",
            "status": "fail",
            "scores": {"exact": False, "f1": 0.4, "judge": None},
            "reason": "wrong capital",
            "output": "Sydney",
            "duration_s": 1.2,
            "cost_usd": 0.003,
        },
        {"id": 18, "status": "pass"},
    ],
}
