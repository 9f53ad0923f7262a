"""A question with yes and no."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from evaltui.domain.text import clean


class ConfirmScreen(ModalScreen[bool]):
    """Asks a question; the result is True for yes. Escape and n are no, y and enter are yes.

    Args:
        lines: What is asked, the question first; may be foreign.
        yes: What yes does, one or two words.
        no: What no does.
        guard_s: Seconds at first in which no answer is taken. A question that comes up by itself
            meets keys that were meant for what was there before.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape,q", "answer(False)", "no", id="confirm.no"),
    ]
    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; background: $background 60%; }
    ConfirmScreen > Vertical {
        width: 70; max-width: 96%; height: auto; max-height: 96%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    ConfirmScreen Static { width: 1fr; height: auto; }
    """

    def __init__(
        self, lines: Sequence[str], *, yes: str = "yes", no: str = "no", guard_s: float = 0.0
    ) -> None:
        super().__init__()
        self._open_at = time.monotonic() + guard_s
        self._lines = [clean(line) for line in lines]
        self._yes, self._no = clean(yes), clean(no)

    def compose(self) -> ComposeResult:
        """Lay out the lines and the two answers."""
        with Vertical():
            for at, line in enumerate(self._lines):
                yield Static(Content.styled(line, "bold") if at == 0 else Content(line))
            yield Static(
                Content.assemble(
                    ("y", "bold $primary"),
                    f" {self._yes}   ",
                    ("n", "bold $primary"),
                    f" {self._no}",
                )
            )

    def action_answer(self, yes: bool) -> None:
        """Give the answer."""
        if time.monotonic() >= self._open_at:
            self.dismiss(yes)
