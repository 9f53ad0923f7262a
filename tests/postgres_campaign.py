"""Several watchers with states of their own and one server on PostgreSQL: one run per report."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from batch_reports import Audit, audit, make_report
from fault_campaign import Machine, wait_for_account
from nursery import Nursery
from postgres import Postgres
from second_look import StoredRun, runs_by
from servers import MlflowServer

WATCHERS = 4
DUPLICATES = 0.3
"""Share of the files that are copies of another file, on any machine."""


@dataclass
class PostgresFigures:
    """What came out."""

    files: int
    copies: int
    audit: Audit
    seconds: float
    statuses: list[int]

    def __str__(self) -> str:
        return (
            f"{self.files} files on {WATCHERS} machines, {self.copies} of them copies, in"
            f" {self.seconds:.0f} s\n{self.audit}"
        )


def postgres_campaign(
    folder: Path, *, files: int, seed: int, settle_s: float = 420.0
) -> PostgresFigures:
    """Let four watchers log files with duplicates into one experiment; return the account."""
    rng = random.Random(seed)
    machines = [Machine(folder, number) for number in range(WATCHERS)]
    copies = round(files * DUPLICATES)
    reports = [make_report(seed, number) for number in range(files - copies)]
    for report in reports:
        report.write(rng.choice(machines).reports)
    for number in range(copies):
        rng.choice(reports).write(rng.choice(machines).reports, f"copy {number}.json")
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        server = stack.enter_context(MlflowServer(folder / "server", backend=postgres.uri))
        nursery = stack.enter_context(Nursery(folder / "lives"))

        def runs() -> list[StoredRun]:
            with postgres.looking() as query:
                return runs_by(query, served_from=server.directory / "artifacts")

        began = time.monotonic()
        lives = [nursery.start(each.argv, each.environ(server.url)) for each in machines]
        wait_for_account(lambda: audit(runs(), reports), settle_s + files)
        seconds = time.monotonic() - began
        statuses = [life.stop() for life in lives]
        return PostgresFigures(files, copies, audit(runs(), reports), seconds, statuses)
