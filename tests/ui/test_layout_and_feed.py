"""What is on show at a size, and how large pages are fed to the screen."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import run, runs, store

from evaltui.domain.table import RunTable
from evaltui.engine.link import RunsChanged, StoreChanged
from evaltui.ui.client import LinkEvent
from evaltui.ui.feed import Feed, split
from evaltui.ui.layout import Shape, layout_for


@pytest.mark.parametrize(
    ("size", "shape", "side", "strip", "trends"),
    [
        ((80, 24), Shape.NARROW, "", True, False),
        ((99, 60), Shape.NARROW, "", True, False),
        ((100, 40), Shape.STACKED, "diff", False, True),
        ((159, 29), Shape.STACKED, "", True, False),
        ((160, 29), Shape.WIDE, "diff", False, False),
        ((200, 60), Shape.WIDE, "diff", False, True),
    ],
)
def test_the_run_list_comes_with_what_fits(
    size: tuple[int, int], shape: Shape, side: str, *, strip: bool, trends: bool
) -> None:
    layout = layout_for(*size, "runs")
    assert layout.runs
    assert (layout.shape, layout.side, layout.diff_strip) == (shape, side, strip)
    assert (layout.trend_lines > 0) is trends


@given(st.integers(1, 300), st.integers(1, 100))
def test_a_pane_is_on_show_at_any_size(width: int, height: int) -> None:
    for pane in ("runs", "diff", "trends", "cases", "watch", "artifacts"):
        layout = layout_for(width, height, pane)
        assert layout.runs if pane == "runs" else layout.side == pane


def _large(count: int) -> RunsChanged:
    rows = [run(f"r{n}", metrics={"m": float(n)}, params={"p": str(n % 3)}) for n in range(count)]
    return runs(*rows, removed=["gone"], reset=True)


@given(st.integers(0, 60), st.integers(1, 20))
def test_slices_do_what_the_page_does(count: int, size: int) -> None:
    page = _large(count)
    whole, sliced = RunTable(), RunTable()
    whole.apply(page.delta)
    parts = list(split(page, size))
    for part in parts:
        assert len(part.delta.run_ids) <= size or count == 0
        sliced.apply(part.delta)
    assert [part.reset for part in parts] == [True] + [False] * (len(parts) - 1)
    assert [part.delta.complete for part in parts] == [False] * (len(parts) - 1) + [True]
    assert sliced.run_ids == whole.run_ids
    assert sliced.complete
    if count:
        assert np.array_equal(sliced.metric("m"), whole.metric("m"))  # type: ignore[arg-type]
        assert [sliced.param(row, "p") for row in range(count)] == [
            whole.param(row, "p") for row in range(count)
        ]


async def test_other_work_gets_its_turn_between_two_portions() -> None:
    order: list[str] = []
    loop = asyncio.get_running_loop()

    done = asyncio.Event()

    def take(event: LinkEvent) -> None:
        order.append(type(event).__name__)
        loop.call_at(loop.time() - 1, order.append, "what was due")
        if isinstance(event, StoreChanged):
            done.set()

    feed = Feed(take)
    feed.put(_large(1_200))
    feed.put(store())
    await asyncio.wait_for(done.wait(), 10)
    assert order[:7] == ["RunsChanged", "what was due"] * 3 + ["StoreChanged"]


async def test_events_arrive_in_order() -> None:
    seen: asyncio.Queue[LinkEvent] = asyncio.Queue()
    feed = Feed(seen.put_nowait)
    events = [store(error=str(number)) for number in range(5)]
    for event in events:
        feed.put(event)
    async with asyncio.timeout(10):
        assert [await seen.get() for _ in events] == events
