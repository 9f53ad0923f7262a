"""What follows the cursor: the panes beside the list, and what they are filled with.

It is loaded and mounted once the list itself stands: the list needs none of it, and every part that
is made before the list is seen delays it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from evaltui.domain.run import Run
from evaltui.domain.table import RunTable
from evaltui.ui.border_title import show_title
from evaltui.ui.difference import Difference
from evaltui.ui.layout import Layout
from evaltui.ui.panes.artifacts import Artifacts
from evaltui.ui.panes.diff import DiffPane
from evaltui.ui.panes.diff_strip import DiffStrip
from evaltui.ui.panes.diff_words import title_of_diff
from evaltui.ui.panes.run_view import RunView
from evaltui.ui.panes.strip_words import strip_pieces, strip_title
from evaltui.ui.panes.trend_strip import TrendStrip
from evaltui.ui.panes.trends import TrendsPane
from evaltui.ui.panes.watch_list import WatchList
from evaltui.ui.run_detail import RunDetails
from evaltui.ui.session import Session
from evaltui.ui.trend_data import Trends, make_trends
from evaltui.ui.verdict_keeper import VerdictKeeper
from evaltui.ui.widgets.line_table import LineTable


class Following:
    """Fills the panes of a main screen.

    Args:
        session: What is shown, and the way to the engine.
        screen: Where the panes are.
        run: Has something done beside the event loop's own work.
        changed: Called when there is more to show than before.
    """

    def __init__(
        self,
        session: Session,
        screen: Screen[None],
        *,
        run: Callable[[Coroutine[Any, Any, None]], object],
        changed: Callable[[], None],
    ) -> None:
        self.details = RunDetails(session)
        self._session = session
        self._screen = screen
        self._run = run
        self._changed = changed
        self._verdicts = VerdictKeeper(session)
        self._compared: Difference | None = None
        self._compared_key: tuple[object, ...] = ()
        self._trends_now: Trends | None = None
        self._trends_key: tuple[object, ...] = ()

    def panes(self) -> list[Widget]:
        """Make the panes that stand at the side, one at a time."""
        session, glyphs = self._session, self._session.glyphs
        return [
            DiffPane(glyphs, id="diff"),
            TrendsPane(glyphs, id="trends"),
            RunView(glyphs=glyphs, id="cases"),
            WatchList(session.bench.name_of, glyphs=glyphs, id="watch"),
            Artifacts(glyphs=glyphs, id="artifacts"),
        ]

    def focus_of(self, pane: str) -> Widget:
        """Return the widget that the keys of a pane at the side move."""
        if pane == "diff":
            return self._screen.query_one(DiffPane).table
        return self._screen.query_one(f"#{pane}").query_one(LineTable)

    # -- showing ---------------------------------------------------------------------------------

    def parts(self, layout: Layout, pane: str, opened_id: str) -> Iterator[Callable[[], object]]:
        """Yield what shows in each pane on show what belongs to cursor and marks.

        What several lines are made of is gathered in a part of its own.

        Args:
            layout: What is on show.
            pane: The current pane.
            opened_id: Run that the panes of one run show, or "".
        """
        if layout.diff_strip or layout.side == "diff":
            yield self._compare
        if layout.diff_strip:
            yield self._show_diff_strip
        if layout.trend_lines or layout.side == "trends":
            yield self._trends
        if layout.trend_lines:
            yield self._show_trend_strip
        if layout.side:
            yield partial(self._show_side, layout.side, pane, opened_id)

    def _compare(self) -> None:
        difference = self.difference()
        if difference is not None:
            difference.comparisons()

    def _show_diff_strip(self) -> None:
        difference = self.difference()
        strip = self._screen.query_one(DiffStrip)
        strip.show(strip_pieces(difference), strip_title(difference))

    def _show_trend_strip(self) -> None:
        self._screen.query_one(TrendStrip).show(self._trends())

    def _show_side(self, side: str, current: str, opened_id: str) -> None:
        bench, screen = self._session.bench, self._screen
        if side == "diff":
            difference = self.difference()
            if difference is not None and current == "diff":
                self.ask_verdicts(difference)
            screen.query_one(DiffPane).show(difference)
            show_title(screen.query_one("#side"), Content(title_of_diff(difference)))
        elif side == "trends":
            screen.query_one(TrendsPane).show(self._trends(), self._session.clock())
        elif side == "watch":
            screen.query_one(WatchList).show(bench.files.values(), bench.watch)
        else:
            known = self.details.get(opened_id)
            pane = screen.query_one(f"#{side}")
            assert isinstance(pane, RunView | Artifacts)
            row = bench.table.row_of(opened_id) if opened_id else None
            pane.show(_run(bench.table, row), known.detail, problem=known.problem)

    @property
    def watched_run(self) -> str:
        """Id of the run of the file under the cursor of the watch list, or ""."""
        return self._screen.query_one(WatchList).run_id

    # -- comparing -------------------------------------------------------------------------------

    def difference(self) -> Difference | None:
        """Return what is compared now; the same object while nothing about it changed."""
        bench = self._session.bench
        lineup = bench.lineup()
        if lineup is None:
            return None
        rows = (lineup.baseline, *lineup.candidates)
        versions = tuple(int(bench.table.row_version[row]) for row in rows if row is not None)
        directions = bench.directions
        ways = tuple(sorted(directions.items()))
        key = (id(bench.table), rows, versions, ways, lineup.why)
        if key != self._compared_key or self._compared is None:
            self._compared_key = key
            self._compared = Difference(
                baseline=_run(bench.table, lineup.baseline),
                why=lineup.why,
                candidates=tuple(bench.table.run(row) for row in lineup.candidates),
                directions=directions,
            )
        self._verdicts.fill(self._compared, self._verdict_key())
        return self._compared

    def _verdict_key(self) -> tuple[object, ...]:
        return self._compared_key[:-1]

    def ask_verdicts(self, difference: Difference) -> None:
        """Have the engine test what is compared, where that was not done yet."""
        key = self._verdict_key()
        if not self._verdicts.wants(difference, key):
            return

        answer = self._verdicts.begin(difference, key)

        async def follow() -> None:
            if await answer:
                self._changed()

        self._run(follow())
        self._verdicts.fill(difference, key)

    def retry_verdicts(self) -> None:
        """Have the engine asked again about what it had no answer to."""
        self._verdicts.retry()

    @property
    def comparing(self) -> bool:
        """Whether the engine is comparing for somebody who waits."""
        return self._verdicts.busy

    # -- trends ----------------------------------------------------------------------------------

    def _trends(self) -> Trends | None:
        """Return the trends of the run under the cursor; the same object while they are."""
        bench = self._session.bench
        row = bench.cursor_row
        if row is None:
            return None
        mode, baseline = bench.mode_of(row), bench.baseline_for(row).row
        directions = bench.directions
        ways = tuple(sorted(directions.items()))
        key = (id(bench.table), bench.table.version, mode, baseline, ways)
        if key != self._trends_key or self._trends_now is None:
            self._trends_key = key
            self._trends_now = make_trends(
                bench.table,
                row,
                mode=mode,
                headline=bench.headline(),
                baseline=baseline,
                wanted=self._session.settings.columns,
                directions=directions,
            )
        return self._trends_now


def _run(table: RunTable, row: int | None) -> Run | None:
    return None if row is None else table.run(row)
