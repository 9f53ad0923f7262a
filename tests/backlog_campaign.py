"""A directory full of old reports at the start: how long it takes, in what steps, and whether each
one is logged once."""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaltui.domain.run import ArtifactInfo, Run, Tag
from evaltui.engine.ingest import Ingestor
from evaltui.engine.outcome import IngestSettings
from evaltui.engine.roots import WatchRoot
from evaltui.engine.watcher import Watcher, WatchSettings
from evaltui.ledger.journal import Journal

sys.path.append(str(Path(__file__).parent / "engine"))

from tiny_store import TinyStore, _run

PER_FOLDER = 1_000
AGE_S = 30 * 86_400.0
TELL_S = 15.0


class IndexedStore(TinyStore):
    """A store that finds a run without reading all of them."""

    def get_run(self, run_id: str) -> Run | None:
        row = self._db.execute("SELECT doc FROM runs WHERE id=?", (run_id,)).fetchone()
        return None if row is None else _run(run_id, json.loads(row[0]))

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        doc: dict[str, Any] = self._doc(run_id, deleted_too=True)
        return tuple(
            ArtifactInfo(path, False, len(text)) for path, text in doc["artifacts"].items()
        )


@dataclass(frozen=True)
class Figures:
    """What a backlog took.

    Attributes:
        left: Reports that were not logged yet when the time was over.
        first_step_s: The step with the first scan.
        longest_step_s: The longest of the other steps.
        first_logged_s: From the start to the first run.
        rates_told: Least and largest rate that was told meanwhile.
        in_order: Share of runs made in the order newest first.
    """

    reports: int
    runs: int
    contents: int
    left: int
    first_step_s: float
    longest_step_s: float
    first_logged_s: float
    total_s: float
    rates_told: tuple[float, float]
    in_order: float
    most_waiting: int
    rss_before_mb: float
    rss_peak_mb: float
    journal_mb: float

    @property
    def exact(self) -> bool:
        """Whether every report has its one run, or is known to be left."""
        return self.reports - self.left == self.runs == self.contents

    def __str__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in asdict(self).items())


def write_old_reports(folder: Path, count: int) -> None:
    """Write reports, each a second younger than the one before, the last AGE_S old."""
    for number in range(count):
        below = folder / f"{number // PER_FOLDER:04d}"
        if number % PER_FOLDER == 0:
            below.mkdir(parents=True)
        path = below / f"{number:06d}.json"
        document = {
            "schema": "evaltui.report/1",
            "id": f"e{number}",
            "started_at": "2026-01-01T00:00:00Z",
            "metrics": [{"name": "accuracy", "value": number / count}],
        }
        path.write_text(json.dumps(document))
        at = time.time() - AGE_S - (count - number)
        os.utime(path, (at, at))


def backlog_campaign(
    folder: Path,
    count: int,
    *,
    stop_after_s: float = 1e9,
    tell: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Log a backlog to a store that costs nothing, and measure.

    Args:
        folder: Where reports and journal are made.
        count: Number of reports.
        stop_after_s: Log no more after this time.
        tell: Told how it goes on.
    """
    write_old_reports(folder / "in", count)
    tell(f"{count} reports written")
    store = IndexedStore()
    Journal(folder / "state").close()  # a new one would search the store before every create
    journal = Journal(folder / "state")
    ingestor = Ingestor(
        journal,
        open_source=lambda: store,
        open_writer=lambda: store,
        experiment="evals",
        settings=IngestSettings(),
    )
    watcher = Watcher(
        [WatchRoot(folder / "in", None, None)],
        journal,
        ingestor,
        # by their times these are of now: their inodes are
        settings=WatchSettings(events="off"),
        clock=lambda: time.time() + AGE_S,
    )
    rss_before = _rss_mb()
    begun = time.monotonic()
    steps: list[float] = []
    rates: list[float] = []
    first_logged = most = told = 0.0
    while not (watcher.idle and not ingestor.open_count() and steps):
        if time.monotonic() - begun > stop_after_s:
            break
        at = time.monotonic()
        watcher.step()
        steps.append(time.monotonic() - at)
        status = watcher.status()
        rates += [status.backlog_rate] if status.backlog_rate else []
        most = max(most, ingestor.open_count())
        if ingestor.log_due(limit=1) and not first_logged:
            first_logged = time.monotonic() - begun
        if time.monotonic() > told + TELL_S:
            told = time.monotonic()
            tell(
                f"{told - begun:.0f} s: {count - status.backlog} logged, {status.backlog} left,"
                f" {status.backlog_rate or 0:.0f}/s, {_resident_mb():.0f} MB"
            )
    watcher.step()  # counts what was logged last
    total = time.monotonic() - begun
    docs = store._db.execute("SELECT doc FROM runs ORDER BY rowid").fetchall()
    runs = [json.loads(doc) for (doc,) in docs]
    names = [next(iter(run["artifacts"])) for run in runs]
    figures = Figures(
        reports=count,
        runs=len(runs),
        contents=len({run["tags"][Tag.CONTENT_ID] for run in runs}),
        left=watcher.status().backlog,
        first_step_s=round(steps[0], 3),
        longest_step_s=round(max(steps[1:]), 3),
        first_logged_s=round(first_logged, 3),
        total_s=round(total, 1),
        rates_told=(round(min(rates, default=0)), round(max(rates, default=0))),
        in_order=sum(a > b for a, b in itertools.pairwise(names)) / max(1, len(names) - 1),
        most_waiting=int(most),
        rss_before_mb=rss_before,
        rss_peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        journal_mb=round(journal.path.stat().st_size / 1e6, 1),
    )
    watcher.close()
    ingestor.close()
    journal.close()
    return figures


def _resident_mb() -> float:
    """Return what is resident now; Linux only."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() / 1e6


def _rss_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
