from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from stores import EXPERIMENT, RawStore, new_store
from waiting import wait_for

from evaltui.domain.events import FileState, Notice
from evaltui.domain.run import Tag
from evaltui.domain.stamp import FileStamp
from evaltui.engine.filebytes import read_file
from evaltui.engine.link import Event, FilesChanged, RunsChanged, StoreChanged
from evaltui.engine.outcome import ReportFile
from evaltui.errors import ConfigError, JournalError
from evaltui.settings import Settings
from evaltui.tracking.target import resolve_target
from evaltui.wiring import build, journal_directory, make_ingestor, open_journal

REPORT = '{"schema": "evaltui.report/1", "id": "r1", "metrics": [{"name": "acc", "value": 0.5}]}'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", data_dir=tmp_path / "data")


def record_one(settings: Settings) -> None:
    journal = open_journal(settings, resolve_target(settings, {}))
    stamp = FileStamp(Path("/w/a.json"), 1, 1, 1, 1, 1)
    journal.record(stamp, root="/w", state=FileState.QUARANTINED)
    journal.close()


def test_every_store_and_experiment_has_a_journal_of_its_own(settings: Settings) -> None:
    targets = [
        resolve_target(settings, {}),
        resolve_target(replace(settings, experiment="other"), {}),
        resolve_target(replace(settings, tracking_uri="http://127.0.0.1:5000"), {}),
    ]
    folders = [journal_directory(settings, target) for target in targets]
    assert len(set(folders)) == 3
    assert journal_directory(settings, resolve_target(settings, {})) == folders[0]
    assert all(settings.state_dir in folder.parents for folder in folders)


def test_no_credential_ends_up_in_a_journal_s_path(settings: Settings) -> None:
    secret = "http://user:topsecret@127.0.0.1:5000"
    target = resolve_target(replace(settings, tracking_uri=secret), {})
    journal = open_journal(settings, target)
    journal.close()
    assert "topsecret" not in str(journal.path)
    assert b"topsecret" not in journal.path.read_bytes()


def test_a_journal_is_opened_again_with_what_it_held(settings: Settings) -> None:
    record_one(settings)
    journal = open_journal(settings, resolve_target(settings, {}))
    assert journal.file("/w/a.json") is not None
    journal.close()


@pytest.mark.parametrize(
    "damage", [b"this is no database " * 300, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_journal_is_set_aside_and_told_of(settings: Settings, damage: bytes) -> None:
    record_one(settings)
    target = resolve_target(settings, {})
    path = journal_directory(settings, target) / "journal.db"
    path.write_bytes(damage)
    notices: list[Notice] = []
    journal = open_journal(settings, target, notify=notices.append)
    assert journal.file("/w/a.json") is None
    journal.close()
    (aside,) = path.parent.glob("journal.db.damaged-*")
    assert aside.read_bytes() == damage
    assert [notice.level for notice in notices] == ["warning"]
    assert str(aside) in notices[0].hint


def test_a_journal_of_a_newer_version_is_left_alone(settings: Settings) -> None:
    record_one(settings)
    target = resolve_target(settings, {})
    path = journal_directory(settings, target) / "journal.db"
    link = sqlite3.connect(path)
    link.execute("PRAGMA user_version=99")
    link.close()
    with pytest.raises(JournalError, match="newer"):
        open_journal(settings, target)
    assert list(path.parent.glob("*damaged*")) == []


def test_an_ingestor_takes_and_logs_a_report_with_its_own_adapters(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "r.json"
    file.write_text(REPORT)
    database = tmp_path / "store.db"
    new_store(database)
    settings = replace(settings, tracking_uri=f"sqlite:///{database}", model="m-1")
    target = resolve_target(settings, {})
    journal = open_journal(settings, target)
    ingestor = make_ingestor(settings, target, journal, search_first=True)
    taken = ingestor.take(ReportFile(read_file(file, max_bytes=10_000)))
    (done,) = ingestor.log_due(only=taken.content_ids)
    ingestor.close()
    journal.close()
    assert done.state is FileState.FINISHED
    rows = sqlite3.connect(database).execute("SELECT value FROM params WHERE key = 'model_version'")
    assert rows.fetchall() == [("m-1",)]


def test_a_read_only_ingestor_writes_nothing(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text(REPORT)
    settings = replace(settings, read_only=True)
    target = resolve_target(settings, {})
    journal = open_journal(settings, target)
    ingestor = make_ingestor(settings, target, journal)
    ingestor.take(ReportFile(read_file(file, max_bytes=10_000)))
    assert ingestor.log_due() == []
    ingestor.close()
    journal.close()
    assert not (tmp_path / "data" / "mlflow.db").exists()


def test_an_engine_is_built_for_the_target_that_the_environment_names(
    settings: Settings, tmp_path: Path
) -> None:
    database = new_store(tmp_path / "store.db")
    store = RawStore(database)
    experiment = store.experiment(EXPERIMENT)
    run_id = store.run(experiment, 1, tags={Tag.CONTENT_ID: "x"})
    store.close()
    events: list[Event] = []
    environ = {"MLFLOW_TRACKING_URI": f"sqlite:///{database}"}
    engine = build(settings, environ, emit=events.append, cwd=tmp_path)
    engine.start()
    wait_for(
        lambda: any(isinstance(event, RunsChanged) and event.delta.run_ids for event in events),
        "run",
    )
    assert engine.stop(90)
    runs = [i for event in events if isinstance(event, RunsChanged) for i in event.delta.run_ids]
    assert runs == [run_id]
    status = next(event.status for event in events if isinstance(event, StoreChanged))
    assert (status.why, status.experiment) == ("MLFLOW_TRACKING_URI", EXPERIMENT)
    assert status.poll_interval_s == 0.5


def test_watched_paths_start_from_the_directory_that_is_given(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "runs").mkdir()
    watching = replace(settings, watch=("runs", "mcp=other"))
    engine = build(watching, {}, emit=lambda _: None, cwd=tmp_path)
    roots = engine._crew.watcher.status().roots
    assert set(roots) == {str(tmp_path / "runs"), str(tmp_path / "other")}
    engine.stop(5)


def test_a_truncated_report_is_waited_for_only_as_long_as_asked(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "r.json").write_text(REPORT[:-10])
    events: list[Event] = []
    watching = replace(settings, watch=(str(tmp_path),))
    engine = build(watching, {}, emit=events.append, cwd=tmp_path, patience_s=0.3)
    engine.start()
    wait_for(
        lambda: any(
            row.state is FileState.QUARANTINED
            for event in events
            if isinstance(event, FilesChanged)
            for row in event.rows
        ),
        "quarantined file",
    )
    assert engine.stop(90)


def test_one_directory_with_two_modes_is_a_mistake(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two modes"):
        build(replace(settings, watch=("a=x", "b=x")), {}, emit=lambda _: None, cwd=tmp_path)


def test_building_an_engine_leaves_the_environment_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import os

    before = dict(os.environ)
    build(settings, {"DATABRICKS_HOST": "https://x"}, emit=lambda _: None, cwd=tmp_path).stop(5)
    assert dict(os.environ) == before
