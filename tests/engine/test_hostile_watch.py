"""Every hostile file below a watched directory: one state in the end, and nothing stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_corpus import HOSTILE, IGNORED, LOGGED, QUARANTINED, WAITING
from test_watcher_ingest import Engine
from tiny_store import TinyStore

from evaltui.domain.events import FileState
from evaltui.engine.settle import PATIENCE_S

ENDS = {
    LOGGED: FileState.FINISHED,
    WAITING: FileState.SETTLING,
    QUARANTINED: FileState.QUARANTINED,
    IGNORED: FileState.IGNORED,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("hostile"), TinyStore(new_id="run"))
    for name, hostile in HOSTILE.items():
        path = made.root / name / hostile.name
        path.parent.mkdir()
        path.write_bytes(hostile.data())
    made.run(12)
    yield made
    made.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_where_it_belongs_with_its_reason(engine: Engine, name: str) -> None:
    hostile = HOSTILE[name]
    row = engine.journal.file(str(engine.root / name / hostile.name))
    assert row is not None
    assert row.state is ENDS[hostile.ends], row
    if hostile.ends in (WAITING, QUARANTINED):
        assert hostile.reason in row.reason
        assert row.hint or hostile.ends == WAITING
    if hostile.ends == LOGGED:
        assert len(row.run_ids) == 1


def test_every_report_among_them_has_one_run_and_nothing_else_has(engine: Engine) -> None:
    good = [name for name, hostile in HOSTILE.items() if hostile.ends == LOGGED]
    assert len(engine.runs()) == len(good)


def test_what_may_still_be_written_is_given_up_after_five_minutes(engine: Engine) -> None:
    engine.mono.now += PATIENCE_S
    engine.wall.now += PATIENCE_S
    engine.run(31)
    for name, hostile in HOSTILE.items():
        if hostile.ends == WAITING:
            row = engine.journal.file(str(Path(engine.root, name, hostile.name)))
            assert row is not None
            assert row.state is FileState.QUARANTINED, name
            assert row.reason.startswith("truncated?")
            assert row.hint
