"""A screen is painted a part at a time, and in the end like one that is painted at one go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.console import RenderableType
from scripted import batch, main_of, make_app, runs, screen_text, store, until
from textual.geometry import Region, Size
from textual.pilot import Pilot
from textual.screen import Screen

from evaltui.ui.app import EvaltuiApp
from evaltui.ui.main_screen import MainScreen
from evaltui.ui.portions import first_portion
from evaltui.ui.widgets.header import Header
from evaltui.ui.widgets.run_list import RunList

LIST, SIDE, STRIP = Region(0, 2, 60, 30), Region(60, 2, 60, 30), Region(0, 32, 120, 4)


def test_a_portion_is_what_goes_together_from_the_top() -> None:
    head, foot = Region(0, 0, 120, 1), Region(0, 39, 120, 1)
    assert first_portion([]) == []
    assert first_portion([foot, head], 240) == [head], "Textual would draw all between them"
    lines = [Region(0, y, 60, 1) for y in range(2, 32, 2)]
    assert first_portion([foot, *lines], 1_200) == lines
    assert first_portion([foot, SIDE, head, LIST], 1_920) == [head, LIST]
    assert first_portion([STRIP, SIDE], 10) == [SIDE], "one at least, whole"


@asynccontextmanager
async def at_rest() -> AsyncIterator[tuple[EvaltuiApp, MainScreen, Pilot[int]]]:
    app = make_app(store(), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "eval_mcp_1211" in screen_text(app))
        await until(pilot, lambda: not waiting(main_of(app)))
        yield app, main_of(app), pilot


def waiting(screen: MainScreen) -> set[Region]:
    return set(screen._compositor._dirty_regions)


async def test_what_is_due_comes_between_the_portions_and_nothing_stays_unpainted() -> None:
    async with at_rest() as (app, screen, pilot):
        order: list[str] = []
        draw = app._display

        def note(of: Screen[Any], update: RenderableType | None) -> None:
            if update is not None:
                order.append("painted")
            draw(of, update)

        app._display = note  # type: ignore[method-assign]
        loop = asyncio.get_running_loop()
        screen._compositor._dirty_regions.update({LIST, SIDE, STRIP})
        screen._compositor_refresh()
        assert order == ["painted"]
        assert waiting(screen) == {SIDE, STRIP}
        loop.call_at(loop.time() - 1, order.append, "due")
        await until(pilot, lambda: not waiting(screen))
        assert order[:4] == ["painted", "due", "painted", "painted"]


async def test_what_changes_while_nothing_is_drawn_is_painted_afterwards() -> None:
    async with at_rest() as (app, screen, pilot):
        with app.batch_update():
            screen._compositor._dirty_regions.update({LIST, SIDE})
            screen._compositor_refresh()
            await asyncio.sleep(0.02)
            assert waiting(screen) == {LIST, SIDE}
        await until(pilot, lambda: not waiting(screen))


async def test_a_widget_that_changes_between_two_portions_is_painted_with_the_second() -> None:
    async with at_rest() as (_, screen, pilot):
        screen._compositor._dirty_regions.update({LIST, STRIP})
        screen._compositor_refresh()
        assert waiting(screen) == {STRIP}
        header = screen.query_one(Header)
        drawn: list[bool] = []
        render = header.render
        header.render = lambda: drawn.append(True) or render()  # type: ignore[method-assign]
        header.refresh()
        screen._dirty_widgets.add(header)  # as Textual notes it when the widget's message comes
        screen._compositor_refresh()
        assert drawn
        await until(pilot, lambda: not waiting(screen))


async def test_a_layout_is_painted_in_a_turn_of_its_own() -> None:
    async with at_rest() as (_, screen, pilot):
        screen._compositor._dirty_regions.add(STRIP)
        screen._refresh_layout()
        assert STRIP in waiting(screen)
        await until(pilot, lambda: not waiting(screen))


async def test_a_widget_that_is_asked_for_before_its_layout_is_told_its_size_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Size] = []
    monkeypatch.setattr(RunList, "on_resize", lambda _, event: told.append(event.size))
    async with at_rest() as (_, screen, pilot):
        listing = screen.run_list
        size = listing.outer_size
        listing.display = False
        await until(pilot, lambda: listing not in screen._compositor.full_map)
        told.clear()
        listing.display = True
        screen._compositor._full_map_invalidated = True  # as after something was scrolled
        assert listing.region.size == size, "Textual arranges it without a layout"
        await until(pilot, lambda: told == [size])


async def test_others_have_their_turn_after_a_message_that_took_long() -> None:
    async with at_rest() as (_, screen, pilot):
        order: list[str] = []
        loop = asyncio.get_running_loop()

        def work() -> None:
            order.append("work")
            if len(order) == 1:
                loop.call_at(loop.time() - 1, order.append, "due")
            end = time.perf_counter() + 0.01
            while time.perf_counter() < end:
                pass

        screen.call_later(work)
        screen.call_later(work)
        await until(pilot, lambda: len(order) == 3)
        assert order == ["work", "due", "work"]
