"""Files on watch as lines of a table, and the watch in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from evaltui.domain.events import (
    PENDING_STATES,
    FileRole,
    FileRow,
    FileState,
    WatchRole,
    WatchStatus,
)
from evaltui.domain.places import shown_path
from evaltui.domain.text import clean
from evaltui.ui.columns import Cell
from evaltui.ui.instants import duration_text
from evaltui.ui.widgets.table_columns import TableColumn

COLUMNS = (
    TableColumn("state", 11),
    TableColumn("file", 24, grow=4, path=True),
    TableColumn("reason", 14, grow=3, optional=True),
    TableColumn("run", 13, grow=1, shrinks=True, optional=True),
)

_WORDS = {
    FileState.SEEN: "seen",
    FileState.SETTLING: "settling",
    FileState.PARSED: "queued",
    FileState.FINISHED: "logged",
    FileState.DUPLICATE: "duplicate",
    FileState.SUPERSEDED: "superseded",
    FileState.QUARANTINED: "quarantined",
    FileState.IGNORED: "ignored",
    FileState.VANISHED: "vanished",
    FileState.DELETED: "deleted",
}
_ROLES = {
    FileState.FINISHED: "better",
    FileState.QUARANTINED: "bad",
    FileState.VANISHED: "worse",
    FileState.DELETED: "worse",
    FileState.DUPLICATE: "quiet",
    FileState.SUPERSEDED: "quiet",
    FileState.IGNORED: "quiet",
}
TROUBLE = frozenset({FileState.QUARANTINED, FileState.VANISHED, FileState.DELETED})
_LOGGING = PENDING_STATES - {FileState.SEEN, FileState.SETTLING}
"""States of a report that only the store keeps from being logged."""

PATH_LIMIT = 4_096
"""Longest path that is shown whole, in characters."""


def is_problem(row: FileRow) -> bool:
    """Return whether a person should look at the file."""
    return row.state in TROUBLE or _waits_for_store(row)


def _waits_for_store(row: FileRow) -> bool:
    return row.retry_at_s is not None and row.state in _LOGGING


def state_word(row: FileRow) -> str:
    """Return the state in one word."""
    if row.role is FileRole.CASE:
        return "progress"
    if _waits_for_store(row):
        return "waiting"
    return _WORDS.get(row.state, "logging")


def reason_text(row: FileRow) -> str:
    """Return why the file is where it is, in one cleaned line, or ""."""
    parts = [clean(row.progress)] if row.progress else []
    if row.reason:
        parts.append(clean(row.reason))
    if row.retry_at_s is not None and row.state in PENDING_STATES:
        at = time.strftime("%H:%M:%S", time.localtime(row.retry_at_s))
        if not parts and _waits_for_store(row):
            parts.append("waiting for the store")
        parts.append(f"retry at {at}")
    return ", ".join(parts)


class FileLines:
    """Files as lines of a table, the one that changed last first.

    Args:
        files: The files.
        run_name: Returns the name of a run id, or "".
        roots: Watched directories; paths are shown from there.
    """

    def __init__(
        self,
        files: Iterable[FileRow],
        run_name: Callable[[str], str],
        roots: Sequence[str] = (),
    ) -> None:
        self._roots = sorted((root.rstrip("/") + "/" for root in roots), key=len, reverse=True)
        self._rows = sorted(files, key=lambda row: (row.seq, row.file_id), reverse=True)
        self._run_name = run_name

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, index: int) -> FileRow:
        """Return the file of a line."""
        return self._rows[index]

    def key(self, index: int) -> str:
        """Return the file's journal id."""
        return str(self._rows[index].file_id)

    def cells(self, index: int) -> Sequence[Cell]:
        """Return state, path, reason and run."""
        row = self._rows[index]
        role = "worse" if _waits_for_store(row) else _ROLES.get(row.state, "text")
        return (
            Cell(state_word(row), role),
            Cell(self._path_text(row.path), "quiet" if role == "quiet" else "text"),
            # The column before says "waiting" already.
            Cell(
                reason_text(row).removeprefix("waiting "),
                "worse" if row.state in TROUBLE else "quiet",
            ),
            Cell(self._run_text(row.run_ids)),
        )

    def _path_text(self, path: str) -> str:
        root = next((root for root in self._roots if path.startswith(root)), "")
        return clean(path[len(root) :] or path, limit=PATH_LIMIT)

    def _run_text(self, run_ids: tuple[str, ...]) -> str:
        if not run_ids:
            return ""
        name = clean(self._run_name(run_ids[0])) or clean(run_ids[0], limit=12)
        return name if len(run_ids) == 1 else f"{name} +{len(run_ids) - 1}"

    def next_problem(self, start: int, step: int) -> int | None:
        """Return the line of the next file with a problem after `start`, or None.

        Args:
            start: Where the search starts; it goes round and ends there.
            step: 1 forwards, -1 backwards.
        """
        count = len(self._rows)
        for away in range(1, count + 1):
            index = (start + away * step) % count
            if is_problem(self._rows[index]):
                return index
        return None


def counts_text(status: WatchStatus | None) -> str:
    """Return the watch in one line: where, how, and how many files are in which state."""
    if status is None or status.role is WatchRole.NONE or not status.roots:
        return "nothing is watched"
    roots = ", ".join(clean(shown_path(root)) for root in status.roots)
    parts = [f"{status.logged} logged", f"{status.pending} pending", f"{status.failed} failed"]
    if status.ignored:
        parts.append(f"{status.ignored} ignored")
    if status.backlog:
        parts.append(_backlog_text(status))
    if status.backlog_skipped:
        parts.append(f"{status.backlog_skipped} old ones left out")
    if status.events:
        parts.append(clean(status.events))
    if status.role is WatchRole.VIEWER:
        by = f" by pid {status.watcher_pid}" if status.watcher_pid is not None else " elsewhere"
        parts.insert(0, f"watched{by}")
    return f"{' · '.join(parts)} · {roots}"


def _backlog_text(status: WatchStatus) -> str:
    text = f"backlog {status.backlog}"
    if not status.backlog_rate:
        return text
    left = duration_text(status.backlog / status.backlog_rate)
    return f"{text} ({status.backlog_rate:.1f}/s, {left} left)"
