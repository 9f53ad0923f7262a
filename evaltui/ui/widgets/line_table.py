"""A table that draws only the lines on show: 10,000 rows cost no more than 10.

Rows are asked for one by one while they are drawn. The cursor stays on its row's key whatever
happens to the rows around it, and a cursor move repaints the gutter of two lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from evaltui.ui.columns import Cell
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.keys import LIST_KEYS, bindings
from evaltui.ui.widgets.table_columns import TableColumn, fit, fit_columns

__all__ = ["LineTable", "Lines", "NoLines", "TableColumn"]

CACHED_LINES = 1_000
GUTTER = 2
"""Cells in front of the first column: the cursor mark and a blank."""


class Lines(Protocol):
    """The rows of a table; asked for only while they are drawn."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def key(self, index: int) -> str:
        """Return what tells the row from every other."""
        ...

    def cells(self, index: int) -> Sequence[Cell]:
        """Return one cleaned cell per column."""
        ...


class NoLines:
    """A table without rows."""

    def __len__(self) -> int:
        return 0

    def key(self, index: int) -> str:
        """Return nothing: there is no row."""
        raise IndexError(index)

    def cells(self, index: int) -> Sequence[Cell]:
        """Return nothing: there is no row."""
        raise IndexError(index)


class LineTable(ScrollView, can_focus=True):
    """A head and rows, with a cursor.

    Args:
        glyphs: The signs to draw with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LIST_KEYS)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--text",
        "line-table--quiet",
        "line-table--head",
        "line-table--better",
        "line-table--worse",
        "line-table--bad",
        "line-table--mark",
        "line-table--cursor",
        "line-table--trend",
    }
    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size: 0 0;
        & > .line-table--text { color: $foreground; }
        & > .line-table--quiet { color: $quiet; }
        & > .line-table--head { color: $quiet; text-style: bold; }
        & > .line-table--better { color: $better; }
        & > .line-table--worse { color: $worse; }
        & > .line-table--bad { color: $worse; text-style: bold; }
        & > .line-table--mark { color: $accent; text-style: bold; }
        & > .line-table--cursor { color: $accent; text-style: bold; }
        & > .line-table--trend { color: $secondary; }
    }
    """

    class Moved(Message):
        """The cursor is on another row; `key` is "" when there is none."""

        def __init__(self, table: LineTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> LineTable:
            """The table whose cursor moved."""
            return self.table

    class Chosen(Message):
        """Enter or a click on the row under the cursor."""

        def __init__(self, table: LineTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> LineTable:
            """The table whose row was chosen."""
            return self.table

    def __init__(self, *, glyphs: Glyphs = BLOCK, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines: Lines = NoLines()
        self._columns: tuple[TableColumn, ...] = ()
        self._plan: list[tuple[int, TableColumn]] = []
        self._cursor = 0
        self._cursor_key = ""
        self._strips: dict[tuple[int, bool], Strip] = {}
        self._styles: dict[str, Style] = {}
        self._cursor_glyph = glyphs.cursor

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """Index of the row under the cursor, 0 when there are no rows."""
        return self._cursor

    @property
    def cursor_key(self) -> str:
        """Key of the row under the cursor, or ""."""
        return self._cursor_key

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self._lines)

    @property
    def page(self) -> int:
        """Number of rows that fit on the screen, at least 1."""
        return max(1, self.size.height - 1)

    def show(self, lines: Lines, columns: Sequence[TableColumn], *, top: bool = False) -> None:
        """Show rows; the cursor stays on its row's key, else where it was.

        Args:
            lines: The rows; kept, and asked while drawing.
            columns: Their columns.
            top: Put the cursor on the first row instead (other rows than before).
        """
        before = self._cursor_key
        self._lines = lines
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._replan()
        self._strips.clear()
        self._cursor = 0 if top else self._find(before)
        self._cursor_key = lines.key(self._cursor) if len(lines) else ""
        self.virtual_size = Size(self.size.width, len(lines) + 1)
        self._show_cursor()
        self.refresh()
        if self._cursor_key != before:
            self.post_message(self.Moved(self, self._cursor_key))

    def _find(self, key: str) -> int:
        lines = self._lines
        count = len(lines)
        if self._cursor < count and lines.key(self._cursor) == key:
            return self._cursor
        if key:
            for index in range(count):
                if lines.key(index) == key:
                    return index
        return max(0, min(self._cursor, count - 1))

    def on_resize(self, event: events.Resize) -> None:
        """Share the new width out, and keep the cursor in view."""
        del event
        self._replan()
        self._strips.clear()
        self.virtual_size = Size(self.size.width, len(self._lines) + 1)
        self._show_cursor()
        self.refresh()

    def _replan(self) -> None:
        self._plan = fit_columns(self._columns, self.size.width - GUTTER)

    # -- drawing ---------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw the head, or the row that is `y` lines below it."""
        width = self.size.width
        if not self._styles:
            for name in self.COMPONENT_CLASSES:
                style = self.get_component_rich_style(name)
                self._styles[name.removeprefix("line-table--")] = style
        if y == 0:
            return self._head(width)
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._lines):
            return Strip.blank(width, self._styles["text"])
        key = (index, index == self._cursor)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= CACHED_LINES:
                self._strips.clear()
            strip = self._strips[key] = self._line(index, width)
        return strip

    def _line(self, index: int, width: int) -> Strip:
        styles = self._styles
        mark = self._cursor_glyph if index == self._cursor else " "
        segments = [Segment(mark, styles["cursor"]), Segment(" ", styles["text"])]
        cells = self._lines.cells(index)
        for at, column in self._plan:
            cell = cells[at] if at < len(cells) else Cell("")
            text = fit(cell.text, column) + " "
            segments.append(Segment(text, styles.get(cell.role, styles["text"])))
        return Strip(segments).simplify().adjust_cell_length(width, styles["text"])

    def _head(self, width: int) -> Strip:
        line = " " * GUTTER + " ".join(fit(column.title, column) for _, column in self._plan)
        style = self._styles["head"]
        return Strip([Segment(line, style)]).adjust_cell_length(width, style)

    def notify_style_update(self) -> None:
        """Forget drawn lines: the theme changed."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    # -- moving ----------------------------------------------------------------------------------

    def move_to(self, index: int) -> None:
        """Put the cursor on a row; beyond either end is the end."""
        index = max(0, min(index, len(self._lines) - 1))
        if index == self._cursor or not len(self._lines):
            return
        before, self._cursor = self._cursor, index
        self._cursor_key = self._lines.key(index)
        for changed in (before, index):
            self._strips.pop((changed, True), None)
        top = self.scroll_offset.y
        self._show_cursor()
        if self.scroll_offset.y == top:
            for changed in (before, index):
                self.refresh(Region(0, changed - top + 1, 1, 1))
        else:
            self.refresh()
        self.post_message(self.Moved(self, self._cursor_key))

    def _show_cursor(self) -> None:
        top = self.scroll_offset.y
        last = max(0, len(self._lines) - self.page)
        if self._cursor < top:
            target = self._cursor
        elif self._cursor >= top + self.page:
            target = self._cursor - self.page + 1
        else:
            target = min(top, last)
        if target != top:
            self.scroll_to(y=target, animate=False, force=True, immediate=True)

    def action_cursor_move(self, lines: int) -> None:
        """Move the cursor by some rows."""
        self.move_to(self._cursor + lines)

    def action_cursor_page(self, pages: float) -> None:
        """Move the cursor and the view by a share of the page."""
        lines = int(self.page * pages) or (1 if pages > 0 else -1)
        top = self.scroll_offset.y
        target = max(0, min(len(self._lines) - self.page, top + lines))
        if target != top:
            self.scroll_to(y=target, animate=False, force=True, immediate=True)
        self.move_to(self._cursor + lines)

    def action_cursor_end(self, last: bool) -> None:
        """Go to the first or the last row."""
        self.move_to(len(self._lines) - 1 if last else 0)

    def action_choose(self) -> None:
        """Report that the row under the cursor was chosen."""
        if self._cursor_key:
            self.post_message(self.Chosen(self, self._cursor_key))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; choose it when it was there already."""
        index = event.y - 1 + self.scroll_offset.y
        if event.y < 1 or index >= len(self._lines):
            return
        if index == self._cursor:
            self.action_choose()
        else:
            self.move_to(index)
