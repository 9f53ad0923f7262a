"""The rows of paths that are no files and still deserve a line: what cannot be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from evaltui.domain.events import FileRow, FileState
from evaltui.domain.stamp import FileStamp
from evaltui.engine.outcome import Outcome
from evaltui.engine.roots import WatchRoot
from evaltui.engine.scan import ScanResult
from evaltui.ledger.journal import Journal

_DISGUISED = "a directory bears a report's name"
_DISGUISED_HINT = "what is in it is watched; rename it if it should be a file"
_UNSEEN = "cannot be looked at: "
_UNSEEN_HINT = "check name and permissions; it is looked at again with every scan"


def is_trouble(row: FileRow) -> bool:
    """Return whether a row is one of those made here."""
    return row.state is FileState.QUARANTINED and row.reason.startswith((_DISGUISED, _UNSEEN))


class TroubleRows:
    """Shows the trouble a scan had, and takes the rows away when it is over.

    Args:
        journal: Takes the rows.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._shown: dict[str, str] = {}

    def adopt(self, rows: Iterable[FileRow]) -> None:
        """Care for rows that an earlier watcher has left."""
        self._shown |= {row.path: row.reason for row in rows}

    def show(self, result: ScanResult, owner: Callable[[Path], WatchRoot | None]) -> list[Outcome]:
        """Bring the rows in line with a full scan; return what is new.

        Args:
            result: The scan.
            owner: Tells the root a path belongs to.
        """
        wanted = {str(path): _DISGUISED for path in result.disguised}
        wanted |= {str(path): f"{_UNSEEN}{why}" for path, why in result.problems}
        for path in self._shown.keys() - wanted.keys():
            row = self._journal.file(path)
            if row is not None and is_trouble(row):
                self._journal.forget(path)
            del self._shown[path]
        fresh: list[Outcome] = []
        for path, reason in wanted.items():
            row = self._journal.file(path)
            if self._shown.get(path) == reason or (row is not None and not is_trouble(row)):
                continue  # what became of a file says more than that it is out of reach now
            hint = _DISGUISED_HINT if reason == _DISGUISED else _UNSEEN_HINT
            root = owner(Path(path))
            self._journal.record(
                FileStamp(Path(path), 0, 0, 0, 0, 0),
                root="" if root is None else root.word,
                state=FileState.QUARANTINED,
                reason=reason,
                hint=hint,
            )
            self._shown[path] = reason
            fresh.append(Outcome(path, FileState.QUARANTINED, reason=reason, hint=hint))
        return fresh
