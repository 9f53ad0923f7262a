"""The main screen as it compares: what the keys of the diff ask for beyond the pane itself."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from textual import on
from textual.content import Content
from textual.timer import Timer

from evaltui.domain.catalogue import spec_for
from evaltui.domain.contrast import contrast
from evaltui.domain.groups import Choice, Grouping, choices
from evaltui.domain.metric import Direction
from evaltui.domain.terms import Terms
from evaltui.domain.text import clean
from evaltui.engine.link import Reply, Verb
from evaltui.ui.fitting import shorten
from evaltui.ui.group_lines import group_name
from evaltui.ui.main_view import MainView
from evaltui.ui.panes.diff import DiffPane
from evaltui.ui.screens.case_view import CaseView
from evaltui.ui.screens.groups_view import GroupsView
from evaltui.ui.screens.picker import Picker

AHEAD_DELAY_S = 0.3
"""Marked runs are tested after this rest, before anybody asks: then the answer is there at once."""

_AS_BEFORE = "as before"
_GROUPS_NAMED, _GROUP_NAME = 3, 18
_WORDS = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.NEUTRAL: "neither way is better",
}


class ComparingView(MainView):
    """Adds what comparing needs; the other keys are in `MainScreen`."""

    _ahead: Timer | None = None

    def ask_ahead(self) -> None:
        """Have the marked runs tested soon: who marks runs is about to compare them."""
        if self._ahead is not None:
            self._ahead.stop()
        self._ahead = self.set_timer(AHEAD_DELAY_S, self._ask_about_marks)

    def _ask_about_marks(self) -> None:
        self._ahead = None
        difference = self.difference() if self.session.bench.marks else None
        if difference is not None:
            self.ask_verdicts(difference)

    def later(self, work: Coroutine[Any, Any, None], group: str) -> None:
        """Have something done beside the event loop's own work."""
        self.run_worker(work, group=group, exit_on_error=True)

    @on(DiffPane.SwapRequested)
    def _swap_wished(self, event: DiffPane.SwapRequested) -> None:
        bench = self.session.bench
        bench.swap(event.run_id)
        name = clean(bench.name_of(event.run_id), limit=60)
        self.say(f"{name} is the baseline for this look, x swaps back" if bench.swapped else "")
        self.show_detail()

    @on(DiffPane.CaseRequested)
    def _case_wished(self, event: DiffPane.CaseRequested) -> None:
        refs = (event.comparison.baseline, event.comparison.candidate)
        args = {"run_ids": [ref.run_id for ref in refs], "case_id": event.case.case_id}

        async def ask() -> Reply | None:
            return await self.session.ask(Verb.CASE, args, "case")

        first, second = (clean(ref.name, limit=80) or clean(ref.run_id) for ref in refs)
        self.app.push_screen(
            CaseView(
                event.case,
                (first, second),
                ask,
                glyphs=self.session.glyphs,
                letter=event.letter,
                differ=event.differ,
            )
        )

    # -- groups ----------------------------------------------------------------------------------

    def action_groups(self) -> None:
        """Ask by what to group the finished runs, then hold the groups against each other."""
        found = choices(self.session.bench.table)
        if not found:
            self.say("no mode, model, param or tag makes 2 to 12 groups of the finished runs")
            return
        options = [(choice.grouping.text, _choice_words(choice)) for choice in found]

        def picked(text: str | None) -> None:
            if text is not None:
                self._show_groups(text)

        self.app.push_screen(Picker("Compare groups of runs by", options), picked)

    def _show_groups(self, text: str) -> None:
        grouping, bench = Grouping.parse(text), self.session.bench
        assert grouping is not None
        fixed = bench.fixed_baseline_id
        found = contrast(
            bench.table,
            grouping,
            Terms(overrides=bench.directions),
            baseline_row=bench.table.row_of(fixed) if fixed else None,
        )
        if found is None:
            self.say(f"by {clean(text, limit=60)} there is only one group left")
        else:
            self.app.push_screen(GroupsView(found, text, self.session.glyphs))

    # -- which way is better ---------------------------------------------------------------------

    @on(DiffPane.DirectionRequested)
    def _direction_wished(self, event: DiffPane.DirectionRequested) -> None:
        metric, bench = event.metric, self.session.bench
        options = [(way.value, Content(words)) for way, words in _WORDS.items()]
        usual = _WORDS[spec_for(metric).direction]
        options.append((_AS_BEFORE, Content(f"as evaltui takes it: {usual}")))

        def picked(choice: str | None) -> None:
            if choice is not None:
                self.later(self._set_direction(metric, choice), "direction")

        current = bench.spec(metric).direction.value
        self.app.push_screen(Picker(f"{metric}: which way?", options, current=current), picked)

    async def _set_direction(self, metric: str, choice: str) -> None:
        bench = self.session.bench
        way = spec_for(metric).direction if choice == _AS_BEFORE else Direction(choice)
        bench.session_directions[metric] = way  # at once; the store may take its time
        self.run_list.redraw()
        self.show_detail()
        args = {"metric": metric, "direction": None if choice == _AS_BEFORE else way.value}
        reply = await self.session.ask(Verb.DIRECTION, args, "")
        if reply is None:
            note = "the engine is not there: it holds for this session"
        elif reply.error:
            note = f"{reply.error}: it holds for this session"
        else:
            note = str(reply.payload.get("note") or "")
        told = f"{clean(metric, limit=60)}: {_WORDS[way]}"
        if note:
            self.say(f"{told} ({note})", level="warning")
        else:
            self.say(f"{told}, shared; m changes it back")


def _choice_words(choice: Choice) -> Content:
    """Return what makes the groups, and the largest ones with their numbers of runs."""
    told = [
        f"{shorten(group_name(name), _GROUP_NAME)} {count:,}"
        for name, count in choice.sizes[:_GROUPS_NAMED]
    ]
    more = len(choice.sizes) - len(told)
    words = ", ".join(told) + (f" and {more} more" if more else "")
    return Content.assemble(clean(choice.grouping.text, limit=40), (f"  {words}", "$quiet"))
