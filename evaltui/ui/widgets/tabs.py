"""The line of pane names; a number key or a click goes to one."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from evaltui.ui.fitting import shorten

PANES = (
    ("runs", "1 Runs"),
    ("diff", "2 Diff"),
    ("trends", "3 Trends"),
    ("cases", "4 Cases"),
    ("watch", "5 Watch"),
    ("artifacts", "6 Artifacts"),
)
"""Ids and labels of the panes, in the order of their number keys."""


LEAST_RIGHT = 16
"""Cells below which the text at the right is left out."""


class Tabs(Widget):
    """The panes' names, the current one in brackets, and the baseline at the right."""

    class Picked(Message):
        """A pane's name was clicked."""

        def __init__(self, pane: str) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._current = "runs"
        self._right = ""
        self._spans: list[tuple[int, int, str]] = []

    def show(self, current: str, right: str = "") -> None:
        """Show which pane is current and a cleaned text at the right."""
        if (current, right) != (self._current, self._right):
            self._current, self._right = current, right
            self.refresh()

    def render(self) -> Content:
        """Draw the line."""
        width = self.size.width
        pieces: list[Content] = [Content(" ")]
        self._spans.clear()
        x = 1
        for pane, label in self._shown(width - x):
            text = f"[{label}]" if pane == self._current else f" {label} "
            self._spans.append((x, x + len(text), pane))
            style = "bold $primary" if pane == self._current else "$quiet"
            pieces.append(Content.styled(text, style))
            x += len(text)
        room = width - x - 1
        if self._right and room >= LEAST_RIGHT:
            right = shorten(self._right, room)
            pieces.append(Content(" " * (room - cell_len(right))))
            pieces.append(Content.styled(right, "$quiet"))
        return Content("").join(pieces)

    def _shown(self, room: int) -> list[tuple[str, str]]:
        """Return the names there is room for: the current one, then from the left."""
        kept = {self._current}
        room -= sum(len(label) + 2 for pane, label in PANES if pane in kept)
        for pane, label in PANES:
            if pane in kept:
                continue
            room -= len(label) + 2
            if room < 0:
                break
            kept.add(pane)
        return [(pane, label) for pane, label in PANES if pane in kept]

    def on_click(self, event: events.Click) -> None:
        """Report the pane whose name was clicked."""
        for start, end, pane in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(pane))
                return
