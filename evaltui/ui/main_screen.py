"""The main screen: what its keys and messages do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content

from evaltui.domain.metric import Direction
from evaltui.domain.places import shown_path
from evaltui.domain.text import clean
from evaltui.engine.link import Verb
from evaltui.ui.baseline import BaselineKeeper
from evaltui.ui.copying import copy, row_as_tsv
from evaltui.ui.keys import MAIN_KEYS, bindings
from evaltui.ui.main_folder import FolderView
from evaltui.ui.main_pages import OF_ONE_RUN
from evaltui.ui.main_view import NEXT_S
from evaltui.ui.order import METRIC_PREFIX, Sort, SortKey
from evaltui.ui.panes.wishes import CopyRequested, Said
from evaltui.ui.screens.path_prompt import PathPrompt
from evaltui.ui.screens.picker import Picker
from evaltui.ui.session import Session
from evaltui.ui.widgets.filter_bar import FilterBar
from evaltui.ui.widgets.run_list import RunList
from evaltui.ui.widgets.tabs import PANES, Tabs
from evaltui.ui.words import Survey

if TYPE_CHECKING:
    from evaltui.ui.panes.watch_list import WatchList


class MainScreen(FolderView):
    """The screen that everything starts from.

    Args:
        session: What is shown, and the way to the engine.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MAIN_KEYS)]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._baselines = BaselineKeeper(
            session.bench, lambda verb, args: session.ask(verb, args, "baseline")
        )
        self._surveyed = False
        self._pane_later = ""

    # -- moving ----------------------------------------------------------------------------------

    def action_list_move(self, lines: int) -> None:
        """Move the cursor of the list."""
        self.run_list.move_by(lines)

    def action_list_goto(self, position: int) -> None:
        """Go to the first (0) or the last (-1) run."""
        self.run_list.move_to(position if position >= 0 else len(self.session.bench.order) - 1)

    def action_list_page(self, pages: float) -> None:
        """Move by a share of the page."""
        self.run_list.turn(pages)

    def action_follow(self) -> None:
        """Keep the cursor on the newest run, or stop doing so."""
        bench = self.session.bench
        bench.follow = not bench.follow
        if bench.follow:
            self.run_list.move_to(bench.newest_position())
        self.show_list_words()
        self.say("following the newest run" if bench.follow else "no longer following")

    @on(RunList.Moved)
    def _cursor_moved(self) -> None:
        bench = self.session.bench
        if bench.follow and bench.position != bench.newest_position():
            bench.follow = False
            self.show_list_words()
        self.show_detail_soon(rest=True)

    # -- panes -----------------------------------------------------------------------------------

    def action_pane(self, pane: str) -> None:
        """Go to a pane; one that is not there yet is gone to as soon as it is."""
        if self.following is None:
            self._pane_later = pane if pane != "runs" else ""
            return
        if pane in OF_ONE_RUN and self.pane not in OF_ONE_RUN:
            self.opened_id = self.session.bench.cursor_id
        self.pane = pane
        self.fit_panes()
        self.focus_pane()
        self.show_status()
        self.show_detail()
        if pane in OF_ONE_RUN:
            self._fetch_detail()

    def followed(self) -> None:
        """Go to the pane that was asked for before there were any."""
        if self._pane_later:
            self.action_pane(self._pane_later)

    def action_next_pane(self, step: int) -> None:
        """Go to the next or previous pane; wraps around."""
        names = [name for name, _ in PANES]
        self.action_pane(names[(names.index(self.pane) + step) % len(names)])

    async def action_compare(self) -> None:
        """Compare the marked runs, else the run under the cursor, with the baseline."""
        if self.following is not None:
            self.following.retry_verdicts()
            difference = self.following.difference()
            if difference is not None:
                self.following.ask_verdicts(difference)
                await asyncio.sleep(0)  # the engine is at it while the pane is laid out
        self.action_pane("diff")

    def action_open_run(self) -> None:
        """Open the run under the cursor."""
        self._open(self.session.bench.cursor_id)

    def action_close(self) -> None:
        """Go back to the runs; there, clear the filter, then the marks."""
        bench = self.session.bench
        self.footer.clear_flash()
        if self.pane != "runs":
            self.action_pane("runs")
        elif bench.filter_text:
            self._filter("")
        elif bench.marks:
            self.action_unmark_all()

    def back(self) -> bool:
        """Go one step back; return False on the first pane."""
        if self.pane == "runs":
            return False
        self.action_pane("runs")
        return True

    def _open(self, run_id: str) -> None:
        if run_id:
            self.opened_id = run_id
            if self.pane in OF_ONE_RUN:
                self._fetch_detail()
                self.show_detail()
            else:
                self.pane = "cases"
                self.action_pane("cases")

    def _fetch_detail(self) -> None:
        following = self.following

        async def fetch(run_id: str) -> None:
            if following is not None and await following.details.fetch(run_id):
                self.show_detail()

        if self.opened_id:
            self.later(fetch(self.opened_id), "detail")

    @on(Tabs.Picked)
    def _tab_picked(self, event: Tabs.Picked) -> None:
        self.action_pane(event.pane)

    @on(RunList.Opened)
    def _run_clicked(self) -> None:
        self.action_open_run()

    def on_watch_list_open_run(self, event: WatchList.OpenRun) -> None:
        """Open the run of a report."""
        self._open(event.run_id)

    # -- filter and sort -------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter."""
        if self.pane != "runs":
            self.action_pane("runs")
        self.query_one(FilterBar).open(self.session.bench.filter_text)

    def _filter(self, text: str) -> None:
        self.session.bench.set_filter(text)
        self.run_list.replan()
        self.show_list_words()
        self.show_detail_soon(alone_s=NEXT_S)

    @on(FilterBar.Changed)
    def _filter_typed(self, event: FilterBar.Changed) -> None:
        if event.text != self.session.bench.filter_text:
            self._filter(event.text)

    @on(FilterBar.Closed)
    def _filter_closed(self, event: FilterBar.Closed) -> None:
        self.query_one(FilterBar).display = False
        if not event.keep:
            self._filter("")
        self.focus_pane()

    def action_sort_menu(self) -> None:
        """Ask for the column to sort by."""
        bench = self.session.bench
        names = list(dict.fromkeys([*self.run_list.plan.metrics, *bench.table.metric_names()]))
        options = [(key.value, Content(key.value)) for key in SortKey]
        options += [(METRIC_PREFIX + name, Content(clean(name))) for name in names]
        self.app.push_screen(Picker("Sort by", options, current=bench.sort.column), self._sort_by)

    def _sort_by(self, column: str | None) -> None:
        if column is None:
            return
        sort = Sort(column)
        if sort.metric is not None:
            best_last = self.session.bench.spec(sort.metric).direction is Direction.LOWER
            sort = Sort(column, descending=not best_last)
        elif column != SortKey.START:
            sort = Sort(column, descending=False)
        self._set_sort(sort)

    def action_sort_direction(self, direction: str) -> None:
        """Sort the other way."""
        self._set_sort(Sort(self.session.bench.sort.column, descending=direction == "descending"))

    def _set_sort(self, sort: Sort) -> None:
        self.session.bench.set_sort(sort)
        self.run_list.replan()
        self.show_list_words()

    # -- marks -----------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away."""
        bench = self.session.bench
        bench.toggle_mark(bench.cursor_id)
        if self.pane == "runs":
            self.run_list.move_by(1)
        self._marks_changed()

    def action_mark_range(self) -> None:
        """Mark from the last mark to the cursor."""
        self.session.bench.mark_range()
        self._marks_changed()

    def action_unmark_all(self) -> None:
        """Take every mark away."""
        self.session.bench.unmark_all()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.run_list.redraw()
        self.show_list_words()
        self.show_detail_soon()
        self.ask_ahead()

    # -- baseline --------------------------------------------------------------------------------

    def action_baseline(self) -> None:
        """Make the run under the cursor the baseline."""
        self._change_baseline(self._baselines.set_run(self.session.bench.cursor_id))

    def action_pick_baseline(self) -> None:
        """Ask for a baseline."""
        options = self._baselines.options(self.session.glyphs)
        current = self.session.bench.fixed_baseline_id

        def picked(choice: str | None) -> None:
            if choice is not None:
                self._change_baseline(self._baselines.pick(choice))

        self.app.push_screen(Picker("Compare with", options, current=current), picked)

    def action_undo(self) -> None:
        """Take the last change of the baseline back."""
        self._change_baseline(self._baselines.undo())

    def _change_baseline(self, change: Coroutine[Any, Any, str]) -> None:
        async def follow() -> None:
            self.say(await change)
            self.run_list.redraw()
            self.show_status()
            self.show_detail()

        self.later(follow(), "baseline")

    # -- copying ---------------------------------------------------------------------------------

    def action_copy_id(self) -> None:
        """Copy the id of the run."""
        run_id = self.session.bench.cursor_id
        self.say(copy(self.app, run_id, "run id") if run_id else "no run to copy")

    def action_copy_row(self) -> None:
        """Copy the run as a table."""
        bench = self.session.bench
        row = bench.cursor_row
        if row is None:
            self.say("no run to copy")
            return
        mode = bench.mode_of(row)
        text = row_as_tsv(bench.table, row, mode=mode, metrics=self.run_list.plan.metrics)
        self.say(copy(self.app, text, "the row as TSV,"))

    @on(CopyRequested)
    def _copy_wished(self, event: CopyRequested) -> None:
        self.say(copy(self.app, event.text, event.what))

    @on(Said)
    def _pane_said(self, event: Said) -> None:
        self.say(event.text)

    # -- watching --------------------------------------------------------------------------------

    def action_watch(self) -> None:
        """Show the files on watch, and there ask for a directory to watch.

        An experiment without runs starts with the current directory at once: that is what the
        words in place of the list offer.
        """
        bench = self.session.bench
        watching = bench.watch is not None and bool(bench.watch.roots)
        if self.pane == "watch":
            prompt = PathPrompt("Watch a directory: its reports become runs", self.session.cwd)
            self.app.push_screen(prompt, self._watch)
            return
        self.action_pane("watch")
        if watching:
            return
        if bench.total or bench.loading:
            self.say("nothing is watched; w again picks a directory")
        else:
            self._watch(self.session.cwd)

    def _watch(self, path: str | None) -> None:
        if path is not None:
            self.later(self._start_watch(path), "watch")

    async def _start_watch(self, path: str) -> None:
        reply = await self.session.ask(Verb.WATCH, {"path": path}, "")
        if reply is None:
            self.say("the engine is not there", level="warning")
        elif reply.error:
            hint = f"; {reply.hint}" if reply.hint else ""
            self.say(f"{reply.error}{hint}", level="error")
        else:
            self.say(f"watching {reply.payload.get('path', path)}")

    def on_watch_list_retry_requested(self, event: WatchList.RetryRequested) -> None:
        """Have a report tried again."""
        self.later(self._ask_about(Verb.RETRY, event.path, "trying {} again"), "retry")

    def on_watch_list_ignore_requested(self, event: WatchList.IgnoreRequested) -> None:
        """Have a report left alone."""
        self.later(self._ask_about(Verb.IGNORE, event.path, "ignoring {}; R undoes it"), "ignore")

    async def _ask_about(self, verb: Verb, path: str, done: str) -> None:
        reply = await self.session.ask(verb, {"path": path}, "")
        problem = "the engine is not there" if reply is None else reply.error
        self.say(problem or done.format(shown_path(path)), level="warning" if problem else "info")

    def survey_if_empty(self) -> None:
        """Once, when the store has no run: count the reports below the current directory."""
        bench = self.session.bench
        if self._surveyed or bench.loading or bench.total or self.session.trouble is not None:
            return
        self._surveyed = True

        async def survey() -> None:
            reply = await self.session.ask(Verb.SURVEY, {"path": self.session.cwd}, "survey")
            if reply is not None and not reply.error:
                found = reply.payload
                self.session.survey = Survey(
                    path=str(found.get("path", self.session.cwd)),
                    reports=int(found.get("reports", 0)),
                    more=bool(found.get("more", False)),
                    env_file=str(found.get("env_file", "")),
                )
                self.show_list_words()

        self.later(survey(), "survey")
