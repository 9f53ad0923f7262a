"""The filter line: filters while it is typed; enter keeps it, escape clears it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from evaltui.ui.widgets.fitted import Fitted


class _Count(Fitted, Static):
    """How many runs match."""


class FilterBar(Horizontal):
    """A line with an input, shown while a filter is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear", show=False),
        Binding("down", "accept", "to the list", show=False),
    ]

    class Changed(Message):
        """The text is another one now."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """Typing is over; `keep` says whether the filter stays."""

        def __init__(self, *, keep: bool) -> None:
            super().__init__()
            self.keep = keep

    _count = (0, 0)
    _said: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the slash, the input and the count."""
        yield Static(Content(" / "), id="filter-slash")
        field = Input(placeholder="words in name, mode, model, params, tags", id="filter-input")
        field.cursor_blink = False  # a blinking cursor is traffic for nothing
        field.select_on_focus = False
        yield field
        yield _Count(Content(""), id="filter-count")

    def open(self, text: str) -> None:
        """Show the line with `text` in it and take the focus."""
        self.display = True
        self._say_count()
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)
        field.focus()

    def show_count(self, shown: int, total: int) -> None:
        """Say how many runs match, now or once the line is shown.

        The whole screen is laid out anew for another text, so there is none where nobody sees it.
        """
        self._count = (shown, total)
        if self.display:
            self._say_count()

    def _say_count(self) -> None:
        if self._count != self._said:
            self._said = self._count
            self.query_one(_Count).update(Content(" {} of {} ".format(*self._count)))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter at every letter; it is all local."""
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and leave the line."""
        event.stop()
        self.post_message(self.Closed(keep=True))

    def action_accept(self) -> None:
        """Keep the filter and leave the line."""
        self.post_message(self.Closed(keep=True))

    def action_clear(self) -> None:
        """Drop the filter and leave the line."""
        self.post_message(self.Closed(keep=False))
