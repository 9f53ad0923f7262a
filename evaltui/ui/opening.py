"""The first frame: what stands on the screen while the rest of the program is still loaded.

Its parts import nothing but Textual, so it is there about as soon as an empty program would be.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from evaltui.domain.text import clean


class OpeningScreen(Screen[None]):
    """The frame of the main screen without its contents.

    Args:
        experiment: Name of the experiment, as far as it is known; foreign text.
    """

    DEFAULT_CSS = """
    OpeningScreen { layout: vertical; background: $background; color: $foreground; }
    OpeningScreen > Static { height: 1; width: 100%; }
    OpeningScreen > #opening-header { background: $panel; text-style: bold; }
    OpeningScreen > #opening-tabs { color: $quiet; }
    OpeningScreen > Container { height: 1fr; border: round $quiet 60%; align: center middle; }
    OpeningScreen > Container > Static { width: auto; color: $quiet; }
    .-ascii OpeningScreen > Container { border: ascii $quiet; }
    """

    def __init__(self, experiment: str) -> None:
        super().__init__()
        self._experiment = clean(experiment)

    def compose(self) -> ComposeResult:
        """Lay out the frame."""
        name = f" evaltui  {self._experiment}" if self._experiment else " evaltui"
        yield Static(Content(name), id="opening-header")
        yield Static(Content(""), id="opening-tabs")
        with Container() as box:
            box.border_title = Content("Runs")
            yield Static(Content("opening"))
