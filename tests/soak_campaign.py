"""The screen and its engine under a long stream of reports: does their memory grow?

So that only leaks can make it grow, the amount of data stays the same: reports are written over
the same paths again and again, and runs that have become old are deleted from the store.
"""

from __future__ import annotations

import math
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from batch_reports import make_report
from pty_session import PtySession
from stores import new_store, quiet_environ

PATHS = 200
"""Paths that are written over, and runs that are kept."""

_AHEAD = 10
_WARM_UP = 0.3


@dataclass(frozen=True)
class Sample:
    """Both processes at one moment; memory is what is resident, in MB."""

    reports: int
    engine_mb: float
    screen_mb: float
    threads: int
    files: int


@dataclass
class SoakFigures:
    """What was measured."""

    wanted: int
    seconds: float
    polls: int
    samples: list[Sample] = field(default_factory=list)

    def slope(self, of: Callable[[Sample], float]) -> tuple[float, float]:
        """Return the growth per 1,000 reports after the warm-up, and its standard error."""
        kept = self.samples[int(len(self.samples) * _WARM_UP) :]
        return _line([sample.reports / 1000 for sample in kept], [of(sample) for sample in kept])

    def growth(self, of: Callable[[Sample], float]) -> float:
        """Return the growth from the middle of the first half to that of the second."""
        half = len(self.samples) // 2
        first = sorted(of(sample) for sample in self.samples[:half])[half // 2]
        second = sorted(of(sample) for sample in self.samples[half:])[half // 2]
        return second - first

    def __str__(self) -> str:
        engine, screen = self.slope(lambda s: s.engine_mb), self.slope(lambda s: s.screen_mb)
        last = self.samples[-1]
        step = max(1, len(self.samples) // 20)
        series = "\n".join(
            f"{sample.reports:>6} reports: engine {sample.engine_mb:.1f} MB, screen"
            f" {sample.screen_mb:.1f} MB, {sample.threads} threads, {sample.files} files"
            for sample in (*self.samples[::step], last)
        )
        return (
            f"{series}\n{last.reports} of {self.wanted} reports and about {self.polls} polls in"
            f" {self.seconds:.0f} s; per 1,000 reports: engine {engine[0]:+.2f} ± {engine[1]:.2f}"
            f" MB, screen {screen[0]:+.2f} ± {screen[1]:.2f} MB"
        )


def soak_campaign(
    folder: Path,
    *,
    reports: int,
    poll_s: float = 0.5,
    sample_every: int = 100,
    stop_after_s: float = 1e9,
    tell: Callable[[str], None] = lambda _: None,
) -> SoakFigures:
    """Feed reports to the real screen with its engine, on an embedded store; return the figures.

    Args:
        folder: For everything.
        reports: How many.
        poll_s: Seconds between polls.
        sample_every: Reports between two samples.
        stop_after_s: Feed no more after this time.
        tell: Takes lines about how far it is.
    """
    database = new_store(folder / "mlflow.db")
    watched = folder / "reports"
    watched.mkdir()
    environ = quiet_environ(
        MLFLOW_TRACKING_URI=f"sqlite:///{database}",
        EVALTUI_STATE_DIR=str(folder / "state"),
        EVALTUI_DATA_DIR=str(folder / "data"),
        EVALTUI_POLL_INTERVAL_S=str(poll_s),
        XDG_CONFIG_HOME=str(folder / "config"),
    )
    command = [sys.executable, "-P", "-m", "evaltui", "--watch", str(watched)]
    began = time.monotonic()
    samples: list[Sample] = []
    fed = logged = 0
    with PtySession(command, size=(120, 40), env=environ) as session:
        session.until_text("becomes a run")
        while logged < reports and time.monotonic() - began < stop_after_s:
            while fed < min(reports, logged + _AHEAD):
                make_report(0, fed).write(watched, f"{fed % PATHS:03}.json")
                fed += 1
            _drain(session)
            logged = _logged(database)
            if logged >= (len(samples) + 1) * sample_every:
                _delete_old(database)
                samples.append(_sample(session, logged))
                if len(samples) % 10 == 0:
                    tell(f"{samples[-1]} after {time.monotonic() - began:.0f} s")
        session.process.terminate()
        assert session.wait() == 143
    seconds = time.monotonic() - began
    return SoakFigures(reports, seconds, int(seconds / poll_s), samples)


def _drain(session: PtySession) -> None:
    """Take what the screen draws, and forget it."""
    end = time.monotonic() + 0.2
    while session.pump(max(0.0, end - time.monotonic())):
        session.data.clear()
    assert session.process.poll() is None, "the screen has ended"


def _logged(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
        (count,) = db.execute(
            "SELECT COUNT(*) FROM tags WHERE key = 'evaltui.state' AND value = 'complete'"
        ).fetchone()
    return int(count)


def _delete_old(database: Path) -> None:
    """Delete, as MLflow does, all but the newest runs."""
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as db:
        db.execute(
            "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = 1 WHERE lifecycle_stage ="
            " 'active' AND status <> 'RUNNING' AND rowid NOT IN"
            " (SELECT rowid FROM runs ORDER BY rowid DESC LIMIT ?)",
            (PATHS,),
        )


def _sample(session: PtySession, logged: int) -> Sample:
    screen = session.process.pid
    children = Path(f"/proc/{screen}/task/{screen}/children").read_text().split()
    (engine,) = (int(child) for child in children)
    return Sample(
        logged,
        _resident_mb(engine),
        _resident_mb(screen),
        len(list(Path(f"/proc/{engine}/task").iterdir())),
        len(list(Path(f"/proc/{engine}/fd").iterdir())),
    )


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(size) / 1024


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Return slope and its standard error."""
    n, mean_x, mean_y = len(x), sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    if n < 3 or not spread:
        return math.nan, math.nan
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    rest = sum((b - mean_y - slope * (a - mean_x)) ** 2 for a, b in zip(x, y, strict=True))
    return slope, math.sqrt(rest / (n - 2) / spread)
