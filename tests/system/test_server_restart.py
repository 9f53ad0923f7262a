"""A server that is killed in the middle of the work and started again loses and doubles nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_documents import k1, k1_app, to_bytes
from second_look import StoredRun, all_runs, counting_runs
from servers import MlflowServer
from waiting import wait_for
from watch_process import WatchProcess, drop

pytestmark = [pytest.mark.system, pytest.mark.server, pytest.mark.xdist_group("race")]

BEFORE, MEANWHILE = 12, 4
APPS = 5


def report(number: int) -> bytes:
    """Return the report in which `number` % 6 apps of five build."""
    apps = [k1_app(f"app{at}", "b" if at < number % (APPS + 1) else "") for at in range(APPS)]
    return to_bytes(k1(apps, run_id=f"20251103_{number:06d}"))


def check(run: StoredRun, number: int) -> None:
    """The run has exactly what its report says, once."""
    assert run.status == "FINISHED"
    assert run.tags["evaltui.state"] == "complete"
    metrics = run.metrics  # fails on points that were written twice
    assert metrics["build_success_pass"] == number % (APPS + 1)
    assert metrics["build_success_n"] == metrics["total_apps"] == APPS
    assert run.params["total_apps"] == str(APPS)


def test_every_report_becomes_one_run_with_its_metrics(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    paths = [reports / f"{n}" / "evaluation_report.json" for n in range(BEFORE + MEANWHILE)]
    with (
        MlflowServer(tmp_path / "server") as server,
        WatchProcess(tmp_path, "--tracking-uri", server.url, reports) as watch,
    ):
        watch.watching()
        for number in range(BEFORE):
            drop(paths[number], report(number))
        wait_for(lambda: len(all_runs(server.database)) >= 3, "the first runs")
        server.kill()
        done_before = sum("logged" in watch.states(path) for path in paths)
        assert done_before < BEFORE
        for number in range(BEFORE, BEFORE + MEANWHILE):
            drop(paths[number], report(number))
        watch.until(lambda: "store offline" in watch.told, "word of the store")
        server.start()
        watch.until(
            lambda: all("logged" in watch.states(path) for path in paths), "a line for each"
        )
        watch.end()
        runs = counting_runs(server.database)
        artifacts = {
            run.run_id: {
                path.name: path.read_bytes()
                for path in (server.directory / "artifacts").rglob(f"{run.run_id}/artifacts/*")
            }
            for run in runs
        }
    assert len(runs) == len(paths)
    by_id = {run.run_id: run for run in runs}
    for number, path in enumerate(paths):
        (line,) = [
            line for line in watch.lines if line["path"] == str(path) and line["state"] == "logged"
        ]
        (run_id,) = line["run_ids"]
        check(by_id.pop(run_id), number)
        held = artifacts[run_id]
        assert held["evaluation_report.json"] == path.read_bytes()
        assert len(json.loads(held["app_metrics.json"])["data"]) == APPS
    assert by_id == {}
