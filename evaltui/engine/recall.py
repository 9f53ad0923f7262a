"""What the journal knows of files when a watch begins, so that they are not read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaltui.domain.events import FileRole, FileRow, FileState
from evaltui.domain.stamp import FileStamp
from evaltui.engine.roots import WatchRoot, owner_of
from evaltui.engine.trouble_rows import is_trouble
from evaltui.ledger.journal import Journal

_READ_AGAIN = frozenset({FileState.SETTLING, FileState.VANISHED})


class Recall:
    """Reads the journal at the beginning of a watch.

    Args:
        journal: The journal.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.unfinished: set[Path] = set()
        """Files that a watcher saw and did not come to take."""
        self.troubles: list[FileRow] = []
        """Rows of directories that could not be looked at, or bear a file's name."""

    def known(self, roots: Sequence[WatchRoot]) -> list[FileStamp]:
        """Return the versions that need not be read again.

        Per-app files of an evaluation under way are read again, for the journal does not keep
        what they tell; the rows made of them are removed until then.
        """
        rows = [row for row in self._journal.rows_since(0) if _is_below(row.path, roots)]
        self.troubles = [row for row in rows if is_trouble(row)]
        under_way = {Path(row.path) for row in rows if _is_progress(row)}
        for directory in under_way:
            self._journal.forget(str(directory))
        known: list[FileStamp] = []
        self.unfinished = set()
        for stamp, state, skipped in self._journal.stamps():
            folder = stamp.path.parent
            if state is FileState.SETTLING:
                self.unfinished.add(stamp.path)
            if state in _READ_AGAIN or (state is FileState.SEEN and not skipped):
                continue
            if state is FileState.IGNORED and not under_way.isdisjoint((folder, folder.parent)):
                continue
            known.append(stamp)
        return known


def _is_progress(row: FileRow) -> bool:
    return row.role is FileRole.CASE and row.state is FileState.SEEN


def _is_below(path: str, roots: Sequence[WatchRoot]) -> bool:
    found = Path(path)
    return owner_of(found, roots) is not None or any(root.path == found for root in roots)
