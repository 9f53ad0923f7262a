"""Groups of runs against each other on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from scripted import (
    batch,
    make_app,
    run,
    runs,
    screen_text,
    session_of,
    store,
    until,
)
from test_comparing import Driven

from evaltui.domain.run import Run
from evaltui.ui.screens.groups_view import GroupsView
from evaltui.ui.screens.picker import Picker
from evaltui.ui.widgets.line_table import LineTable


def two_prompts(payload: str = "") -> list[Run]:
    """Return six runs of a prompt and six of a worse one."""
    return [
        run(
            f"{prompt}{number}",
            hours_ago=number + 1.0,
            metrics={
                "tests_pass_rate": level + number / 200,
                "generation_cost_usd": 4.0 + number / 50,
                f"own_score{payload}": level * 5,
            },
            params={"prompt_version": f"{prompt}{payload}", "seed": str(number)},
        )
        for prompt, level in (("v1", 0.8), ("v2", 0.6))
        for number in range(6)
    ]


@asynccontextmanager
async def grouped(*rows: Run, size: tuple[int, int] = (140, 40)) -> AsyncIterator[Driven]:
    app = make_app(store(), runs(*rows))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: session_of(app).bench.total == len(rows))
        one = Driven(app, pilot)
        await one.rest()
        yield one


async def test_capital_a_asks_by_what_and_shows_the_groups_with_their_test() -> None:
    async with grouped(*two_prompts()) as one:
        await one.press("A")
        assert isinstance(one.app.screen, Picker)
        assert "param:prompt_version  v1 6, v2 6" in one.text
        assert "param:seed" in one.text
        assert "mode" not in one.text.split("Compare groups")[1].split("param")[0]  # all are mcp
        await one.press("enter")
        assert isinstance(one.app.screen, GroupsView)
        await one.shows("Groups by param:prompt_version", "v1 6 runs", "held against v1")
        line = next(text for text in one.text.splitlines() if "! regressed" in text)
        assert "-20.0pp!" in line
        assert "]pp" in line
        await one.press("n")
        await one.shows("worse by 20 pp, p < .001", "Welch, 6 v 6 runs")
        await one.press("escape")
        assert not isinstance(one.app.screen, GroupsView)


async def test_the_group_of_the_baseline_is_what_the_others_are_held_against() -> None:
    async with grouped(*two_prompts()) as one:
        session_of(one.app).bench.session_baseline = "v23"
        await one.press("A", "enter")
        await one.shows("held against v2", "+ improved")


async def test_few_runs_say_what_they_cannot_show() -> None:
    few = [row for row in two_prompts() if row.run_id[-1] in "012"]
    async with grouped(*few) as one:
        await one.press("A", "enter", "j")
        await one.shows("3 v 3 runs cannot go below p = .1", "? undecided")


async def test_without_groups_the_reason_is_said() -> None:
    async with grouped(run("a"), run("b", hours_ago=2.0)) as one:
        await one.press("A")
        await one.shows("no mode, model, param or tag makes 2 to 12 groups")


async def test_modes_and_models_of_a_real_batch_can_be_grouped_by() -> None:
    rows = batch()
    async with grouped(*rows) as one:
        await one.press("A")
        await one.shows("mode  mcp 12, vanilla_sdk 3", "model  claude-sonnet")
        await one.press("enter")
        await one.shows("Groups by mode", "held against mcp", "vanilla_sdk 3 runs")


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)], ids=str)
@pytest.mark.parametrize(
    "text", ["\x1b[2J", "[/red]", "\u202e\u0301wide 漢字" * 30, "a\nb\tc"], ids=range(4)
)
async def test_hostile_names_of_groups_break_nothing(text: str, size: tuple[int, int]) -> None:
    async with grouped(*two_prompts(text), size=size) as one:
        await one.press("A", "enter", "j", "j", "n", "N", "G", "y")
        assert isinstance(one.app.screen, GroupsView)
        assert one.app.screen.query_one(LineTable).count == 6
        assert "\x1b" not in screen_text(one.app)
        await one.press("escape")
    assert one.app.crash is None
