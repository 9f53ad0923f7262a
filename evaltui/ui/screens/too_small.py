"""What is shown while the terminal is too small for anything else."""

from __future__ import annotations

from textual.app import App
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

LEAST = Size(40, 10)
"""The smallest terminal that everything can still be used in."""


class TooSmallScreen(ModalScreen[None]):
    """Two words in place of a screen; goes away by itself when there is room."""

    DEFAULT_CSS = """
    TooSmallScreen { align: center middle; background: $background; overflow: hidden; }
    TooSmallScreen Static { width: 100%; height: auto; max-height: 100%; text-align: center; }
    """

    def compose(self) -> list[Static]:
        """Show the words and the size that is needed."""
        return [Static(Content(f"too small: {LEAST.width}x{LEAST.height} is needed"))]


def fit_to(app: App[int], size: Size) -> None:
    """Cover the screen while the terminal is too small; call it whenever the size changes."""
    too_small = size.width < LEAST.width or size.height < LEAST.height
    covered = isinstance(app.screen, TooSmallScreen)
    if too_small and not covered:
        app.push_screen(TooSmallScreen())
    elif covered and not too_small:
        app.pop_screen()
