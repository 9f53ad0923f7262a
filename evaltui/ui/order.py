"""Which runs the list shows and in what order; missing values are always last."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from evaltui.domain.name_search import name_ranks
from evaltui.domain.run import RunStatus
from evaltui.domain.select import mode_codes
from evaltui.domain.table import STATUSES, FloatArray, IntArray, RunTable
from evaltui.late_dataclass import dataclass

METRIC_PREFIX = "metric:"

_PENDING = STATUSES.index(RunStatus.PENDING)


class SortKey(StrEnum):
    """Columns to sort by that are no metrics."""

    START = "start"
    NAME = "name"
    MODE = "mode"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Sort:
    """Order of the list: a SortKey or `metric:<name>`, and the direction."""

    column: str = SortKey.START
    descending: bool = True

    @property
    def metric(self) -> str | None:
        """Name of the metric that is sorted by, or None."""
        return self.column[len(METRIC_PREFIX) :] if self.column.startswith(METRIC_PREFIX) else None

    @property
    def label(self) -> str:
        """What people call it; foreign text."""
        return f"{self.metric or self.column} {'desc' if self.descending else 'asc'}"


def display_order(table: RunTable, rows: IntArray, sort: Sort) -> IntArray:
    """Return `rows` as the list shows them, top first.

    Equal values are ordered by start, newest first, then by run id, so that no two runs ever swap
    places by themselves. A pending report without a date counts as the newest.

    Args:
        table: The runs.
        rows: Rows to put in order.
        sort: By what.
    """
    if not len(rows):
        return rows
    values = _sort_values(table, rows, sort)
    if sort.descending:
        np.negative(values, out=values)
    if sort.column == SortKey.START:
        values[np.isnan(values) & (table.status[rows] == _PENDING)] = -np.inf
    ranks: IntArray = np.argsort(values)  # what is missing comes last
    _order_equal(ranks, rows, values, table)
    return rows[ranks]


def _order_equal(ranks: IntArray, rows: IntArray, values: FloatArray, table: RunTable) -> None:
    """Put rows of equal value in order; only they are looked at once more."""
    ranked = values[ranks]
    equal = ranked[1:] == ranked[:-1]
    equal[len(ranked) - int(np.isnan(ranked).sum()) :] = True
    if not equal.any():
        return
    first = np.append(True, ~equal)
    tied = np.flatnonzero(~first | np.append(equal, False))
    groups = np.cumsum(first)[tied]
    starts = table.started_ms[rows[ranks[tied]]]
    newest = np.where(np.isnan(starts), np.inf, -starts)
    order = np.lexsort((newest, groups))
    ranks[tied] = ranks[tied][order]
    newest = newest[order]  # the groups are where they were
    differs = (groups[1:] != groups[:-1]) | (newest[1:] != newest[:-1])
    edges = np.flatnonzero(np.concatenate(([True], differs, [True])))
    alike = np.flatnonzero(np.diff(edges) > 1)
    for low, high in zip(edges[alike].tolist(), edges[alike + 1].tolist(), strict=True):
        places = tied[low:high]
        group = ranks[places].tolist()
        ranks[places] = sorted(group, key=lambda at: table.run_ids[int(rows[at])], reverse=True)


def _sort_values(table: RunTable, rows: IntArray, sort: Sort) -> FloatArray:
    if sort.metric is not None:
        values = table.metric(sort.metric)
        return np.full(len(rows), np.nan) if values is None else values[rows]
    if sort.column == SortKey.NAME:
        return name_ranks(table)[rows]
    if sort.column == SortKey.MODE:
        codes, modes = mode_codes(table)
        return _text_ranks([modes[code] if code >= 0 else None for code in codes[rows]])
    if sort.column == SortKey.STATE:
        return table.status[rows].astype(np.float64)
    return table.started_ms[rows]


def _text_ranks(texts: Sequence[str | None]) -> FloatArray:
    known = sorted({text for text in texts if text is not None})
    ranks = {text: float(rank) for rank, text in enumerate(known)}
    return np.array([np.nan if text is None else ranks[text] for text in texts])
