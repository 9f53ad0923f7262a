"""The part of a document that is looked at, and where in the document it lies."""

from __future__ import annotations

from collections.abc import Iterator

from evaltui.readers.document import MAX_WHOLE, MORE_MEMORY, Pieces, Text, too_large


class Window:
    """A part of a document, which begins at what was not yet consumed.

    Attributes:
        text: The part; the whole of a document that is held anyway.
        at: Position of what comes next in it.
    """

    def __init__(self, text: Text) -> None:
        self.at = 0
        self._pieces: Iterator[str] = iter(())
        self._most = MAX_WHOLE
        self._lines = 0
        self._column = 0
        if isinstance(text, Pieces):
            self.text = ""
            self._pieces, self._most = iter(text), text.most
            self.grow()
        else:
            self.text = text

    def grow(self) -> bool:
        """Let go of what was consumed and take in more; False at the end of the document.

        What is left at least doubles, so that one long value takes no longer than many.

        Raises:
            ReportTooLargeError: One value is longer than the document allows.
        """
        left = len(self.text) - self.at
        more, length = [], 0
        while length < max(left, 1) and (piece := next(self._pieces, None)) is not None:
            more.append(piece)
            length += len(piece)
        if not length:
            return False
        if left > self._most:
            raise too_large(left, self._most, MORE_MEMORY, what="a value in the file")
        self._lines += self.text.count("\n", 0, self.at)
        self._column = self._column_of(self.at)
        self.text = "".join((self.text[self.at :], *more))
        self.at = 0
        return True

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column in the document of a position in the part, both from 1."""
        return self._lines + self.text.count("\n", 0, at) + 1, self._column_of(at) + 1

    def _column_of(self, at: int) -> int:
        newline = self.text.rfind("\n", 0, at)
        return self._column + at if newline < 0 else at - newline - 1
