"""Which version of `evaluate_all.py` wrote a report: told by the features of the file.

The same names meant other things over time (appeval_100, total_loc, the scale of the scores), so
each meaning gets a version param, and runs of different meanings are not compared unawares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evaltui.readers import shape
from evaltui.readers.apps import App
from evaltui.readers.notes import Notes

SCALE = "local_runability 0-5, deployability 0-5"
OLD_SCALE = "local_runability 0-5, deployability 0-4"

WITH_DETAILS = frozenset({"avg_appeval_100", "template_type", "eff_units", "details"})
"""Schemas whose checks give details: LOC counts files, deployability has five points."""


def schema_of(document: dict[str, Any], summary: dict[str, Any], apps: Sequence[App]) -> str:
    """Return the newest feature of the file, which names its version."""
    has_lists = any({"local_runability", "deployability"} & app.details.keys() for app in apps)
    features: tuple[tuple[str, bool], ...] = (
        (
            "avg_appeval_100",
            "avg_appeval_100" in shape.child(summary, "metrics_summary", "/summary"),
        ),
        ("template_type", any("template_type" in app.columns for app in apps)),
        ("eff_units", any("eff_units" in app.scores for app in apps)),
        ("details", has_lists),
        ("appeval_100", any("appeval_100" in app.scores for app in apps)),
        ("generation_metrics", "generation_metrics" in summary),
        ("run_id", "evaluation_run_id" in document),
    )
    return next((name for name, there in features if there), "bare")


def version_params(schema: str, apps: Sequence[App], notes: Notes) -> dict[str, str]:
    """Return the params that say what the metrics of a report mean."""
    params = {"total_loc.version": "files" if schema in WITH_DETAILS else "lines"}
    if any(app.scores.get("appeval_100") is not None for app in apps):
        params["appeval_100.version"] = _appeval_version(schema, apps, notes)
    return params


def _appeval_version(schema: str, apps: Sequence[App], notes: Notes) -> str:
    """Return which formula made appeval_100 (`5-term` or `7-term`) by working it out again."""
    fits = {
        version: all(_appeval_fits(app, checks) for app in apps if not app.stub)
        for version, checks in _APPEVAL_TERMS.items()
    }
    if all(fits.values()):
        return "5-term" if schema in WITH_DETAILS else "7-term"
    found = next((version for version, fit in fits.items() if fit), None)
    if found is None:
        notes.add("appeval_100 is by no formula known here")
    return found or "unknown"


_FIVE = (
    "build_success",
    "runtime_success",
    "type_safety",
    "tests_pass",
    "databricks_connectivity",
)
_APPEVAL_TERMS = {"5-term": _FIVE, "7-term": (*_FIVE, "data_returned", "ui_renders")}
_FLOOR = 1e-6
_TOP = 5.0
_ROUNDING = 0.051


def _appeval_fits(app: App, checks: Sequence[str]) -> bool:
    told = app.scores.get("appeval_100")
    if told is None:
        return True

    def share(name: str) -> float:
        return min(1.0, max(0.0, (app.scores.get(name) or 0.0) / _TOP))

    def done(check: str) -> float:
        return 1.0 if app.checks.get(check) else 0.0

    reliability = _geometric_mean([done(check) for check in checks])
    comfort = _geometric_mean([share("local_runability_score"), share("deployability_score")])
    gates = (
        (0.25 + 0.75 * done("build_success"))
        * (0.25 + 0.75 * done("runtime_success"))
        * (0.5 + 0.5 * done("databricks_connectivity"))
    )
    return abs(100 * (0.7 * reliability + 0.3 * comfort) * gates - told) <= _ROUNDING


def _geometric_mean(values: Sequence[float]) -> float:
    return math.prod(max(value, _FLOOR) for value in values) ** (1 / len(values))
