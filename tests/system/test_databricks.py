"""The main job against stand-ins for Databricks workspaces, in every way to sign in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_process import EngineProcess
from second_look import StoredRun, own_report
from stores import quiet_environ
from waiting import wait_for
from watch_process import EVALTUI, drop, environ_below
from workspaces import TOKEN, FakeWorkspace

from evaltui.domain.events import StoreState
from evaltui.engine.link import Verb

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("databricks")]
SEARCH = "runs/search"


class Session:
    """An engine with a profile, a directory that it watches, and the file of the profile."""

    def __init__(self, folder: Path, workspace: FakeWorkspace) -> None:
        self.workspace, self.reports, self.profile = workspace, folder / "in", folder / "cfg"
        self.reports.mkdir()
        environ = workspace.by_profile(self.profile)
        settings = {"watch": [str(self.reports)], "poll_interval_s": 1.0}
        self.engine = EngineProcess(folder, settings, environ=environ)
        self.engine.start()
        self.engine.until(lambda: self.engine.table.complete)

    def report(self, name: str) -> Path:
        return drop(self.reports / f"{name}.json", own_report(0.5, id=name, name=name))

    def stored(self, name: str) -> list[StoredRun]:
        """The finished, active runs of a report."""
        mine = [run for run in self.workspace.runs() if f"{name}.json" in run.artifacts]
        return [run for run in mine if run.active and run.tags["evaltui.state"] == "complete"]

    def until_stored(self, name: str) -> StoredRun:
        """Wait until store and screen have the one run of a report."""
        wait_for(lambda: self.stored(name), f"run of {name}")
        (run,) = self.stored(name)
        self.engine.until(lambda: run.run_id in {row.run_id for row in self.engine.runs()})
        return run

    def logged(self, name: str) -> bool:
        """Whether the screen shows a report as logged, read back and all."""
        rows = self.engine.files.values()
        return any(row.run_ids and row.path.endswith(f"/{name}.json") for row in rows)

    def told(self, *words: str) -> Callable[[], bool]:
        """Whether some file waits for a reason with all these words."""
        return lambda: any(
            all(word in f"{row.reason} {row.hint}" for word in words)
            for row in self.engine.files.values()
        )


@pytest.fixture(scope="module")
def whole_session(
    workspaces: list[FakeWorkspace], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    session = Session(tmp_path_factory.mktemp("session"), workspaces[0])
    with session.engine:
        session.report("first")
        session.until_stored("first")
        yield session
        assert session.engine.stderr.read_bytes() == b""
        assert session.engine.problem == ""  # nothing but frames on stdout


@pytest.fixture
def session(whole_session: Session, ours: FakeWorkspace) -> Session:
    return whole_session


# -- the main job ---------------------------------------------------------------------------------


def test_a_watch_signs_in_by_token_client_or_profile_and_never_writes_elsewhere(
    tmp_path: Path, workspaces: list[FakeWorkspace], ours: FakeWorkspace
) -> None:
    theirs = workspaces[1]
    home = tmp_path / "home"
    home.mkdir()
    elsewhere = f"[DEFAULT]\nhost = {theirs.url}\ntoken = {TOKEN}\n"
    home.joinpath(".databrickscfg").write_text(elsewhere)
    profile = ours.by_profile(tmp_path / "cfg")
    with (tmp_path / "cfg").open("a") as file:
        file.write(elsewhere)
    ways = {
        "token": ([], ours.by_token(HOME=str(home))),
        "client": ([], ours.by_client(HOME=str(home))),
        "profile": (["--profile", "dev"], profile | theirs.by_token(HOME=str(home))),
    }
    before = {run.run_id for run in ours.runs()}
    running = []
    for name, (flags, environ) in ways.items():
        folder = tmp_path / name
        drop(folder / "in" / "r.json", own_report(0.5, id=f"way-{name}"))
        running.append(
            subprocess.Popen(
                [*EVALTUI, *flags, "watch", "--once", "in"],
                cwd=folder,
                env=environ_below(folder, **environ),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    for process in running:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert TOKEN not in said
        assert "s3cret" not in said
    made = [run for run in ours.runs() if run.run_id not in before]
    assert len(made) == 3
    for run in made:
        assert run.status == "FINISHED"
        assert run.metrics == {"accuracy": 0.5}
        assert sorted(run.artifacts) == ["app_metrics.json", "r.json"]
    assert theirs.count() == 0
    senders = {line["sent"] for line in ours.log("runs/create")}
    assert f"Bearer {TOKEN}" in senders
    assert len(senders) == 2  # the other one is the client's


_BARE = """
import mlflow, sys
mlflow.set_experiment("/Shared/klaudbiusz-evaluations")
with mlflow.start_run(run_name="bare"):
    mlflow.log_params({"mode": "manual"})
    mlflow.log_metrics({"accuracy": 0.5})
    mlflow.set_tags({"mode": "manual"})
    for path in sys.argv[1:]:
        mlflow.log_artifact(path)
"""


def bare_requests(folder: Path, workspace: FakeWorkspace) -> int:
    """Return what MLflow's own fluent client asks for such a report, as it is set by default."""
    names = ("app_metrics.json", "report.json")
    paths = [str(drop(folder / name, own_report())) for name in names]
    workspace.tell("clear")
    environ = workspace.by_token(MLFLOW_TRACKING_URI="databricks")
    subprocess.run(
        [sys.executable, "-c", _BARE, *paths],
        check=True,
        capture_output=True,
        env=quiet_environ(**environ),
        cwd=folder,
        timeout=120,
    )
    return workspace.count()


def test_a_report_and_a_poll_cost_few_requests(session: Session, tmp_path: Path) -> None:
    log, engine = session.workspace, session.engine
    engine.ask(Verb.PAUSE, on=True)
    engine.until(lambda: engine.store.state is StoreState.PAUSED)
    bare = bare_requests(tmp_path, log)  # meanwhile the last poll ends
    log.tell("clear")
    session.report("counted")
    engine.until(lambda: session.logged("counted"))
    logged = log.count()
    engine.ask(Verb.PAUSE, on=False)
    session.until_stored("counted")
    log.tell("clear")
    wait_for(lambda: log.count() >= 12, "polls")
    polls = [line["request"].rpartition("/")[2] for line in log.log()]
    print(f"requests for a report: {logged}, of the bare client {bare}; of polls: {polls}")
    assert logged <= bare
    assert set(polls) <= {"search", "get-by-name", "get"}  # no run is read that did not end


# -- faults ---------------------------------------------------------------------------------------


def test_a_lost_reply_of_the_create_call_gives_one_run(session: Session) -> None:
    session.workspace.tell("fault", match="runs/create", lose=True)
    session.report("lost")
    session.until_stored("lost")
    mine = [run for run in session.workspace.runs() if "lost.json" in run.artifacts]
    assert len(mine) == 1
    assert session.workspace.count("runs/create") == 1


def test_a_storm_of_429_is_waited_out_as_long_as_it_asks(session: Session) -> None:
    busy = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}
    session.workspace.tell(
        "fault", match="runs/|experiments/", times=6, status=429, body=busy,
        headers={"Retry-After": "1"},
    )  # fmt: skip
    session.report("storm")
    session.until_stored("storm")
    assert len([line for line in session.workspace.log() if line["status"] == 429]) == 6
    assert session.workspace.count() < 60


def test_short_pages_and_the_documented_limits_leave_nothing_out(session: Session) -> None:
    session.workspace.tell("config", limited=True, page_cap=1)
    session.report("limited")
    session.until_stored("limited")


def test_files_that_the_files_api_does_not_take_go_the_older_way(session: Session) -> None:
    session.workspace.tell("config", files_api="forbidden")
    session.report("older")
    run = session.until_stored("older")
    session.workspace.tell("config", files_api="ok")
    assert sorted(run.artifacts) == ["app_metrics.json", "older.json"]


def test_a_token_that_expires_is_told_and_a_rotated_one_is_taken_over(session: Session) -> None:
    new = {"dapi-new": {"user": "dev@example.com"}}
    session.workspace.tell("config", tokens={TOKEN: {"expired": True}, **new})
    session.report("rotated")
    session.engine.until(session.told("401", "doctor"))
    assert session.stored("rotated") == []
    session.workspace.by_profile(session.profile, "dapi-new")
    session.engine.ask(Verb.REFRESH)
    session.engine.until(lambda: session.engine.store.state is StoreState.LIVE)
    session.until_stored("rotated")
    session.workspace.tell("config", tokens={TOKEN: {"user": "dev@example.com"}, **new})
    session.workspace.by_profile(session.profile)


def test_a_revoked_oauth_token_is_fetched_anew(tmp_path: Path, ours: FakeWorkspace) -> None:
    folder = tmp_path / "in"
    drop(folder / "one.json", own_report(0.1, id="oauth-1"))
    settings = {"watch": [str(folder)], "poll_interval_s": 1.0}
    with EngineProcess(tmp_path, settings, environ=ours.by_client()) as engine:
        engine.start()
        engine.until(lambda: any(row.run_ids for row in engine.files.values()))
        ours.tell("revoke")
        drop(folder / "two.json", own_report(0.2, id="oauth-2"))
        engine.until(lambda: sum(bool(row.run_ids) for row in engine.files.values()) == 2)
        assert engine.stderr.read_bytes() == b""
