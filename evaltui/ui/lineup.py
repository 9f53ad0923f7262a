"""Which runs are compared with which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from evaltui.domain.select import BaselineChoice, order_rows
from evaltui.domain.table import RunTable
from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Lineup:
    """The runs that are compared.

    Attributes:
        baseline: Row of the baseline, or None when there is none.
        why: Why it is that one, or why there is none.
        candidates: Rows that are held against it, without the baseline itself.
    """

    baseline: int | None
    why: str
    candidates: tuple[int, ...] = ()

    def swapped(self, candidate: int | None) -> Lineup:
        """Return the same runs with a candidate as the baseline; as they are if it is none."""
        if self.baseline is None or candidate not in self.candidates:
            return self
        rest = (self.baseline if row == candidate else row for row in self.candidates)
        return replace(self, baseline=candidate, why="swapped", candidates=tuple(rest))


def line_up(
    table: RunTable,
    rows: Sequence[int],
    baseline_for: Callable[[int], BaselineChoice],
    *,
    free: bool,
) -> Lineup | None:
    """Line runs up for a comparison.

    Args:
        table: The runs.
        rows: The rows that are looked at, in the order they were marked.
        baseline_for: Returns what a row is compared with.
        free: Nobody chose a baseline: of several runs the oldest is it.

    Returns:
        None when there is nothing to compare.
    """
    if not rows:
        return None
    if len(rows) > 1 and free:
        ordered = [int(row) for row in order_rows(table, np.array(rows, dtype=np.int64))]
        return Lineup(ordered[0], "oldest marked", tuple(ordered[1:]))
    choice = baseline_for(rows[0])
    return Lineup(choice.row, choice.why, tuple(row for row in rows if row != choice.row))
