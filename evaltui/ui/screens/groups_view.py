"""Groups of runs against each other (A/B): means, spread, intervals, and a verdict per metric."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from evaltui.domain.amounts import p_text
from evaltui.domain.contrast import GroupComparison, GroupDelta
from evaltui.domain.text import clean
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.group_lines import GroupLines, group_name
from evaltui.ui.keys import GROUP_KEYS, bindings
from evaltui.ui.panes.wishes import CopyRequested
from evaltui.ui.verdicts import VERDICT_SIGNS, VERDICT_STYLES
from evaltui.ui.widgets.line_table import LineTable
from evaltui.ui.widgets.note import Note

_MOST_NAMED = 6
_NOTHING = "every difference is listed; n goes to what got worse"


class GroupsView(ModalScreen[None]):
    """Shows what was found, a line per metric and group, and why below.

    Args:
        found: What was found.
        title: By what the runs are grouped; may be foreign.
        glyphs: Signs to draw with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(GROUP_KEYS),
        Binding("escape,q", "leave", "close", id="groups.leave"),
    ]
    DEFAULT_CSS = """
    GroupsView { background: $background; }
    GroupsView > Vertical {
        width: 100%; height: 100%; background: $background;
        border: round $primary; padding: 0 1;
    }
    GroupsView Static { width: 1fr; height: auto; max-height: 3; }
    GroupsView #groups-about { height: 2; }
    """

    def __init__(self, found: GroupComparison, title: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._found = found
        self._title = clean(title, limit=80)
        self._glyphs = glyphs
        self._lines = GroupLines(found, glyphs)

    def compose(self) -> ComposeResult:
        """Lay out who is held against whom, the lines, and the words about one."""
        with Vertical() as box:
            box.border_title = Content(f"Groups by {self._title}")
            yield Static(self._sizes())
            yield LineTable(glyphs=self._glyphs)
            yield Note(steady=True, id="groups-about")

    def on_mount(self) -> None:
        """Fill the table."""
        self._table.show(self._lines, self._lines.columns)
        self._table.focus()
        self._about()

    @property
    def _table(self) -> LineTable:
        return self.query_one(LineTable)

    def _sizes(self) -> Content:
        pieces: list[tuple[str, str]] = []
        for name, size in list(self._found.sizes.items())[:_MOST_NAMED]:
            style = "bold" if name == self._found.reference else ""
            pieces.append((f"{group_name(name)} ", style))
            pieces.append((f"{size:,} run{'' if size == 1 else 's'}   ", "$quiet"))
        more = len(self._found.sizes) - _MOST_NAMED
        if more > 0:
            pieces.append((f"and {more} more   ", "$quiet"))
        reference = group_name(self._found.reference)
        return Content.assemble(*pieces, (f"held against {reference}", "$accent"))

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Say why the verdict on the line is what it is."""
        event.stop()
        self._about()

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Leave the line as it is: all that is known of it is said below."""
        event.stop()

    def _about(self) -> None:
        delta = self._lines.delta(self._table.cursor)
        words = Content.styled(_NOTHING, "$quiet") if delta is None else _reason(delta)
        self.query_one("#groups-about", Note).show([words])

    def action_regression(self, step: int) -> None:
        """Go to the next or previous group that is worse."""
        found = self._lines.next_regression(self._table.cursor, step)
        if found is not None:
            self._table.move_to(found)

    def action_copy_line(self) -> None:
        """Ask for the line under the cursor on the clipboard, as tab-separated values."""
        if len(self._lines):
            cells = self._lines.cells(self._table.cursor)
            text = "\t".join(cell.text.strip() for cell in cells)
            self.app.screen_stack[0].post_message(CopyRequested(text, "the line"))

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)


def _reason(delta: GroupDelta) -> Content:
    sign = VERDICT_SIGNS[delta.verdict]
    pieces = [
        (f"{clean(delta.metric)}  {group_name(delta.group.group)}  ", "bold"),
        (f"{sign} {delta.verdict.value}".lstrip(), VERDICT_STYLES.get(delta.verdict, "bold")),
        (f": {clean(delta.reason, limit=300)}", "$foreground"),
    ]
    if delta.test is not None:
        raw = f", {p_text(delta.p_value)}" if delta.p_value is not None else ""
        adjusted = f", adjusted {p_text(delta.p_adjusted)}" if delta.p_adjusted is not None else ""
        runs = f"{delta.reference.n} v {delta.group.n} runs"
        pieces.append((f"  {delta.test}, {runs}{raw}{adjusted}", "$quiet"))
    return Content.assemble(*pieces)
