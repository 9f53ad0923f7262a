"""What was known when the store was last heard of: something to look at until it answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaltui.domain.events import StoreStatus
from evaltui.domain.run import RunStatus
from evaltui.domain.table import STATUSES, FloatArray, RunTable
from evaltui.late_dataclass import dataclass

_UNFINISHED = [STATUSES.index(status) for status in (RunStatus.RUNNING, RunStatus.SCHEDULED)]


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """A listing from before.

    Attributes:
        table: The runs.
        status: The store as it was, CONNECTING; `data_at_s` is when it was last asked what is new,
            `unconfirmed_s` since when no run on show is older than the store's word.
        token: Names this very listing, so that somebody else can tell what is new since.
    """

    table: RunTable
    status: StoreStatus
    token: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a reader of a store needs of a listing from before to ask only for what is new.

    Attributes:
        starts_ms: Start by run id, epoch milliseconds; 0 where it is missing.
        unfinished: Runs that had not ended.
        newest_start_ms: Latest start, 0 without any, no later than the listing itself.
        newest_end_ms: Latest end, the same.
    """

    starts_ms: Mapping[str, float]
    unfinished: frozenset[str]
    newest_start_ms: int
    newest_end_ms: int


def remembered(table: RunTable, asked_at_s: float) -> Remembered:
    """Return what is to be remembered of a listing.

    Args:
        table: The runs.
        asked_at_s: Epoch seconds at which the store was last asked what is new. Times after it
            come from clocks or zones that are wrong, and say nothing of what was there.
    """
    rows = np.flatnonzero(table.alive)
    ids = [table.run_ids[row] for row in rows.tolist()]
    open_rows = rows[np.isin(table.status[rows], _UNFINISHED)]
    return Remembered(
        starts_ms=dict(zip(ids, np.nan_to_num(table.started_ms[rows]).tolist(), strict=True)),
        unfinished=frozenset(table.run_ids[row] for row in open_rows.tolist()),
        newest_start_ms=_newest(table.started_ms[rows], asked_at_s),
        newest_end_ms=_newest(table.ended_ms[rows], asked_at_s),
    )


def _newest(times_ms: FloatArray, asked_at_s: float) -> int:
    latest = float(np.nanmax(times_ms, initial=0.0, where=~np.isnan(times_ms)))
    return int(max(0.0, min(latest, asked_at_s * 1_000)))
