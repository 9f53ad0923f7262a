"""Some lines of words, as long as there is something to say."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from evaltui.ui.widgets.fitted import Fitted


class Note(Fitted, Static):
    """Lines made of cleaned text. What is shown already is not drawn again.

    Args:
        steady: Keep the height that the style sheet gives, even without words: what stands beside
            it does not jump when the words change.
    """

    DEFAULT_CSS = """
    Note { width: 1fr; height: auto; padding: 0 1; }
    """

    def __init__(self, *, steady: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(Content(""), id=id)
        self._steady = steady
        self._shown: tuple[Content, ...] = ()
        self.display = steady

    @property
    def text(self) -> str:
        """The words on show, lines separated by line breaks."""
        return "\n".join(line.plain for line in self._shown)

    def show(self, lines: Sequence[Content]) -> None:
        """Show lines instead of those that are there."""
        if tuple(lines) == self._shown:
            return
        self._shown = tuple(lines)
        if not self._steady:
            self.display = bool(lines)
        self.update(Content("\n").join(lines), layout=not self._steady)
