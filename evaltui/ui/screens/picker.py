"""A list to pick one thing from: columns to sort by, baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from evaltui.domain.text import clean
from evaltui.ui.keys import LIST_KEYS, bindings


class Picker(ModalScreen[str | None]):
    """Asks for one of some options; the result is its key, or None when nothing was picked.

    The keys of every list move the cursor; any other letter, or the slash, starts to narrow the
    list to the options that hold every word typed.

    Args:
        title: What is asked for; may be foreign.
        options: Key and words of each option. The words are made of cleaned text.
        current: Key of the option the cursor starts on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(LIST_KEYS),
        Binding("escape,q", "leave", "close", id="picker.leave"),
        Binding("slash", "narrow", "narrow", id="picker.narrow"),
    ]
    DEFAULT_CSS = """
    Picker { align: center middle; background: $background 60%; }
    Picker > Vertical {
        width: 64; max-width: 96%; height: auto; max-height: 96%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    Picker Static { width: 1fr; height: 1; }
    Picker Input { height: 1; padding: 0; background: $surface; }
    Picker OptionList { height: auto; max-height: 16; padding: 0; background: $surface; }
    """

    def __init__(
        self, title: str, options: Sequence[tuple[str, Content]], *, current: str = ""
    ) -> None:
        super().__init__()
        self._title = clean(title)
        self._options = list(options)
        self._shown: list[str] = []
        self._current = current

    def compose(self) -> ComposeResult:
        """Lay out title, input and list."""
        with Vertical():
            yield Static(Content.styled(self._title, "bold $primary"))
            field = Input(placeholder="type to narrow", compact=True, select_on_focus=False)
            field.cursor_blink = False  # a blinking cursor is traffic for nothing
            yield field
            yield OptionList(compact=True)

    def on_mount(self) -> None:
        """Fill the list and put the cursor on the current option."""
        self._fill("")
        if self._current in self._shown:
            self._list.highlighted = self._shown.index(self._current)
        self._list.focus()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def _fill(self, text: str) -> None:
        words = text.casefold().split()
        found = [
            (key, label)
            for key, label in self._options
            if all(word in label.plain.casefold() for word in words)
        ]
        self._shown = [key for key, _ in found]
        self._list.clear_options()
        self._list.add_options(Option(label) for _, label in found)
        self._list.highlighted = 0 if found else None

    def on_key(self, event: events.Key) -> None:
        """Take a letter that means nothing to the list as the start of a narrowing word."""
        if not self._list.has_focus or not event.is_printable or event.character is None:
            return
        if event.key not in self.active_bindings:
            event.stop()
            self.action_narrow()
            self.query_one(Input).insert_text_at_cursor(event.character)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow at every letter."""
        event.stop()
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pick what the cursor is on."""
        event.stop()
        self.action_choose()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Pick the option."""
        event.stop()
        self.dismiss(self._shown[event.option_index])

    def action_choose(self) -> None:
        """Pick what the cursor is on."""
        at = self._list.highlighted
        if at is not None:
            self.dismiss(self._shown[at])

    def action_leave(self) -> None:
        """Close without picking."""
        self.dismiss(None)

    def action_narrow(self) -> None:
        """Go to the input."""
        self.query_one(Input).focus()

    def action_cursor_move(self, lines: int) -> None:
        """Move the cursor by some options; both ends are ends."""
        self._go((self._list.highlighted or 0) + lines)

    def action_cursor_page(self, pages: float) -> None:
        """Move the cursor by a share of the page."""
        lines = int(self._list.size.height * pages) or (1 if pages > 0 else -1)
        self._go((self._list.highlighted or 0) + lines)

    def action_cursor_end(self, last: bool) -> None:
        """Go to the first or the last option."""
        self._go(len(self._shown) - 1 if last else 0)

    def _go(self, at: int) -> None:
        if self._shown:
            self._list.highlighted = max(0, min(at, len(self._shown) - 1))
