"""Direct SQL on real databases: what a poll finds, and what may happen to the file."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from stores import EXPERIMENT, RawStore, new_store

from evaltui.domain.run import RunBatch
from evaltui.domain.run_delta import RunDelta
from evaltui.errors import StoreBusyError, StoreRejectedError, StoreUnreachableError
from evaltui.settings import Settings
from evaltui.tracking import open_source, sqlite_database
from evaltui.tracking.sqlite_database import KNOWN_SCHEMAS, Database, Row
from evaltui.tracking.sqlite_source import SqliteSource
from evaltui.tracking.target import resolve_target


def poll(source: SqliteSource) -> list[RunBatch]:
    return list(source.changes())


def changed(source: SqliteSource) -> list[str]:
    return [run.run_id for batch in poll(source) for run in batch.runs]


@pytest.fixture
def source(store: RawStore) -> SqliteSource:
    return SqliteSource(store.path, EXPERIMENT)


def test_the_schema_of_the_installed_mlflow_is_one_that_was_compared(store: RawStore) -> None:
    database = Database(store.path)
    assert database.schema_version() in KNOWN_SCHEMAS
    assert database.missing() == []


def test_the_first_listing_comes_newest_first_in_a_small_and_then_large_pages(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    other = store.experiment("other")
    store.run(other, 1)
    runs = [store.run(experiment, number) for number in range(1_120)]
    batches = poll(source)
    assert [len(batch.runs) for batch in batches] == [50, 1_000, 70]
    assert [batch.complete for batch in batches] == [False, False, True]
    assert {batch.total for batch in batches} == {1_120}
    assert [run.run_id for batch in batches for run in batch.runs] == runs[::-1]
    assert poll(source) == []


def test_a_listing_that_is_left_in_the_middle_goes_on_where_it_was(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    runs = {store.run(experiment, number) for number in range(60)}
    first = next(source.changes())
    new = store.run(experiment, 99)
    rest = poll(source)
    assert {run.run_id for batch in (first, *rest) for run in batch.runs} == runs | {new}
    assert rest[-1].complete


def test_a_run_comes_whole_and_values_that_are_no_numbers_are_absent(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    run_id = store.run(
        experiment,
        1,
        name="eval",
        metrics={"rate": 0.5, "nan": math.nan, "inf": math.inf, "minus": -math.inf, "zero": 0.0},
        params={"mode": "mcp"},
        tags={"mode": "mcp"},
    )
    run = source.get_run(run_id)
    assert run is not None
    assert run.metrics == {"rate": 0.5, "zero": 0.0}
    assert run.params == {"mode": "mcp"}
    assert run.tags == {"mlflow.runName": "eval", "mode": "mcp"}
    assert (run.name, run.status, run.active) == ("eval", "FINISHED", True)
    assert run.ended_ms is not None
    assert run.started_ms == run.ended_ms - 30_000
    assert source.get_run("0" * 32) is None


def test_a_metric_that_becomes_nan_disappears_from_the_run(
    store: RawStore, source: SqliteSource
) -> None:
    run_id = store.run(store.experiment(), 1, metrics={"rate": 0.5})
    poll(source)
    store.metric(run_id, "rate", math.nan, at_ms=2)
    ((run,),) = [batch.runs for batch in poll(source)]
    assert run.metrics == {}


def test_pages_hold_the_runs_as_they_are_read_one_by_one(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    runs = [
        store.run(experiment, 1, metrics={"rate": 0.1 + 0.2, "only here": -0.0}),
        store.run(experiment, 2, metrics={"rate": math.nan}, params={"p": "ä", "mode": "x"}),
        store.run(experiment, 3, metrics={"rate": math.inf}, tags={"mode": "mcp", "t": ""}),
        store.run(experiment, 4, metrics={"strange": 1.0, "bytes": 2.0}, tags={"mode": "mcp"}),
        store.run(experiment, 5),
    ]
    store.sql("UPDATE latest_metrics SET value = 'one' WHERE key = 'strange'")
    store.sql("UPDATE latest_metrics SET value = x'0102' WHERE key = 'bytes'")
    store.sql("UPDATE tags SET value = NULL WHERE key = 't'")
    store.sql("UPDATE params SET value = CAST(x'41ff42' AS TEXT) WHERE key = 'mode'")
    store.sql("UPDATE runs SET name = NULL, end_time = NULL WHERE run_uuid = ?", (runs[3],))
    store.sql("INSERT OR REPLACE INTO tags VALUES('mlflow.runName', 'of a tag', ?)", (runs[3],))
    (batch,) = poll(source)
    assert list(batch.runs) == [source.get_run(run_id) for run_id in runs[::-1]]
    assert batch.runs[3].params == {"p": "ä", "mode": "A\ufffdB"}
    assert batch.runs[1].name == "of a tag"
    delta = RunDelta.from_runs(batch.runs)
    assert delta.metrics.keys() == {"rate", "only here"}  # no column of what nobody has
    again = RunDelta.from_runs(list(batch.runs))
    assert (delta.run_ids, delta.names, delta.status) == (again.run_ids, again.names, again.status)
    assert {name: list(texts) for name, texts in delta.tags.items()} == again.tags


def test_a_run_that_is_deleted_while_a_listing_runs_is_not_told(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    runs = [store.run(experiment, number, metrics={"n": number}) for number in range(70)]
    pages = source.changes()
    next(pages)
    store.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (runs[12],))
    (rest,) = pages
    assert [(run.run_id, run.metrics["n"]) for run in rest.runs] == [
        (runs[number], number) for number in range(19, -1, -1) if number != 12
    ]


def test_a_run_that_went_and_came_back_before_that_could_be_told_is_not_told_as_gone(
    store: RawStore, source: SqliteSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store.experiment()
    back, gone, kept = (store.run(experiment, number) for number in range(3))
    poll(source)

    def busy(*_: object) -> None:
        raise StoreBusyError("locked")

    store.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid <> ?", (kept,))
    with monkeypatch.context() as patched:
        patched.setattr("evaltui.tracking.sqlite_source.load_page", busy)
        with pytest.raises(StoreBusyError):
            poll(source)
    store.sql("UPDATE runs SET lifecycle_stage = 'active' WHERE run_uuid = ?", (back,))
    (batch,) = poll(source)
    assert batch.removed == (gone,)
    assert poll(source) == []


def test_ids_that_mlflow_would_not_make_are_followed_like_others(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    usual = store.run(experiment, 1)
    odd = ["", "short", "ABCDEF" + usual[6:], "ü" * 32, usual + "00"]
    for number, run_id in enumerate(odd):
        made = store.run(experiment, 10 + number)
        for table in ("runs", "tags"):
            store.sql(f"UPDATE {table} SET run_uuid = ? WHERE run_uuid = ?", (run_id, made))
    (batch,) = poll(source)
    assert {run.run_id for run in batch.runs} == {usual, *odd}
    store.sql("UPDATE runs SET name = 'other' WHERE run_uuid IN (?, ?)", (odd[1], odd[3]))
    assert sorted(changed(source)) == sorted([odd[1], odd[3]])
    store.sql("INSERT INTO params VALUES('p', 'v', ?)", (odd[0],))
    assert changed(source) == [odd[0]]
    store.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid IN (?, ?)", odd[2:4])
    (batch,) = poll(source)
    assert set(batch.removed) == set(odd[2:4])


EDITS = {
    "a metric": "INSERT INTO metrics VALUES('late', 1.0, 5, '{id}', 0, 0);"
    "INSERT INTO latest_metrics VALUES('late', 1.0, 5, 0, 0, '{id}')",
    "a new step": "INSERT INTO metrics VALUES('rate', 0.9, 5, '{id}', 1, 0);"
    "UPDATE latest_metrics SET value = 0.9, step = 1 WHERE run_uuid = '{id}'",
    "a param": "INSERT INTO params VALUES('p', 'v', '{id}')",
    "a new tag": "INSERT INTO tags VALUES('t', 'v', '{id}')",
    "an overwritten tag": (
        "UPDATE tags SET value = 'other' WHERE key = 'mode' AND run_uuid = '{id}'"
    ),
    "a removed tag": "DELETE FROM tags WHERE key = 'mode' AND run_uuid = '{id}'",
    "a rename": "UPDATE runs SET name = 'renamed' WHERE run_uuid = '{id}'",
    "an end": "UPDATE runs SET status = 'FAILED', end_time = 9 WHERE run_uuid = '{id}'",
    "a new start": "UPDATE runs SET start_time = 9 WHERE run_uuid = '{id}'",
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_poll_brings_exactly_the_run_that_changed(
    store: RawStore, source: SqliteSource, edit: str
) -> None:
    experiment = store.experiment()
    runs = [
        store.run(experiment, number, metrics={"rate": 0.5}, tags={"mode": "mcp"})
        for number in range(5)
    ]
    poll(source)
    for statement in EDITS[edit].format(id=runs[2]).split(";"):
        store.sql(statement)
    (batch,) = poll(source)
    assert [run.run_id for run in batch.runs] == [runs[2]]
    assert batch.complete
    assert batch.removed == ()
    assert poll(source) == []


def test_a_new_run_is_found_whatever_its_start(store: RawStore, source: SqliteSource) -> None:
    experiment = store.experiment()
    store.run(experiment, 5)
    poll(source)
    old = store.run(experiment, 6, started_ms=1_000)
    assert changed(source) == [old]


def test_deleted_purged_and_restored_runs_are_told(store: RawStore, source: SqliteSource) -> None:
    experiment = store.experiment()
    soft, hard, kept = (store.run(experiment, number) for number in range(3))
    poll(source)
    store.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (soft,))
    for table in ("tags", "runs"):
        store.sql(f"DELETE FROM {table} WHERE run_uuid = ?", (hard,))
    (batch,) = poll(source)
    assert set(batch.removed) == {soft, hard}
    assert batch.runs == ()
    gone = source.get_run(soft)
    assert gone is not None
    assert not gone.active
    store.sql("UPDATE runs SET lifecycle_stage = 'active' WHERE run_uuid = ?", (soft,))
    assert changed(source) == [soft]
    assert kept not in changed(source)


def test_purged_rows_whose_numbers_are_used_again_hide_nothing(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    kept = store.run(experiment, 1, metrics={"rate": 0.5})
    purged = store.run(experiment, 2, metrics={f"m{n}": 0.5 for n in range(5)})
    poll(source)
    for table in ("metrics", "latest_metrics", "tags", "runs"):
        store.sql(f"DELETE FROM {table} WHERE run_uuid = ?", (purged,))
    store.metric(kept, "late", 1.0, at_ms=5)
    (batch,) = poll(source)
    assert [run.run_id for run in batch.runs] == [kept]
    assert batch.removed == (purged,)


def test_changes_of_other_experiments_and_repetitions_bring_nothing(
    store: RawStore, source: SqliteSource
) -> None:
    experiment, other = store.experiment(), store.experiment("other")
    run_id = store.run(experiment, 1, tags={"mode": "mcp"})
    poll(source)
    store.run(other, 2, metrics={"rate": 1.0})
    store.sql("UPDATE tags SET value = 'mcp' WHERE key = 'mode' AND run_uuid = ?", (run_id,))
    assert poll(source) == []


def test_a_costly_comparison_of_tags_waits_for_its_turn_and_then_happens(
    store: RawStore, source: SqliteSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store.experiment()
    run_id = store.run(experiment, 1, tags={"mode": "mcp"})
    poll(source)
    now = time.monotonic()
    source._next_tag_scan = now + 60.0
    store.sql("UPDATE tags SET value = 'other' WHERE key = 'mode'")
    assert poll(source) == []
    monkeypatch.setattr(time, "monotonic", lambda: now + 61.0)
    assert changed(source) == [run_id]
    assert poll(source) == []


def test_tags_are_compared_page_by_page_and_only_those_of_runs_that_are_there(
    store: RawStore, source: SqliteSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, other = store.experiment(), store.experiment("other")
    runs = [store.run(experiment, number, tags={"mode": "mcp"}) for number in range(450)]
    store.run(other, 1, tags={"mode": "mcp"})
    poll(source)
    store.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid > ?", (runs[299],))
    poll(source)
    fetched: list[set[object]] = []
    made = Database.made

    def noting(
        self: Database, sql: str, arguments: Sequence[object], make: Callable[[list[Row]], object]
    ) -> list[object]:
        rows: list[Row] = []

        def take(block: list[Row]) -> object:
            rows.extend(block)
            return make(block)

        found = made(self, sql, arguments, take)
        if "JOIN tags" in sql:
            asked = json.loads(str(arguments[0]))
            fetched.append({asked[int(str(row[0]))] for row in rows})
        return found

    monkeypatch.setattr(Database, "made", noting)
    source._next_tag_scan = 0.0
    store.sql("UPDATE tags SET value = 'other' WHERE run_uuid = ?", (runs[7],))
    assert changed(source) == [runs[7]]
    assert [len(page) for page in fetched] == [200, 100, 1]  # two pages of all, and what changed
    assert set().union(*fetched) == set(runs[:300])


def test_of_a_run_that_is_gone_nothing_is_kept(store: RawStore, source: SqliteSource) -> None:
    experiment = store.experiment()
    runs = [store.run(experiment, number, tags={"mode": "mcp"}) for number in range(30)]
    poll(source)
    store.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid > ?", (runs[9],))
    poll(source)
    store.sql("DELETE FROM tags WHERE run_uuid = ?", (runs[3],))
    store.sql("DELETE FROM runs WHERE run_uuid = ?", (runs[3],))
    poll(source)
    left = {*runs[:3], *runs[4:10]}
    assert source._sums is not None
    assert sorted(source._sums.ids.texts()) == sorted(left)


def test_an_empty_experiment_is_listed_once(store: RawStore, source: SqliteSource) -> None:
    store.experiment()
    assert poll(source) == [RunBatch(complete=True, total=0)]
    assert poll(source) == []


def test_the_experiment_comes_with_its_tags_and_state(
    store: RawStore, source: SqliteSource
) -> None:
    assert source.experiment() is None
    assert poll(source) == []
    number = store.experiment(location="/x")
    store.sql("INSERT INTO experiment_tags VALUES('evaltui.baseline', 'abc', ?)", (number,))
    found = source.experiment()
    assert found is not None
    assert (found.experiment_id, found.name, found.artifact_location) == (number, EXPERIMENT, "/x")
    assert found.tags == {"evaltui.baseline": "abc"}
    store.sql("UPDATE experiments SET lifecycle_stage = 'deleted'")
    found = source.experiment()
    assert found is not None
    assert not found.active


def test_an_experiment_can_be_found_by_its_id(store: RawStore) -> None:
    number = store.experiment()
    found = SqliteSource(store.path, "", number).experiment()
    assert found is not None
    assert found.name == EXPERIMENT


def test_runs_are_found_by_the_content_of_their_report(
    store: RawStore, source: SqliteSource
) -> None:
    assert source.find_runs("abc") == ()
    experiment, other = store.experiment(), store.experiment("other")
    mine = {"evaltui.content_id": "abc"}
    late, early = (store.run(experiment, number, tags=mine) for number in (2, 1))
    store.run(other, 3, tags=mine)
    deleted = store.run(experiment, 4, tags=mine)
    store.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (deleted,))
    store.run(experiment, 5, tags={"evaltui.content_id": "abcd"})
    assert [run.run_id for run in source.find_runs("abc")] == [early, late]


def test_sweeps_walk_through_all_runs_and_find_nothing_that_polls_found(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    runs = [store.run(experiment, number) for number in range(250)]
    assert list(source.sweep()) == []
    poll(source)
    assert [list(source.sweep()) for _ in range(3)] == [[], [], []]
    store.sql("UPDATE runs SET name = 'x' WHERE run_uuid = ?", (runs[0],))
    found = [run.run_id for _ in range(2) for batch in source.sweep() for run in batch.runs]
    assert found == [runs[0]]
    assert poll(source) == []


def test_a_store_that_nobody_writes_to_is_asked_for_its_version_alone(
    store: RawStore, source: SqliteSource
) -> None:
    experiment = store.experiment()
    for number in range(450):
        store.run(experiment, number, metrics={"m": number})
    source.experiment()
    poll(source)
    asked: list[str] = []
    connection = source._database._connection
    assert connection is not None
    connection.set_trace_callback(asked.append)

    def rest() -> set[str]:
        asked.clear()
        for _ in range(5):
            source.experiment()
            assert poll(source) == []
            assert list(source.sweep()) == []
        return set(asked)

    assert rest() == {"PRAGMA data_version"}
    asked.clear()
    assert source.unchanged()
    assert asked == ["PRAGMA data_version"]
    store.sql("UPDATE experiments SET last_update_time = 1 WHERE experiment_id = ?", (experiment,))
    assert not source.unchanged()
    assert len(rest()) > 1  # all is compared once
    assert rest() == {"PRAGMA data_version"}


# -- the file -------------------------------------------------------------------------------------


def test_a_database_that_does_not_exist_is_no_error_and_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "later.db"
    source = SqliteSource(path, EXPERIMENT)
    assert source.experiment() is None
    assert poll(source) == []
    assert source.get_run("x") is None
    assert source.find_runs("x") == ()
    assert not path.exists()
    store = RawStore(new_store(path))
    run_id = store.run(store.experiment(), 1)
    assert changed(source) == [run_id]


def test_a_database_that_is_being_made_counts_as_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    path.touch()
    source = SqliteSource(path, EXPERIMENT)
    assert source.experiment() is None
    with sqlite3.connect(path) as link:
        link.execute("CREATE TABLE experiments (experiment_id INTEGER, name TEXT)")
    assert source.experiment() is None
    assert poll(source) == []


def test_another_file_in_the_place_of_the_database_is_followed(
    store: RawStore, source: SqliteSource, tmp_path: Path
) -> None:
    experiment = store.experiment()
    kept, gone = store.run(experiment, 1), store.run(experiment, 2)
    poll(source)
    other = RawStore(new_store(tmp_path / "other.db"))
    experiment = other.experiment()
    other.run(experiment, 1)
    new = other.run(experiment, 3)
    other.close()
    other.path.replace(store.path)
    (batch,) = poll(source)
    assert [run.run_id for run in batch.runs] == [new]
    assert batch.removed == (gone,)
    assert kept != gone


def test_a_database_that_vanishes_is_unreachable_until_it_is_back(
    store: RawStore, source: SqliteSource, tmp_path: Path
) -> None:
    run_id = store.run(store.experiment(), 1)
    poll(source)
    store.path.rename(tmp_path / "away.db")
    with pytest.raises(StoreUnreachableError, match="gone"):
        poll(source)
    (tmp_path / "away.db").rename(store.path)
    store.sql("UPDATE runs SET name = 'back'")
    assert changed(source) == [run_id]


def test_a_locked_database_is_unreachable_for_the_moment(
    store: RawStore, source: SqliteSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_S", 0.05)
    run_id = store.run(store.experiment(), 1)
    store.sql("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnreachableError, match="locked"):
        poll(source)
    store.sql("ROLLBACK")
    assert changed(source) == [run_id]


def test_a_reader_leaves_no_lock_behind(store: RawStore, source: SqliteSource) -> None:
    experiment = store.experiment()
    for number in range(60):
        store.run(experiment, number)
    pages = source.changes()
    next(pages)  # in the middle of a listing
    store.sql("PRAGMA busy_timeout=0")
    store.run(experiment, 99)  # would raise


def test_a_database_with_a_write_ahead_log_is_read(store: RawStore, source: SqliteSource) -> None:
    store.sql("PRAGMA journal_mode=WAL")
    experiment = store.experiment()
    first = store.run(experiment, 1)
    assert changed(source) == [first]
    second = store.run(experiment, 2)
    assert changed(source) == [second]


def test_what_a_killed_writer_left_is_rolled_back(store: RawStore, source: SqliteSource) -> None:
    run_id = store.run(store.experiment(), 1, name="before")
    store.close()
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import os, signal, sqlite3, sys\n"
                "link = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                "link.execute('PRAGMA cache_size=1'); link.execute('PRAGMA cache_spill=1')\n"
                "link.execute('BEGIN IMMEDIATE')\n"
                "link.execute(\"UPDATE runs SET name = 'during'\")\n"
                "for n in range(3000):\n"
                "    link.execute('INSERT INTO params VALUES(?, ?, ?)', (str(n), 'x' * 500, 'r'))\n"
                "os.kill(os.getpid(), signal.SIGKILL)"
            ),
            str(store.path),
        ],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert Path(f"{store.path}-journal").stat().st_size > 0
    (batch,) = poll(source)
    assert [(run.run_id, run.name) for run in batch.runs] == [(run_id, "before")]


@pytest.mark.parametrize("data", [b"this is no database, but long enough to be looked at" * 40])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(data)
    with pytest.raises(StoreRejectedError, match="not a sound SQLite database"):
        SqliteSource(path, EXPERIMENT).experiment()


def test_tables_that_are_not_as_expected_are_left_to_mlflow(store: RawStore) -> None:
    target = resolve_target(Settings(tracking_uri=f"sqlite:///{store.path}"), {})
    assert open_source(target).kind == "sqlite"
    store.sql("ALTER TABLE runs RENAME COLUMN status TO state")
    assert Database(store.path).missing() == ["runs.status"]
    assert open_source(target).kind == "client"


# -- artifacts ------------------------------------------------------------------------------------


def test_artifacts_are_listed_and_read_from_their_directory(
    store: RawStore, source: SqliteSource, tmp_path: Path
) -> None:
    root = tmp_path / "with space"
    run_id = store.run(store.experiment(location=root.as_uri()), 1)
    assert source.list_artifacts(run_id) == ()
    folder = root / run_id / "artifacts"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "deep.txt").write_text("deep")
    (folder / "report.json").write_text("{}")
    found = source.list_artifacts(run_id)
    assert [(item.path, item.is_dir, item.size_bytes) for item in found] == [
        ("a", True, None),
        ("a/b", True, None),
        ("a/b/deep.txt", False, 4),
        ("report.json", False, 2),
    ]
    assert source.read_artifact(run_id, "a/b/deep.txt", max_bytes=4) == b"deep"


def test_only_files_of_the_run_and_of_bounded_size_are_read(
    store: RawStore, source: SqliteSource, tmp_path: Path
) -> None:
    run_id = store.run(store.experiment(location=str(tmp_path / "root")), 1)
    folder = tmp_path / "root" / run_id / "artifacts"
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "big").write_bytes(b"12345")
    os.mkfifo(folder / "pipe")
    for path in ("../../../secret", "/etc/passwd", "", ".", "link", "pipe", "none", "a\0b"):
        with pytest.raises(StoreRejectedError):
            source.read_artifact(run_id, path, max_bytes=100)
    with pytest.raises(StoreRejectedError, match="larger than 4"):
        source.read_artifact(run_id, "big", max_bytes=4)
    assert "link" not in {item.path for item in source.list_artifacts(run_id)}


def test_artifacts_of_an_unknown_run_or_of_another_machine_are_refused(
    store: RawStore, source: SqliteSource
) -> None:
    run_id = store.run(store.experiment(location="mlflow-artifacts:/1"), 1)
    with pytest.raises(StoreRejectedError, match="not on this machine"):
        source.list_artifacts(run_id)
    with pytest.raises(StoreRejectedError, match="no run"):
        source.list_artifacts("0" * 32)


def test_reading_imports_neither_mlflow_nor_an_sql_library(store: RawStore) -> None:
    store.run(store.experiment(), 1)
    code = (
        "import sys\n"
        "from evaltui.settings import Settings\n"
        "from evaltui.tracking import open_source\n"
        "from evaltui.tracking.target import resolve_target\n"
        "source = open_source(resolve_target(Settings(tracking_uri=sys.argv[1]), {}))\n"
        "assert source.experiment() and len(next(source.changes()).runs) == 1\n"
        "heavy = {'mlflow', 'sqlalchemy', 'databricks', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{store.path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
