"""What was known when the store was last heard of: something to look at until it answers."""

from __future__ import annotations

from dataclasses import dataclass

from evaltui.domain.events import StoreStatus
from evaltui.domain.table import RunTable


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """A listing from before.

    Attributes:
        table: The runs.
        status: The store as it was, CONNECTING; `data_at_s` is when it said so.
        token: Names this very listing, so that somebody else can tell what is new since.
    """

    table: RunTable
    status: StoreStatus
    token: str
