"""Comparing on the screen: verdicts come from the engine, everything else stands at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from judged import Judged
from scripted import link_of, main_of, make_app, runs, screen_text, session_of, store, until
from textual import events
from textual.pilot import Pilot

from evaltui.domain.metric import Direction
from evaltui.engine.link import Verb
from evaltui.ui import main_compare
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.panes.diff import DiffPane
from evaltui.ui.screens.case_view import CaseView
from evaltui.ui.screens.picker import Picker
from evaltui.ui.screens.text_view import TextView
from evaltui.ui.widgets.note import Note

SIZE = (120, 40)


class Driven:
    """A screen with judged runs, and the hands on its keys."""

    def __init__(self, app: EvaltuiApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        return screen_text(self.app)

    @property
    def pane(self) -> DiffPane:
        return main_of(self.app).query_one(DiffPane)

    def asked(self, verb: Verb) -> list[Mapping[str, Any]]:
        return [args for what, args in link_of(self.app).asked if what is verb]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rest()

    async def rest(self) -> None:
        main = main_of(self.app)
        await until(self.pilot, lambda: main.follows and self.pane._timer is None)
        for _ in range(3):
            await self.pilot.pause()

    async def shows(self, *texts: str) -> None:
        await until(self.pilot, lambda: all(text in self.text for text in texts))


@asynccontextmanager
async def driven(
    judged: Judged | None = None,
    *,
    size: tuple[int, int] = SIZE,
    answers: Mapping[Verb, Any] | None = None,
    baseline: str = "base",
    **status: Any,
) -> AsyncIterator[Driven]:
    known = judged or Judged()
    told = {Verb.COMPARE: known.answer, Verb.CASE: known.case, **(answers or {})}
    script = (store(baseline_run_id=baseline, **status), runs(*known.runs.values()))
    app = make_app(*script, answers=told)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: session_of(app).bench.total == len(known.runs))
        one = Driven(app, pilot)
        await one.rest()
        yield one


async def test_c_has_the_run_tested_and_shows_the_verdict_with_its_reason() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("! regressed  tests_pass_rate: worse by", "Diff  eval_worse regressed")
        assert one.asked(Verb.COMPARE) == [{"baseline": "base", "candidates": ["worse"]}]
        line = next(
            text
            for text in one.text.splitlines()
            if "tests_pass_rate" in text and "0." in text and "↑" in text
        )
        assert "pp" in line
        assert "]pp" in line
        assert "! regressed" in line
        assert "McNemar exact, n = 23" in one.text


async def test_the_age_of_a_shared_baseline_is_told_and_an_old_one_is_asked_about() -> None:
    judged = Judged()
    old = judged.runs["base"]
    assert old.started_ms is not None
    judged.runs["base"] = replace(old, started_ms=old.started_ms - 40 * 86_400_000)
    async with driven(judged) as one:
        await one.press("c")
        await one.shows("baseline: shared, 40 days older; is it still the right one?")


async def test_before_the_answer_the_values_stand_and_say_that_they_are_tested() -> None:
    async with driven() as one:
        link_of(one.app).held = asyncio.Event()
        await one.press("c")
        assert "testing…" in one.text
        assert "-47.8pp" in one.text
        await one.press("j", "k")  # nothing waits for the engine
        link_of(one.app).held.set()
        await one.shows("! regressed")
        assert "testing…" not in one.text


async def test_an_answer_is_kept_and_not_asked_for_again() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("! regressed")
        await one.press("escape", "c")
        await one.shows("! regressed")
        assert len(one.asked(Verb.COMPARE)) == 1


async def test_without_c_the_engine_is_not_troubled() -> None:
    async with driven(size=(180, 50)) as one:
        await one.press("j", "j")
        assert one.asked(Verb.COMPARE) == []
        assert "c tests it" in one.text


async def test_why_there_is_no_verdict_is_said_and_c_asks_again() -> None:
    async with driven(answers={Verb.COMPARE: "the store is down"}) as one:
        await one.press("c")
        await one.shows("the store is down; try again")
        await one.press("escape", "c")
        await until(one.pilot, lambda: len(one.asked(Verb.COMPARE)) == 2)


async def test_an_answer_that_makes_no_sense_is_said_to_make_none() -> None:
    async with driven(answers={Verb.COMPARE: {"schema": "other"}}) as one:
        await one.press("c")
        await one.shows("the engine's answer makes no sense")


async def test_several_marked_runs_stand_in_columns_and_one_of_them_is_looked_at_closely() -> None:
    async with driven() as one:
        await one.press("space", "space", "space", "space", "c")
        await one.shows("B regressed  C stable  D improved")
        assert one.asked(Verb.COMPARE)[-1]["candidates"] == ["worse", "same", "better", "unsure"]
        assert "[B]" in one.text
        assert "verdict B" in one.text
        await one.press("greater_than_sign", "greater_than_sign")
        assert "[D]" in one.text
        assert "cases of D  24 paired  7 fixed" in one.text
        await one.press("less_than_sign")
        assert "[C]" in one.text


async def test_marked_runs_are_tested_before_anybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_compare, "AHEAD_DELAY_S", 600.0)
    async with driven() as one:
        await one.press("space")
        monkeypatch.setattr(main_compare, "AHEAD_DELAY_S", 0.01)
        await one.press("space")
        await until(one.pilot, lambda: one.asked(Verb.COMPARE) and not main_of(one.app).comparing)
        assert one.asked(Verb.COMPARE) == [{"baseline": "base", "candidates": ["worse", "same"]}]
        await one.press("c")
        await one.shows("B regressed  C stable")
        assert len(one.asked(Verb.COMPARE)) == 1


async def test_marks_that_are_taken_away_ask_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_compare, "AHEAD_DELAY_S", 600.0)
    async with driven() as one:
        await one.press("space", "U")
        main_of(one.app)._ask_about_marks()
        assert not session_of(one.app).bench.marks
        assert one.asked(Verb.COMPARE) == []


async def test_a_candidate_that_is_gone_is_incomparable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_compare, "AHEAD_DELAY_S", 600.0)  # it goes before anybody asks
    judged = Judged()
    async with driven(judged) as one:
        await one.press("space", "space")
        gone = judged.runs.pop("same")
        await one.press("c")
        await one.shows("C eval_same  # incomparable")
        assert gone.name in one.text


async def test_f_leaves_what_regressed_and_n_goes_there() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("! regressed")
        assert "build_success_rate" not in one.text  # equal
        await one.press("f")
        assert "f only regressed" in one.text
        keys = [one.pane._lines.key(at) for at in range(len(one.pane._lines))]  # type: ignore[union-attr, arg-type]
        assert keys[0] == "metric:tests_pass_rate"
        assert "param:prompt_version" not in keys
        await one.press("f", "f", "f")
        assert "f only" not in one.text
        await one.press("G", "n")
        assert one.pane.table.cursor_key == "metric:tests_pass_rate"
        await one.press("N")
        assert one.pane.table.cursor_key == "metric:score_mean"


async def test_equal_metrics_and_equal_cases_come_with_one_key() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("= shows")
        await one.press("equals_sign")
        await one.shows("build_success_rate", "= hides")


async def test_differences_are_points_percent_or_units() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("! regressed", "-47.8pp", "x[1.50, 1.50]")
        await one.press("percent_sign")
        await one.shows("% percent", "[+50, +50]%")
        await one.press("percent_sign")
        await one.shows("% units", "-0.478")
        await one.press("percent_sign")
        assert "%  units" not in one.text


async def test_x_swaps_and_swaps_back() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("A eval_base", "B eval_worse")
        await one.press("x")
        await one.shows("A eval_worse", "B eval_base", "+ improved")
        assert one.asked(Verb.COMPARE)[-1] == {"baseline": "worse", "candidates": ["base"]}
        await one.press("x")
        await one.shows("A eval_base", "B eval_worse")


async def test_m_says_which_way_is_better_for_everybody_and_tests_anew() -> None:
    reply = {"metric": "tests_pass_rate", "direction": "lower", "shared": True, "note": ""}
    async with driven(answers={Verb.DIRECTION: reply}) as one:
        await one.press("c")
        await one.shows("! regressed")
        await one.press("m")
        assert isinstance(one.app.screen, Picker)
        await one.press("j", "enter")  # higher, lower
        await one.shows("tests_pass_rate: lower is better, shared", "+ improved")
        assert one.asked(Verb.DIRECTION) == [{"metric": "tests_pass_rate", "direction": "lower"}]
        assert one.asked(Verb.COMPARE)[-1]["directions"] == {"tests_pass_rate": "lower"}
        assert session_of(one.app).bench.spec("tests_pass_rate").direction is Direction.LOWER


async def test_a_direction_that_cannot_be_shared_holds_for_the_session() -> None:
    note = "read-only: it holds for this session"
    reply = {"metric": "m", "direction": "lower", "shared": False, "note": note}
    async with driven(answers={Verb.DIRECTION: reply}, read_only=True) as one:
        await one.press("c", "m", "j", "enter")
        await one.shows(f"tests_pass_rate: lower is better ({note})")


async def test_the_cursor_stays_on_its_case_while_a_direction_is_tested_anew() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("! regressed")
        await one.press("l", "j", "j", "j")
        key = one.pane.table.cursor_key
        assert one.pane.table.cursor == 3
        gate = link_of(one.app).held = asyncio.Event()
        await one.press("m", "j", "enter")
        await one.shows("testing…", "cases  24 paired")
        assert one.pane.table.cursor_key == key
        await one.press("k")
        gate.set()
        await until(one.pilot, lambda: len(one.asked(Verb.COMPARE)) == 2)
        await one.shows("+ improved")
        assert (one.pane.table.id, one.pane.table.cursor) == ("diff-cases", 2)


async def test_cases_of_another_run_are_not_shown_while_it_is_tested() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("cases  24 paired")
        gate = link_of(one.app).held = asyncio.Event()
        await one.press("escape", "j", "c")
        await one.shows("testing…")
        assert "24 paired" not in one.text
        gate.set()
        await one.shows("= stable")


async def test_directions_that_others_set_hold_here() -> None:
    async with driven(size=(180, 50), directions={"tests_pass_rate": "lower"}) as one:
        spec = session_of(one.app).bench.spec("tests_pass_rate")
        assert spec.direction is Direction.LOWER
        assert "tests_pass_rate ↓" in " ".join(one.text.split())


async def test_the_cases_are_below_with_what_became_of_them() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("cases  24 paired  11 regressed", "pass → fail", "tests_pass 1→0!")
        await one.press("l")
        assert one.pane.table.id == "diff-cases"
        assert one.pane.table.has_focus
        await one.press("f", "f")
        await one.shows("f only fixed", "no case is listed")
        await one.press("h")
        assert one.pane.table.id == "diff-metrics"


async def test_on_a_small_screen_metrics_and_cases_take_turns() -> None:
    async with driven(size=(80, 16)) as one:
        await one.press("c")
        await one.shows("! regressed")
        metrics, cases = (one.pane.query_one(name) for name in ("#diff-metrics", "#diff-cases"))
        assert metrics.display
        assert not cases.display
        await one.press("l")
        assert cases.display
        assert not metrics.display
        assert cases.has_focus


async def test_enter_opens_a_case_with_its_texts_and_d_shows_what_differs() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("cases  24 paired")
        await one.press("l", "enter")
        assert isinstance(one.app.screen, CaseView)
        await one.shows("tests 0/7", "AssertionError 0", "turns 11.0")
        assert one.asked(Verb.CASE) == [{"run_ids": ["base", "worse"], "case_id": "app-001"}]
        await one.press("d")
        await one.shows("- AssertionError 0", "+ AssertionError 1", "the same in both: log")
        await one.press("escape", "d")
        await one.shows("- tests 0/7", "+ tests 1/7")


async def test_keys_typed_without_a_pause_go_where_they_are_meant() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("cases  24 paired")
        for key in ("l", "enter"):
            one.app.post_message(events.Key(key, None))
        await until(one.pilot, lambda: isinstance(one.app.screen, CaseView))


async def test_a_case_that_cannot_be_read_says_why() -> None:
    async with driven(answers={Verb.CASE: "the report is gone"}) as one:
        await one.press("c")
        await one.shows("cases  24 paired")
        await one.press("l", "enter")
        await one.shows("the report is gone; try again", "tests_pass")


async def test_capital_s_explains_the_verdict_in_words() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("! regressed")
        await one.press("S")
        assert isinstance(one.app.screen, TextView)
        await one.shows(
            "McNemar exact, paired, n = 23 cases of both runs",
            "passed in both 4, only in A (b) 11, only in B (c) 0, in neither 8",
            "mid-p p < .001",
            "Benjamini-Hochberg",
            "with 23 cases you can see",
            "are the fewest that can reach p < .05",
        )


async def test_statistics_of_what_was_not_tested_are_not_made_up() -> None:
    async with driven(answers={Verb.COMPARE: "no"}) as one:
        await one.press("c", "S")
        assert not isinstance(one.app.screen, TextView)
        assert "no; try again" in one.text


async def test_undecided_says_how_many_cases_are_needed() -> None:
    async with driven() as one:
        await one.press("j", "j", "j", "c")
        await one.shows("? undecided", "2 only in the baseline", "discordant cases; 6 needed")


async def test_a_held_cursor_key_draws_two_gutters_and_no_words() -> None:
    async with driven() as one:
        await one.press("c")
        await one.shows("! regressed")
        words = one.pane.query_one("#diff-about", Note)
        table, drawn = one.pane.table, []
        refresh, show = table.refresh, words.show
        table.refresh = lambda *regions, **how: drawn.append(regions) or refresh(*regions, **how)  # type: ignore[method-assign, func-returns-value]
        words.show = lambda lines: drawn.append(lines) or show(lines)  # type: ignore[method-assign, func-returns-value]
        table.move_to(1)
        table.move_to(2)
        assert [region[0].size for region in drawn] == [(1, 1)] * 4
        await until(one.pilot, lambda: len(drawn) == 5)  # the words come once, after the rest
        await one.rest()
        assert len(drawn) == 5


@pytest.mark.parametrize("pane", ["trends", "watch"])
async def test_other_panes_do_not_ask_for_verdicts(pane: str) -> None:
    async with driven() as one:
        await one.press({"trends": "3", "watch": "5"}[pane])
        assert one.asked(Verb.COMPARE) == []
