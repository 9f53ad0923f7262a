"""Watcher, ingestor and journal together, against a store that keeps MLflow's rules."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_store import LOST, REFUSED, TinyStore
from waiting import wait_for
from watching import Clock, app_report, bulk, report

from evaltui.domain.events import FileState
from evaltui.domain.run import Run, Tag
from evaltui.engine.ingest import Ingestor
from evaltui.engine.outcome import IngestSettings
from evaltui.engine.roots import WatchRoot
from evaltui.engine.watcher import Watcher, WatchSettings
from evaltui.ledger.journal import Journal


class Engine:
    """The ingest thread of the engine, by hand."""

    def __init__(self, base: Path, store: TinyStore, *, name: str = "state") -> None:
        self.root = base / "in"
        self.root.mkdir(exist_ok=True)
        self.store = store
        self.wall, self.mono = Clock(time.time()), Clock(0.0)
        self.journal = Journal(base / name, clock=self.wall)
        self.ingestor = Ingestor(
            self.journal,
            open_source=lambda: store,
            open_writer=lambda: store,
            experiment="evals",
            settings=IngestSettings(),
            clock=self.wall,
        )
        self.watcher = Watcher(
            [WatchRoot(self.root, None, None)],
            self.journal,
            self.ingestor,
            settings=WatchSettings(events="off"),
            clock=self.wall,
            monotonic=self.mono,
        )

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 10) + 1):
            self.watcher.step()
            self.ingestor.log_due(limit=5)
            self.mono.now += 0.1
            self.wall.now += 0.1

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def runs(self) -> list[Run]:
        return [run for run in self.store.active_runs() if Tag.SUPERSEDED_BY not in run.tags]

    def state(self, name: str) -> FileState | None:
        row = self.journal.file(str(self.root / name))
        return None if row is None else row.state

    def close(self) -> None:
        self.watcher.close()
        self.ingestor.close()
        self.journal.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path, TinyStore(new_id="run"))
    yield made
    made.close()


def test_a_report_becomes_a_run_and_its_row_tells_which(engine: Engine) -> None:
    engine.write("r.json", report(1))
    engine.run(3)
    [run] = engine.runs()
    row = engine.journal.file(str(engine.root / "r.json"))
    assert row is not None
    assert (row.state, row.run_ids) == (FileState.FINISHED, (run.run_id,))
    status = engine.watcher.status()
    assert (status.logged, status.pending, status.failed) == (1, 0, 0)


def test_touched_copied_and_renamed_reports_stay_one_run(engine: Engine) -> None:
    path = engine.write("r.json", report(1))
    engine.run(2)
    path.touch()
    engine.run(2)
    engine.write("copy.json", report(1))
    engine.run(2)
    path.rename(engine.root / "renamed.json")
    engine.run(2)
    assert len(engine.runs()) == 1
    assert engine.state("copy.json") is FileState.DUPLICATE
    assert engine.state("renamed.json") is not None
    assert engine.watcher.status().failed == 0


def test_a_companion_that_comes_late_is_attached_once(engine: Engine) -> None:
    engine.write("evaluation_report.json", app_report({"a": "2026-01-01T00:00:00Z"}))
    engine.run(2)
    [run] = engine.runs()
    engine.write("EVALUATION_REPORT.md", "# late")
    engine.run(3)
    names = [item.path for item in engine.store.list_artifacts(run.run_id)]
    assert names.count("EVALUATION_REPORT.md") == 1
    assert len(engine.runs()) == 1


def test_a_report_and_its_bulk_file_that_come_together_are_joined(engine: Engine) -> None:
    engine.write("bulk_run_results_20251231_000000.json", bulk("a", "b"))
    engine.write("evaluation_report.json", app_report({"a": "2026-01-01T00:00:00Z"}))
    engine.wall.now += 3_600
    engine.run(3)
    kinds = [run.tags.get("evaltui.kind", "evaluation") for run in engine.runs()]
    assert kinds == ["evaluation"]


def test_reports_wait_for_a_store_that_is_down_and_lose_nothing(engine: Engine) -> None:
    down = True
    engine.store.fault = lambda _: REFUSED if down else ""
    for number in range(5):
        engine.write(f"{number}.json", report(number))
    engine.run(5)
    assert engine.runs() == []
    assert engine.watcher.idle
    assert engine.watcher.status().pending == 5
    (engine.root / "0.json").unlink()  # it was read
    down = False
    engine.run(200)
    assert len(engine.runs()) == 5


def test_a_lost_answer_makes_no_second_run(engine: Engine) -> None:
    lost = ["create_run"]
    engine.store.fault = lambda call: LOST if lost and call == lost[-1] and lost.pop() else ""
    engine.write("r.json", report(1))
    engine.run(120)
    assert len(engine.runs()) == 1
    assert engine.state("r.json") is FileState.FINISHED


_PROCESS = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
from test_watcher_ingest import Engine
from tiny_store import TinyStore
base = Path(sys.argv[2])
engine = Engine(base, TinyStore(base / "store.db"), name=sys.argv[3])
engine.watcher._monotonic = time.monotonic
print("ready", flush=True)
while True:
    engine.run(0.1)
    time.sleep(0.01)  # lets the other process have a turn
"""


def _start(base: Path, journal: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _PROCESS, str(Path(__file__).parent), str(base), journal]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_watchers_that_are_killed_over_and_over_log_every_report_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    store = TinyStore(tmp_path / "store.db")
    for round_ in range(3):
        processes = [_start(tmp_path, "state") for _ in range(2)]
        try:
            for number in range(5):
                name = f"in/{round_}-{number}.json"
                (tmp_path / name).write_text(report(10 * round_ + number))
            wait_for(lambda wanted=5 * round_ + 2: len(store.active_runs()) >= wanted)  # type: ignore[misc]
        finally:
            for process in processes:
                process.kill()
                process.wait()
    last = _start(tmp_path, "state")
    journal = Journal(tmp_path / "state")
    try:
        wait_for(lambda: journal.counts()["logged"] == 15)
    finally:
        last.kill()
        last.wait()
        journal.close()
    identities = [run.tags[Tag.CONTENT_ID] for run in store.active_runs()]
    assert len(identities) == len(set(identities)) == 15
