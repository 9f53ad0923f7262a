"""Who has which content: the local answer to "is this report in the store already?".

Read from the table of runs when it is asked: an index of its own would be most of the memory.
"""

from __future__ import annotations

import numpy as np

from evaltui.domain.run import Tag
from evaltui.domain.table import RunTable


def runs_of_content(table: RunTable, content_id: str) -> tuple[str, ...]:
    """Return the ids of the active runs that carry a content."""
    column = table.tag_column(Tag.CONTENT_ID)
    code = -1 if column is None or not content_id else column.find(content_id)
    if column is None or code < 0:
        return ()
    rows = np.flatnonzero((column.codes[: table.size] == code) & table.alive)
    return tuple(table.run_ids[row] for row in rows.tolist())


def twins(table: RunTable) -> frozenset[str]:
    """Return contents with more than one active run that is not superseded.

    A run that is marked as a duplicate but still active counts: its deletion failed half-way.
    """
    column = table.tag_column(Tag.CONTENT_ID)
    if column is None:
        return frozenset()
    codes = column.codes[: table.size]
    counted = table.alive & (codes >= 0)
    superseded = table.tag_column(Tag.SUPERSEDED_BY)
    if superseded is not None:
        by = superseded.codes[: table.size]
        counted &= (by < 0) | (by == superseded.find(""))
    several = np.flatnonzero(np.bincount(codes[counted]) > 1)
    return frozenset(column.values[code] for code in several.tolist()) - {""}
