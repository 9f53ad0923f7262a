"""Values of runs as stores hold them, turned into what evaltui means by them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from evaltui.domain.run import Run, RunStatus

FIRST_PAGE = 50
"""Runs on the first page of a listing: what a screen shows."""

LARGEST_PAGE = 1_000
SWEEP_PAGE = 200

INFINITE = 1.797e308
"""SQL stores keep ±infinity as the largest double."""


def is_value(value: float) -> bool:
    """Return whether a stored metric is a number evaltui shows: neither NaN nor infinite."""
    return math.isfinite(value) and abs(value) < INFINITE


def run_status(text: object) -> RunStatus:
    """Return the status of a stored word; one that evaltui does not know counts as running."""
    try:
        return RunStatus(str(text))
    except ValueError:
        return RunStatus.RUNNING


class SeenRuns:
    """Remembers what every run last looked like, by hash, to tell a change from a repetition."""

    def __init__(self) -> None:
        self._digests: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._digests

    def differs(self, run_id: str, digest: int) -> bool:
        """Return whether a run is new or has another digest than last time, and remember it."""
        if self._digests.get(run_id) == digest:
            return False
        self._digests[run_id] = digest
        return True

    def news(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        """Return the runs that are new or differ from last time, and remember them."""
        return tuple(run for run in runs if self.differs(run.run_id, _digest(run)))

    def forget(self, run_id: str) -> bool:
        """Drop a run; return whether it was known."""
        return self._digests.pop(run_id, None) is not None


def _digest(run: Run) -> int:
    return hash(
        (
            run.name,
            run.status,
            run.started_ms,
            run.ended_ms,
            run.artifact_uri,
            frozenset(run.metrics.items()),
            frozenset(run.params.items()),
            frozenset(run.tags.items()),
        )
    )
