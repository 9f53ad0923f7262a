"""What one report costs: bare MLflow calls, evaltui's writer, and the whole ingest, in turn.

Usage: logging_cost.py DIRECTORY ROUNDS; prints JSON. Runs in a process of its own because it
imports mlflow. Every round logs a report of its own each way, to the same embedded store.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evaltui.cli.demo_reports import Quality, make_report, to_bytes
from evaltui.domain.plan import RunPlan
from evaltui.domain.report import Source
from evaltui.domain.run import RunStatus
from evaltui.readers import read_reports
from evaltui.settings import Settings
from evaltui.submit import Wish, log_taken, one_shot, take_named
from evaltui.tracking.mapping import PlanContext, choose_mode, plan_run
from evaltui.tracking.target import resolve_target
from evaltui.tracking.writer import MlflowWriter

START = datetime(2026, 3, 1, tzinfo=UTC)


def plan_of(data: bytes, path: Path) -> RunPlan:
    """Return the plan of a report, artifacts and all."""
    from evaltui.domain.plan import ArtifactFile

    (report,) = read_reports(data, Source(path, len(data), START))
    mode, source = choose_mode(report)
    return plan_run(
        report,
        PlanContext(
            mode=mode,
            mode_source=source,
            model=None,
            run_name=None,
            file_sha256="0" * 64,
            file_name=path.name,
            host="bench",
            now_ms=0,
            file_ms=0,
            artifacts=(ArtifactFile("evaluation_report.json", data=data),),
        ),
    )


def bare(plan: RunPlan, uri: str, room: Path) -> None:
    """Write a plan by the least number of MLflow calls that a careful script would make."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("bench")
    run_id = client.create_run(
        experiment.experiment_id,
        start_time=plan.started_ms,
        tags=dict(plan.create_tags),
        run_name=plan.name,
    ).info.run_id
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, plan.metric_ms, 0) for key, value in plan.metrics.items()],
        params=[Param(key, text) for key, text in plan.params.items()],
        tags=[RunTag(key, text) for key, text in plan.tags.items()],
    )
    for file in plan.artifacts:
        local = room / file.path
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(file.data or b"")
        client.log_artifact(run_id, str(local))
    client.set_terminated(run_id, RunStatus.FINISHED.value, plan.ended_ms)


def main(directory: Path, rounds: int) -> dict[str, list[float]]:
    """Return seconds per report for each way."""
    uri = f"sqlite:///{directory / 'mlflow.db'}"
    settings = Settings(
        tracking_uri=uri,
        experiment="bench",
        state_dir=directory / "state",
        data_dir=directory / "data",
    )
    target = resolve_target(settings, {})
    writer = MlflowWriter(target)
    experiment_id = writer.ensure_experiment("bench").experiment_id
    times: dict[str, list[float]] = {"bare": [], "writer": [], "ingest": []}
    with one_shot(settings, {}) as desk:
        for number in range(rounds + 1):
            files = []
            for way in range(3):
                data = to_bytes(
                    make_report(
                        random.Random(number * 3 + way),
                        START + timedelta(minutes=number * 3 + way),
                        Quality(0.8, 0.2),
                    )
                )
                path = directory / "reports" / f"{number}-{way}" / "evaluation_report.json"
                path.parent.mkdir(parents=True)
                path.write_bytes(data)
                files.append((data, path))

            def write(at: int = 1, files: list[tuple[bytes, Path]] = files) -> None:
                plan = plan_of(*files[at])
                run_id = writer.create_run(experiment_id, plan)
                writer.log_values(run_id, plan)
                writer.log_artifacts(run_id, plan.artifacts)
                writer.finish_run(run_id, plan.status, plan.ended_ms)

            def ingest(files: list[tuple[bytes, Path]] = files) -> None:
                taken = take_named(desk.ingestor, Wish(files[2][1]), max_held=1 << 26)
                (outcome,) = log_taken(desk.ingestor, [taken])
                assert outcome.run_ids, outcome

            def calls(files: list[tuple[bytes, Path]] = files, number: int = number) -> None:
                bare(plan_of(*files[0]), uri, directory / "room" / str(number))

            ways: list[tuple[str, Callable[[], None]]] = [
                ("bare", calls),
                ("writer", write),
                ("ingest", ingest),
            ]
            random.Random(number).shuffle(ways)
            for name, way_of in ways:
                began = time.perf_counter()
                way_of()
                if number:  # the first round warms up
                    times[name].append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
