"""Walks through a listing page by page, again and again, and notes which runs are not in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from evaltui.domain.run import Run
from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One page of active runs, newest start first.

    Attributes:
        token: Where the next page begins; "" on the last.
    """

    runs: list[Run]
    token: str


class RollingSweep:
    """One page per step. A page covers a span of start times: known runs of it must be on it.

    Args:
        read_page: Reads the page at a token, "" for the first.

    Attributes:
        rounds: How often the walk has come to its end.
    """

    def __init__(self, read_page: Callable[[str], Page]) -> None:
        self.rounds = 0
        self._read_page = read_page
        self._starts: dict[str, float] = {}
        self._token = ""
        self._upper = math.inf
        self._met: set[str] = set()

    def know(self, run: Run) -> None:
        """Note a run that exists."""
        self._starts[run.run_id] = float(run.started_ms or 0)

    def know_all(self, starts_ms: Mapping[str, float]) -> None:
        """Note runs that exist, by their starts in epoch milliseconds, 0 where that is missing."""
        self._starts.update(starts_ms)

    def forget(self, run_id: str) -> bool:
        """Drop a run that is gone; return whether it was known."""
        return self._starts.pop(run_id, None) is not None

    def step(self) -> tuple[list[Run], list[str]]:
        """Read the next page; after the last one comes the first again.

        Returns:
            The runs of the page, and ids of known runs that should be on it and are not.

        Raises:
            StoreError: The page cannot be read; the next step tries it again.
        """
        page = self._read_page(self._token)
        starts = [float(run.started_ms or 0) for run in page.runs]
        lower = min(starts, default=-math.inf) if page.token else -math.inf
        self._met.update(run.run_id for run in page.runs)
        missing = [
            run_id
            for run_id, start in self._starts.items()
            if lower < start <= self._upper and run_id not in self._met
        ]
        self._token, self._upper = page.token, lower
        if not page.token:
            self.rounds += 1
            self._upper = math.inf
            self._met.clear()
        return page.runs, missing
