"""How files are watched."""

from __future__ import annotations

from evaltui.engine.settle import UNREADABLE_PATIENCE_S
from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How files are watched.

    Attributes:
        backlog: Which reports that are there at the start are logged; see BacklogRule.parse.
        events: `auto`, or `off` to scan only.
        max_report_bytes: Larger reports are not held but read in pieces, up to 4 GB.
        mode: Mode of every report whose root has none of its own, or None.
        patience_s: Longest wait for a file that stays incomplete or unreadable; `watch --once`
            does not wait for minutes.
    """

    backlog: str = "log"
    events: str = "auto"
    max_report_bytes: int = 64_000_000
    mode: str | None = None
    patience_s: float = UNREADABLE_PATIENCE_S
