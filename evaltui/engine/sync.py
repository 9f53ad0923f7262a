"""The first listing of a screen that shows a mirror already: only what differs is passed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from evaltui.domain.table import BoolArray, RunDelta, RunTable
from evaltui.domain.table_changes import changed_positions, known_rows

Emit = Callable[[RunDelta, bool], None]
"""Takes a page, and whether everything before it is to be forgotten."""


class Sync:
    """Stands between the pages of a listing and the screen.

    While the first listing runs, runs that the screen shows as they are stay unsaid; with its end
    those that it did not bring are removed. After that pages pass as they come. Not safe for
    threads: who calls it does so one page at a time.

    Args:
        emit: Where pages go.
        shown: What the screen shows, or None when it has to forget whatever that is.
    """

    def __init__(self, emit: Emit, shown: RunTable | None) -> None:
        self._emit = emit
        self._shown = shown
        self._fresh = shown is None
        self._met: BoolArray = np.zeros(0 if shown is None else shown.size, dtype=np.bool_)
        self._told: set[str] = set()

    def page(self, delta: RunDelta, reset: bool) -> None:
        """Pass on what the screen lacks of a page."""
        if reset:
            self._forget()
        if self._shown is None:
            fresh, self._fresh = self._fresh, False
            self._emit(delta, reset or fresh)
            return
        part = self._news(self._shown, delta)
        if delta.complete:
            self._forget()
        if part.run_ids or part.removed or part.complete:
            self._emit(part, False)

    def _news(self, shown: RunTable, delta: RunDelta) -> RunDelta:
        rows = known_rows(shown, delta)
        self._met[rows[rows >= 0]] = True
        changed = set(changed_positions(shown, delta, rows))
        news = [
            position
            for position, run_id in enumerate(delta.run_ids)
            if position in changed or run_id in self._told
        ]
        removed = list(delta.removed)
        if delta.complete:
            removed += [
                shown.run_ids[row] for row in np.flatnonzero(shown.alive & ~self._met).tolist()
            ]
        part = delta.part(news)
        self._told.update(part.run_ids, removed)
        return replace(part, removed=tuple(removed), complete=delta.complete, total=delta.total)

    def _forget(self) -> None:
        self._shown = None
        self._met, self._told = np.zeros(0, dtype=np.bool_), set()
