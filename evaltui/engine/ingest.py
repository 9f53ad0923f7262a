"""Ingest: from a settled file to runs in the store, each report exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from evaltui.domain.ports import RunSource, RunWriter
from evaltui.domain.run import Run
from evaltui.domain.stamp import FileStamp
from evaltui.engine.outcome import IngestSettings, Outcome, ReportFile
from evaltui.ledger.journal import Journal

__all__ = ["IngestSettings", "Ingestor", "Outcome", "ReportFile"]


class Ingestor:
    """Takes files, journals their reports and logs them; synchronous, no threads of its own.

    One thread at a time may use it. Every method may raise JournalError (disk full, damaged
    journal); nothing else leaves it but programming errors.

    Args:
        journal: Journal of the target and experiment.
        open_source: Opens a reader of the store, at the first need.
        open_writer: Opens a writer of the store, at the first need.
        experiment: Name of the experiment, as `RunWriter.ensure_experiment` takes it.
        settings: What holds for every report.
        clock: Epoch seconds.
        known_runs: Local index: content id to ids of the active runs a poll has seen.
        search_first: Search the store before every create (one-shot commands).
        crash_at: Called with the name of each step; tests end the process there.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        open_source: Callable[[], RunSource],
        open_writer: Callable[[], RunWriter],
        experiment: str,
        settings: IngestSettings | None = None,
        clock: Callable[[], float] = time.time,
        known_runs: Callable[[str], tuple[str, ...]] | None = None,
        search_first: bool = False,
        crash_at: Callable[[str], None] = lambda _: None,
    ) -> None:
        raise NotImplementedError

    def take(self, file: ReportFile) -> Outcome:
        """Parse a settled file and journal its reports and its row; no network.

        The journal row of the path is written here, whatever comes out. A companion of a report
        that was logged lately is queued for its run (`attach_companion`).
        """
        raise NotImplementedError

    def quarantine(self, stamp: FileStamp, *, root: str, reason: str, hint: str = "") -> Outcome:
        """Give a file up until it changes (unreadable, too large, truncated for minutes)."""
        raise NotImplementedError

    def log_due(self, *, limit: int = 1, only: Collection[str] | None = None) -> list[Outcome]:
        """Log entries whose time has come, newest evaluation first; the only method that is slow.

        Args:
            limit: Entries at most.
            only: Content ids to keep to (`Outcome.content_ids`); their waiting times are ignored.

        Returns:
            One outcome per entry worked on. None when the store is being left alone after a
            failure, or everything due is in the hands of another process.
        """
        raise NotImplementedError

    def attach_companion(self, path: str, name: str, data: bytes) -> bool:
        """Queue a companion that came later as an artifact of a report's run.

        Args:
            path: Path of the report.
            name: File name of the companion.
            data: Its bytes.

        Returns:
            Whether it was queued: False when there is no run, it was finished more than ten
            minutes ago, or a companion of this name went with it already.
        """
        raise NotImplementedError

    def outcome(self, path: str) -> Outcome | None:
        """Return what the journal says about a path now (another process may be at work)."""
        raise NotImplementedError

    def retry(self, path: str) -> bool:
        """Try a quarantined report, or one whose run was deleted, again; False if none is there."""
        raise NotImplementedError

    def hurry(self) -> None:
        """Make everything that waits for the store due now."""
        raise NotImplementedError

    def note_deleted(self, run_ids: Collection[str]) -> None:
        """Note that a poll saw runs deleted: their reports are not logged again by themselves."""
        raise NotImplementedError

    def recover(self) -> int:
        """Free what dead processes left claimed; return the number of open entries. At start."""
        raise NotImplementedError

    def reconcile(self, runs: Iterable[Run] | None = None) -> tuple[str, ...]:
        """Delete twins (softly): runs of one content that a lost answer or another machine made.

        Args:
            runs: Active runs of the experiment; None lists the store.

        Returns:
            Ids of the runs that were deleted. Failures of the store end it early, quietly: the
            next call goes on.
        """
        raise NotImplementedError

    def local_runs(self) -> list[Run]:
        """Return unfinished reports as runs: id `local:<entry>`, status PENDING."""
        raise NotImplementedError

    def open_count(self) -> int:
        """Return the number of runs, changes and companions still to be written."""
        raise NotImplementedError

    def next_due(self) -> float | None:
        """Return the epoch second at which `log_due` will have work, or None."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the source, if it was opened."""
        raise NotImplementedError
