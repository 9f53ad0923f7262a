"""What the watcher needs of the ingest, as a protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evaltui.domain.stamp import FileStamp
    from evaltui.engine.outcome import Outcome, ReportFile


class Taker(Protocol):
    """What the watcher needs of the ingestor."""

    def take(self, file: ReportFile) -> Outcome:
        """Parse a settled file and journal its reports and its row; no network."""

    def quarantine(self, stamp: FileStamp, *, root: str, reason: str, hint: str = "") -> Outcome:
        """Give a file up until it changes."""

    def retry(self, path: str) -> bool:
        """Try a report again; False when the path must be read for that."""

    def open_count(self) -> int:
        """Return the number of runs still to be written."""
