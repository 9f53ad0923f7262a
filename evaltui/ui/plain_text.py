"""With ASCII glyphs: the signs in words of ours become ASCII on their way to the terminal."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from evaltui.domain.plain import plain


class PlainText(LineFilter):
    """Draws no sign of our own beyond ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """Return the segments with the same widths and styles."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(plain(segment.text), segment.style)
            for segment in segments
        ]
