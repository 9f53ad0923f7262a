"""Between the engine and the screen: takes in what one sends and asks what the other wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from textual.app import App
from textual.content import Content

from evaltui.domain.events import StoreState, WatchRole
from evaltui.domain.metric import Direction
from evaltui.domain.recalled import Recalled
from evaltui.engine.link import (
    FilesChanged,
    Noticed,
    Reply,
    RunsChanged,
    StoreChanged,
    Verb,
    WatchChanged,
)
from evaltui.settings import Settings
from evaltui.ui.alerts import Alerts
from evaltui.ui.client import EngineDown, EngineLink, EngineUp, LinkEvent
from evaltui.ui.feed import Feed
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.keys import APP_KEYS, MAIN_KEYS, Key, shown_keys
from evaltui.ui.main_screen import MainScreen
from evaltui.ui.page_keeper import PageKeeper, Shelf
from evaltui.ui.screens.help import HelpScreen
from evaltui.ui.screens.log_view import end_of_log
from evaltui.ui.screens.picker import Picker
from evaltui.ui.screens.text_view import TextView
from evaltui.ui.screens.too_small import TooSmallScreen
from evaltui.ui.session import Session
from evaltui.ui.words import EngineTrouble, leaving_line

MakeLink = Callable[[Settings, Callable[[LinkEvent], None]], EngineLink]
"""Makes the link to an engine, which delivers to the given function."""

_NOT_OFFERED = frozenset(
    {
        "app.palette",
        "app.interrupt",
        *(key.id for key in MAIN_KEYS if key.action.startswith(("list_", "close"))),
    }
)
"""Commands that nobody looks for by name."""


class Conductor:
    """Owns the state of the screen, the link to the engine and the main screen.

    Args:
        app: The application.
        settings: The settings.
        make_link: Makes the link to the engine.
        glyphs: Signs to draw with.
        keymap: Configured keys by binding id.
        clock: Epoch seconds of now.
        cwd: Directory the program was started in, or "" to ask the system.
        recalled: What is shown until the store answers, or None.
        shelf: Where the first page of the list lies between two sessions, or None.
    """

    def __init__(
        self,
        app: App[int],
        settings: Settings,
        make_link: MakeLink,
        *,
        glyphs: Glyphs,
        keymap: Mapping[str, str],
        clock: Callable[[], float],
        cwd: str = "",
        recalled: Recalled | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._app = app
        self.session = Session(settings, glyphs=glyphs, keymap=keymap, clock=clock, ask=self._ask)
        if cwd:
            self.session.cwd = cwd
        self._feed = Feed(self._receive)
        self.link = make_link(settings, self._feed.put)
        if recalled is not None:
            self.session.bench.recall(recalled)
            self.link.shown = recalled.token
        self.main = MainScreen(self.session)
        self.pages = PageKeeper(self.main, shelf)
        self.session.bench.configured = {
            name: Direction(word) for name, word in settings.metrics.items()
        }
        self._alerts = Alerts(
            self.session, send=self._send, say=self._warn, busy=lambda: self.main.comparing
        )
        self._warned = False
        self._closed = False

    async def close(self, *, finish: bool) -> None:
        """End the engine within a moment; what it still sends is not looked at.

        Args:
            finish: Let it finish the report at hand behind our back, if the store answers.
        """
        self._closed = True
        await self.link.close(finish=finish and self._is_logging())

    def _is_logging(self) -> bool:
        watch, store = self.session.bench.watch, self.session.bench.store
        if watch is None or store is None:
            return False
        watches = watch.role is WatchRole.WATCHER and watch.pending > 0
        return watches and store.state in {StoreState.LIVE, StoreState.PAUSED}

    async def _ask(self, verb: Verb, args: Mapping[str, Any], slot: str) -> Reply | None:
        return await self.link.request(verb, args, slot=slot)

    # -- what the engine sends -------------------------------------------------------------------

    def _receive(self, event: LinkEvent) -> None:
        if self._closed or not (self.main.is_mounted and self.main.stands):
            return
        bench, main = self.session.bench, self.main
        if isinstance(event, RunsChanged):
            recalled = bench.as_of_s
            change = bench.apply_runs(event)
            main.runs_changed(change)
            if bench.as_of_s != recalled:
                main.show_status()
            main.survey_if_empty()
            self.pages.keep_soon()
            if self._alerts.wanted and self._alerts.runs_changed(change.rows):
                main.later(self._alerts.work(), "alerts")
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
            if self._alerts.wanted:
                self._alerts.files_changed(event.rows)
        elif isinstance(event, Noticed):
            hint = f" ({event.notice.hint})" if event.notice.hint else ""
            main.say(f"{event.notice.text}{hint}", level=event.notice.level)
        else:
            self._engine_changed(event)

    def _store_changed(self, event: StoreChanged) -> None:
        bench, main = self.session.bench, self.main
        if bench.doubt(event.status):
            main.run_list.replan()
            main.show_detail_soon()
        before, bench.store = bench.store, event.status
        if before == event.status:
            return
        if before is None or before.baseline_run_id != event.status.baseline_run_id:
            main.run_list.redraw()
            main.show_detail_soon()
        if before is None or before.state is not event.status.state:
            self.pages.keep_soon()
        main.show_status()
        main.show_list_words()
        main.ask_about_folder()

    def _engine_changed(self, event: object) -> None:
        session, main = self.session, self.main
        if isinstance(event, EngineDown):
            now = session.clock()
            since = session.trouble.since_s if session.trouble is not None else now
            session.trouble = EngineTrouble(event.reason, since, now + event.retry_in_s)
        elif isinstance(event, EngineUp) and session.trouble is not None:
            session.trouble = None
        main.show_status()
        main.show_list_words()

    def _send(self, text: str) -> None:
        driver = self._app._driver  # noqa: SLF001 - as Textual's own bell and clipboard do
        if driver is not None:
            driver.write(text)

    def _warn(self, text: str) -> None:
        self.main.say(text, level="warning")

    # -- keys of every screen --------------------------------------------------------------------

    def show_help(self) -> None:
        """Show the keys of the current pane; not over another screen, which has keys of its own."""
        if self._app.screen is not self.main:
            return
        session = self.session
        self._app.push_screen(HelpScreen(self.main.keys, session.keymap, glyphs=session.glyphs))

    async def show_log(self) -> None:
        """Show the end of the log; the disk it lies on may be slow."""
        if self._app.screen is not self.main:
            return
        title, lines = await asyncio.to_thread(end_of_log, self.session.settings)
        if self._app.screen is self.main:
            self._app.push_screen(TextView(title, lines, at_end=True))

    def offer_commands(self) -> None:
        """Offer every command by name."""
        if self._app.screen is not self.main:
            return
        keys = [key for key in (*MAIN_KEYS, *APP_KEYS) if key.id not in _NOT_OFFERED]
        options = [(key.id, self._command(key)) for key in keys]
        self._app.push_screen(Picker("Commands", options), self._run_command)

    def _command(self, key: Key) -> Content:
        shown = shown_keys(key, self.session.keymap).split(" ")[0]
        return Content.assemble(key.help, (f"  {shown}", "bold $primary"))

    async def _run_command(self, key_id: str | None) -> None:
        for key in (*MAIN_KEYS, *APP_KEYS):
            if key.id == key_id:
                await self._app.run_action(key.action, self._app if key in APP_KEYS else self.main)

    def refresh_store(self) -> None:
        """Ask the store for news now; start an engine that is down."""
        if self.session.trouble is not None:
            self.link.retry_now()
            self.main.say("starting the engine")
        elif self.link.tell(Verb.REFRESH):
            self.main.say("asking the store")

    def pause(self) -> None:
        """Pause or resume the live list."""
        store = self.session.bench.store
        on = store is None or store.state is not StoreState.PAUSED
        if self.link.tell(Verb.PAUSE, {"on": on}):
            self.main.say("paused; reports are still logged" if on else "live again")

    def back(self) -> bool:
        """Go one step back; return False when nothing is left but to quit.

        Leaving a watch takes a second key: the first one says what goes unwatched.
        """
        screen = self._app.screen
        if isinstance(screen, TooSmallScreen):
            return False
        if screen is not self.main:
            self._app.pop_screen()
            return True
        if self.main.back():
            return True
        line = leaving_line(self.session.bench.watch)
        if not line or self._warned:
            return False
        self._warned = True
        self.main.say(line, level="warning")
        return True
