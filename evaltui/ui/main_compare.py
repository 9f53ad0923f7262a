"""The main screen as it compares: what the keys of the diff ask for beyond the pane itself."""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from textual.content import Content

from evaltui.domain.catalogue import spec_for
from evaltui.domain.metric import Direction
from evaltui.domain.text import clean
from evaltui.engine.link import Reply, Verb
from evaltui.ui.delayed import call_after
from evaltui.ui.main_view import MainView
from evaltui.ui.screens.picker import Picker

if TYPE_CHECKING:
    from evaltui.ui.panes.diff import DiffPane

AHEAD_DELAY_S = 0.3
"""Marked runs are tested after this rest, before anybody asks: then the answer is there at once."""

_AS_BEFORE = "as before"
_WORDS = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.NEUTRAL: "neither way is better",
}


class ComparingView(MainView):
    """Adds what comparing needs; the other keys are in `MainScreen`."""

    _ahead: TimerHandle | None = None

    def ask_ahead(self) -> None:
        """Have the marked runs tested soon: who marks runs is about to compare them."""
        if self._ahead is not None:
            self._ahead.cancel()
        self._ahead = call_after(self, AHEAD_DELAY_S, self._ask_about_marks)

    def _ask_about_marks(self) -> None:
        self._ahead = None
        following = self.following if self.session.bench.marks else None
        difference = following.difference() if following is not None else None
        if following is not None and difference is not None:
            following.ask_verdicts(difference)

    def later(self, work: Coroutine[Any, Any, None], group: str) -> None:
        """Have something done beside the event loop's own work."""
        self.run_worker(work, group=group, exit_on_error=True)

    def on_diff_pane_swap_requested(self, event: DiffPane.SwapRequested) -> None:
        """Hold the others against another run, for this look."""
        bench = self.session.bench
        bench.swap(event.run_id)
        name = clean(bench.name_of(event.run_id), limit=60)
        self.say(f"{name} is the baseline for this look, x swaps back" if bench.swapped else "")
        self.show_detail()

    def on_diff_pane_case_requested(self, event: DiffPane.CaseRequested) -> None:
        """Show what both runs made of a case."""
        from evaltui.ui.screens.case_view import CaseView  # noqa: PLC0415 - seldom wanted

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

    def action_groups(self) -> None:
        """Ask by what to group the finished runs, then hold the groups against each other."""
        from evaltui.ui.grouping import ask_for_groups  # noqa: PLC0415 - seldom wanted

        problem = ask_for_groups(self.app, self.session, self.say)
        if problem:
            self.say(problem)

    # -- which way is better ---------------------------------------------------------------------

    def on_diff_pane_direction_requested(self, event: DiffPane.DirectionRequested) -> None:
        """Ask which way a metric gets better."""
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
