"""Setting, picking and taking back the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from scripted import batch, run, runs, store

from evaltui.engine.link import Reply, Verb
from evaltui.ui.baseline import NONE, PREVIOUS, BaselineKeeper
from evaltui.ui.glyphs import BLOCK
from evaltui.ui.model import NO_BASELINE, PREVIOUS_BASELINE, Workbench

A, B = "03a7c4e19bm", "05a7c4e19bm"


class _Engine:
    """Answers with what is set, and notes the wishes."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.reply: Reply | None = reply or Reply(1, {"shared": True})
        self.asked: list[str | None] = []

    async def ask(self, verb: Verb, args: Mapping[str, Any]) -> Reply | None:
        assert verb is Verb.BASELINE
        self.asked.append(args["run_id"])
        return self.reply


@pytest.fixture(name="bench")
def _bench() -> Workbench:
    bench = Workbench()
    bench.store = store().status
    bench.apply_runs(runs(*batch(), run("local:1", name="waiting")))
    return bench


async def test_a_baseline_is_shared_and_can_be_taken_back(bench: Workbench) -> None:
    engine = _Engine()
    keeper = BaselineKeeper(bench, engine.ask)
    assert await keeper.set_run(A) == "baseline eval_mcp_1203: shared, undo: u"
    assert await keeper.set_run(B) == "baseline eval_mcp_1205: shared, undo: u"
    assert bench.fixed_baseline_id == B
    assert await keeper.undo() == "shared baseline: eval_mcp_1203"
    assert await keeper.undo() == "shared baseline: the previous finished run of the same mode"
    assert await keeper.undo() == "nothing to undo"
    assert engine.asked == [A, B, A, None]


async def test_read_only_keeps_it_in_this_session(bench: Workbench) -> None:
    bench.store = store(read_only=True).status
    engine = _Engine()
    keeper = BaselineKeeper(bench, engine.ask)
    assert await keeper.set_run(A) == (
        "baseline eval_mcp_1203: in this session only (--read-only), undo: u"
    )
    assert engine.asked == []
    assert bench.session_baseline == A
    await keeper.undo()
    assert bench.session_baseline is None


async def test_a_refused_write_keeps_it_in_this_session_and_says_why(bench: Workbench) -> None:
    engine = _Engine(Reply(1, {}, "403 from the store", "ask for EDIT"))
    keeper = BaselineKeeper(bench, engine.ask)
    text = await keeper.set_run(A)
    assert text == (
        "baseline eval_mcp_1203: in this session only (403 from the store; ask for EDIT), undo: u"
    )
    assert bench.session_baseline == A


async def test_without_an_engine_it_holds_for_the_session(bench: Workbench) -> None:
    engine = _Engine()
    engine.reply = None
    keeper = BaselineKeeper(bench, engine.ask)
    assert "the engine is not there" in await keeper.set_run(A)
    assert bench.session_baseline == A


async def test_an_undo_that_is_refused_can_be_tried_again(bench: Workbench) -> None:
    engine = _Engine()
    keeper = BaselineKeeper(bench, engine.ask)
    await keeper.set_run(A)
    engine.reply = Reply(1, {}, "offline")
    assert await keeper.undo() == "the baseline was not changed back: offline"
    engine.reply = Reply(1, {"shared": True})
    assert "shared baseline" in await keeper.undo()


async def test_what_cannot_be_a_baseline_is_told(bench: Workbench) -> None:
    keeper = BaselineKeeper(bench, _Engine().ask)
    assert "not in the store yet" in await keeper.set_run("local:1")
    assert await keeper.set_run("nowhere") == "no run to make the baseline"
    await keeper.set_run(A)
    assert "already" in await keeper.set_run(A)


async def test_the_choices_are_rules_then_the_best_then_the_newest(bench: Workbench) -> None:
    keeper = BaselineKeeper(bench, _Engine().ask)
    options = keeper.options(BLOCK)
    assert [key for key, _ in options[:3]] == [PREVIOUS, NONE, "10a7c4e19bm"]
    assert options[2][1].plain.startswith("best  eval_mcp_1210  mcp  overall_quality_score 0.85")
    assert options[3][0] == "11a7c4e19bm"
    assert len({key for key, _ in options}) == len(options)


async def test_no_baseline_at_all_is_a_choice(bench: Workbench) -> None:
    keeper = BaselineKeeper(bench, _Engine().ask)
    assert await keeper.pick(NONE) == "no baseline in this session, undo: u"
    assert bench.session_baseline == NO_BASELINE
    await keeper.undo()
    assert bench.session_baseline is None


async def test_the_rule_without_a_choice_clears_a_shared_baseline(bench: Workbench) -> None:
    engine = _Engine()
    keeper = BaselineKeeper(bench, engine.ask)
    await keeper.pick(A)
    assert "shared" in await keeper.pick(PREVIOUS)
    assert engine.asked == [A, None]
    assert bench.fixed_baseline_id == ""


async def test_read_only_can_leave_a_shared_baseline_aside(bench: Workbench) -> None:
    bench.store = store(read_only=True, baseline_run_id=A).status
    keeper = BaselineKeeper(bench, _Engine().ask)
    await keeper.pick(PREVIOUS)
    assert bench.session_baseline == PREVIOUS_BASELINE
    assert bench.fixed_baseline_id == ""
