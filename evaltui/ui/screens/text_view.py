"""A page of text to read: one case, one long value, the log."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar

from rich.cells import get_character_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from evaltui.domain.text import clean
from evaltui.ui.keys import LIST_KEYS, bindings

_WIDEST = 110
_FRAME = 4
"""Border and padding of the page."""


def hanging(line: Content, width: int, label: int) -> list[Content]:
    """Wrap a line at words; what follows its first line starts right of the label.

    Args:
        line: One line of text.
        width: Cells there are; where the label takes most of them, the text goes below it.
        label: Characters of the label, all of them one cell wide.
    """
    label = label if width > 2 * label else 0
    found: list[Content] = []
    rest = line
    while width > 0 and rest.cell_length > width:
        fitting = max(1 + label, _fitting(rest.plain, width))
        cut = rest.plain.rfind(" ", label + 1, fitting + 1)
        cut = cut if cut > 0 and rest.plain[label:cut].strip() else fitting
        found.append(rest[:cut].rstrip())
        spaces = len(rest.plain[cut:]) - len(rest.plain[cut:].lstrip(" "))
        rest = Content(" " * label) + rest[cut + spaces :]
    return [*found, rest]


def _fitting(text: str, width: int) -> int:
    """Return how many characters of a text fit into some cells."""
    for count, end in enumerate(accumulate(map(get_character_cell_size, text))):
        if end > width:
            return count
    return len(text)


class TextView(ModalScreen[None]):
    """Shows lines, wrapped, to scroll through.

    Args:
        title: What is shown; may be foreign.
        lines: The text, made of cleaned text.
        at_end: Start at the last line.
        label: Cells of the label that each line starts with; what is wrapped stays right of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(LIST_KEYS),
        Binding("escape,q", "leave", "close", id="text.leave"),
    ]
    DEFAULT_CSS = """
    TextView { align: center middle; background: $background 60%; }
    TextView > VerticalScroll {
        width: 100%; max-width: 110; height: auto; max-height: 96%; scrollbar-size: 0 0;
        background: $surface; border: round $primary; padding: 0 1;
    }
    TextView Static { width: 1fr; height: auto; }
    TextView #text-title { dock: top; background: $surface; }
    """

    def __init__(
        self, title: str, lines: Sequence[Content], *, at_end: bool = False, label: int = 0
    ) -> None:
        super().__init__()
        self._title = clean(title)
        self._lines = list(lines)
        self._at_end = at_end
        self._label = label

    def compose(self) -> ComposeResult:
        """Lay out title and text."""
        with VerticalScroll():
            yield Static(Content.styled(self._title, "bold $primary"), id="text-title")
            yield Static(self._text(), id="text-body")

    def on_mount(self) -> None:
        """Start at the end where that was asked for."""
        self._scroll.focus()
        if self._at_end:
            self.call_after_refresh(self.action_cursor_end, True)

    def on_resize(self) -> None:
        """Wrap anew."""
        if self._label:
            self.query_one("#text-body", Static).update(self._text())

    def _text(self) -> Content:
        lines = self._lines
        if self._label:
            width = min(self.app.size.width, _WIDEST) - _FRAME
            lines = [part for line in lines for part in hanging(line, width, self._label)]
        return Content("\n").join(lines)

    @property
    def _scroll(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_choose(self) -> None:
        """Close: there is nothing to choose."""
        self.dismiss(None)

    def action_cursor_move(self, lines: int) -> None:
        """Scroll by some lines."""
        self._go(self._scroll.scroll_offset.y + lines)

    def action_cursor_page(self, pages: float) -> None:
        """Scroll by a share of the page."""
        self._go(self._scroll.scroll_offset.y + int(self._scroll.size.height * pages))

    def action_cursor_end(self, last: bool) -> None:
        """Scroll to the first or the last line."""
        self._go(self._scroll.max_scroll_y if last else 0)

    def _go(self, y: int) -> None:
        self._scroll.scroll_to(y=y, animate=False, force=True)
