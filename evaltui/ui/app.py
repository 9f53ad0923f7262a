"""The application: paints a frame first, then fetches the rest and starts the engine."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.filter import Monochrome, NoColor
from textual.geometry import Size
from textual.screen import Screen

from evaltui.settings import Settings
from evaltui.ui import collecting
from evaltui.ui.delayed import let_others
from evaltui.ui.glyphs import choose_glyphs
from evaltui.ui.keys import APP_KEYS, bindings, check_keymap
from evaltui.ui.lean.choice import choose_display
from evaltui.ui.lean.updates import LeanDisplay, takes, unknown_parts
from evaltui.ui.opening import OpeningScreen
from evaltui.ui.plain_text import PlainText
from evaltui.ui.screens.too_small import fit_to
from evaltui.ui.stylesheet import LastingStylesheet
from evaltui.ui.terminal import TerminalDriver, catch_signals
from evaltui.ui.theme import ANSI_VARIABLES, DARK, LIGHT, theme_name

if TYPE_CHECKING:
    from textual._compositor import ChopsUpdate, LayoutUpdate
    from textual.widget import Widget

    from evaltui.domain.list_page import ListPage
    from evaltui.domain.recalled import Recalled
    from evaltui.ui.client import EngineLink, LinkEvent
    from evaltui.ui.conductor import Conductor, MakeLink
    from evaltui.ui.engine_spawn import EarlyEngine
    from evaltui.ui.page_keeper import Shelf

SYNC_FROM = 256
"""Characters of a frame from which it is worth the marks that keep it from being seen half."""
HANG_UP = 129
"""Exit status after the terminal went away: 128 + SIGHUP."""


_STYLES = Path(__file__).parent / "styles"

Recall = Callable[[], "Recalled | None"]
"""Opens what was known before; called in a thread, after the first frame."""


def nothing() -> None:
    """Recall nothing."""


class EvaltuiApp(App[int], inherit_bindings=False):
    """The screen of evaltui: its lifetime, its colours, and how it reaches the terminal.

    Args:
        settings: The settings.
        make_link: Makes the link to the engine, or None for the real one.
        clock: Epoch seconds of now.
        cwd: Directory the program was started in, or "" to ask the system.
        driver_class: Textual driver, or None for the one of tests.
        finish: At the end the engine may finish the report at hand behind our back.
        recall: Opens what was known before, to be shown until the store answers.
        shelf: Where the first page of the list lies between two sessions, or None.
        page: What lay there, to be shown from the first frame on.
        early: An engine that was started already, or None.

    Raises:
        ConfigError: The configured keys name a binding that does not exist.
    """

    CSS_PATH = str(_STYLES / "list.tcss")
    TITLE = "evaltui"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(APP_KEYS)]

    def __init__(
        self,
        settings: Settings,
        *,
        make_link: MakeLink | None = None,
        clock: Callable[[], float] = time.time,
        cwd: str = "",
        driver_class: type[TerminalDriver] | None = None,
        finish: bool = True,
        recall: Recall = nothing,
        shelf: Shelf | None = None,
        page: ListPage | None = None,
        early: EarlyEngine | None = None,
    ) -> None:
        self._lean: LeanDisplay | None = None  # Textual draws nothing before there is a terminal
        super().__init__(driver_class=driver_class)
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = theme_name(settings.theme)  # before anything is parsed with its colours
        self.stylesheet = LastingStylesheet(variables=self.get_css_variables())
        self.stylesheet.read_all(self.css_path)
        self.stylesheet.parse()  # which it keeps: there is no loop yet that has to wait meanwhile
        choice = choose_display(settings.display, os.environ, unknown=unknown_parts(self))
        if choice.lean:
            self._lean = LeanDisplay(erase=choice.erase)
        level = logging.WARNING if choice.refused else logging.INFO
        logging.getLogger("evaltui").log(level, "display %s", choice)
        self.animation_level = "none"
        # NO_COLOR means none; Textual would still send shades of grey.
        self._filters = [NoColor() if isinstance(it, Monochrome) else it for it in self._filters]
        self.conductor: Conductor | None = None
        self._settings = settings
        self._make_link = make_link
        self._clock = clock
        self._cwd = cwd
        self._glyphs = choose_glyphs(settings.glyphs)
        if self._glyphs.ascii_only:
            self._filters.append(PlainText())
        self._keys = check_keymap(settings.keys)
        self._finish = finish
        self._recall = recall
        self._shelf = shelf
        self._page = page
        self._early = early
        self._started = False
        self._leaving = False
        self._told_size: Size | None = None
        self._undo_signals: Callable[[], None] = lambda: None

    # -- life ------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """Return the first frame."""
        experiment = self._settings.experiment or ""
        self._opening = OpeningScreen(experiment, self._glyphs.name, self._page)
        return self._opening

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return what themes that are not ours lack."""
        return dict(ANSI_VARIABLES)

    def on_mount(self) -> None:
        """Set signs and keys."""
        self.set_class(self._glyphs.ascii_only, "-ascii")
        self.set_keymap(self._keys)
        if not self.is_headless and threading.current_thread() is threading.main_thread():
            self._undo_signals = catch_signals(self._signalled)

    def post_display_hook(self) -> None:
        """Go on once the first frame is out, or a cover over it."""
        if self._started or self._batch_count or not self._running or not self.screen_stack:
            return
        if self.screen is self._opening and not self._opening.painted:
            return
        self._started = True
        self.run_worker(self._fetch_the_rest(), group="start", exit_on_error=True)

    async def _fetch_the_rest(self) -> None:
        """Import what is slow in a thread, show the main screen, start the engine."""
        recalled = None
        if self._early is None:  # what an engine that runs has kept since is no list of before
            recalled = await asyncio.to_thread(self._recall)
        conductor = await asyncio.to_thread(self._prepare)
        self.stylesheet.read(_STYLES / "evaltui.tcss")  # the first frame needs none of it
        self.stylesheet.parse()
        await let_others()
        if self._leaving:
            return
        make_link = self._make_link or real_link()
        self.conductor = conductor(
            self,
            self._settings,
            make_link,
            glyphs=self._glyphs,
            keymap=self._keys,
            clock=self._clock,
            cwd=self._cwd,
            recalled=recalled,
            shelf=self._shelf,
        )
        self.conductor.link.early, self._early = self._early, None
        while len(self.screen_stack) > 1:  # a cover over the first frame: it is put back below
            self.pop_screen()
        await self.push_screen(self.conductor.main)
        fit_to(self, self._told_size or self.size)
        for event in self._opening.typed:
            self.post_message(events.Key(event.key, event.character))
        self.run_worker(self.conductor.link.run(), group="engine", exit_on_error=True)
        collecting.begin()  # it was off while all this was made

    def _prepare(self) -> type[Conductor]:
        from evaltui.ui.conductor import Conductor  # noqa: PLC0415 - after the first frame

        return Conductor

    def on_resize(self, event: events.Resize) -> None:
        """Cover the screen while the terminal is too small."""
        self._forget_terminal()
        self._told_size = event.size  # `self.size` is still the one before, for a while
        fit_to(self, event.size)
        if self.conductor is not None:
            self.conductor.pages.keep_soon()

    async def leave(self, code: int = 0) -> None:
        """End the engine, within a moment, and the program."""
        if self._leaving:
            return
        self._leaving = True
        if self.conductor is not None:
            await self.conductor.close(finish=self._finish)
        self.drop_engine()
        self.exit(code, return_code=code)

    def drop_engine(self) -> None:
        """Kill an engine that was started and that nobody talks to yet."""
        if self._early is not None:
            self._early.drop()

    def _signalled(self, code: int) -> None:
        self.run_worker(self.leave(code), group="leave")

    def terminal_gone(self) -> None:
        """End because the terminal hung up; called by the driver."""
        self.run_worker(self.leave(HANG_UP), group="leave")

    def on_unmount(self) -> None:
        """Give the signals back."""
        self._undo_signals()

    def _fatal_error(self) -> None:
        """End after a crash without printing locals, which may hold tokens."""
        logging.getLogger("evaltui").critical("the screen crashed", exc_info=self._exception)
        self._close_messages_no_wait()

    @property
    def crash(self) -> Exception | None:
        """What ended the screen unasked, or None."""
        return self._exception

    # -- drawing ---------------------------------------------------------------------------------

    def refresh(
        self, *, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draw everything again, also what the terminal is thought to show already."""
        if repaint:
            self._forget_terminal()
        return super().refresh(repaint=repaint, layout=layout, recompose=recompose)

    def _forget_terminal(self) -> None:
        if self._lean is not None:
            self._lean.forget()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send an update to the terminal, without the cells that it shows already."""
        lean, driver = self._lean, self._driver
        if lean is None or driver is None or self.is_headless or not takes(renderable):
            if renderable is not None:
                self._forget_terminal()
            super()._display(screen, renderable)
            return
        try:
            if self._batch_count or not self._running or self._closed:
                return  # as Textual does: what is left out is painted again
            typing = self.cursor_position if _is_typed_into(screen.focused) else None
            where = None if typing is None else screen.outer_size.clamp_offset(typing)
            update = cast("LayoutUpdate | ChopsUpdate", renderable)
            text = lean.draw(update, self.console, (self.size.width, self.size.height), where)
            if len(text) >= SYNC_FROM:
                self._begin_update()
                driver.write(text)
                self._end_update()
            elif text:
                driver.write(text)
            driver.flush()
        finally:
            self.post_display_hook()

    # -- keys of every screen --------------------------------------------------------------------

    def action_help(self) -> None:
        """Show the keys of the current pane."""
        if self.conductor is not None:
            self.conductor.show_help()

    def action_command_palette(self) -> None:
        """Offer every command by name."""
        if self.conductor is not None:
            self.conductor.offer_commands()

    def action_show_log(self) -> None:
        """Show the end of the log."""
        if self.conductor is not None:
            self.run_worker(self.conductor.show_log(), group="log", exclusive=True)

    def action_refresh_store(self) -> None:
        """Ask the store for news now, and draw the whole screen again."""
        if self.conductor is not None:
            self.refresh()
            self.conductor.refresh_store()

    def action_redraw(self) -> None:
        """Draw the whole screen again: something else wrote to the terminal."""
        self.refresh()

    def action_pause(self) -> None:
        """Pause or resume the live list."""
        if self.conductor is not None:
            self.conductor.pause()

    async def action_quit_now(self) -> None:
        """Quit from anywhere, without a question."""
        await self.leave()

    async def action_back_or_quit(self) -> None:
        """Go back; on the first pane quit, after one word on what goes unwatched."""
        if self.conductor is None or not self.conductor.back():
            await self.leave()


def _is_typed_into(widget: Widget | None) -> bool:
    """Whether the terminal's cursor matters: input methods show their words beside it."""
    return hasattr(widget, "cursor_screen_offset")


def real_link(command: Sequence[str] | None = None) -> MakeLink:
    """Return what makes the link to a real engine.

    Args:
        command: Program to start instead of the engine, or None.
    """

    def make_link(settings: Settings, deliver: Callable[[LinkEvent], None]) -> EngineLink:
        from evaltui.ui.client import EngineLink  # noqa: PLC0415 - after the first frame

        return EngineLink(settings, deliver, command=command)

    return make_link
