"""The engine process end to end: reports in a directory become runs in a store, and rows."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest
from engine_process import EngineProcess
from servers import MlflowServer
from stores import EXPERIMENT, RawStore, new_store
from waiting import wait_for

from evaltui.domain.events import FileState, StoreState, WatchRole
from evaltui.domain.run import LOCAL_PREFIX, Run, RunStatus, Tag
from evaltui.engine.link import Verb

pytestmark = pytest.mark.system


def report(number: int, *, accuracy: float = 0.5) -> str:
    return json.dumps(
        {
            "schema": "evaltui.report/1",
            "id": f"evaluation-{number}",
            "name": f"run {number}",
            "mode": "mcp",
            "started_at": f"2026-03-01T02:00:{number:02}Z",
            "metrics": [{"name": "accuracy", "value": accuracy, "direction": "higher"}],
            "cases": [
                {"id": "q1", "status": "pass", "scores": {"exact": 1}},
                {"id": "q2", "status": "fail", "scores": {"exact": 0}, "reason": "wrong"},
            ],
        }
    )


def drop(folder: Path, name: str, text: str) -> Path:
    """Write a file the way a careful writer does: under another name, then renamed."""
    path = folder / name
    temporary = folder / f".{name}.tmp"
    temporary.write_text(text)
    temporary.replace(path)
    return path


def in_store(engine: EngineProcess) -> list[Run]:
    return [run for run in engine.runs() if not run.run_id.startswith(LOCAL_PREFIX)]


def state_of(engine: EngineProcess) -> StoreState | None:
    return engine.store.state if engine.store is not None else None


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


def test_a_report_that_is_dropped_becomes_a_run_of_the_embedded_store(
    tmp_path: Path, watched: Path
) -> None:
    with EngineProcess(tmp_path, {"watch": [str(watched)]}) as engine:
        engine.start()
        engine.until(lambda: engine.table.complete and engine.watch is not None)
        assert engine.runs() == []

        drop(watched, "report.json", report(1))
        engine.until(engine.runs)
        engine.until(lambda: in_store(engine))
        (run,) = engine.runs()
        assert (run.name, run.status) == ("run 1", RunStatus.FINISHED)
        assert run.metrics["accuracy"] == 0.5
        assert run.tags[Tag.MODE] == "mcp"
        # It stood in the list from first sight to its run, once, without a gap.
        seen = engine.counts[engine.counts.index(1) :]
        assert set(seen) == {1}
        engine.until(lambda: [r.state for r in engine.files.values()] == [FileState.FINISHED])
        engine.until(lambda: engine.watch is not None and engine.watch.logged == 1)

        detail = engine.ask(Verb.DETAIL, run_id=run.run_id).payload
        assert [row[0] for row in detail["case_rows"]] == ["q1", "q2"]
        assert "report.json" in [path for path, _ in detail["artifacts"]]
        baseline = engine.ask(Verb.BASELINE, run_id=run.run_id).payload
        assert baseline == {"run_id": run.run_id, "shared": True, "previous": "", "note": ""}
        engine.until(
            lambda: engine.store is not None and engine.store.baseline_run_id == run.run_id
        )
        engine.send(Verb.STOP)
        assert engine.end() == 0
        assert engine.problem == ""
        assert "Traceback" not in engine.log
    assert (tmp_path / "data" / "mlflow.db").exists()
    assert sorted(path.name for path in watched.iterdir()) == ["report.json"]


def test_an_engine_that_is_killed_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, watched: Path
) -> None:
    database = new_store(tmp_path / "store.db")
    settings = {"watch": [str(watched)], "tracking_uri": f"sqlite:///{database}"}
    total = 12
    with EngineProcess(tmp_path, settings) as engine:
        engine.start()
        for number in range(total):
            drop(watched, f"{number}.json", report(number))
        engine.until(lambda: len(in_store(engine)) >= 2)
        engine.process.send_signal(signal.SIGKILL)
        engine.end()
    with EngineProcess(tmp_path, settings) as engine:
        engine.start()
        engine.until(lambda: len(in_store(engine)) == total == len(engine.runs()))
        engine.until(lambda: engine.watch is not None and engine.watch.logged == total)
        assert sorted(run.name for run in engine.runs()) == sorted(
            f"run {number}" for number in range(total)
        )
        engine.hang_up()
        assert engine.end() == 0
    contents = sqlite3.connect(database).execute(
        "SELECT t.value, COUNT(*) FROM runs r JOIN tags t USING (run_uuid)"
        " WHERE r.lifecycle_stage = 'active' AND t.key = ? GROUP BY 1",
        (Tag.CONTENT_ID,),
    )
    assert [count for _, count in contents.fetchall()] == [1] * total


def test_a_second_engine_looks_on_and_takes_over(tmp_path: Path, watched: Path) -> None:
    database = new_store(tmp_path / "store.db")
    settings = {
        "watch": [str(watched)],
        "tracking_uri": f"sqlite:///{database}",
        "state_dir": str(tmp_path / "state"),
    }
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with (
        EngineProcess(tmp_path / "one", settings) as first,
        EngineProcess(tmp_path / "two", settings) as second,
    ):
        first.start()
        first.until(lambda: first.watch is not None and first.watch.role is WatchRole.WATCHER)
        second.start()
        second.until(lambda: second.watch is not None and second.watch.role is WatchRole.VIEWER)
        assert second.watch is not None
        assert second.watch.watcher_pid == first.process.pid

        drop(watched, "a.json", report(1))
        second.until(lambda: [run.name for run in in_store(second)] == ["run 1"])
        second.until(lambda: [r.state for r in second.files.values()] == [FileState.FINISHED])

        first.process.send_signal(signal.SIGKILL)
        first.end()
        second.until(lambda: second.watch is not None and second.watch.role is WatchRole.WATCHER)
        drop(watched, "b.json", report(2))
        second.until(lambda: len(in_store(second)) == 2)
        second.hang_up()
        assert second.end() == 0


@pytest.mark.server
def test_a_server_that_goes_and_comes_back_gets_every_report_once(
    tmp_path: Path, watched: Path
) -> None:
    with MlflowServer(tmp_path / "server") as server:
        settings = {"watch": [str(watched)], "tracking_uri": server.url}
        with EngineProcess(tmp_path, settings) as engine:
            engine.start()
            engine.until(lambda: state_of(engine) is StoreState.LIVE and engine.table.complete)
            drop(watched, "a.json", report(1))  # dated back: a poll by start time cannot see it
            engine.until(lambda: [run.name for run in in_store(engine)] == ["run 1"])

            server.kill()
            drop(watched, "b.json", report(2))
            engine.until(lambda: state_of(engine) is StoreState.OFFLINE)
            engine.until(lambda: len(engine.runs()) == 2)
            assert [run.name for run in in_store(engine)] == ["run 1"]
            assert engine.store is not None
            assert engine.store.next_try_s is not None
            assert engine.store.error

            server.start()
            engine.until(lambda: state_of(engine) is StoreState.LIVE)
            engine.until(lambda: len(in_store(engine)) == 2 == len(engine.runs()))
            engine.until(lambda: engine.watch is not None and engine.watch.logged == 2)
            engine.hang_up()
            assert engine.end() == 0
        rows = sqlite3.connect(server.database).execute(
            "SELECT name, status, lifecycle_stage FROM runs ORDER BY name"
        )
        assert rows.fetchall() == [
            ("run 1", "FINISHED", "active"),
            ("run 2", "FINISHED", "active"),
        ]


def test_a_directory_can_be_added_while_the_engine_runs(tmp_path: Path, watched: Path) -> None:
    drop(watched, "old.json", report(1))
    database = new_store(tmp_path / "store.db")
    with EngineProcess(tmp_path, {"tracking_uri": f"sqlite:///{database}"}) as engine:
        engine.start(cwd=tmp_path)
        engine.until(lambda: engine.table.complete and engine.watch is not None)
        survey = engine.ask(Verb.SURVEY, path="reports").payload
        assert survey["reports"] == 1
        assert engine.ask(Verb.WATCH, path="nowhere").error
        assert engine.ask(Verb.WATCH, path="reports").payload == {"path": str(watched)}
        engine.until(lambda: len(in_store(engine)) == 1)


def test_bad_files_are_told_with_their_reason_and_stop_nothing(
    tmp_path: Path, watched: Path
) -> None:
    database = new_store(tmp_path / "store.db")
    settings = {"watch": [str(watched)], "tracking_uri": f"sqlite:///{database}"}
    with EngineProcess(tmp_path, settings) as engine:
        engine.start()
        drop(watched, "bad.json", '{"schema": "evaltui.report/1", "metrics": 7}')
        drop(watched, "notes.json", '{"name": "not a report"}')
        (watched / "dir.json").mkdir()
        drop(watched, "good.json", report(2))
        engine.until(lambda: [run.name for run in in_store(engine)] == ["run 2"])

        def states() -> dict[str, FileState]:
            return {Path(row.path).name: row.state for row in engine.files.values()}

        engine.until(
            lambda: states() == {
                "good.json": FileState.FINISHED, "bad.json": FileState.QUARANTINED,
            }
        )  # fmt: skip
        (bad,) = (row for row in engine.files.values() if row.path.endswith("bad.json"))
        assert "metrics" in bad.reason
        engine.until(lambda: engine.watch is not None and engine.watch.failed == 1)
        drop(watched, "bad.json", report(3))
        engine.until(lambda: states().get("bad.json") is FileState.FINISHED)
        engine.until(lambda: len(in_store(engine)) == 2)


def test_read_only_shows_reports_and_writes_nothing(tmp_path: Path, watched: Path) -> None:
    database = new_store(tmp_path / "store.db")
    store = RawStore(database)
    store.run(store.experiment(EXPERIMENT), 1, name="there")
    store.close()
    before = database.read_bytes()
    settings = {
        "watch": [str(watched)],
        "tracking_uri": f"sqlite:///{database}",
        "read_only": True,
    }
    with EngineProcess(tmp_path, settings) as engine:
        engine.start()
        drop(watched, "a.json", report(1))
        engine.until(lambda: sorted(run.name for run in engine.runs()) == ["run 1", "there"])
        local = next(run for run in engine.runs() if run.name == "run 1")
        assert local.status is RunStatus.PENDING
        engine.until(lambda: any(r.state is FileState.PARSED for r in engine.files.values()))
        local = next(run for run in engine.runs() if run.name == "run 1")
        detail = engine.ask(Verb.DETAIL, run_id=local.run_id).payload
        assert [row[0] for row in detail["case_rows"]] == ["q1", "q2"]
        reply = engine.ask(Verb.BASELINE, run_id="x").payload
        assert reply["shared"] is False
        engine.hang_up()
        assert engine.end() == 0
    assert database.read_bytes() == before


def test_a_store_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    database = new_store(tmp_path / "store.db")
    store = RawStore(database)
    experiment = store.experiment(EXPERIMENT)
    for number in range(3):
        store.run(experiment, number)
    store.close()
    other = new_store(tmp_path / "other.db")
    store = RawStore(other)
    store.experiment("something before it")
    store.run(store.experiment(EXPERIMENT), 9, name="new")
    store.close()
    with EngineProcess(tmp_path, {"tracking_uri": f"sqlite:///{database}"}) as engine:
        engine.start()
        engine.until(lambda: len(engine.runs()) == 3)
        shutil.move(other, database)
        engine.until(lambda: [run.name for run in engine.runs()] == ["new"])


def test_a_screen_that_stands_still_does_not_stop_the_ingest(tmp_path: Path, watched: Path) -> None:
    database = new_store(tmp_path / "store.db")
    store = RawStore(database)
    experiment = store.experiment(EXPERIMENT)
    for number in range(300):  # more than the pipe holds
        store.run(experiment, number, params={"text": "x" * 2_000})
    settings = {"watch": [str(watched)], "tracking_uri": f"sqlite:///{database}"}
    with EngineProcess(tmp_path, settings) as engine:
        engine.start()
        engine.until(lambda: engine.watch is not None)
        with engine.paused():
            for run in range(300):
                store.sql("UPDATE params SET value = ? WHERE run_uuid = ?", (
                    "y" * 2_000, f"{int(experiment):08x}{run:024x}",
                ))  # fmt: skip
            engine.send(Verb.REFRESH)  # more than a pipe holds is now on its way
            drop(watched, "a.json", report(1))
            wait_for(
                lambda: (
                    store.sql(
                        "SELECT COUNT(*) FROM runs WHERE name = 'run 1' AND status = 'FINISHED'"
                    )
                    == [(1,)]
                )
            )
        engine.until(lambda: any(run.name == "run 1" for run in in_store(engine)))
    store.close()


def test_a_state_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with EngineProcess(tmp_path, {"state_dir": str(tmp_path / "file" / "state")}) as engine:
        number = engine.start()
        engine.until(lambda: number in engine.replies)
        assert "cannot be made" in engine.replies[number].error
        assert engine.replies[number].hint
        assert state_of(engine) is StoreState.REFUSED
