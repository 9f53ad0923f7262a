"""The watch list: every file that was seen, what became of it, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from evaltui.domain.events import PENDING_STATES, FileRow, FileState, WatchStatus
from evaltui.domain.places import shown_path
from evaltui.domain.text import clean
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.keys import WATCH_KEYS, bindings
from evaltui.ui.panes.file_lines import (
    COLUMNS,
    PATH_LIMIT,
    TROUBLE,
    FileLines,
    counts_text,
    is_problem,
    reason_text,
    state_word,
)
from evaltui.ui.panes.wishes import CopyRequested, Said
from evaltui.ui.widgets.line_table import LineTable
from evaltui.ui.widgets.note import Note

SHORT = 12
"""Lines below which the words under the table shrink."""


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

    class IgnoreRequested(Message):
        """A file is to be left alone until it is tried again."""

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
                lines.append(Content.styled(clean(shown_path(row.path), limit=PATH_LIMIT), "bold"))
            if reason:
                style = "$worse" if row.state in TROUBLE else "$foreground"
                lines.append(Content.styled(reason, style))
            if row.hint:
                lines.append(Content(f"what to do: {clean(row.hint)}"))
        self.query_one("#watch-about", Note).show(lines)

    @property
    def _current(self) -> FileRow | None:
        return self._lines.row(self.table.cursor) if len(self._lines) else None

    @property
    def run_id(self) -> str:
        """Id of the run that the file under the cursor became, or ""."""
        row = self._current
        return row.run_ids[0] if row is not None and row.run_ids else ""

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
        if is_problem(row) or row.retry_at_s is not None or row.state is FileState.IGNORED:
            self.post_message(self.RetryRequested(row.path))
        else:
            self.post_message(Said(f"nothing to retry: the file is {state_word(row)}"))

    def action_ignore(self) -> None:
        """Ask that the file be left alone."""
        row = self._current
        if row is None:
            return
        if is_problem(row) or row.state in PENDING_STATES:
            self.post_message(self.IgnoreRequested(row.path))
        else:
            self.post_message(Said(f"nothing to ignore: the file is {state_word(row)}"))

    def action_copy_path(self) -> None:
        """Ask for the path on the clipboard."""
        row = self._current
        if row is not None:
            self.post_message(CopyRequested(row.path, "path"))
