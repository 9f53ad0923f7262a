"""A store that is followed from the mirror of its listing, as from a table in memory."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from engine_fakes import STATUS, Clock, Screen
from stores import EXPERIMENT, RawStore, new_store

from evaltui.domain.run import Run, Tag
from evaltui.domain.table import RunTable
from evaltui.engine.contents import twins
from evaltui.engine.mirroring import WRITE_S, Mirroring
from evaltui.engine.poll import Poller
from evaltui.mirror.files import MirrorFile
from evaltui.recall import TargetMirror
from evaltui.settings import Settings
from evaltui.tracking.sqlite_source import SqliteSource
from evaltui.tracking.target import resolve_target
from tests.domain.run_strategies import runs_of


class Followed:
    """A store, who follows it, and the mirror that is kept meanwhile."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.path = new_store(folder / "mlflow.db")
        self.store = RawStore(self.path)
        self.experiment = self.store.experiment()
        self.ids: list[str] = []
        self.target = resolve_target(Settings(tracking_uri=f"sqlite:///{self.path}"), {})
        self.mirrors = folder / "mirrors"
        self.clock, self.screen = Clock(), Screen()
        self.source: SqliteSource | None = None
        self.poller = Poller(
            self.open,
            replace(STATUS, poll_interval_s=1.0),
            publish=self.screen.apply,
            tell=lambda _: None,
            clock=self.clock,
            monotonic=self.clock,
        )
        self.mirroring = Mirroring(TargetMirror(self.target, self.mirrors), monotonic=self.clock)

    def open(self) -> SqliteSource:
        self.source = SqliteSource(self.path, EXPERIMENT)
        return self.source

    def add(self, count: int) -> None:
        for _ in range(count):
            number = len(self.ids)
            content = f"{self.rng.randrange(40):064x}"
            self.ids.append(
                self.store.run(
                    self.experiment,
                    number,
                    metrics={name: self.rng.random() for name in self.rng.sample("abc", 2)},
                    params={"model": f"m{self.rng.randrange(3)}"},
                    tags={Tag.CONTENT_ID: content} if self.rng.random() < 0.7 else {},
                )
            )

    def edit(self) -> None:
        run_id, word = self.rng.choice(self.ids), f"w{self.rng.randrange(9)}"
        place = "run_uuid = ?"
        edits = {
            f"UPDATE runs SET name = '{word}' WHERE {place}": 3,
            f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE {place}": 4,
            f"UPDATE runs SET lifecycle_stage = 'active' WHERE {place}": 1,
            f"UPDATE tags SET value = '{word}' WHERE key = '{Tag.CONTENT_ID.value}' AND {place}": 2,
            f"INSERT OR IGNORE INTO params VALUES('late', '{word}', ?)": 1,
        }
        ((sql,)) = self.rng.choices(list(edits), list(edits.values()))
        self.store.sql(sql, (run_id,))

    def step(self, seconds: float) -> None:
        """Ask the store, and keep the mirror if it is due."""
        self.clock.now += seconds
        if self.source is not None:
            self.source._next_tag_scan = 0.0
        self.poller.step()
        self.mirroring.step(self.poller)

    def there(self) -> dict[str, Run]:
        """Return what the store holds, read anew."""
        source = SqliteSource(self.path, EXPERIMENT)
        found = [run for batch in source.changes() for run in batch.runs]
        source.close()
        return {run.run_id: replace(run, artifact_uri="", experiment_id="1") for run in found}

    def kept(self) -> RunTable:
        found = MirrorFile(self.target.key, self.mirrors).open()
        assert found is not None
        return found.table


@pytest.mark.parametrize("seed", range(4))
def test_what_is_followed_from_a_mirror_is_what_the_store_has(tmp_path: Path, seed: int) -> None:
    followed = Followed(tmp_path, seed)
    followed.add(1_200)
    followed.step(1)
    for _ in range(8):
        own = followed.poller.table
        before = runs_of(own)
        for _ in range(followed.rng.choice([1, 5, 100])):
            followed.edit()
        followed.add(followed.rng.choice([0, 0, 1, 400]))
        due = followed.rng.random() < 0.5
        followed.step(2 * WRITE_S if due else 1.0)
        expected, table = followed.there(), followed.poller.table
        assert runs_of(followed.screen.table) == expected
        assert runs_of(table) == expected
        if due and expected != before:
            assert table is not own
            assert table.size == len(expected), "the rows of what is gone stay behind"
        contents = [run.tags.get(Tag.CONTENT_ID, "") for run in expected.values()]
        assert twins(table) == {one for one in contents if one and contents.count(one) > 1}
        known = followed.rng.choice(contents)
        having = {run.run_id for run in expected.values() if run.tags.get(Tag.CONTENT_ID) == known}
        assert set(followed.poller.known_runs(known)) == (having if known else set())
    followed.mirroring.finish(followed.poller)
    assert runs_of(followed.kept()) == followed.there()


def test_where_the_mirror_cannot_be_written_the_table_in_memory_is_gone_on_with(
    tmp_path: Path,
) -> None:
    followed = Followed(tmp_path, 0)
    followed.mirrors.write_bytes(b"no directory")
    followed.add(30)
    followed.step(1)
    own = followed.poller.table
    followed.edit()
    followed.step(2 * WRITE_S)
    assert followed.poller.table is own
    assert runs_of(own) == followed.there()
