"""What the workbench does at a Databricks workspace beyond logging, against the stand-in."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from engine_process import EngineProcess
from second_look import own_report
from waiting import wait_for
from watch_process import drop, evaltui
from workspaces import TOKEN, FakeWorkspace

from evaltui.domain.events import StoreState, StoreStatus
from evaltui.engine.link import Verb

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("databricks-workbench")]
LOOK_UP = "experiments/get-by-name"
ME = "scim/v2/Me"


def store_of(engine: EngineProcess) -> StoreStatus:
    assert engine.store is not None
    return engine.store


def polls_of(workspace: FakeWorkspace) -> int:
    """Count what polls ask: for the experiment while it is missing, else for its runs."""
    return workspace.count(LOOK_UP) + workspace.count("runs/search")


def warm(workspace: FakeWorkspace) -> None:
    """Ask, with patience, what takes a server long the first time: a command would not wait."""
    for path, body in (
        ("experiments/create", {"name": "/Shared/warm"}),
        ("runs/search", {"experiment_ids": ["1000000000000001"], "max_results": 1}),
    ):
        request = urllib.request.Request(
            f"{workspace.url}/api/2.0/mlflow/{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {TOKEN}"},
        )
        with contextlib.suppress(urllib.error.HTTPError):  # it is there already
            urllib.request.urlopen(request, timeout=90).close()
    workspace.tell("clear")


def test_the_engine_asks_once_who_we_are_and_a_refusal_is_silent(
    tmp_path: Path, ours: FakeWorkspace
) -> None:
    settings = {"poll_interval_s": 0.2}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with EngineProcess(tmp_path / "a", settings, environ=ours.by_token()) as engine:
        engine.start()
        engine.until(lambda: engine.store is not None and engine.store.user)
        assert store_of(engine).user == "dev@example.com"
        assert engine.table.complete  # the list did not wait for it
        polls = polls_of(ours)
        wait_for(lambda: polls_of(ours) > polls + 2, "polls")
        assert ours.count(ME) == 1
    ours.tell("clear")
    ours.tell("fault", match=ME, status=403, times=9)
    with EngineProcess(tmp_path / "b", settings, environ=ours.by_token()) as engine:
        engine.start()
        wait_for(lambda: ours.count(ME), "the question")
        polls = polls_of(ours)
        wait_for(lambda: polls_of(ours) > polls + 2, "polls")
        assert ours.count(ME) == 1
        assert (store_of(engine).user, store_of(engine).error, engine.notices) == ("", "", [])
    told = evaltui(tmp_path, "doctor", **ours.by_token()).stdout
    assert "does not tell who" in told
    assert "403" in told


def test_a_watch_into_an_experiment_that_is_not_there_looks_it_up_few_times(
    tmp_path: Path, ours: FakeWorkspace
) -> None:
    warm(ours)
    drop(tmp_path / "in" / "r.json", own_report(0.5, id="few", name="few"))
    flags = ("--experiment", "/Shared/few", "--poll-interval", "600")
    done = evaltui(tmp_path, "watch", "--once", "in", *flags, **ours.by_token())
    assert done.returncode == 0, done.stdout + done.stderr
    # the first poll, the writer before and after making it, the reader, the poll that shows it
    assert ours.count(LOOK_UP) <= 5
    assert ours.count("experiments/create") == 1


def test_a_missing_folder_is_a_question_and_its_answer_lets_reports_go_on(
    tmp_path: Path, ours: FakeWorkspace
) -> None:
    folder = f"/Shared/{tmp_path.name}/team"
    reports = tmp_path / "in"
    drop(reports / "r.json", own_report(0.5, id="folder", name="folder"))
    settings = {"watch": [str(reports)], "experiment": f"{folder}/evals"}
    with EngineProcess(tmp_path, settings, environ=ours.by_token()) as engine:
        engine.start()
        engine.until(lambda: engine.store is not None and engine.store.missing_folder)
        assert store_of(engine).missing_folder == folder
        assert store_of(engine).state is StoreState.LIVE
        assert not engine.notices  # a question, no error
        assert ours.count("mkdirs") == 0
        elsewhere = engine.ask(Verb.FOLDER, path="/Shared/elsewhere")
        assert "not missing" in elsewhere.error
        assert ours.count("mkdirs") == 0
        assert engine.ask(Verb.FOLDER, path=folder).error == ""
        engine.until(lambda: any(row.run_ids for row in engine.files.values()))
        engine.until(lambda: not store_of(engine).missing_folder)
        assert ours.count("mkdirs") == 1
        (row,) = engine.files.values()
        engine.until(lambda: row.run_ids[0] in {run.run_id for run in engine.runs()})
        page = engine.ask(Verb.PAGE, run_ids=list(row.run_ids)).payload
        there = f"{ours.url}/ml/experiments/{store_of(engine).experiment_id}/runs/{row.run_ids[0]}"
        assert page["address"] == there


def test_a_folder_that_we_may_not_make_is_told_and_stays_missing(
    tmp_path: Path, ours: FakeWorkspace
) -> None:
    reports = tmp_path / "in"
    drop(reports / "r.json", own_report(0.5, id="closed", name="closed"))
    settings = {"watch": [str(reports)], "experiment": "/Users/other@example.com/evals"}
    with EngineProcess(tmp_path, settings, environ=ours.by_token()) as engine:
        engine.start()
        engine.until(lambda: engine.store is not None and engine.store.missing_folder)
        reply = engine.ask(Verb.FOLDER, path="/Users/other@example.com")
        assert "protected" in reply.error
        assert store_of(engine).missing_folder == "/Users/other@example.com"


def test_a_storm_of_429_slows_the_polls_and_costs_one_request_a_try(
    tmp_path: Path, ours: FakeWorkspace
) -> None:
    usual_s = 0.5
    settings = {"poll_interval_s": usual_s}
    seen: list[tuple[StoreState, float]] = []
    warm(ours)
    drop(tmp_path / "r.json", own_report(0.5, id="storm", name="storm"))
    flags = ("--experiment", "/Shared/storm")
    assert evaltui(tmp_path, "log", "r.json", *flags, **ours.by_token()).returncode == 0
    settings |= {"experiment": "/Shared/storm"}
    with EngineProcess(tmp_path, settings, environ=ours.by_token()) as engine:
        engine.start()
        engine.until(lambda: engine.store is not None and engine.store.user)
        ours.tell("clear")
        body = {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Too many requests"}
        ours.tell("fault", match="runs/search", status=429, body=body, times=3)
        engine.until(lambda: store_of(engine).poll_interval_s >= 8 * usual_s)
        busy = store_of(engine)
        assert busy.state is StoreState.BUSY
        assert "429" in busy.error
        assert busy.data_at_s is not None
        engine.until(lambda: store_of(engine).state is StoreState.LIVE)
        engine.until(lambda: store_of(engine).poll_interval_s == usual_s)
        seen += [
            (event.status.state, event.status.poll_interval_s)
            for event in engine.events
            if hasattr(event, "status") and isinstance(event.status, StoreStatus)
        ]
    intervals = [interval for state, interval in seen if state is StoreState.BUSY]
    assert intervals == [2 * usual_s, 4 * usual_s, 8 * usual_s]
    calm = [interval for state, interval in seen[seen.index((StoreState.BUSY, intervals[-1])) :]]
    assert calm == sorted(calm, reverse=True)
    asked = [(line["request"].rpartition("/")[2], line["status"]) for line in ours.log()]
    first = asked.index(("search", 429))
    assert asked[first : first + 3] == [("search", 429)] * 3  # nothing else between the tries
