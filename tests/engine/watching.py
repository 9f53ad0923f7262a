"""A watched directory with a journal, clocks that tests turn, and an ingestor that only notes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from evaltui import readers
from evaltui.domain.events import FileRole, FileRow, FileState
from evaltui.domain.report import Source
from evaltui.domain.stamp import FileStamp
from evaltui.engine.outcome import Outcome, ReportFile
from evaltui.engine.roots import WatchRoot
from evaltui.engine.watcher import Watcher, WatchSettings
from evaltui.errors import ReportError, ReportSyntaxError
from evaltui.ledger.journal import Journal

MAX_WHOLE = 1_000_000
"""Largest value, in bytes, of a file that is not held."""


def report(number: int = 1, **more: object) -> str:
    """Return the text of a small report."""
    metrics = [{"name": "accuracy", "value": number / 1000}]
    return json.dumps(
        {"schema": "evaltui.report/1", "id": f"eval-{number}", "metrics": metrics, **more}
    )


def bulk(*apps: str) -> str:
    """Return the text of bulk-run results over these apps."""
    return json.dumps(
        [
            {"app_name": app, "success": True, "prompt": "p", "app_dir": f"app/{app}",
             "error": None, "backend": "claude", "model": "m", "metrics": None}
            for app in apps
        ]
    )  # fmt: skip


def case(app: str, timestamp: str = "2026-01-01T00:00:00Z") -> str:
    """Return the text of a per-app file."""
    return json.dumps(
        {"app_name": app, "app_dir": f"app/{app}", "timestamp": timestamp,
         "metrics": {"build_success": True}, "issues": []}
    )  # fmt: skip


def app_report(apps: Mapping[str, str]) -> str:
    """Return the text of an app-evaluation report over apps and their times."""
    summary = {
        "total_apps": len(apps),
        "evaluated_at": "2026-01-01T01:00:00Z",
        "metrics_summary": {"build_success": {"pass": len(apps), "fail": 0}},
    }
    return json.dumps(
        {"summary": summary, "apps": [json.loads(case(app, t)) for app, t in apps.items()]}
    )


class Clock:
    """Seconds that only move when they are told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class NotingIngestor:
    """Parses what it is given and writes its row, as the real one does; logs nothing."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.files: list[ReportFile] = []
        self.retried: list[str] = []
        self.retries: set[str] = set()
        self.open = 0
        self.fail_with: list[Exception] = []

    @property
    def taken(self) -> list[str]:
        return [file.file.stamp.path.name for file in self.files]

    def take(self, file: ReportFile) -> Outcome:
        if self.fail_with:
            raise self.fail_with.pop()
        path, size = file.file.stamp.path, file.file.stamp.size
        found = readers.recognise(file.file.head, path.name)
        state, reason, listed = FileState.PARSED, "", True
        if found.role in {FileRole.CASE, FileRole.COMPANION}:
            state, listed = FileState.IGNORED, False
        else:
            try:
                source = Source(path, size, datetime.now(UTC))
                readers.read_reports(file.file.content, source, max_whole=MAX_WHOLE)
            except ReportError as error:
                cut = isinstance(error, ReportSyntaxError) and error.incomplete
                state = FileState.SETTLING if cut else FileState.QUARANTINED
                reason = error.message
        if state is not FileState.SETTLING:
            self.files.append(file)
        self.journal.record(
            file.file.stamp, root=file.root, state=state, reason=reason, fmt=found.format,
            role=found.role, sha256=file.file.sha256, listed=listed,
        )  # fmt: skip
        return Outcome(
            str(path), state, format=found.format, role=found.role, reason=reason, listed=listed
        )

    def quarantine(self, stamp: FileStamp, *, root: str, reason: str, hint: str = "") -> Outcome:
        self.journal.record(stamp, root=root, state=FileState.QUARANTINED, reason=reason, hint=hint)
        return Outcome(str(stamp.path), FileState.QUARANTINED, reason=reason, hint=hint)

    def retry(self, path: str) -> bool:
        self.retried.append(path)
        return path in self.retries

    def open_count(self) -> int:
        return self.open


class Watched:
    """A directory under watch."""

    def __init__(self, base: Path, **settings: object) -> None:
        self.base = base
        self.root = base / "in"
        self.root.mkdir(exist_ok=True)
        self.wall = Clock(time.time())
        self.mono = Clock(5_000.0)
        self.journal = Journal(base / "state", clock=self.wall)
        self.ingestor = NotingIngestor(self.journal)
        self.settings = settings
        self.made: list[Watcher] = []
        self.outcomes: list[Outcome] = []

    def watch(self, *roots: WatchRoot, **settings: object) -> Watcher:
        """Make a watcher of the roots, by default of the one directory; without events."""
        chosen = {"events": "off", **self.settings, **settings}
        watcher = Watcher(
            roots or (WatchRoot(self.root, None, None),),
            self.journal,
            self.ingestor,
            settings=WatchSettings(**chosen),  # type: ignore[arg-type]
            clock=self.wall,
            monotonic=self.mono,
        )
        self.made.append(watcher)
        return watcher

    def write(self, name: str, text: str = "", *, age_s: float | None = None) -> Path:
        """Write a file; with an age it counts as unchanged for so long."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or report(len(name)))
        if age_s is not None:
            self.wall.now = max(self.wall.now, time.time() + age_s)
        return path

    def run(self, watcher: Watcher, seconds: float = 0.0) -> list[Outcome]:
        """Step, a tenth of a second at a time for so long; return what became of files."""
        found = watcher.step()
        for _ in range(round(seconds * 10)):
            self.mono.now += 0.1
            self.wall.now += 0.1
            found += watcher.step()
        self.outcomes += found
        return found

    def row(self, name: str) -> FileRow:
        row = self.journal.file(str(self.root / name))
        assert row is not None
        return row

    def state(self, name: str) -> FileState | None:
        row = self.journal.file(str(self.root / name))
        return None if row is None else row.state

    def close(self) -> None:
        for watcher in self.made:
            watcher.close()
        self.journal.close()
