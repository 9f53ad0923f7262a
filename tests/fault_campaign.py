"""A batch of reports through a server that fails all the time, and the account at the end."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from batch_reports import Audit, BatchReport, audit, make_report
from fault_proxy import FaultProxy, Rule
from nursery import Life, Nursery
from second_look import StoredRun, all_runs
from servers import MlflowServer

from evaltui.settings import DEFAULT_EXPERIMENT

AHEAD = 60
"""Reports that wait in the directories while earlier ones are logged."""

_LOOK_S = 0.5


@dataclass
class Machine:
    """A watched directory and the state of its watcher."""

    folder: Path
    number: int

    @property
    def reports(self) -> Path:
        """The watched directory."""
        return self._made(f"reports-{self.number}")

    @property
    def state(self) -> Path:
        """Where journal and log are."""
        return self._made(f"state-{self.number}")

    @property
    def argv(self) -> list[str]:
        """Arguments of the watch."""
        return ["watch", str(self.reports), "--format", "json"]

    def environ(self, url: str, **more: str) -> dict[str, str]:
        """Return the variables of a watcher on this machine."""
        return {
            "MLFLOW_TRACKING_URI": url,
            "EVALTUI_STATE_DIR": str(self.state),
            "EVALTUI_DATA_DIR": str(self.folder / "data"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            **more,
        }

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


@dataclass(frozen=True)
class Stage:
    """A real server, the proxy before it, and where watchers are started.

    Attributes:
        experiment: Name of the experiment that is used and looked at.
    """

    folder: Path
    server: MlflowServer
    proxy: FaultProxy
    nursery: Nursery
    experiment: str = DEFAULT_EXPERIMENT

    def part(self, name: str) -> Stage:
        """Return a stage with the same server and an experiment and folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        return replace(self, folder=folder, experiment=name)

    def machine(self, number: int = 0) -> Machine:
        """Return one of the machines."""
        return Machine(self.folder, number)

    def environ(self, machine: Machine, **more: str) -> dict[str, str]:
        """Return the variables of a watcher."""
        return machine.environ(self.proxy.url, MLFLOW_EXPERIMENT_NAME=self.experiment, **more)

    def watch(self, number: int = 0, *, hurry: float = 20.0, **more: str) -> Life:
        """Start `evaltui watch` on a machine."""
        machine = self.machine(number)
        return self.nursery.start(machine.argv, self.environ(machine, **more), hurry=hurry)

    def runs(self) -> list[StoredRun]:
        """Return the experiment's runs as SQL and the server's files tell them."""
        mine = self.experiment_id()
        served = self.server.directory / "artifacts"
        runs = all_runs(self.server.database, served_from=served)
        return [run for run in runs if run.experiment_id == mine]

    def experiment_id(self) -> str:
        """Return the id of the experiment, "" while there is none."""
        rows = self._sql("SELECT experiment_id FROM experiments WHERE name = ?", self.experiment)
        return str(rows[0][0]) if rows else ""

    def complete(self) -> int:
        """Return how many runs are complete and were not deleted."""
        ((count,),) = self._sql(
            "SELECT COUNT(*) FROM tags JOIN runs USING (run_uuid) WHERE key = 'evaltui.state'"
            " AND value = 'complete' AND lifecycle_stage = 'active' AND experiment_id = ?",
            self.experiment_id() or -1,
        )
        return int(count)

    def post(self, path: str, **body: object) -> Any:
        """Ask the server itself for a change, past the proxy."""
        request = urllib.request.Request(
            f"{self.server.url}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

    def _sql(self, text: str, *arguments: object) -> list[Any]:
        where = f"file:{self.server.database}?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=30)) as db:
            return db.execute(text, arguments).fetchall()


@contextmanager
def open_stage(folder: Path, *, seed: int = 0, workers: int = 1) -> Iterator[Stage]:
    """Start a server, a proxy without rules as yet, and a nursery.

    In a folder that was used before, the store and the proxy's address are those of that time.
    """
    used, database = folder / "port", folder / "server" / "server.db"
    listen = int(used.read_text()) if used.exists() else 0
    with ExitStack() as stack:
        there = database if listen else None
        server = MlflowServer(folder / "server", database=there, workers=workers)
        stack.enter_context(server)
        proxy = stack.enter_context(FaultProxy(server.port, seed=seed, listen=listen))
        used.write_text(str(proxy.port))
        yield Stage(folder, server, proxy, stack.enter_context(Nursery(folder / "lives")))


@dataclass
class Figures:
    """What came out of a campaign."""

    seed: int
    wanted: int
    audit: Audit
    seconds: float
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    statuses: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        faulty = sum(self.faults.values())
        share = faulty / max(1, self.requests)
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return (
            f"seed {self.seed}: {self.audit.reports} of {self.wanted} reports in"
            f" {self.seconds:.0f} s; {faulty} of {self.requests} requests spoiled ({share:.1%})\n"
            f"{kinds}\n{self.audit}"
        )


def fault_campaign(
    stage: Stage,
    *,
    reports: int,
    seed: int,
    rules: Sequence[Rule],
    machines: int = 1,
    hurry: float = 20.0,
    poll_s: float | None = None,
    stop_after_s: float = 1e9,
    settle_s: float = 420.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Let watchers log a batch through the proxy; return the account.

    What is in the folder of a stage that was used before is gone on with.

    Args:
        stage: The server.
        reports: How many.
        seed: Of the reports.
        rules: The faults.
        machines: Watchers with states of their own, each for its share of the reports.
        hurry: By how much the waiting between tries is shortened.
        poll_s: Seconds between the polls of a watcher; default: its own. A server that is short of
            time has more of it for reports when these are few.
        stop_after_s: Feed no more reports after this time.
        settle_s: How long the last reports and twins may take.
        tell: Takes lines about how far it is.
    """
    began = time.monotonic()
    proxy = stage.proxy
    proxy.rules = list(rules)
    more = {} if poll_s is None else {"EVALTUI_POLL_INTERVAL_S": str(poll_s)}
    lives = [stage.watch(number, hurry=hurry, **more) for number in range(machines)]
    fed: list[BatchReport] = []
    told = began
    while len(fed) < reports and time.monotonic() - began < stop_after_s:
        done = stage.complete()
        while len(fed) < min(reports, done + AHEAD):
            report = make_report(seed, len(fed))
            folder = stage.machine(len(fed) % machines).reports
            if not (folder / f"{report.key}.json").exists():
                report.write(folder)
            fed.append(report)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            tell(f"{done} of {reports} logged after {told - began:.0f} s")
        assert all(life.status is None for life in lives), [life.text for life in lives]
        time.sleep(_LOOK_S)  # between two looks
    wait_for_account(lambda: audit(stage.runs(), fed), settle_s)
    statuses = [life.stop() for life in lives]
    found = audit(stage.runs(), fed)
    seconds = time.monotonic() - began
    return Figures(seed, reports, found, seconds, proxy.requests, proxy.faults, statuses)


def wait_for_account(look: Callable[[], Audit], seconds: float) -> Audit:
    """Look until the account is exact or no more is to be hoped for; return the last look."""
    end = time.monotonic() + seconds
    while not (found := look()).exact and time.monotonic() < end:
        time.sleep(_LOOK_S + found.reports / 2_000)  # a look at ten thousand runs costs seconds
    return found


def complete_keys(runs: Sequence[StoredRun]) -> set[str]:
    """Return the reports that have a complete run in the account."""
    done = (run for run in runs if run.counts and run.tags.get("evaltui.state") == "complete")
    return {run.params.get("report", "") for run in done}
