"""A journal, a tiny store, a clock and an ingestor, and reports to feed it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_store import TinyStore

from evaltui.domain.report import Report
from evaltui.domain.run import Run, Tag
from evaltui.engine.filebytes import read_file
from evaltui.engine.ingest import Ingestor, IngestSettings, Outcome, ReportFile
from evaltui.engine.neighbours import gather
from evaltui.ledger.journal import Journal

START = 1_800_000_000.0


class Clock:
    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def report(accuracy: float = 0.5, **fields: Any) -> bytes:
    """A report whose identity is its metrics, unless it is given an id."""
    document = {
        "schema": "evaltui.report/1",
        "started_at": "2026-03-01T12:00:00Z",
        "metrics": [{"name": "accuracy", "value": accuracy}],
        **fields,
    }
    return json.dumps(document).encode()


class Kit:
    def __init__(self, tmp_path: Path, store: TinyStore | None = None, **options: Any) -> None:
        self.root = tmp_path / "reports"
        self.root.mkdir(exist_ok=True, parents=True)
        self.clock = Clock()
        self.store = store or TinyStore(new_id="run")
        folder = options.pop("journal_dir", tmp_path / "journal")
        if not options.pop("new_journal", False):
            Journal(folder).close()  # a new one searches the store first, an old one trusts itself
        self.journal = Journal(folder, clock=self.clock)
        self.known_runs: Callable[[str], tuple[str, ...]] = lambda _: ()
        settings = {key: options.pop(key) for key in ("read_only", "model") if key in options}
        settings |= {key: options.pop(key) for key in ("max_spool_bytes",) if key in options}
        self.max_held = settings.get("max_spool_bytes")
        self.ingestor = Ingestor(
            self.journal,
            open_source=lambda: self.store,
            open_writer=lambda: self.store,
            experiment="evals",
            settings=IngestSettings(**settings),
            clock=self.clock,
            known_runs=lambda content_id: self.known_runs(content_id),  # noqa: PLW0108 - changes
            **options,
        )

    def write(self, name: str, data: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def take(self, path: Path, **fields: Any) -> Outcome:
        found = gather(path, self.root, max_bytes=10_000_000)
        file = read_file(path, max_bytes=100_000_000, max_held=self.max_held, root=self.root)
        fields.setdefault("neighbours", found.companions)
        generations: tuple[Report, ...] = fields.pop("generations", found.generations)
        return self.ingestor.take(
            ReportFile(file, root=str(self.root), generations=generations, **fields)
        )

    def drop(self, name: str, data: bytes, **fields: Any) -> Outcome:
        return self.take(self.write(name, data), **fields)

    def log_all(self, *, hurry: bool = True, rounds: int = 200) -> list[Outcome]:
        """Log until nothing is open any more, letting the clock run on."""
        found: list[Outcome] = []
        for _ in range(rounds):
            if not self.ingestor.open_count():
                return found
            if hurry:
                self.ingestor.hurry()
            found += self.ingestor.log_due(limit=10)
            self.clock.now += 400.0
        raise AssertionError(f"still open after {rounds} rounds")

    def counting(self) -> list[Run]:
        """The runs that count: active and not superseded."""
        return [run for run in self.store.active_runs() if Tag.SUPERSEDED_BY not in run.tags]

    def only_run(self) -> Run:
        (run,) = self.counting()
        return run
