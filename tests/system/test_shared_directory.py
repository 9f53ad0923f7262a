"""Two machines watch one shared directory and log to one server that fails; one of them dies."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from batch_reports import audit, make_report
from fault_campaign import Machine, open_stage, wait_for_account
from fault_proxy import THIRTEEN, each
from nursery import Life
from waiting import wait_for

pytestmark = [pytest.mark.server, pytest.mark.system]

REPORTS = 16
PATIENCE_S = 300.0


def is_done(machine: Machine) -> bool:
    """Whether a machine knows every report and has nothing left to write: it makes no more runs."""
    paths = list(machine.state.rglob("journal.db"))
    if not paths:
        return False
    with closing(sqlite3.connect(f"file:{paths[0]}?mode=ro", uri=True, timeout=30)) as journal:
        try:
            ((known,),) = journal.execute("SELECT COUNT(*) FROM files")
            ((left,),) = journal.execute("SELECT COUNT(*) FROM open_entries")
        except sqlite3.OperationalError:
            return False  # its tables are still to be made
    return bool(known == REPORTS and not left)


def test_each_report_has_one_run_though_two_machines_see_it_and_one_is_killed(
    tmp_path: Path,
) -> None:
    with open_stage(tmp_path, seed=9) as stage:
        stage.proxy.rules = each(THIRTEEN[:-1], 0.01)
        first, second = Machine(tmp_path, 0), Machine(tmp_path, 1)

        def watch(machine: Machine) -> Life:
            """Start a watch of the first machine's directory on a machine."""
            environ = machine.environ(stage.proxy.url)
            return stage.nursery.start(first.argv, environ, hurry=20)

        lives = [watch(machine) for machine in (first, second)]
        reports = [make_report(9, number) for number in range(REPORTS)]
        for number, report in enumerate(reports):
            report.write(first.reports)
            if number == REPORTS // 2:
                wait_for(lambda: stage.complete() > 1, "runs of the first half")
                lives[1].kill()
                lives[1] = watch(second)
        for machine in (first, second):
            wait_for(
                lambda machine=machine: is_done(machine), "end of the work", seconds=PATIENCE_S
            )  # type: ignore[misc]
        found = wait_for_account(lambda: audit(stage.runs(), reports), PATIENCE_S)
        assert found.exact, found
        assert [life.stop() for life in lives] == [143, 143]
        assert audit(stage.runs(), reports).exact
