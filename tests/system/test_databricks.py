"""The main job against stand-ins for Databricks workspaces, in every way to sign in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from second_look import own_report
from waiting import wait_for
from watch_process import EVALTUI, drop, environ_below
from workspace_session import WAYS, Session
from workspaces import TOKEN, FakeWorkspace

from evaltui.domain.events import StoreState
from evaltui.engine.link import Verb

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("databricks")]


@pytest.fixture(scope="module", params=WAYS)
def whole_session(
    request: pytest.FixtureRequest,
    workspaces: list[FakeWorkspace],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Session]:
    session = Session(tmp_path_factory.mktemp("session"), *workspaces, request.param)
    with session.engine:
        (first,) = names(session, "first")
        session.report(first)
        session.until_stored(first)
        yield session
        assert session.engine.stderr.read_bytes() == b""
        assert session.engine.problem == ""  # nothing but frames on stdout


@pytest.fixture
def session(whole_session: Session, ours: FakeWorkspace) -> Iterator[Session]:
    yield whole_session
    engine = whole_session.engine
    engine.ask(Verb.PAUSE, on=False)
    engine.until(lambda: engine.store.state is StoreState.LIVE)


def names(session: Session, *which: str) -> tuple[str, ...]:
    """Names of reports that no other way of signing in has used."""
    return tuple(f"{session.way}-{name}" for name in which)


def without_polls(session: Session) -> None:
    """Leave the stage to the ingest: all requests from now on are its own."""
    engine = session.engine
    engine.ask(Verb.PAUSE, on=True)
    engine.until(lambda: engine.store.state is StoreState.PAUSED)
    session.workspace.tell("clear")


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
        said, _ = process.communicate(timeout=360)
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


# -- what it costs --------------------------------------------------------------------------------

REPORT = [
    "runs/search",  # the journal is new: does the store know the report already?
    "runs/create",
    "runs/log-batch",
    "fs/files",
    "fs/files",
    "runs/log-batch",  # complete
    "runs/update",  # finished
    "runs/get",  # read back
    "artifacts/list",
]


def short(request: str) -> str:
    """The end of a request's path that says what it is."""
    path = request.partition("/api/2.0/")[2].removeprefix("mlflow/")
    return "/".join(path.split("/")[:2]) or request


def test_a_report_costs_nine_requests_with_one_token_and_a_poll_three(session: Session) -> None:
    log, (name,) = session.workspace, names(session, "counted")
    session.engine.until(session.logged(*names(session, "first")))
    without_polls(session)
    session.report(name)
    session.engine.until(session.logged(name))
    assert [short(line["request"]) for line in log.log()] == REPORT
    session.engine.ask(Verb.PAUSE, on=False)
    session.until_stored(name)
    assert len({line["sent"] for line in log.log()}) == 1  # of reader and writer alike
    log.tell("clear")
    wait_for(lambda: log.count("runs/search") >= 9, "polls")
    polls = [short(line["request"]) for line in log.log()]
    # no run is read that did not end, nobody signs in again, the experiment is looked up rarely
    assert set(polls) <= {"runs/search", "experiments/get-by-name", "runs/get"}
    assert polls.count("experiments/get-by-name") <= 1


# -- faults ---------------------------------------------------------------------------------------

CALLS = (*dict.fromkeys(REPORT),)
SIGN_IN = ("databricks-config", "oauth-authorization-server", "oidc/v1/token")


def test_a_lost_reply_of_any_call_gives_one_whole_run(session: Session) -> None:
    log = session.workspace
    without_polls(session)
    log.tell("expire")  # so that a service principal signs in again
    lost = CALLS if session.way != "client" else (*SIGN_IN, *CALLS)
    for call in lost:
        log.tell("fault", match=call, lose=True)
    reports = names(session, *(f"lost-{number}" for number in range(4)))
    for name in reports:
        session.report(name)
    session.engine.until(session.logged(*reports))
    for call in lost:
        assert [line["lost"] for line in log.log(call)].count(True) == 1, call
    assert log.count("runs/create") == len(reports)  # what is not answered is looked for
    session.assert_once_and_whole(*reports)


@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {}], ids=["retry-after", "bare"])
def test_a_storm_of_429_is_waited_out_as_long_as_it_asks(
    session: Session, headers: dict[str, str]
) -> None:
    log, (name,) = session.workspace, names(session, f"storm-{len(headers)}")
    without_polls(session)
    busy = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}
    times = 2 if headers else 4
    log.tell("fault", match="runs/", times=times, status=429, body=busy, headers=headers)
    session.report(name)
    session.engine.until(session.logged(name))
    session.assert_once_and_whole(name)
    lines = log.log("/api/2.0/")
    waits = [after["at"] - line["at"] for line, after in pairwise(lines) if line["status"] == 429]
    assert len(waits) == times
    assert min(waits) >= float(headers.get("Retry-After", 0))
    assert len(lines) <= len(REPORT) + 2 * times  # a try begins with a look at the run it has


def test_limits_short_pages_and_a_files_api_that_is_closed_leave_nothing_out(
    session: Session,
) -> None:
    (name,) = names(session, "limited")
    session.workspace.tell("config", limited=True, page_cap=1, files_api="forbidden")
    session.report(name)
    session.until_stored(name)
    session.engine.until(session.logged(name))
    searches = session.workspace.log("runs/search")
    assert searches  # how many depends on the runs there are, and how soon the report is logged
    assert 429 not in [line["status"] for line in searches]  # they are spread
    session.workspace.tell("config", files_api="ok", limited=False, page_cap=0)
    session.assert_once_and_whole(name)


def test_a_token_that_ends_in_the_middle_of_a_batch_loses_nothing(session: Session) -> None:
    log, engine = session.workspace, session.engine
    reports = names(session, *(f"batch-{number}" for number in range(4)))
    valid, ended = {"user": "dev@example.com"}, {"expired": True}
    log.tell("revoke")
    log.tell("config", tokens={TOKEN: ended, "dapi-new": valid})
    for name in reports:
        session.report(name)
    if session.way != "client":  # a service principal gets another one by itself
        engine.until(session.told("401", "doctor"))
        assert not any(session.stored(name) for name in reports)
    if session.way == "profile":  # rotated in its file
        log.by_profile(session.profile, "dapi-new")
    elif session.way == "token":  # a variable cannot change: the same one is made valid again
        log.tell("config", tokens={TOKEN: valid})
    engine.ask(Verb.REFRESH)
    engine.until(session.logged(*reports))
    engine.until(lambda: engine.store.state is StoreState.LIVE)
    session.assert_once_and_whole(*reports)
    if session.way == "profile":
        assert log.log("runs/create")[-1]["sent"] == "Bearer dapi-new"
    assert log.count("oidc/v1/token") == (session.way == "client")
    log.tell("config", tokens={TOKEN: valid, "dapi-new": valid})
    log.by_profile(session.profile)


# -- an outage ------------------------------------------------------------------------------------


def test_a_batch_that_loses_its_workspace_is_finished_when_that_is_back(
    tmp_path: Path, workspaces: list[FakeWorkspace], ours: FakeWorkspace
) -> None:
    session = Session(tmp_path, *workspaces, "client")
    with session.engine as engine:
        (first,) = names(session, "before")
        session.report(first)
        session.until_stored(first)
        ours.stop()
        reports = names(session, *(f"outage-{number}" for number in range(4)))
        for name in reports:
            session.report(name)
        engine.until(session.told("refused"))
        engine.until(lambda: any(row.retry_at_s for row in engine.files.values()))
        engine.until(lambda: engine.store.state is StoreState.OFFLINE)
        ours.start_again()
        with ours.hanging():
            engine.until(session.told("no answer in time"))
        engine.until(session.logged(*reports))
        engine.until(lambda: engine.store.state is StoreState.LIVE)
        session.assert_once_and_whole(first, *reports)
        assert len([run for name in reports for run in session.runs(name)]) == len(reports)
        assert engine.stderr.read_bytes() == b""
