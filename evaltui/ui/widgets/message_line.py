"""A few words above the footer: what went wrong or is under way, and what to do."""

from __future__ import annotations

from textual.content import Content

from evaltui.domain.text import clean
from evaltui.ui.widgets.fitted import Fitted


class MessageLine(Fitted):
    """Words that are only there while it has something to say."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = ""
        self._style = ""
        self.display = False

    @property
    def text(self) -> str:
        """What is on show, or an empty text."""
        return self._text

    def show(self, text: str, *, style: str = "$warning") -> None:
        """Show words; an empty one makes the widget go away.

        Args:
            text: May be foreign; it is cleaned here.
            style: Textual style.
        """
        line = clean(text, limit=400)
        if (line, style) == (self._text, self._style):
            return
        self._text, self._style = line, style
        self.display = bool(line)
        self.refresh(layout=True)

    def render(self) -> Content:
        """Draw the line."""
        return Content.styled(self._text, self._style)
