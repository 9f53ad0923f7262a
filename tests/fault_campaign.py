"""A batch of reports through a server that fails all the time, and the account at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from batch_reports import Audit, BatchReport, audit, make_report
from fault_proxy import FaultProxy, Rule
from nursery import Life, Nursery
from second_look import StoredRun, all_runs
from servers import MlflowServer

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

    def environ(self, url: str, **more: str) -> dict[str, str]:
        """Return the variables of a watcher on this machine."""
        return {
            "MLFLOW_TRACKING_URI": url,
            "EVALTUI_STATE_DIR": str(self.state),
            "EVALTUI_DATA_DIR": str(self.folder / "data"),
            "EVALTUI_CONFIG": "/dev/null",
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            **more,
        }

    def watch(self, nursery: Nursery, url: str, *, hurry: float = 1.0, **more: str) -> Life:
        """Start `evaltui watch` here."""
        argv = ["watch", str(self.reports), "--format", "json"]
        return nursery.start(argv, self.environ(url, **more), hurry=hurry)

    def _made(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path


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


@contextmanager
def spoiled_server(folder: Path, *, seed: int) -> Iterator[tuple[MlflowServer, FaultProxy]]:
    """Give a real server and the proxy before it, without rules as yet."""
    with ExitStack() as stack:
        server = stack.enter_context(MlflowServer(folder / "server"))
        yield server, stack.enter_context(FaultProxy(server.port, seed=seed))


def server_runs(server: MlflowServer) -> list[StoredRun]:
    """Return the runs of a server as SQL and its files tell them."""
    return all_runs(server.database, served_from=server.directory / "artifacts")


def complete_keys(runs: Sequence[StoredRun]) -> set[str]:
    """Return the reports that have a complete run in the account."""
    done = (run for run in runs if run.counts and run.tags.get("evaltui.state") == "complete")
    return {run.params.get("report", "") for run in done}


def fault_campaign(
    folder: Path,
    *,
    reports: int,
    seed: int,
    rules: Sequence[Rule],
    machines: int = 1,
    hurry: float = 1.0,
    stop_after_s: float = 1e9,
    settle_s: float = 420.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Let watchers log a batch through the proxy; return the account.

    Args:
        folder: For everything.
        reports: How many.
        seed: Of reports and faults.
        rules: The faults.
        machines: Watchers with states of their own, each for its share of the reports.
        hurry: By how much the waiting between tries is shortened.
        stop_after_s: Feed no more reports after this time.
        settle_s: How long the last reports and twins may take.
        tell: Takes lines about how far it is.
    """
    began = time.monotonic()
    places = [Machine(folder, number) for number in range(machines)]
    with ExitStack() as stack:
        server, proxy = stack.enter_context(spoiled_server(folder, seed=seed))
        nursery = stack.enter_context(Nursery(folder / "lives"))
        proxy.rules = list(rules)
        lives = [place.watch(nursery, proxy.url, hurry=hurry) for place in places]
        fed: list[BatchReport] = []
        told = 0.0
        while len(fed) < reports and time.monotonic() - began < stop_after_s:
            done = _count_complete(server)
            while len(fed) < min(reports, done + AHEAD):
                report = make_report(seed, len(fed))
                report.write(places[len(fed) % machines].reports)
                fed.append(report)
            if time.monotonic() - told > 60:
                told = time.monotonic()
                tell(f"{done} of {reports} logged after {told - began:.0f} s")
            assert all(life.status is None for life in lives), [life.text for life in lives]
            time.sleep(_LOOK_S)
        found = wait_for_account(lambda: audit(server_runs(server), fed), settle_s)
        statuses = [life.stop() for life in lives]
        found = audit(server_runs(server), fed)
        seconds = time.monotonic() - began
        return Figures(seed, reports, found, seconds, proxy.requests, proxy.faults, statuses)


def wait_for_account(look: Callable[[], Audit], seconds: float) -> Audit:
    """Look until the account is exact or no more is to be hoped for; return the last look."""
    end = time.monotonic() + seconds
    while not (found := look()).exact and time.monotonic() < end:
        time.sleep(_LOOK_S + found.reports / 2_000)  # a look at ten thousand runs costs seconds
    return found


def _count_complete(server: MlflowServer) -> int:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"file:{server.database}?mode=rw", uri=True, timeout=30)) as db:
        (count,) = db.execute(
            "SELECT COUNT(*) FROM tags JOIN runs USING (run_uuid)"
            " WHERE key = 'evaltui.state' AND value = 'complete' AND lifecycle_stage = 'active'"
        ).fetchone()
    return int(count)
