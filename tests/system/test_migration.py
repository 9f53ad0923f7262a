"""An experiment that the tracker before evaltui filled is read, compared and gone on with."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pty_session import PtySession
from report_documents import k1, k1_app
from second_look import own_report
from stores import quiet_environ
from watch_process import EVALTUI, drop, environ_below, evaltui
from workspaces import FakeWorkspace

from evaltui.errors import ExitCode

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("migration")]
_OLD = str(Path(__file__).parents[1] / "old_tracker.py")
APPS = 16


def report_of(built: int, at: datetime, appeval: float) -> dict[str, Any]:
    """An evaluation in which the first `built` apps were built."""
    score = {"appeval_100": appeval}
    apps = [
        k1_app(f"app-{number:02}", "brtsc" if number < built else "", metrics=score)
        for number in range(APPS)
    ]
    means = {"avg_appeval_100": appeval, "local_runability_avg": 4.0, "deployability_avg": 2.0}
    document = k1(apps, run_id=f"{at:%Y%m%d_%H%M%S}", metrics_summary=means)
    document["summary"]["evaluated_at"] = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    return document


def old(era: str, at: datetime, built: int, appeval: float) -> dict[str, Any]:
    report = report_of(built, at, appeval)
    return {"era": era, "mode": "mcp", "at": f"{at:%Y-%m-%d}", "report": report}


OLD = [
    old("november", datetime(2025, 11, 6, tzinfo=UTC), 14, 60.0),
    old("winter", datetime(2025, 12, 11, tzinfo=UTC), 12, 55.0),
    old("february", datetime(2026, 2, 4, tzinfo=UTC), 5, 30.0),
]
NAMES = [f"eval_mcp_{item['at']}" for item in OLD]


class Place:
    """A directory and a workspace, asked by the command line."""

    def __init__(self, folder: Path, workspace: FakeWorkspace) -> None:
        self.folder, self.workspace = folder, workspace

    def say(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        for _ in range(3):  # a loaded machine may keep it waiting for longer than it does
            done = evaltui(self.folder, *arguments, **self.workspace.by_token())
            if done.returncode != ExitCode.STORE:
                break
        assert done.returncode == 0, done
        return done

    def ask(self, *arguments: str | Path) -> dict[str, Any]:
        return dict(json.loads(self.say(*arguments, "--format", "json").stdout))

    def finished(self, name: str) -> bool:
        """Whether the store has a finished run of this name."""
        return any(run.name == name and run.status == "FINISHED" for run in self.workspace.runs())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("migration")
    with FakeWorkspace(folder / "workspace") as workspace:
        workspace.ready()
        (folder / "old.json").write_text(json.dumps(OLD))
        subprocess.run(
            [sys.executable, _OLD, str(folder / "old.json")],
            check=True,
            capture_output=True,
            env=quiet_environ(**workspace.by_token(MLFLOW_TRACKING_URI="databricks")),
            cwd=folder,
            timeout=300,
        )
        yield Place(folder, workspace)


def test_the_old_runs_are_listed_and_no_number_is_made_up(place: Place) -> None:
    rows = place.ask("runs")["runs"]
    assert [row["name"] for row in rows] == [NAMES[2], NAMES[1], NAMES[0]]
    assert {row["mode"] for row in rows} == {"mcp"}
    november, winter = rows[2]["metrics"], rows[1]["metrics"]
    assert november["build_success_rate"] == 14 / APPS
    assert november["avg_runability_score"] == 4.0
    assert winter == {"total_apps": APPS, "avg_appeval_100": 55.0, "template_trpc_count": APPS}


def test_comparing_them_reads_the_reports_that_were_uploaded(place: Place) -> None:
    (found,) = place.ask("compare", NAMES[1], NAMES[2])["comparisons"]
    cases = found["cases"]  # of runs that have three numbers in MLflow
    changed = [f"app-{number:02}" for number in range(5, 12)]
    assert (cases["paired"], cases["regressed"], cases["fixed"]) == (APPS, changed, [])
    built = next(item for item in cases["tallies"] if item["check"] == "build_success")
    assert (built["regressed"], built["same"]) == (7, 9)


def test_names_that_mean_the_same_are_told_as_such_and_not_mixed(place: Place) -> None:
    (found,) = place.ask("compare", NAMES[0], NAMES[2])["comparisons"]
    metrics = {item["name"]: item for item in found["metrics"]}
    old, new = metrics["avg_runability_score"], metrics["local_runability_avg"]
    assert (old["baseline"], old["candidate"]) == (4.0, None)
    assert (new["baseline"], new["candidate"]) == (None, 4.0)
    assert old["reason"].endswith("the candidate has its alias local_runability_avg")
    assert new["reason"].endswith("the baseline has its alias avg_runability_score")
    assert metrics["avg_appeval_100"]["delta"] == -30.0


def test_a_new_report_goes_on_with_trend_and_baseline(place: Place) -> None:
    # the old script dated a run by when it was logged: today, all of them
    document = report_of(15, datetime.now(UTC) + timedelta(minutes=2), 70.0)
    report = drop(place.folder / "new" / "evaluation_report.json", json.dumps(document).encode())
    place.say("log", report, "--mode", "mcp")
    points = place.ask("trend", "avg_appeval_100")["points"]
    assert [point["value"] for point in points] == [60.0, 55.0, 30.0, 70.0]
    assert points[-1]["delta_previous"] == 40.0
    place.say("baseline", "set", NAMES[0])
    told = place.ask("compare")
    (found,) = told["comparisons"]
    assert told["baseline"]["name"] == NAMES[0]
    assert found["cases"]["paired"] == APPS
    assert found["cases"]["fixed"] == ["app-14"]


PRINTS = ("View run", "View experiment", "WARNING", "INFO mlflow", "Traceback", "Downloading")
"""What mlflow and the SDK are known to print when they talk to a workspace."""


def test_the_screen_shows_them_while_it_logs_and_nobody_else_writes_to_the_terminal(
    place: Place,
) -> None:
    reports, home = place.folder / "watched", place.folder / "home"
    reports.mkdir()
    environ = environ_below(home, **place.workspace.by_client(), HOME=str(home))
    printed, stdout = pty.openpty()
    command = [*EVALTUI, "--watch", str(reports)]
    cleared = dict.fromkeys(os.environ)
    try:
        with PtySession(
            command, size=(140, 40), env={**cleared, **environ}, cwd=home.parent, stdout=stdout
        ) as session:
            session.until_text(NAMES[0])
            drop(reports / "fresh.json", own_report(0.5, id="fresh", name="fresh-from-the-screen"))
            session.until(lambda: place.finished("fresh-from-the-screen"), "run in the store")
            session.until_text("fresh-from-the-screen")
            for keys in ("G", "2", "3", "4", "5", "1"):
                session.send(keys)
                session.until_quiet()
            assert session.process.poll() is None, session.text
            session.send("\x03")
            assert session.wait() == 0
            found = session.examine()
        assert found.violations == []
        assert not [words for words in PRINTS if words in found.text]
        assert select.select([printed], [], [], 0)[0] == []  # 0 bytes
        log = (home / "state" / "evaltui.log").read_text()
        assert not [words for words in PRINTS if words in log]
    finally:
        os.close(printed)
        os.close(stdout)
