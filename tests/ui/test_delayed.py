"""A call that is to come after a while comes, unless whom it is for is gone."""

from __future__ import annotations

import asyncio
import time

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from evaltui.ui.delayed import call_after, call_behind_others, is_there


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield Static(id="one")


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.02])
async def test_it_comes_once_even_when_its_time_has_passed_before_the_loop_looks(
    delay_s: float,
) -> None:
    app = Page()
    came: list[bool] = []
    async with app.run_test() as pilot:
        call_after(app.query_one("#one"), delay_s, lambda: came.append(True))
        time.sleep(0.03)  # noqa: ASYNC251 - the thread is displaced
        for _ in range(500):
            await pilot.pause(0.01)
            if came:
                break
        await pilot.pause(0.05)
    assert came == [True]


async def test_who_is_being_taken_away_calls_nothing() -> None:
    app = Page()
    came: list[bool] = []
    async with app.run_test() as pilot:
        one = app.query_one("#one")
        assert is_there(one)
        call_after(one, 0.0, lambda: came.append(True))
        leaving = one.remove()
        assert not is_there(one)
        await leaving
        await pilot.pause(0.05)
    assert came == []


async def test_it_can_be_cancelled() -> None:
    app = Page()
    came: list[bool] = []
    async with app.run_test() as pilot:
        call_after(app.query_one("#one"), 0.0, lambda: came.append(True)).cancel()
        await pilot.pause(0.05)
    assert came == []


async def test_who_sleeps_until_now_goes_first() -> None:
    order: list[str] = []

    async def sleeper() -> None:
        await asyncio.sleep(0.005)
        order.append("sleeper")

    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    time.sleep(0.01)  # noqa: ASYNC251 - the thread is displaced
    call_behind_others(lambda: order.append("call"))
    await task
    for _ in range(500):
        await asyncio.sleep(0.001)
    assert order == ["sleeper", "call"]
