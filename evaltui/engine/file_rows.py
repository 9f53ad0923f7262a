"""The journal's rows of files that are not handed over to the ingest, or not yet."""

from __future__ import annotations

from pathlib import Path

from evaltui.domain.events import BY_HAND, FileRole, FileRow, FileState
from evaltui.domain.stamp import FileStamp
from evaltui.engine.outcome import Outcome
from evaltui.engine.roots import WatchRoot
from evaltui.ledger.journal import Journal
from evaltui.readers import Recognition

REPORT_ROLES = frozenset({FileRole.REPORT, FileRole.GENERATION, FileRole.UNKNOWN})
"""Roles of files that have a line while they settle."""

_TRIM_EVERY = 500
_FOLLOWED = frozenset(FileState) - {
    FileState.SEEN,
    FileState.SETTLING,
    FileState.QUARANTINED,
    FileState.IGNORED,
    FileState.VANISHED,
}
"""States whose row follows its file to another name; in others the name may matter."""


class FileRows:
    """Writes rows of files.

    Args:
        journal: Takes them.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._ignored = 0

    def settling(
        self,
        stamp: FileStamp,
        root: WatchRoot,
        found: Recognition,
        *,
        reason: str = "",
        hint: str = "",
        retry_at: float | None = None,
    ) -> None:
        """Show a file that settles; the runs of its older version stay beside it."""
        before = self._journal.file(str(stamp.path))
        self._journal.record(
            stamp,
            root=root.word,
            state=FileState.SETTLING,
            reason=reason,
            hint=hint,
            fmt=found.format,
            role=found.role,
            run_ids=() if before is None else before.run_ids,
            retry_at=retry_at,
        )

    def waits(self, path: Path, reason: str, retry_at: float) -> None:
        """Show why a file settles on, and until when."""
        self._journal.mark(str(path), FileState.SETTLING, reason=reason, retry_at=retry_at)

    def ignored(
        self, stamp: FileStamp, root: WatchRoot, found: Recognition, reason: str = ""
    ) -> None:
        """Count a file that is nothing to show."""
        self._journal.record(
            stamp,
            root=root.word,
            state=FileState.IGNORED,
            reason=reason,
            fmt=found.format,
            role=found.role,
            listed=False,
        )
        self._ignored += 1
        if self._ignored % _TRIM_EVERY == 0:
            self._journal.trim_ignored()

    def is_given_up(self, path: Path) -> bool:
        """Return whether a person wants the path to be left alone."""
        return self._journal.is_given_up(str(path))

    def given_up(self, stamp: FileStamp, root: WatchRoot) -> None:
        """Note the newest version of a path that a person wants to be left alone."""
        row = self._journal.file(str(stamp.path))
        self._journal.record(
            stamp,
            root=root.word,
            state=FileState.IGNORED,
            reason=BY_HAND,
            hint="" if row is None else row.hint,
            fmt="" if row is None else row.format,
            role=FileRole.UNKNOWN if row is None else row.role,
            run_ids=() if row is None else row.run_ids,
        )

    def left_out(self, stamp: FileStamp, root: WatchRoot, found: Recognition) -> None:
        """Count a report that is left out with the backlog."""
        self._journal.record(
            stamp,
            root=root.word,
            state=FileState.SEEN,
            fmt=found.format,
            role=found.role,
            listed=False,
            skipped=True,
        )

    def gone(self, path: Path) -> Outcome | None:
        """Say that a report vanished before it was read, or take away a row that tells nothing."""
        row = self._journal.file(str(path))
        if row is None or _by_hand(row):
            return None
        if row.state is FileState.SETTLING and row.role in REPORT_ROLES:
            reason = "vanished before it could be read"
            self._journal.mark(str(path), FileState.VANISHED, reason=reason)
            return Outcome(
                str(path), FileState.VANISHED, format=row.format, role=row.role, reason=reason
            )
        if row.state not in _FOLLOWED and row.state is not FileState.VANISHED:
            self._journal.forget(str(path))
        return None

    def follow(self, old: Path, new: FileStamp) -> bool:
        """Let the row of a report that was read follow its file; False when it is to be read."""
        row = self._journal.file(str(old))
        if row is None:
            return False
        if row.state in _FOLLOWED or _by_hand(row):
            return self._journal.rename(str(old), new)
        if row.state is FileState.SETTLING:
            self._journal.forget(str(old))  # it has not vanished
        return False


def _by_hand(row: FileRow) -> bool:
    return row.state is FileState.IGNORED and row.reason == BY_HAND
