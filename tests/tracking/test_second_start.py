"""A second start of the engine at a server or workspace: what it asks, and what is shown then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from engine_process import EngineProcess
from servers import MlflowServer
from stores import EXPERIMENT, RawStore
from waiting import wait_for
from workspaces import FakeWorkspace

from evaltui.domain.events import StoreState
from evaltui.domain.run import RunStatus
from evaltui.domain.table import RunDelta, RunTable
from evaltui.engine.link import RunsChanged, Verb
from evaltui.mirror.files import Mirrored, MirrorFile
from evaltui.settings import Settings
from evaltui.tracking import open_source
from evaltui.tracking.target import resolve_target
from tests.domain.run_strategies import runs_of

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mlflow-server")]

RUNS = 300
MOST_SEARCHES = 4
"""What started, what ended, what is running; and the sweep, which begins at once."""


@dataclass
class Place:
    """A store of 300 runs and somebody's directories.

    Attributes:
        searches: Tells how often the store was searched.
        pages: In how many searches it can be listed at best.
    """

    folder: Path
    raw: RawStore
    experiment: str
    name: str
    uri: str
    environ: dict[str, str]
    searches: Callable[[], int]
    pages: int

    @property
    def settings(self) -> Settings:
        return Settings(
            tracking_uri=self.uri,
            experiment=self.name,
            state_dir=self.folder / "state",
            data_dir=self.folder / "data",
            poll_interval_s=600.0,  # nothing but what a start asks, and what a test orders
        )

    def mirror(self) -> Mirrored | None:
        target = resolve_target(self.settings, self.environ)
        return MirrorFile(target.key, self.folder / "cache" / "evaltui" / "mirrors").open()

    @contextmanager
    def session(self) -> Iterator[EngineProcess]:
        """Start an engine as a screen does that shows the mirror, and end it as that screen."""
        mirror = self.mirror()
        environ = self.environ | {"XDG_CACHE_HOME": str(self.folder / "cache")}
        settings = self.settings.to_json()
        with EngineProcess(self.folder, settings, environ=environ) as engine:
            if mirror is not None:
                engine.table = mirror.table
            engine.start(shown="" if mirror is None else mirror.facts.token)
            engine.until(lambda: [page for page in pages(engine) if page.delta.complete])
            yield engine
            engine.hang_up()
            engine.end()

    def truth(self) -> RunTable:
        """Return what a listing in full brings."""
        source, table = open_source(resolve_target(self.settings, self.environ)), RunTable()
        for batch in source.changes():
            table.apply(RunDelta.from_runs(batch.runs))
        source.close()
        return table


def pages(engine: EngineProcess) -> list[RunsChanged]:
    return [event for event in engine.events if isinstance(event, RunsChanged)]


def fill(raw: RawStore, name: str) -> str:
    experiment = raw.experiment(name)
    for number in range(RUNS):
        status = "RUNNING" if number in {5, 250} else "FINISHED"
        raw.run(experiment, number, status=status, metrics={"score": number / RUNS})
    return experiment


@pytest.fixture(params=["server", "workspace"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "server":
        server: MlflowServer = request.getfixturevalue("mlflow_server")
        raw, name = RawStore(server.database), f"/Shared/{request.node.name}"
        raw.sql("PRAGMA busy_timeout=90000")

        def searches() -> int:
            log = (server.directory / "server.log").read_text(errors="replace")
            return log.count("POST /api/2.0/mlflow/runs/search")

        environ = {"HOME": str(tmp_path)}
        yield Place(tmp_path, raw, fill(raw, name), name, server.url, environ, searches, 3)
    else:
        workspace = FakeWorkspace(tmp_path / "workspace")
        raw = RawStore(workspace.database)
        experiment = fill(raw, EXPERIMENT)
        with workspace:
            workspace.ready().tell("config", page_cap=50)
            environ = workspace.by_token() | {"HOME": str(tmp_path)}
            count = lambda: workspace.count("runs/search")  # noqa: E731 - short
            yield Place(tmp_path, raw, experiment, EXPERIMENT, "databricks", environ, count, 6)
    raw.close()


def test_the_next_start_asks_for_what_is_new_and_sweeps_bring_the_rest(place: Place) -> None:
    before = place.searches()
    with place.session() as engine:
        engine.until(lambda: confirmed(engine))
        assert len(engine.runs()) == RUNS
    assert place.searches() - before >= place.pages

    kept, before = place.mirror(), place.searches()
    assert kept is not None
    with place.session() as engine:
        assert place.searches() - before <= MOST_SEARCHES
        assert [page.delta.run_ids for page in pages(engine)] == [()], "nothing is new"
        assert engine.store is not None
        assert engine.store.state is StoreState.LIVE
        assert engine.store.unconfirmed_s == kept.facts.as_of_s

    meanwhile(place)
    with place.session() as engine:
        soon = {run.name: run.status for run in engine.runs()}
        assert "new" in soon
        assert soon["run-250"] is soon["run-5"] is RunStatus.FINISHED
        while not confirmed(engine):
            swept = place.searches()
            engine.ask(Verb.REFRESH)
            wait_for(lambda n=swept: place.searches() > n or confirmed(engine), "sweep")
        engine.until(lambda: runs_of(engine.table) == runs_of(place.truth()))
        names = {run.name for run in engine.runs()}
        assert {"renamed", "dated back"} <= names
        assert names.isdisjoint({"run-100", "run-101", "run-102"})
        assert len(names) == RUNS - 2 + 2
        assert not any(page.reset for page in pages(engine))

    kept = place.mirror()
    assert kept is not None
    assert runs_of(kept.table) == runs_of(place.truth())


def confirmed(engine: EngineProcess) -> bool:
    return engine.store is not None and engine.store.unconfirmed_s is None


def meanwhile(place: Place) -> None:
    """Do what people do while nobody looks."""
    raw, ids = place.raw, {name: f"{int(place.experiment):08x}{name:024x}" for name in range(RUNS)}
    raw.run(place.experiment, RUNS + 10, name="new")
    raw.run(place.experiment, RUNS + 11, name="dated back", started_ms=1_700_000_000_000)
    for number in (5, 250):
        raw.sql(
            "UPDATE runs SET status = 'FINISHED', end_time = start_time + 9 WHERE run_uuid = ?",
            (ids[number],),
        )
    raw.metric(ids[50], "late", 0.5, at_ms=5)
    raw.sql("UPDATE runs SET name = 'renamed' WHERE run_uuid = ?", (ids[100],))
    tag = "UPDATE tags SET value = 'renamed' WHERE key = 'mlflow.runName' AND run_uuid = ?"
    raw.sql(tag, (ids[100],))
    raw.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (ids[101],))
    for table in ("latest_metrics", "metrics", "tags", "runs"):
        raw.sql(f"DELETE FROM {table} WHERE run_uuid = ?", (ids[102],))
