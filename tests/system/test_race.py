"""The Python API, `log` and watchers meet the same reports at the same moment: one run each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from second_look import all_runs, counting_runs, own_report
from servers import MlflowServer
from stores import new_store
from waiting import wait_for
from watch_process import WatchProcess, drop, environ_below, evaltui

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("race")]

FILES = 4
RACER = """
import sys, time
from pathlib import Path
import mlflow  # so that all are off at the same moment
import evaltui.api
from evaltui.cli.main import main

way, go, *paths = sys.argv[1:]
print("ready", flush=True)
while not Path(go).exists():
    time.sleep(0.005)  # between two looks
if way == "log":
    sys.exit(main(["log", "--format", "json", *paths]))
for path in paths:
    print(evaltui.track_evaluation(path), flush=True)
"""


class Racer:
    """A process that begins when a file appears."""

    def __init__(self, way: str, folder: Path, go: Path, paths: list[Path], **more: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RACER, way, go, *paths],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ_below(folder, **more),
            cwd=folder,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self._way = way

    def ids(self) -> list[str]:
        """Return the run id it reports for each path, in their order."""
        out, errors = self.process.communicate(timeout=360)
        assert self.process.returncode == 0, errors
        assert "TrackingWarning" not in errors
        lines = out.splitlines()
        if self._way == "api":
            return lines
        return [run_id for line in lines for run_id in json.loads(line)["run_ids"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "reports").mkdir()
    return tmp_path


def run_ids_of(watch: WatchProcess, path: Path) -> list[str]:
    """Return the runs that a watch told of a file last."""
    told = [line["run_ids"] for line in watch.lines if line["path"] == str(path)]
    return list(told[-1]) if told else []


def test_on_one_machine_all_report_the_same_run(folder: Path) -> None:
    database = new_store(folder / "data" / "mlflow.db")
    reports, go = folder / "reports", folder / "go"
    paths = [reports / f"{number}.json" for number in range(FILES)]
    with ExitStack() as stack:
        watchers = [stack.enter_context(WatchProcess(folder, reports)) for _ in range(2)]
        wait_for(lambda: any("watching" in watch.told for watch in watchers), "a watcher")
        api, log = (Racer(way, folder, go, paths) for way in ("api", "log"))
        for number, path in enumerate(paths):
            drop(path, own_report(number / 10))
        go.touch()
        ids = api.ids()
        assert log.ids() == ids
        for watch in watchers:
            watch.until(
                lambda watch=watch: all(run_ids_of(watch, path) for path in paths),  # type: ignore[misc]
                "a line with its run for each file",
            )
            assert [run_ids_of(watch, path) for path in paths] == [[run_id] for run_id in ids]
    runs = all_runs(database)
    assert sorted(run.run_id for run in runs if run.active) == sorted(ids)
    assert all(run.status == "FINISHED" and len(run.metrics) == 1 for run in runs if run.active)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    with MlflowServer(tmp_path / "server") as server:
        yield server


@pytest.mark.server
def test_between_machines_one_run_is_left_after_reconciliation(
    folder: Path, server: MlflowServer
) -> None:
    reports, go = folder / "reports", folder / "go"
    paths = [reports / f"{number}.json" for number in range(FILES)]
    uri = {"MLFLOW_TRACKING_URI": server.url}
    machines = [folder / name for name in ("one", "two", "three")]
    for machine in machines:
        machine.mkdir()
    with ExitStack() as stack:
        watchers = [
            stack.enter_context(WatchProcess(machine, reports, environ=uri))
            for machine in machines[:2]
        ]
        for watch in watchers:
            watch.watching()
        api = Racer("api", machines[2], go, paths, **uri)
        for number, path in enumerate(paths):
            drop(path, own_report(number / 10))
        go.touch()
        assert len(set(api.ids())) == FILES
        for watch in watchers:
            watch.until(
                lambda watch=watch: all("logged" in watch.states(path) for path in paths),  # type: ignore[misc]
                "each file logged",
            )
        wait_for(
            lambda: len([run for run in all_runs(server.database) if run.active]) == FILES,
            "one active run for each report",
            seconds=300,
        )
        runs = counting_runs(server.database)
        assert sorted(run.metrics["accuracy"] for run in runs) == [n / 10 for n in range(FILES)]
        assert all(run.status == "FINISHED" for run in runs)
        kept = {run.metrics["accuracy"]: run.run_id for run in runs}

        def settled() -> bool:
            """Whether both journals name the runs that stayed."""
            told = [
                json.loads(line)["run_ids"]
                for machine in machines[:2]
                for line in evaltui(
                    machine, "log", "--format", "json", *paths, **uri
                ).stdout.splitlines()
            ]
            return told == [[kept[number / 10]] for number in range(FILES)] * 2

        wait_for(settled, "journals that agree with the store", seconds=300)
