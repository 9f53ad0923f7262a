"""The watch list: every file that was seen, what became of it, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from evaltui.domain.events import (
    PENDING_STATES,
    FileRole,
    FileRow,
    FileState,
    WatchRole,
    WatchStatus,
)
from evaltui.domain.text import clean
from evaltui.ui.columns import Cell
from evaltui.ui.format import duration_text
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.keys import WATCH_KEYS, bindings
from evaltui.ui.panes.wishes import CopyRequested, Said
from evaltui.ui.widgets.line_table import LineTable, TableColumn
from evaltui.ui.widgets.note import Note

COLUMNS = (
    TableColumn("state", 11),
    TableColumn("file", 24, grow=4, path=True),
    TableColumn("reason", 14, grow=3, optional=True),
    TableColumn("run", 13, grow=1, shrinks=True, optional=True),
)

_WORDS = {
    FileState.SEEN: "seen",
    FileState.SETTLING: "settling",
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
_TROUBLE = frozenset({FileState.QUARANTINED, FileState.VANISHED, FileState.DELETED})
_PATH_LIMIT = 4_096
SHORT = 12
"""Lines below which the words under the table shrink."""


def is_problem(row: FileRow) -> bool:
    """Return whether a person should look at the file."""
    return row.state in _TROUBLE or row.retry_at_s is not None


def state_word(row: FileRow) -> str:
    """Return the state in one word."""
    if row.role is FileRole.CASE:
        return "progress"
    if row.retry_at_s is not None and row.state in PENDING_STATES:
        return "waiting"
    return _WORDS.get(row.state, "logging")


def reason_text(row: FileRow) -> str:
    """Return why the file is where it is, in one cleaned line, or ""."""
    parts = [clean(row.progress)] if row.progress else []
    if row.reason:
        parts.append(clean(row.reason))
    if row.retry_at_s is not None and row.state in PENDING_STATES:
        at = time.strftime("%H:%M:%S", time.localtime(row.retry_at_s))
        parts.append(f"retry at {at}" if parts else f"waiting for the store, retry at {at}")
    return ", ".join(parts)


class WatchList(Vertical):
    """Counters, a table of files, and what there is to say about the file under the cursor.

    Args:
        run_name: Returns the name of a run id (foreign text), or "" when it is not known.
        glyphs: The signs to draw with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WATCH_KEYS)]
    DEFAULT_CSS = """
    WatchList { height: 1fr; }
    WatchList #watch-counts { max-height: 2; }
    WatchList #watch-about { height: 3; color: $foreground; }
    WatchList.-short #watch-about { height: 1; }
    WatchList.-short #watch-counts { max-height: 1; }
    """

    class RetryRequested(Message):
        """A quarantined or waiting file is to be tried again."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    class OpenRun(Message):
        """The run a file became is to be shown."""

        def __init__(self, run_id: str) -> None:
            super().__init__()
            self.run_id = run_id

    def __init__(
        self,
        run_name: Callable[[str], str] = lambda _: "",
        *,
        glyphs: Glyphs = BLOCK,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self._run_name = run_name
        self._glyphs = glyphs
        self._lines = FileLines((), run_name)
        self._status: WatchStatus | None = None

    def compose(self) -> ComposeResult:
        """Lay out counters, table and the words below it."""
        yield Note(id="watch-counts")
        yield LineTable(glyphs=self._glyphs)
        yield Note(steady=True, id="watch-about")

    @property
    def table(self) -> LineTable:
        """The table, which takes the focus."""
        return self.query_one(LineTable)

    def show(self, files: Iterable[FileRow], status: WatchStatus | None) -> None:
        """Show files, the one that changed last first.

        Args:
            files: Every file to list.
            status: The watch in figures, or None before the engine said anything.
        """
        roots = status.roots if status is not None else ()
        self._lines = FileLines(files, self._run_name, roots)
        self._status = status
        self.query_one("#watch-counts", Note).show(
            [Content.styled(counts_text(status), "$quiet"), *self._empty_words()]
        )
        self.table.show(self._lines, COLUMNS)
        self._show_about()

    def _empty_words(self) -> list[Content]:
        if len(self._lines):
            return []
        if self._status is None or not self._status.roots:
            return [Content("w starts watching a directory; every report in it becomes a run")]
        return [Content("no report yet: the next one that appears is listed here")]

    def on_resize(self, event: events.Resize) -> None:
        """Leave the table its room where there is little."""
        self.set_class(event.size.height < SHORT, "-short")
        self._show_about()

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Say what there is to say about the file the cursor is on now."""
        event.stop()
        self._show_about()

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Ask for the run the file became."""
        event.stop()
        row = self._current
        if row is None:
            return
        if row.run_ids:
            self.post_message(self.OpenRun(row.run_ids[0]))
        else:
            self.post_message(Said("no run was made of this file yet"))

    def _show_about(self) -> None:
        row = self._current
        lines: list[Content] = []
        if row is not None:
            reason = reason_text(row)
            if not reason or not self.has_class("-short"):
                lines.append(Content.styled(clean(row.path, limit=_PATH_LIMIT), "bold"))
            if reason:
                style = "$worse" if row.state in _TROUBLE else "$foreground"
                lines.append(Content.styled(reason, style))
            if row.hint:
                lines.append(Content(f"what to do: {clean(row.hint)}"))
        self.query_one("#watch-about", Note).show(lines)

    @property
    def _current(self) -> FileRow | None:
        return self._lines.row(self.table.cursor) if len(self._lines) else None

    # -- keys ------------------------------------------------------------------------------------

    def action_problem(self, step: int) -> None:
        """Go to the next or previous file that needs a person; wraps around."""
        found = self._lines.next_problem(self.table.cursor, step)
        if found is None:
            self.post_message(Said("no file has a problem"))
        else:
            self.table.move_to(found)

    def action_retry(self) -> None:
        """Ask for another try of the file."""
        row = self._current
        if row is None:
            return
        if is_problem(row) or row.state is FileState.IGNORED:
            self.post_message(self.RetryRequested(row.path))
        else:
            self.post_message(Said(f"nothing to retry: the file is {state_word(row)}"))

    def action_copy_path(self) -> None:
        """Ask for the path on the clipboard."""
        row = self._current
        if row is not None:
            self.post_message(CopyRequested(row.path, "path"))


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
        role = "worse" if row.retry_at_s is not None else _ROLES.get(row.state, "text")
        return (
            Cell(state_word(row), role),
            Cell(self._path_text(row.path), "quiet" if role == "quiet" else "text"),
            # The column before says "waiting" already.
            Cell(
                reason_text(row).removeprefix("waiting "),
                "worse" if row.state in _TROUBLE else "quiet",
            ),
            Cell(self._run_text(row.run_ids)),
        )

    def _path_text(self, path: str) -> str:
        root = next((root for root in self._roots if path.startswith(root)), "")
        return clean(path[len(root) :] or path, limit=_PATH_LIMIT)

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
    roots = ", ".join(clean(root) for root in status.roots)
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
