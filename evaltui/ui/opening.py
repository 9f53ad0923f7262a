"""The first frame: what stands on the screen while the rest of the program is still loaded.

Its parts import little but Textual, so it is there about as soon as an empty program would be,
with the first page of the list as the last session left it. Keys that are typed before the main
screen is there are kept for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from evaltui.domain.text import clean
from evaltui.ui.instants import clock_text
from evaltui.ui.layout import layout_for
from evaltui.ui.list_roles import ROLES
from evaltui.ui.portions import InPortions

if TYPE_CHECKING:
    from evaltui.domain.list_page import ListPage

MOST_KEYS = 100
"""Keys that are kept for the main screen; what comes beyond is dropped."""

_LEAVING = frozenset({"quit_now", "back_or_quit"})


class PageView(Widget):
    """Lines of a run list that cannot be moved in yet.

    Args:
        page: The page, or None for a blank.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"run-list--{role}" for role in ROLES}

    def __init__(self, page: ListPage | None) -> None:
        super().__init__()
        self._lines = page.lines if page is not None else ()

    def render_line(self, y: int) -> Strip:
        """Draw a line as the run list would."""
        width = self.size.width
        text = self._style("text")
        if y >= len(self._lines):
            return Strip.blank(width, text)
        segments = [Segment(words, self._style(role)) for role, words in self._lines[y]]
        return Strip(segments).adjust_cell_length(width, text)

    def _style(self, role: str) -> Style:
        known = role if role in ROLES else "text"
        return self.get_component_rich_style(f"run-list--{known}")


class OpeningScreen(InPortions):
    """The frame of the main screen without its contents.

    Args:
        experiment: Name of the experiment, as far as it is known; foreign text.
        glyphs: Name of the signs that are drawn with.
        page: The list as the last session left it, or None; not shown if drawn for another screen.
    """

    DEFAULT_CSS = """
    OpeningScreen { layout: vertical; background: $background; color: $foreground; }
    OpeningScreen > Static { height: 1; width: 100%; }
    OpeningScreen > #opening-header { background: $panel; text-style: bold; }
    OpeningScreen > #opening-tabs { color: $quiet; }
    OpeningScreen > Container { height: 1fr; border: round $quiet 60%; align: center middle; }
    OpeningScreen > Container > Static { width: auto; color: $quiet; }
    OpeningScreen PageView { display: none; }
    OpeningScreen.-page > Container {
        border: round $primary;
        border-title-color: $primary;
        border-title-style: bold;
        & > Static { display: none; }
        & > PageView { display: block; }
    }
    .-ascii OpeningScreen > Container { border: ascii $quiet; }
    .-ascii OpeningScreen.-page > Container { border: ascii $primary; }
    """

    def __init__(self, experiment: str, glyphs: str = "", page: ListPage | None = None) -> None:
        super().__init__()
        self._page = page
        self._experiment = clean(experiment)
        self._glyphs = glyphs
        self.painted = False
        """Whether it was drawn: what is drawn before, while it is made, is no frame."""
        self.typed: list[events.Key] = []
        """Keys that wait for the main screen, first one first."""

    def compose(self) -> ComposeResult:
        """Lay out the frame."""
        page = self._page if self._page is not None and self._suits(self._page) else None
        name = f" evaltui  {self._experiment}" if self._experiment else " evaltui"
        header = Content(name)
        if page is not None:
            self.add_class("-page")
            as_of = f"as of {clock_text(page.as_of_s)} · opening"
            header = Content.assemble(name, "  ", (as_of, "$warning"))
        yield Static(header, id="opening-header")
        yield Static(Content(""), id="opening-tabs")
        with Container() as box:
            box.border_title = Content(page.title if page is not None else "Runs")
            if page is not None:
                box.styles.width, box.styles.height = page.room[0] + 2, page.room[1] + 2
            yield Static(Content("opening"))
            yield PageView(page)

    def _paint_rest(self) -> None:
        self.painted = True
        super()._paint_rest()

    def _suits(self, page: ListPage) -> bool:
        size = self.app.size
        layout = layout_for(size.width, size.height, "runs")
        return page.suits((size.width, size.height), self._glyphs) and layout.borders

    def on_key(self, event: events.Key) -> None:
        """Keep a key for the main screen, unless it quits."""
        bound = self.app.active_bindings.get(event.key)
        if bound is not None and bound.binding.action in _LEAVING:
            return
        event.stop()
        event.prevent_default()
        if len(self.typed) < MOST_KEYS:
            self.typed.append(event)
