"""What every source promises, on a SQLite file, a real server, and through MLflow's client."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers import MlflowServer
from stores import RawStore, new_store

from evaltui.domain.ports import RunSource
from evaltui.domain.run import Run, RunBatch, RunStatus
from evaltui.errors import StoreRejectedError
from evaltui.settings import Settings
from evaltui.tracking.client_source import ClientSource
from evaltui.tracking.rest_source import RestSource
from evaltui.tracking.sqlite_source import SqliteSource
from evaltui.tracking.target import Target, resolve_target

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mlflow-server")]


@dataclass
class Case:
    """A store to write rows into, one experiment of it, and the source that reads that."""

    raw: RawStore
    name: str
    open: Callable[[], RunSource]
    artifacts: Path
    proxied: bool = False
    experiment: str = ""

    def make(self) -> str:
        """Make the experiment; return its id."""
        place = "mlflow-artifacts:/" if self.proxied else f"{self.artifacts}/"
        self.experiment = self.raw.experiment(self.name, location=place + "x")
        place += self.experiment
        self.raw.sql(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
            (place, self.experiment),
        )
        return self.experiment

    def run(self, number: int, **more: object) -> str:
        return self.raw.run(self.experiment, number, **more)  # type: ignore[arg-type]


def _target(uri: str) -> Target:
    return resolve_target(Settings(tracking_uri=uri), {"HOME": "/nonexistent"})


@pytest.fixture(params=["sqlite", "rest", "client"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    name = f"/Shared/{request.node.name}"
    if request.param == "rest":
        server: MlflowServer = request.getfixturevalue("mlflow_server")
        raw = RawStore(server.database)
        raw.sql("PRAGMA busy_timeout=90000")
        target = _target(server.url)
        yield Case(
            raw, name, lambda: RestSource(target, name), server.directory / "artifacts", True
        )
    else:
        raw = RawStore(new_store(tmp_path / "store.db"))
        target = _target(f"sqlite:///{raw.path}")
        if request.param == "sqlite":
            yield Case(raw, name, lambda: SqliteSource(raw.path, name), tmp_path / "artifacts")
        else:
            yield Case(raw, name, lambda: ClientSource(target, name), tmp_path / "artifacts")
    raw.close()


@pytest.fixture
def source(case: Case) -> Iterator[RunSource]:
    opened = case.open()
    yield opened
    opened.close()


def poll(source: RunSource) -> list[Run]:
    return [run for batch in source.changes() for run in batch.runs]


def settle(source: RunSource, *, pages: int = 3) -> tuple[list[Run], list[str]]:
    """Poll once and sweep through everything; return changed runs and removed ids."""
    batches: list[RunBatch] = list(source.changes())
    for _ in range(pages):
        batches += source.sweep()
    return (
        [run for batch in batches for run in batch.runs],
        [run_id for batch in batches for run_id in batch.removed],
    )


def test_an_experiment_that_does_not_exist_is_no_error(case: Case, source: RunSource) -> None:
    assert source.experiment() is None
    assert list(source.changes()) == []
    assert list(source.sweep()) == []
    assert source.find_runs("abc") == ()
    number = case.make()
    found = source.experiment()
    assert found is not None
    assert (found.experiment_id, found.name, found.active) == (number, case.name, True)
    assert [(batch.runs, batch.complete) for batch in source.changes()] == [((), True)]


def test_a_deleted_experiment_says_so_and_tags_are_there(case: Case, source: RunSource) -> None:
    number = case.make()
    case.raw.sql("INSERT INTO experiment_tags VALUES('evaltui.baseline', 'abc', ?)", (number,))
    found = source.experiment()
    assert found is not None
    assert found.tags == {"evaltui.baseline": "abc"}
    case.raw.sql(
        "UPDATE experiments SET lifecycle_stage = 'deleted' WHERE experiment_id = ?", (number,)
    )
    found = source.experiment()
    assert found is not None
    assert not found.active


def test_the_listing_is_newest_first_with_a_small_first_page(case: Case, source: RunSource) -> None:
    case.make()
    runs = [case.run(number) for number in range(130)]
    batches = list(source.changes())
    assert len(batches[0].runs) == 50
    assert [batch.complete for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert [run.run_id for batch in batches for run in batch.runs] == runs[::-1]
    assert settle(source) == ([], [])


def test_a_run_is_the_same_whoever_reads_it(case: Case, source: RunSource) -> None:
    case.make()
    run_id = case.run(
        1,
        name="eval [x] é",
        metrics={"rate": 0.25, "zero": 0.0, "nan": math.nan, "inf": math.inf, "minus": -math.inf},
        params={"mode": "mcp", "empty": ""},
        tags={"mode": "mcp"},
    )
    (listed,) = poll(source)
    assert listed == source.get_run(run_id)
    assert (listed.run_id, listed.experiment_id) == (run_id, case.experiment)
    assert listed.name == "eval [x] é"
    assert listed.status is RunStatus.FINISHED
    assert (listed.started_ms, listed.ended_ms) == (1_760_000_060_000, 1_760_000_090_000)
    assert listed.metrics == {"rate": 0.25, "zero": 0.0}
    assert listed.params == {"mode": "mcp", "empty": ""}
    assert listed.tags == {"mlflow.runName": "eval [x] é", "mode": "mcp"}
    assert listed.artifact_uri.endswith(f"{run_id}/artifacts")
    assert listed.active


def test_a_run_that_does_not_exist_is_none(case: Case, source: RunSource) -> None:
    case.make()
    assert source.get_run("0" * 32) is None


def test_a_poll_follows_a_run_from_start_to_end(case: Case, source: RunSource) -> None:
    case.make()
    case.run(1)
    poll(source)
    run_id = case.run(2, status="RUNNING")
    assert [(run.run_id, run.status, run.ended_ms) for run in poll(source)] == [
        (run_id, RunStatus.RUNNING, None)
    ]
    assert poll(source) == []
    case.raw.metric(run_id, "rate", 0.5, at_ms=5)
    assert [run.metrics for run in poll(source)] == [{"rate": 0.5}]
    case.raw.sql(
        "UPDATE runs SET status = 'FINISHED', end_time = start_time + 1 WHERE run_uuid = ?",
        (run_id,),
    )
    assert [run.status for run in poll(source)] == [RunStatus.FINISHED]
    assert settle(source) == ([], [])


def test_a_run_that_ended_long_ago_by_its_clock_is_seen_to_end(
    case: Case, source: RunSource
) -> None:
    case.make()
    run_id = case.run(1, status="RUNNING")
    case.run(50_000)
    poll(source)
    case.raw.sql(
        "UPDATE runs SET status = 'KILLED', end_time = start_time + 1 WHERE run_uuid = ?",
        (run_id,),
    )
    assert [(run.run_id, run.status) for run in poll(source)] == [(run_id, RunStatus.KILLED)]


LATE = {
    "a late metric": "INSERT INTO metrics VALUES('late', 1.0, 5, '{id}', 0, 0);"
    "INSERT INTO latest_metrics VALUES('late', 1.0, 5, 0, 0, '{id}')",
    "a late tag": "INSERT INTO tags VALUES('late', 'v', '{id}')",
    "an overwritten tag": "UPDATE tags SET value = 'b' WHERE key = 'mode' AND run_uuid = '{id}'",
    "a removed tag": "DELETE FROM tags WHERE key = 'mode' AND run_uuid = '{id}'",
    "a rename": "UPDATE runs SET name = 'renamed' WHERE run_uuid = '{id}';"
    "UPDATE tags SET value = 'renamed' WHERE key = 'mlflow.runName' AND run_uuid = '{id}'",
}


@pytest.mark.parametrize("edit", LATE)
def test_what_happens_to_a_finished_run_is_found_once(
    case: Case, source: RunSource, edit: str
) -> None:
    case.make()
    runs = [case.run(number * 1_000, tags={"mode": "a"}) for number in range(3)]
    poll(source)
    for statement in LATE[edit].format(id=runs[0]).split(";"):
        case.raw.sql(statement)
    found, removed = settle(source)
    assert [run.run_id for run in found] == [runs[0]]
    assert removed == []
    assert settle(source) == ([], [])


def test_runs_that_start_in_the_past_are_found(case: Case, source: RunSource) -> None:
    case.make()
    case.run(50_000)
    poll(source)
    old = case.run(1)
    assert [run.run_id for run in settle(source)[0]] == [old]


def test_deleted_and_purged_runs_are_removed_and_restored_ones_come_back(
    case: Case, source: RunSource
) -> None:
    case.make()
    runs = [case.run(number * 1_000) for number in range(5)]
    poll(source)
    soft, hard = runs[1], runs[4]
    case.raw.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (soft,))
    for table in ("tags", "runs"):
        case.raw.sql(f"DELETE FROM {table} WHERE run_uuid = ?", (hard,))
    found, removed = settle(source)
    assert found == []
    assert set(removed) == {soft, hard}
    gone = source.get_run(soft)
    assert gone is not None
    assert not gone.active
    assert source.get_run(hard) is None
    case.raw.sql("UPDATE runs SET lifecycle_stage = 'active' WHERE run_uuid = ?", (soft,))
    assert [run.run_id for run in settle(source)[0]] == [soft]


def test_a_run_that_was_only_fetched_and_then_deleted_is_removed(
    case: Case, source: RunSource
) -> None:
    case.make()
    poll(source)
    run_id = case.run(1)
    assert source.get_run(run_id) is not None
    case.raw.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (run_id,))
    # Polls of SQLite see every write: nobody has to fetch a run there to know it.
    assert settle(source)[1] == ([] if source.kind == "sqlite" else [run_id])


def test_a_start_far_in_the_future_blinds_no_poll(case: Case, source: RunSource) -> None:
    case.make()
    case.run(1, started_ms=4_000_000_000_000)
    poll(source)
    run_id = case.run(2, status="RUNNING")
    assert [run.run_id for run in poll(source)] == [run_id]


def test_runs_are_found_by_the_content_of_their_report(case: Case, source: RunSource) -> None:
    case.make()
    mine = {"evaltui.content_id": "abc"}
    late, early = (case.run(number, tags=mine) for number in (2, 1))
    deleted = case.run(3, tags=mine)
    case.raw.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (deleted,))
    case.run(4, tags={"evaltui.content_id": "ABC"})
    assert [run.run_id for run in source.find_runs("abc")] == [early, late]
    assert source.find_runs("none") == ()
    assert source.find_runs("it's") == ()


def test_artifacts_are_listed_as_a_tree_and_read_within_a_limit(
    case: Case, source: RunSource
) -> None:
    case.make()
    run_id = case.run(1)
    assert source.list_artifacts(run_id) == ()
    folder = case.artifacts / case.experiment / run_id / "artifacts"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "deep file.txt").write_text("deep")
    (folder / "page.html").write_text("<html>é</html>")
    found = source.list_artifacts(run_id)
    assert [(item.path, item.is_dir, item.size_bytes) for item in found] == [
        ("a", True, None),
        ("a/b", True, None),
        ("a/b/deep file.txt", False, 4),
        ("page.html", False, 15),
    ]
    assert source.read_artifact(run_id, "a/b/deep file.txt", max_bytes=4) == b"deep"
    assert source.read_artifact(run_id, "page.html", max_bytes=100).decode() == "<html>é</html>"
    with pytest.raises(StoreRejectedError, match="larger than 3 bytes"):
        source.read_artifact(run_id, "a/b/deep file.txt", max_bytes=3)
    local = source.artifact_file(run_id, "a/b/deep file.txt")
    assert local == (folder / "a" / "b" / "deep file.txt" if source.kind == "sqlite" else None)
    for path in ("none.txt", "a", "../x", "/etc/passwd", ""):
        with pytest.raises(StoreRejectedError):
            source.read_artifact(run_id, path, max_bytes=100)
    with pytest.raises(StoreRejectedError):
        source.list_artifacts("0" * 32)
