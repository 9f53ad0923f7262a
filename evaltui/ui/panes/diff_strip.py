"""The diff in one line, for small screens: the telling metrics first, as many as fit."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from evaltui.ui.border_title import show_title

Pieces = tuple[tuple[str, str], ...]
"""Words with their styles, the telling ones first."""


class DiffStrip(Widget):
    """One line: what moved beyond tolerance, then the rest."""

    DEFAULT_CSS = """
    DiffStrip { height: 1; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._pieces: Pieces = ()
        self.title = ""

    def show(self, pieces: Pieces, title: str) -> None:
        """Show other words; nothing is drawn when they stay the same."""
        self.title = title
        show_title(self, Content(title))
        if pieces != self._pieces:
            self._pieces = pieces
            self.refresh()

    def render(self) -> Content:
        """Draw the pieces that fit."""
        room = self.content_size.width
        parts: list[Content] = []
        for text, style in self._pieces:
            cells = cell_len(text) + (2 if parts else 0)
            if cells > room and parts:
                break
            parts.append(Content.styled(text, style))
            room -= cells
        return Content("  ").join(parts)
