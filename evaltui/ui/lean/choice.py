"""Which display draws the screen: the lean one where all about it is known, else Textual's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evaltui.late_dataclass import dataclass

_TRUSTED = re.compile(
    r"(?:xterm|screen|tmux|rxvt|vte|gnome|konsole|kitty|alacritty|foot|wezterm|ghostty|contour|st"
    r"|mintty|iterm2?|linux|putty)(?:[-.+].*)?\Z"
)
"""Families of TERM that take what the lean display sends: places, colours and their differences,
and a region whose lines move (DECSTBM, LF, RI)."""
_NOT_ERASING = re.compile(r"(?:screen|putty)(?:[-.+].*)?\Z")
"""Families whose erased cells may not have the background (no "bce")."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The display, and why.

    Attributes:
        lean: Whether the lean display draws.
        why: In words.
        erase: Whether blanks may be erased instead of sent.
        refused: Whether another display was asked for.
    """

    lean: bool
    why: str
    erase: bool = False
    refused: bool = False

    def __str__(self) -> str:
        return f"{'lean' if self.lean else 'Textual'}: {self.why}"


def choose_display(wish: str, environ: Mapping[str, str], *, unknown: str) -> Choice:
    """Choose the display.

    Args:
        wish: "auto", "lean" or "textual".
        environ: The environment; TERM tells the terminal.
        unknown: What of Textual is not as expected, or "".
    """
    term = environ.get("TERM", "")
    if wish == "textual":
        return Choice(lean=False, why="--display textual")
    if unknown:
        return Choice(lean=False, why=unknown, refused=wish == "lean")
    erase = not _NOT_ERASING.match(term)
    if _TRUSTED.match(term):
        return Choice(lean=True, why=f"TERM={term} and this Textual are known", erase=erase)
    named = f"TERM={term} is not known" if term else "TERM is not set"
    if wish == "lean":
        return Choice(lean=True, why=f"--display lean; {named}")
    return Choice(lean=False, why=named)
