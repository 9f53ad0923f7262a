"""What the tracker before evaltui left in a store: MLflow's fluent client, a call per value.

`old_tracker.py FILE` logs the items of a JSON list, each `{"era", "mode", "at", "report"}`. Three
eras of the script differ in what they logged of the same report; their names are those of the time.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def per_app(report: Report) -> list[dict[str, Any]]:
    """Return the table of apps: truth as 0 or 1, one column renamed."""
    rows = []
    for app in report["apps"]:
        row: dict[str, Any] = {"app_name": app["app_name"]}
        for name, value in app["metrics"].items():
            shown = "runability_score" if name == "local_runability_score" else name
            row[shown] = int(value) if isinstance(value, bool) else value
        rows.append(row)
    return rows


def november(report: Report) -> Iterator[tuple[str, float]]:
    """Yield metrics of the script that described every column of the table."""
    summary = report["summary"]["metrics_summary"]
    yield "total_apps", report["summary"]["total_apps"]
    yield "avg_runability_score", summary["local_runability_avg"]
    yield "avg_deployability_score", summary["deployability_avg"]
    yield "avg_appeval_100", summary["avg_appeval_100"]
    rows = per_app(report)
    for name in rows[0]:
        values = [row[name] for row in rows]
        if not all(isinstance(value, int | float) for value in values):
            continue
        yield f"{name}_mean", statistics.mean(values)
        yield f"{name}_median", statistics.median(values)
        yield f"{name}_min", min(values)
        yield f"{name}_max", max(values)
        yield f"{name}_std", statistics.stdev(values)
        if set(values) <= {0, 1}:
            yield f"{name}_rate", statistics.mean(values)


def winter(report: Report) -> Iterator[tuple[str, float]]:
    """Yield metrics of the script that kept to the composite."""
    yield "total_apps", report["summary"]["total_apps"]
    yield "avg_appeval_100", report["summary"]["metrics_summary"]["avg_appeval_100"]
    yield "template_trpc_count", report["summary"]["total_apps"]


def february(report: Report) -> Iterator[tuple[str, float]]:
    """Yield metrics of the script that logged every number of the summary as it is: counts."""
    yield "total_apps", report["summary"]["total_apps"]
    yield from report["summary"]["metrics_summary"].items()


ERAS = {"november": november, "winter": winter, "february": february}


def log(item: dict[str, Any]) -> None:
    """Log one report as the script did."""
    import mlflow

    report, mode, at = item["report"], item["mode"], item["at"]
    with mlflow.start_run(run_name=f"eval_{mode}_{at}"), tempfile.TemporaryDirectory() as room:
        tags = {"framework": "klaudbiusz", "run_name": f"eval_{mode}_{at}", "mode": mode}
        for name, text in tags.items():
            mlflow.set_tag(name, text)
        total = report["summary"]["total_apps"]
        params = {"mode": mode, "total_apps": total, "timestamp": at}
        for name, value in {**params, "model_version": "claude-sonnet-4-5-20250929"}.items():
            mlflow.log_param(name, value)
        for name, number in ERAS[item["era"]](report):
            mlflow.log_metric(name, float(number))
        if item["era"] != "february":
            rows = per_app(report)
            mlflow.log_table(
                {key: [row[key] for row in rows] for key in rows[0]}, "app_metrics.json"
            )
        files = {
            "evaluation_report.json": json.dumps(report),
            "EVALUATION_REPORT.md": "# App Evaluation Report\n",
            "evaluation_report.csv": "app_name\r\n",
        }
        for name, text in files.items():
            path = Path(room, name)
            path.write_text(text)
            mlflow.log_artifact(str(path))


def main() -> None:
    """Log what the file says, in its order."""
    import mlflow

    mlflow.set_experiment("/Shared/klaudbiusz-evaluations")
    for item in json.loads(Path(sys.argv[1]).read_text()):
        log(item)


if __name__ == "__main__":
    main()
