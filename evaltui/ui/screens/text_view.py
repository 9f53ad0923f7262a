"""A page of text to read: one case, one long value, the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from evaltui.domain.text import clean
from evaltui.ui.keys import LIST_KEYS, bindings


class TextView(ModalScreen[None]):
    """Shows lines, wrapped, to scroll through.

    Args:
        title: What is shown; may be foreign.
        lines: The text, made of cleaned text.
        at_end: Start at the last line.
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

    def __init__(self, title: str, lines: Sequence[Content], *, at_end: bool = False) -> None:
        super().__init__()
        self._title = clean(title)
        self._lines = list(lines)
        self._at_end = at_end

    def compose(self) -> ComposeResult:
        """Lay out title and text."""
        with VerticalScroll():
            yield Static(Content.styled(self._title, "bold $primary"), id="text-title")
            yield Static(Content("\n").join(self._lines), id="text-body")

    def on_mount(self) -> None:
        """Start at the end where that was asked for."""
        self._scroll.focus()
        if self._at_end:
            self.call_after_refresh(self.action_cursor_end, True)

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
