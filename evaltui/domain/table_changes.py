"""What of a page a table does not know yet, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaltui.domain.run_delta import RunDelta
from evaltui.domain.table import BoolArray, IntArray, RunTable
from evaltui.domain.text_column import TextColumn


def known_rows(table: RunTable, delta: RunDelta) -> IntArray:
    """Return the row of each run of a page, -1 where the table lacks it."""
    return np.array([_row(table, run_id) for run_id in delta.run_ids], dtype=np.int64)


def changed_positions(table: RunTable, delta: RunDelta, rows: IntArray | None = None) -> list[int]:
    """Return the positions of a page whose runs the table lacks or has other values of.

    Two missing values are equal. A metric, param or tag that the page does not name is one that
    its runs do not have.

    Args:
        table: What is known.
        delta: The page.
        rows: The `known_rows`; None looks them up.
    """
    rows = known_rows(table, delta) if rows is None else rows
    known = np.flatnonzero(rows >= 0)
    if not len(known):
        return list(range(len(rows)))
    at = rows[known]
    same = np.array(
        [table.names[row] == delta.names[place] for row, place in zip(at, known, strict=True)]
    )
    same &= table.status[at] == np.array(delta.status, dtype=np.int64)[known]
    same &= _equal(table.started_ms[at], delta.started_ms[known])
    same &= _equal(table.ended_ms[at], delta.ended_ms[known])
    nothing = np.full(len(known), np.nan)
    for name in {*table.metric_names(), *delta.metrics}:
        ours, theirs = table.metric(name), delta.metrics.get(name)
        same &= _equal(
            nothing if ours is None else ours[at], nothing if theirs is None else theirs[known]
        )
    for names, column_of, texts in (
        (table.param_names(), table.param_column, delta.params),
        (table.tag_names(), table.tag_column, delta.tags),
    ):
        for name in {*names, *texts}:
            same &= _same_texts(column_of(name), texts, name, at, known)
    changed = np.ones(len(rows), dtype=np.bool_)
    changed[known[same]] = False
    return np.flatnonzero(changed).tolist()


def _row(table: RunTable, run_id: str) -> int:
    row = table.row_of(run_id)
    return -1 if row is None else row


def _equal(first: np.ndarray, second: np.ndarray) -> BoolArray:
    return np.asarray((first == second) | (np.isnan(first) & np.isnan(second)))


def _same_texts(
    column: TextColumn | None,
    texts: Mapping[str, Sequence[str | None]],
    name: str,
    rows: IntArray,
    known: IntArray,
) -> BoolArray:
    told = texts.get(name)
    if column is None:
        assert told is not None
        return np.array([told[place] is None for place in known])
    ours = column.codes[rows]
    if told is None:
        return np.asarray(ours < 0)
    values = column.values
    return np.array(
        [
            text is None if code < 0 else values[code] == text
            for code, text in zip(ours.tolist(), (told[place] for place in known), strict=True)
        ]
    )
