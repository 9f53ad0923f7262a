"""What every pane may ask of the screen that holds it."""

from __future__ import annotations

from textual.message import Message


class CopyRequested(Message):
    """A text is to be put on the clipboard.

    Args:
        text: The text as it is, foreign characters and all.
        what: What it is, one or two words.
    """

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self.text = text
        self.what = what


class Said(Message):
    """A line for the person: why a key did nothing.

    Args:
        text: Cleaned text.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
