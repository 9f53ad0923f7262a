"""The main screen as it is seen: which panes stand where, and what they show."""

from __future__ import annotations

import asyncio
import time
from asyncio import TimerHandle
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from evaltui.ui.border_title import show_title
from evaltui.ui.delayed import call_after, is_there
from evaltui.ui.keys import Key
from evaltui.ui.layout import Layout, Shape, layout_for
from evaltui.ui.list_title import baseline_words, list_title
from evaltui.ui.model import TableChange
from evaltui.ui.pane_keys import footer_keys, keys_of
from evaltui.ui.panes.diff_strip import DiffStrip
from evaltui.ui.panes.trend_strip import TrendStrip
from evaltui.ui.portions import InPortions
from evaltui.ui.row_text import RowText
from evaltui.ui.session import Session
from evaltui.ui.sparing import Sparing
from evaltui.ui.widgets.filter_bar import FilterBar
from evaltui.ui.widgets.footer import Footer
from evaltui.ui.widgets.header import Header
from evaltui.ui.widgets.message_line import MessageLine
from evaltui.ui.widgets.run_list import RunList
from evaltui.ui.widgets.tabs import Tabs
from evaltui.ui.words import centre_words, trouble_line

if TYPE_CHECKING:
    from evaltui.ui.difference import Difference
    from evaltui.ui.following import Following

DETAIL_DELAY_S = 0.05
"""The panes follow the cursor after this rest, so that a held key sends only the list."""

DETAIL_SOON_S = 0.025
"""The same for a key that stands alone."""

NEXT_S = 0.004
"""The same where the list itself became another one: as soon as that is out."""

_HELD_S = 0.25
"""A key that comes within this time of another may be a held one."""

_TITLES = {
    "diff": "Diff",
    "trends": "Trends",
    "cases": "Run",
    "watch": "Watch",
    "artifacts": "Artifacts",
}


class MainView(InPortions, inherit_bindings=False):
    """Lays the panes out and fills them; what keys do is in `MainScreen`.

    Args:
        session: What is shown.
    """

    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.pane = "runs"
        self.opened_id = ""
        self._made = False
        self.following: Following | None = None
        """What follows the cursor; None until the list stands."""
        self._rows = RowText(
            session.bench, session.glyphs, clock=session.clock, wanted=session.settings.columns
        )
        self._layout_now: Layout | None = None
        self._was_loading = True
        self._centre = Content("")
        self._detail_timer: TimerHandle | None = None
        self._parts: deque[Callable[[], object]] = deque()
        self._asked_at = 0.0
        self._sparing = Sparing(session.bench, partial(call_after, self))

    # -- parts -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay out the parts; sizes decide which of them are there."""
        session, glyphs = self.session, self.session.glyphs
        layout = layout_for(self.app.size.width, self.app.size.height, self.pane)
        # before there are widgets that would all be styled once more
        self.set_class(layout.borders, "-borders")
        yield Header(id="header")
        yield Tabs(id="tabs")
        with Container(id="main", classes="-wide" if layout.shape is Shape.WIDE else ""):
            with Vertical(id="list-box"):
                yield FilterBar(id="filter-bar")
                yield Static(Content(""), id="centre")
                yield RunList(session.bench, self._rows, id="run-list")
            yield Container(id="side")
            yield DiffStrip(id="diff-strip")
            yield TrendStrip(glyphs, id="trend-strip")
        yield MessageLine(id="message")
        yield Footer(session.keymap, id="footer")

    @property
    def stands(self) -> bool:
        """Whether its parts are there.

        In a program that is being left they are not made, or taken away one by one.
        """
        return self._made and is_there(self)

    @property
    def run_list(self) -> RunList:
        """The run list."""
        return self.query_one(RunList)

    @property
    def footer(self) -> Footer:
        """The footer, which also holds toasts."""
        return self.query_one(Footer)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Keys that work in the current pane, nearest to the focus first."""
        return keys_of(self.pane)

    @property
    def shape(self) -> Shape:
        """How panes stand to each other now."""
        return self._layout_now.shape if self._layout_now is not None else Shape.NARROW

    def say(self, text: str, *, level: str = "info") -> None:
        """Show a line for a while; it may be foreign."""
        for footer in self.query(Footer):  # there is none any more while the screen is left
            footer.flash(text, level=level)

    # -- layout ----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show the frame with the list, and once that is out what belongs to its cursor."""
        self._made = bool(self.query(RunList))
        self.fit_panes()
        self.call_after_refresh(self._begin_to_follow)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Spare the parts a second styling: they were styled when they were made."""
        if self.following is None:
            event.refresh_styles = False

    def _begin_to_follow(self) -> None:
        self.run_worker(self._follow(), group="follow", exit_on_error=True)

    async def _follow(self) -> None:
        """Load and mount what follows the cursor."""
        following = await asyncio.to_thread(self._make_following)
        for pane in following.panes():  # one after the other: keys come between
            if not self.stands:
                return
            pane.display = False  # shown while it is mounted, it might not be told its size
            await self.query_one("#side").mount(pane)
        if self.stands:
            self._show_side_pane()
            self.call_after_refresh(self._fill, following)  # once each pane knows its size

    def _fill(self, following: Following) -> None:
        if not self.stands:
            return
        self.following = following
        self._show_side_pane()
        self.show_detail()
        self.followed()

    def _make_following(self) -> Following:
        from evaltui.ui.following import Following  # noqa: PLC0415 - after the list is on screen

        return Following(
            self.session,
            self,
            run=lambda work: self.run_worker(work, group="compare", exit_on_error=True),
            changed=self.show_detail,
        )

    def followed(self) -> None:
        """Called once what follows the cursor is there."""

    def on_resize(self, event: events.Resize) -> None:
        """Choose what is on show at the new size."""
        self.fit_panes(event.size.width, event.size.height)

    def fit_panes(self, width: int = 0, height: int = 0) -> None:
        """Show the parts that belong to the current pane at the current size."""
        size = self.app.size
        layout = layout_for(width or size.width, height or size.height, self.pane)
        if layout == self._layout_now or not self.stands:
            return
        self._layout_now = layout
        self.set_class(layout.borders, "-borders")
        self.query_one("#main").set_class(layout.shape is Shape.WIDE, "-wide")
        self.query_one("#list-box").display = layout.runs
        side = self.query_one("#side")
        side.display = bool(layout.side)
        show_title(side, Content(_TITLES.get(layout.side, "")))
        self._show_side_pane()
        strip = self.query_one(DiffStrip)
        strip.display = layout.diff_strip
        strip.styles.height = 3 if layout.borders else 1
        trends = self.query_one(TrendStrip)
        trends.display = layout.trend_lines > 0
        trend_height = layout.trend_lines + (2 if layout.borders else 0)
        trends.styles.height = trend_height
        self.query_one(
            "#main"
        ).styles.grid_rows = f"1fr {trend_height if layout.trend_lines else 0}"
        self.focus_pane()
        self.show_all()

    def _show_side_pane(self) -> None:
        layout = self._layout_now
        for pane in self.query_one("#side").children:
            pane.display = layout is not None and pane.id == layout.side

    def focus_pane(self) -> None:
        """Give the focus to what the keys of the current pane move."""
        target = self._pane_focus()
        if self.focused is not target:
            self.set_focus(target)

    def _pane_focus(self) -> Widget:
        if self.pane == "runs" or self.following is None:
            return self.run_list
        return self.following.focus_of(self.pane)

    # -- what is shown ---------------------------------------------------------------------------

    def show_all(self) -> None:
        """Show everything as it is now."""
        self.show_status()
        self.show_list_words()
        self.show_detail()

    def show_status(self) -> None:
        """Show header, tabs, message and footer as they are now."""
        session, bench = self.session, self.session.bench
        trouble = session.trouble
        self.query_one(Header).show(
            bench.store,
            bench.watch,
            engine_down=trouble.reason if trouble is not None else "",
            experiment=session.settings.experiment or "",
            as_of_s=bench.as_of_s,
        )
        self.query_one(Tabs).show(self.pane, baseline_words(bench))
        text, style = trouble_line(bench.store, trouble)
        self.query_one(MessageLine).show(text, style=style)
        self.footer.show(footer_keys(self.pane))

    def show_list_words(self) -> None:
        """Show the title of the list, and the words in its place when it is empty."""
        session, bench = self.session, self.session.bench
        words = centre_words(bench, session.survey, cwd=session.offered, trouble=session.trouble)
        centre = self.query_one("#centre", Static)
        centre.display = bool(words)
        self.run_list.display = not words
        text = Content("\n").join(words)
        if words and text != self._centre:
            self._centre = text
            centre.update(text)
        show_title(self.query_one("#list-box"), Content(list_title(bench)))
        self.query_one(FilterBar).show_count(len(bench.order), bench.total)

    # -- the panes that follow the cursor --------------------------------------------------------

    def show_detail_soon(self, *, rest: bool = False, alone_s: float = DETAIL_SOON_S) -> None:
        """Let the panes follow in a moment.

        Args:
            rest: Only once this was not asked for during that moment (the cursor, which may be
                held); else what keeps coming in is shown at that pace.
            alone_s: The moment, in seconds, where nothing was asked for shortly before.
        """
        now, before = time.monotonic(), self._asked_at
        self._asked_at = now
        if self._detail_timer is not None:
            if not rest:
                return
            self._detail_timer.cancel()
        delay_s = DETAIL_DELAY_S if now - before < _HELD_S else alone_s
        self._detail_timer = call_after(self, delay_s, self._show_detail_apart)

    @property
    def follows(self) -> bool:
        """Whether the panes show what belongs to the cursor, and nothing of it is still to come."""
        return self._detail_timer is None and not self._parts

    def show_detail(self) -> None:
        """Show in the panes on show what belongs to cursor and marks."""
        self._take_parts()
        while self._parts:
            self._parts.popleft()()

    def _show_detail_apart(self) -> None:
        """Do so one pane per turn of the event loop: keys come between."""
        self._take_parts()
        self._show_part()

    def _take_parts(self) -> None:
        if self._detail_timer is not None:
            self._detail_timer.cancel()
            self._detail_timer = None
        self._parts.clear()
        if self._layout_now is not None and self.following is not None and self.stands:
            self._parts.extend(self.following.parts(self._layout_now, self.pane, self.opened_id))
            self._sparing.looked()

    def _show_part(self) -> None:
        if self._parts:
            self._parts.popleft()()
        if self._parts:
            call_after(self, 0, self._show_part)

    def difference(self) -> Difference | None:
        """Return what is compared now, or None."""
        return None if self.following is None else self.following.difference()

    @property
    def comparing(self) -> bool:
        """Whether the engine is comparing for somebody who waits."""
        return self.following is not None and self.following.comparing

    # -- live refresh ----------------------------------------------------------------------------

    def runs_changed(self, change: TableChange) -> None:
        """Show what an update of the runs did, and nothing else."""
        self._sparing.looked()
        runs, loading = self.run_list, self.session.bench.loading
        if change.order_changed or loading or self._was_loading:
            self._was_loading = loading
            self.show_list_words()
        if not len(change.rows) and not change.order_changed:
            return
        if not runs.replan_if_needed():
            runs.rows_changed(change.rows, order_changed=change.order_changed)
        self.show_status()
        self.show_detail_soon()

    def files_changed(self) -> None:
        """Show what an update of the files on watch did."""
        if self._layout_now is not None and self._layout_now.side == "watch":
            self.show_detail_soon()
