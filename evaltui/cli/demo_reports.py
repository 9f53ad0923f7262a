"""Believable app-evaluation reports, made from a seed: what the demo drops into its directory."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import prod
from typing import Any

from evaltui.late_dataclass import dataclass

APPS = (
    "cac-by-channel", "channel-conversion", "churn-risk-dashboard", "content-moderation-queue",
    "customer-360-view", "customer-ltv-cohorts", "customer-rfm-segments", "data-quality-metrics",
    "pricing-impact", "product-pair-analysis", "product-profitability", "revenue-by-channel",
    "revenue-forecast", "sales-density-heatmap", "slow-moving-inventory", "subscription-tiers",
    "supplier-scorecard", "taxi-trip-metrics", "wanderbricks-revenue", "warehouse-efficiency",
)  # fmt: skip

_CHECKS = (
    "build_success",
    "runtime_success",
    "type_safety",
    "tests_pass",
    "databricks_connectivity",
    "data_returned",
    "ui_renders",
)
MODES = ("mcp", "vanilla_sdk")
_HISTORY = 12
_LIVE = 6
_BAD_RUN = 3
"""Number of the live report in which something broke: the demo's regression."""

_BROKEN_BYTES = 900


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the demo does.

    Attributes:
        wait_s: Seconds to wait before it.
        path: File below the watched directory.
        data: Its bytes.
        note: What happens, in words.
        age: How long ago the file was written, for its modification time.
    """

    wait_s: float
    path: str
    data: bytes
    note: str
    age: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a batch goes.

    Attributes:
        passing: Chance that a check of an app passes, 0 to 1.
        cost_usd: What an app costs, about.
    """

    passing: float
    cost_usd: float


def history(now: datetime, *, seed: int = 7) -> list[Step]:
    """Return the reports of the past days, oldest first: two modes, slowly getting better.

    Args:
        now: Aware instant that the ages are counted back from.
        seed: The same seed and instant give the same bytes.
    """
    steps = []
    for number in range(_HISTORY):
        age = timedelta(hours=9 * (_HISTORY - number) - 6, minutes=11 * number % 60)
        mode = "vanilla_sdk" if number % 3 == 1 else "mcp"
        quality = Quality(0.70 + 0.015 * number - 0.12 * (mode != "mcp"), 0.19 + 0.005 * number)
        report = make_report(random.Random(seed * 1000 + number), now - age, quality)  # noqa: S311 - demo data
        steps.append(
            Step(0, _path(mode, now - age), to_bytes(report), f"{mode}, some days old", age)
        )
    return steps


def live(now: datetime, *, seed: int = 7) -> Iterator[Step]:
    """Yield what happens while somebody watches, endlessly; times are those of the wall clock.

    The first reports come quickly: per-app files, a whole batch, one with a regression, one whose
    file is half written first, one that is broken. After that a report comes now and then.

    Args:
        now: Aware instant of the first report.
        seed: The same seed and instant give the same bytes.
    """
    at = now
    number = 0
    while True:
        mode = "vanilla_sdk" if number % 3 == 2 else "mcp"  # noqa: PLR2004 - every third
        bad = number % _LIVE == _BAD_RUN
        passing = 0.45 if bad else 0.88 - 0.1 * (mode != "mcp")
        rng = random.Random(seed * 7919 + number)  # noqa: S311 - demo data
        report = make_report(rng, at, Quality(passing, 0.34 if bad else 0.24))
        folder = _path(mode, at).rpartition("/")[0]
        wait = 2.5 if number < _LIVE else 8.0
        if number == 1:
            yield from _per_app(folder, report, wait)
            wait = 0.5
        path, data = _path(mode, at), to_bytes(report)
        if number == 2:  # noqa: PLR2004 - the third is caught half-written
            yield Step(wait, path, data[: len(data) // 2], "a report is half written")
            wait = 1.5
        yield Step(wait, path, data, "something broke" if bad else f"a report of mode {mode}")
        if number == _LIVE - 1:
            broken = data[:_BROKEN_BYTES] + b"!!" + data[_BROKEN_BYTES:]
            yield Step(1.0, "mcp/broken/evaluation_report.json", broken, "a report is broken")
        number += 1
        at += timedelta(seconds=wait)


def _per_app(folder: str, report: Mapping[str, Any], wait_s: float) -> Iterator[Step]:
    apps = report["apps"]
    for index, app in enumerate(apps):
        path = f"{folder}/app/{app['app_name']}/eval_result.json"
        note = f"{index + 1} of {len(apps)} apps are evaluated"
        yield Step(wait_s if not index else 0.12, path, to_bytes(app), note)


def _path(mode: str, at: datetime) -> str:
    return f"{mode}/{at:%Y%m%d_%H%M%S}/evaluation_report.json"


def to_bytes(document: Mapping[str, object]) -> bytes:
    """Return a document as its file holds it."""
    return json.dumps(document, indent=2).encode("ascii")


def make_report(rng: random.Random, at: datetime, quality: Quality) -> dict[str, Any]:
    """Return a report of all apps as `evaluate_all.py` writes it (format app_eval_k1)."""
    stamp = at.astimezone(UTC)
    apps = [_app(rng, name, stamp, quality) for name in APPS]
    checks = {check: sum(bool(app["metrics"][check]) for app in apps) for check in _CHECKS}
    checks["type_safety_pass"] = checks.pop("type_safety")
    costs = [app["generation_metrics"] for app in apps]
    return {
        "summary": {
            "total_apps": len(apps),
            "evaluated_at": f"{stamp:%Y-%m-%dT%H:%M:%SZ}",
            "template_distribution": {"trpc": len(apps)},
            "metrics_summary": {
                "avg_appeval_100": _mean([app["metrics"]["appeval_100"] for app in apps]),
                "avg_eff_units": _mean([app["metrics"]["eff_units"] for app in apps]),
                **checks,
                "local_runability_avg": _mean(
                    [a["metrics"]["local_runability_score"] for a in apps]
                ),
                "deployability_avg": _mean([a["metrics"]["deployability_score"] for a in apps]),
            },
            "generation_metrics": {
                "total_cost_usd": round(sum(cost["cost_usd"] for cost in costs), 6),
                "total_output_tokens": sum(cost["output_tokens"] for cost in costs),
                "avg_turns": _mean([cost["turns"] for cost in costs]),
            },
        },
        "apps": apps,
        "timestamp": f"{at:%Y%m%d_%H%M%S}",
        "evaluation_run_id": f"{at:%Y%m%d_%H%M%S}",
    }


def _app(rng: random.Random, name: str, at: datetime, quality: Quality) -> dict[str, Any]:
    skill = quality.passing + (APPS.index(name) % 5 - 2) * 0.03
    built = rng.random() < skill + 0.1
    checks = {"build_success": built}
    for check in _CHECKS[1:]:
        checks[check] = built and rng.random() < skill
    scores = {
        "local_runability_score": min(5, max(0, round(rng.gauss(5 * skill, 0.7)))),
        "deployability_score": min(5, max(0, round(rng.gauss(4.2 * skill, 0.8)))),
    }
    output = int(rng.gauss(17_000, 2_500))
    turns = max(20, int(rng.gauss(68, 12)))
    failed = [check for check, passed in checks.items() if not passed]
    return {
        "app_name": name,
        "app_dir": f"app/{name}",
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "metrics": {
            **checks,
            **scores,
            "test_coverage_pct": round(rng.uniform(20, 80), 1) if built else 0.0,
            "total_loc": rng.randint(30, 60),
            "has_dockerfile": True,
            "has_tests": True,
            "build_time_sec": round(rng.uniform(20, 60), 1) if built else 0.0,
            "startup_time_sec": round(rng.uniform(4, 12), 1) if checks["runtime_success"] else 0.0,
            "appeval_100": _appeval(checks, scores),
            "eff_units": round(output / 1000 + turns, 3),
            "template_type": "trpc",
        },
        "issues": [f"{check.replace('_', ' ')} failed" for check in failed],
        "details": {"local_runability": ["✓ npm start command defined"], "deployability": []},
        "generation_metrics": {
            "cost_usd": round(max(0.05, rng.gauss(quality.cost_usd, 0.04)), 6),
            "input_tokens": rng.randint(20, 60),
            "output_tokens": output,
            "turns": turns,
        },
    }


def _appeval(checks: Mapping[str, bool], scores: Mapping[str, int]) -> float:
    """Return the evaluator's own score of an app, 0 to 100."""
    names = _CHECKS[:5]
    rate = _geometric([float(checks[name]) for name in names])
    craft = _geometric([score / 5 for score in scores.values()])
    gate = (0.25 + 0.75 * checks["build_success"]) * (0.25 + 0.75 * checks["runtime_success"])
    gate *= 0.5 + 0.5 * checks["databricks_connectivity"]
    return round(100 * (0.7 * rate + 0.3 * craft) * gate, 1)


def _geometric(values: Sequence[float]) -> float:
    return prod(max(value, 1e-6) for value in values) ** (1 / len(values))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
