"""The run list: draws its own lines from columns, so 10,000 runs cost no more than 10.

A cursor move repaints the mark in the gutter of two lines and nothing else: over a slow link that
is the difference between following a held key and lagging behind it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from evaltui.domain.list_page import Line
from evaltui.domain.table import IntArray
from evaltui.late_dataclass import dataclass
from evaltui.ui.columns import ColumnPlan
from evaltui.ui.list_lines import GUTTER, head_line, run_line
from evaltui.ui.list_roles import ROLES
from evaltui.ui.model import Workbench
from evaltui.ui.row_text import Extent, RowText

CACHED_LINES = 2_000


@dataclass(slots=True)
class _Drawn:
    """A line that was drawn.

    Attributes:
        ground: What it follows from besides its run.
        state: The state of the list in which that was so.
    """

    strip: Strip
    ground: Hashable
    state: int


class RunList(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines of the workbench's visible runs, a header line above them.

    Args:
        bench: The state that is drawn; this widget changes only its cursor.
        rows: Makes the cells of a row.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"run-list--{role}" for role in ROLES}

    class Moved(Message):
        """The cursor is on another run."""

    class Opened(Message):
        """The run under the cursor was clicked a second time."""

    def __init__(self, bench: Workbench, rows: RowText, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._bench = bench
        self._rows = rows
        self._extent = Extent()
        self._plan: ColumnPlan = rows.plan(80)
        self._planned_for = 0
        self._strips: dict[tuple[int, int, bool], _Drawn] = {}
        self._state = 0
        self._styles: dict[str, Style] = {}

    # -- drawing ---------------------------------------------------------------------------------

    @property
    def plan(self) -> ColumnPlan:
        """The columns on show."""
        return self._plan

    @property
    def page(self) -> int:
        """Number of runs that fit on the screen, at least 1."""
        return max(1, self.size.height - 1)

    @property
    def is_placed(self) -> bool:
        """Whether it was told its size, and has its columns chosen for that."""
        return self.size.height > 0 and self.size.width == self._planned_for

    def render_line(self, y: int) -> Strip:
        """Draw the header line, or the run that is `y` lines below it."""
        width = self.size.width
        if width != self._planned_for:  # Textual draws with a new size before it tells of it
            self._choose_columns()
        if not self._styles:
            self._make_styles()
        if y == 0:
            return self._strip(head_line(self._plan), width, "head")
        position = y - 1 + self.scroll_offset.y
        order = self._bench.order
        if position >= len(order):
            return Strip.blank(width, self._styles["text"])
        row = int(order[position])
        at_cursor = self._bench.table.run_ids[row] == self._bench.cursor_id
        key = (row, width, at_cursor)
        drawn = self._strips.get(key)
        if drawn is not None and drawn.state == self._state:
            return drawn.strip
        ground = self._rows.ground(row, self._plan)
        if drawn is None or drawn.ground != ground:
            if len(self._strips) >= CACHED_LINES:
                self._strips.clear()
            line = run_line(self._rows, row, self._plan, at_cursor=at_cursor)
            drawn = self._strips[key] = _Drawn(self._strip(line, width), ground, self._state)
        drawn.state = self._state
        return drawn.strip

    def _strip(self, line: Line, width: int, rest: str = "text") -> Strip:
        segments = [Segment(text, self._styles[role]) for role, text in line]
        return Strip(segments).adjust_cell_length(width, self._styles[rest])

    def first_lines(self) -> tuple[Line, ...]:
        """Return head and runs of the first page, with the cursor on the first run."""
        shown = self._bench.order[: self.page].tolist()
        runs = (
            run_line(self._rows, row, self._plan, at_cursor=not position)
            for position, row in enumerate(shown)
        )
        return (head_line(self._plan), *runs)

    def _make_styles(self) -> None:
        for role in ROLES:
            self._styles[role] = self.get_component_rich_style(f"run-list--{role}")

    def notify_style_update(self) -> None:
        """Forget drawn lines: the theme changed."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    # -- live refresh ----------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Choose columns for the new width and keep the cursor in view."""
        if event.size.width != self._planned_for:
            self.replan()
        elif not self.replan_if_needed():
            self._fit_view()

    def replan(self) -> None:
        """Choose the columns anew and draw everything again."""
        self._choose_columns()
        self._fit_view()
        self.refresh()

    def replan_if_needed(self) -> bool:
        """Do so where the runs ask for other columns than those on show; return whether they did.

        Names and modes keep the room that they had once, or else the whole list would be drawn
        again for a name that comes, and for the same name when it goes.
        """
        extent = self._extent.with_room_for(self._rows.extent())
        plan = self._rows.plan(self.size.width - GUTTER, extent)
        if plan == self._plan:
            return False
        self._extent = extent
        self._show_plan(plan)
        self._fit_view()
        self.refresh()
        return True

    def _choose_columns(self) -> None:
        self._extent = self._rows.extent()
        self._show_plan(self._rows.plan(self.size.width - GUTTER, self._extent))

    def _show_plan(self, plan: ColumnPlan) -> None:
        self._planned_for = self.size.width
        self._plan = plan
        self._strips.clear()

    def rows_changed(self, rows: IntArray, *, order_changed: bool) -> None:
        """Draw what differs after an update, and nothing else.

        Args:
            rows: Table rows whose text may differ.
            order_changed: The visible rows or their order differ.
        """
        width = self.size.width
        for row in rows.tolist():
            self._strips.pop((row, width, False), None)
            self._strips.pop((row, width, True), None)
        self._state += 1  # baselines and sparklines of other runs follow from these
        if order_changed:
            self._fit_view()
            self.refresh()
            return
        top = self.scroll_offset.y
        for line, row in enumerate(self._bench.order[top : top + self.page].tolist(), 1):
            if not self._is_drawn(row):
                self.refresh(Region(0, line, width, 1))

    def _is_drawn(self, row: int) -> bool:
        """Whether the line of a run is still as it would be drawn."""
        at_cursor = self._bench.table.run_ids[row] == self._bench.cursor_id
        drawn = self._strips.get((row, self.size.width, at_cursor))
        return drawn is not None and drawn.ground == self._rows.ground(row, self._plan)

    def redraw(self) -> None:
        """Draw every line again (baseline, marks or the clock changed)."""
        self._strips.clear()
        self.refresh()

    def _fit_view(self) -> None:
        """Set the scroll range and keep the cursor where it was on the screen."""
        # One line more than there are runs: the header line takes a line of the window.
        size = Size(self.size.width, len(self._bench.order) + 1)
        scrolls = size.height > self.size.height
        if size.width == self.virtual_size.width and scrolls == self.show_vertical_scrollbar:
            self.set_reactive(RunList.virtual_size, size)  # no other widget has to make room
        else:
            self.virtual_size = size
        self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll just enough to have the cursor's run in view."""
        position, top = self._bench.position, self.scroll_offset.y
        last = max(0, len(self._bench.order) - self.page)
        if position < top:
            target = position
        elif position >= top + self.page:
            target = position - self.page + 1
        else:
            target = min(top, last)
        if target != top:
            self.scroll_to(y=target, animate=False, force=True)

    # -- moving ----------------------------------------------------------------------------------

    def move_to(self, position: int) -> None:
        """Put the cursor on a position; beyond either end is the end."""
        before = self._bench.position
        if not self._bench.move_to(position):
            return
        top = self.scroll_offset.y
        self.show_cursor()
        if self.scroll_offset.y == top:
            for changed in (before, self._bench.position):
                self.refresh(Region(0, changed - top + 1, 1, 1))
        else:
            self.refresh()
        self.post_message(self.Moved())

    def move_by(self, lines: int) -> None:
        """Move the cursor by some lines."""
        self.move_to(self._bench.position + lines)

    def turn(self, pages: float) -> None:
        """Move cursor and view by a share of the page, so that the cursor's line stays."""
        lines = int(self.page * pages) or (1 if pages > 0 else -1)
        top = self.scroll_offset.y
        limit = max(0, len(self._bench.order) - self.page)
        target = max(0, min(limit, top + lines))
        if target != top:
            self.scroll_to(y=target, animate=False, force=True)
        self.move_to(self._bench.position + lines)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked run; open it when it was there already."""
        position = event.y - 1 + self.scroll_offset.y
        if event.y < 1 or position >= len(self._bench.order):
            return
        if position == self._bench.position:
            self.post_message(self.Opened())
        else:
            self.move_to(position)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Repaint only when a whole line was passed."""
        super().watch_scroll_y(old_value, new_value)
