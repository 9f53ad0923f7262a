"""The application: paints first, starts the engine behind the paint, shows what it sends."""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, cast

from rich.console import RenderableType
from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.content import Content
from textual.filter import Monochrome, NoColor
from textual.screen import Screen

from evaltui.domain.events import StoreState
from evaltui.engine.link import (
    FilesChanged,
    Noticed,
    Reply,
    RunsChanged,
    StoreChanged,
    Verb,
    WatchChanged,
)
from evaltui.errors import ExitCode
from evaltui.settings import Settings
from evaltui.ui.client import EngineDown, EngineLink, EngineUp, LinkEvent
from evaltui.ui.feed import Feed
from evaltui.ui.glyphs import choose_glyphs
from evaltui.ui.keys import APP_KEYS, MAIN_KEYS, Key, bindings, check_keymap, shown_keys
from evaltui.ui.main_screen import MainScreen
from evaltui.ui.screens.help import HelpScreen
from evaltui.ui.screens.picker import Picker
from evaltui.ui.screens.too_small import TooSmallScreen, fit_to
from evaltui.ui.session import Session
from evaltui.ui.terminal import TerminalDriver, catch_signals
from evaltui.ui.theme import ANSI_VARIABLES, DARK, LIGHT, theme_name
from evaltui.ui.thin_display import TerminalImage, thin
from evaltui.ui.words import EngineTrouble, farewell, leaving_line

HANG_UP = 129
"""Exit status after the terminal went away: 128 + SIGHUP."""

MakeLink = Callable[[Settings, Callable[[LinkEvent], None]], EngineLink]
"""Makes the link to an engine, which delivers to the given function."""


class EvaltuiApp(App[int], inherit_bindings=False):
    """The screen of evaltui.

    Args:
        settings: The settings.
        make_link: Makes the link to the engine.
        clock: Epoch seconds of now.
        driver_class: Textual driver, or None for the one of tests.

    Raises:
        ConfigError: The configured keys name a binding that does not exist.
    """

    CSS_PATH = "styles/evaltui.tcss"
    TITLE = "evaltui"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(APP_KEYS)]

    def __init__(
        self,
        settings: Settings,
        *,
        make_link: MakeLink = EngineLink,
        clock: Callable[[], float] = time.time,
        driver_class: type[TerminalDriver] | None = None,
    ) -> None:
        self._image = TerminalImage()
        super().__init__(driver_class=driver_class)
        self.animation_level = "none"
        # NO_COLOR means none; Textual would still send shades of grey.
        self._filters = [NoColor() if isinstance(it, Monochrome) else it for it in self._filters]
        self.session = Session(
            settings,
            glyphs=choose_glyphs(settings.glyphs),
            keymap=check_keymap(settings.keys),
            clock=clock,
            ask=self._ask,
        )
        self._feed = Feed(self._receive)
        self.link = make_link(settings, self._feed.put)
        self._main = MainScreen(self.session)
        self._warned = False
        self._leaving = False
        self._undo_signals: Callable[[], None] = lambda: None

    # -- life ------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        """Return the screen that is there from the first frame on."""
        return self._main

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return what themes that are not ours lack."""
        return dict(ANSI_VARIABLES)

    def on_mount(self) -> None:
        """Set colours and keys; start the engine once the first frame is out."""
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = theme_name(self.session.settings.theme)
        self.set_class(self.session.glyphs.ascii_only, "-ascii")
        self.set_keymap(dict(self.session.keymap))
        if not self.is_headless and threading.current_thread() is threading.main_thread():
            self._undo_signals = catch_signals(self._signalled)
        self.call_after_refresh(self._start_engine)

    def _start_engine(self) -> None:
        self.run_worker(self.link.run(), group="engine", exit_on_error=True)
        # What is here now stays for good: later collections need not walk it, and stall less.
        gc.collect()
        gc.freeze()

    def on_resize(self, event: events.Resize) -> None:
        """Cover the screen while the terminal is too small."""
        self._image.forget()
        fit_to(self, event.size)  # `self.size` is still the one before

    # -- drawing ---------------------------------------------------------------------------------

    def refresh(
        self, *, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draw everything again, also what the terminal is thought to show already."""
        if repaint:
            self._image.forget()
        return super().refresh(repaint=repaint, layout=layout, recompose=recompose)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send an update to the terminal, without the cells that it shows already."""
        thinned = thin(renderable, self._image, (self.size.width, self.size.height))
        super()._display(screen, cast("RenderableType | None", thinned))

    async def leave(self, code: int = 0) -> None:
        """End the engine, within a moment, and the program."""
        if self._leaving:
            return
        self._leaving = True
        await self.link.close()
        self.exit(code, return_code=code)

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

    # -- the engine ------------------------------------------------------------------------------

    async def _ask(self, verb: Verb, args: Mapping[str, Any], slot: str) -> Reply | None:
        return await self.link.request(verb, args, slot=slot)

    def _receive(self, event: LinkEvent) -> None:
        """Take in what the engine sent."""
        if not self._main.is_mounted or self._leaving:
            return
        bench, main = self.session.bench, self._main
        if isinstance(event, RunsChanged):
            main.runs_changed(bench.apply_runs(event))
            main.survey_if_empty()
        elif isinstance(event, StoreChanged):
            self._store_changed(event)
        elif isinstance(event, WatchChanged):
            bench.watch = event.status
            main.show_status()
            main.show_list_words()
            main.files_changed()
        elif isinstance(event, FilesChanged):
            bench.apply_files(event)
            main.files_changed()
        elif isinstance(event, Noticed):
            hint = f" ({event.notice.hint})" if event.notice.hint else ""
            main.say(f"{event.notice.text}{hint}", level=event.notice.level)
        else:
            self._engine_changed(event)

    def _store_changed(self, event: StoreChanged) -> None:
        bench, main = self.session.bench, self._main
        before, bench.store = bench.store, event.status
        if before == event.status:
            return
        if before is None or before.baseline_run_id != event.status.baseline_run_id:
            main.run_list.redraw()
            main.show_detail_soon()
        main.show_status()
        main.show_list_words()

    def _engine_changed(self, event: object) -> None:
        session, main = self.session, self._main
        if isinstance(event, EngineDown):
            now = session.clock()
            since = session.trouble.since_s if session.trouble is not None else now
            session.trouble = EngineTrouble(event.reason, since, now + event.retry_in_s)
        elif isinstance(event, EngineUp) and session.trouble is not None:
            session.trouble = None
        main.show_status()
        main.show_list_words()

    # -- keys of every screen --------------------------------------------------------------------

    def action_help(self) -> None:
        """Show the keys of the current pane."""
        self.push_screen(
            HelpScreen(self._main.keys, self.session.keymap, glyphs=self.session.glyphs)
        )

    def action_command_palette(self) -> None:
        """Offer every command by name."""
        if self.screen is not self._main:
            return
        keys = [key for key in (*MAIN_KEYS, *APP_KEYS) if key.id not in _NOT_OFFERED]
        options = [(key.id, self._command(key)) for key in keys]
        self.push_screen(Picker("Commands", options), self._run_command)

    def _command(self, key: Key) -> Content:
        shown = shown_keys(key, self.session.keymap).split(" ")[0]
        return Content.assemble(key.help, (f"  {shown}", "bold $primary"))

    async def _run_command(self, key_id: str | None) -> None:
        for key in (*MAIN_KEYS, *APP_KEYS):
            if key.id == key_id:
                await self.run_action(key.action, self if key in APP_KEYS else self._main)

    def action_refresh_store(self) -> None:
        """Ask the store for news now; start an engine that is down."""
        if self.session.trouble is not None:
            self.link.retry_now()
            self._main.say("starting the engine")
        elif self.link.tell(Verb.REFRESH):
            self._main.say("asking the store")

    def action_pause(self) -> None:
        """Pause or resume the live list."""
        store = self.session.bench.store
        on = store is None or store.state is not StoreState.PAUSED
        if self.link.tell(Verb.PAUSE, {"on": on}):
            self._main.say("paused; reports are still logged" if on else "live again")

    async def action_quit_now(self) -> None:
        """Quit from anywhere, without a question."""
        await self.leave()

    async def action_back_or_quit(self) -> None:
        """Go back; on the first pane quit, after one word on what goes unwatched."""
        if isinstance(self.screen, TooSmallScreen):
            await self.leave()
        elif self.screen is not self._main:
            self.pop_screen()
        elif not self._main.back():
            line = leaving_line(self.session.bench.watch)
            if line and not self._warned:
                self._warned = True
                self._main.say(line, level="warning")
            else:
                await self.leave()


_NOT_OFFERED = frozenset(
    {
        "app.palette",
        "app.interrupt",
        *(key.id for key in MAIN_KEYS if key.action.startswith(("list_", "close"))),
    }
)
"""Commands that nobody looks for by name."""


def run_app(settings: Settings, *, command: Sequence[str] | None = None) -> int:
    """Run the screen until it is left.

    Args:
        settings: The settings.
        command: Program to start instead of the engine, or None.

    Returns:
        The exit code: 0, 70 after a crash, 128 + n after signal n.

    Raises:
        ConfigError: The configured keys name a binding that does not exist.
    """

    def make_link(wanted: Settings, deliver: Callable[[LinkEvent], None]) -> EngineLink:
        return EngineLink(wanted, deliver, command=command)

    app = EvaltuiApp(settings, make_link=make_link, driver_class=TerminalDriver)
    try:
        app.run(mouse=settings.mouse)
    finally:
        app.link.kill()
    words = farewell(app.session.bench.watch)
    if app.crash is not None:
        words = f"evaltui: internal error: {type(app.crash).__name__}; the log has the details"
    if words:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(words + "\n")
            sys.stderr.flush()
    return int(ExitCode.INTERNAL) if app.crash is not None else (app.return_code or 0)
