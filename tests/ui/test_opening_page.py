"""The list as the last session left it stands on the first screen, and keys typed there count."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from scripted import NOW_S, batch, main_of, make_app, runs, screen_text, store, until
from textual.pilot import Pilot

from evaltui.domain.list_page import ListPage
from evaltui.ui import page_keeper
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.main_view import MainView
from evaltui.ui.page_keeper import first_page

SIZE = (120, 40)
NEWEST = max(batch(), key=lambda row: row.started_ms or 0).name
PAGE = ListPage(
    size=SIZE,
    room=(118, 14),
    glyphs="block",
    title="Runs 2  by start desc",
    as_of_s=NOW_S - 7_200,
    lines=((("head", "  run"),), (("cursor", "▌"), ("text", " kept-run "), ("unheard of", "[b]1"))),
)


class ShelfInMemory:
    """Holds one page."""

    def __init__(self, page: ListPage | None = None) -> None:
        self.page = page
        self.put_count = 0

    def take(self) -> ListPage | None:
        return self.page

    def put(self, page: ListPage) -> None:
        self.page = page
        self.put_count += 1


@pytest.fixture(autouse=True)
def kept_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_keeper, "REST_S", 0.1)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Hold the recall back until it is set, so that the first screen stays."""
    event = threading.Event()
    yield event
    event.set()


@asynccontextmanager
async def opening(
    shelf: ShelfInMemory, gate: threading.Event, *script: Any
) -> AsyncIterator[tuple[EvaltuiApp, Pilot[Any]]]:
    def recall() -> None:
        gate.wait(60)

    app = make_app(*script, recall=recall, shelf=shelf)
    async with app.run_test(size=SIZE) as pilot:
        yield app, pilot
        gate.set()


async def test_the_page_stands_before_anything_else_is_known(gate: threading.Event) -> None:
    async with opening(ShelfInMemory(PAGE), gate) as (app, pilot):
        await until(pilot, lambda: "kept-run" in screen_text(app))
        text = screen_text(app)
        assert "as of 12:22 · opening" in text
        assert "Runs 2  by start desc" in text
        assert "[b]1" in text, "an unknown role and markup are plain text"
        assert app.conductor is None


@pytest.mark.parametrize(
    "page", [None, replace(PAGE, size=(100, 40)), replace(PAGE, glyphs="ascii")]
)
async def test_a_page_for_another_screen_is_not_shown(
    page: ListPage | None, gate: threading.Event
) -> None:
    async with opening(ShelfInMemory(page), gate, store(), runs(*batch())) as (app, pilot):
        gate.set()
        await until(pilot, lambda: NEWEST in screen_text(app))
        assert "kept-run" not in screen_text(app)


async def test_keys_typed_on_the_first_screen_reach_the_list(gate: threading.Event) -> None:
    async with opening(ShelfInMemory(PAGE), gate, store(), runs(*batch())) as (app, pilot):
        await until(pilot, lambda: "kept-run" in screen_text(app))
        await pilot.press("3")
        gate.set()
        await until(pilot, lambda: app.conductor is not None and main_of(app).pane == "trends")


async def test_q_on_the_first_screen_leaves(gate: threading.Event) -> None:
    app = make_app(recall=lambda: gate.wait(60) and None, shelf=ShelfInMemory(PAGE))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "kept-run" in screen_text(app))
        await pilot.press("q")
        await until(pilot, lambda: app._exit)
        gate.set()  # the thread that recalls is waited for when the loop ends
    assert app.return_code == 0


async def test_the_confirmed_list_is_kept_as_it_is_drawn(gate: threading.Event) -> None:
    shelf = ShelfInMemory()
    gate.set()
    async with opening(shelf, gate, store(), runs(*batch())) as (app, pilot):
        await until(pilot, lambda: shelf.page is not None)
        page = shelf.page
        assert page is not None
        assert page.size == SIZE
        assert page.title == f"Runs {len(batch())}  by start desc"
        drawn = [line[1:-1] for line in screen_text(app).splitlines()[3:]]
        kept = ["".join(text for _, text in line) for line in page.lines]
        assert len(kept) > len(batch()) // 2
        for at, line in enumerate(kept):
            assert drawn[at].startswith(line[:118].rstrip())
        assert main_of(app).run_list.size == page.room


async def test_a_page_is_drawn_where_the_list_will_stand(gate: threading.Event) -> None:
    shelf = ShelfInMemory()
    gate.set()
    async with opening(shelf, gate, store(), runs(*batch())) as (app, pilot):
        await until(pilot, lambda: shelf.page is not None)
        listed = screen_text(app).splitlines()
    again = threading.Event()
    async with opening(shelf, again) as (app, pilot):
        await until(pilot, lambda: NEWEST in screen_text(app))
        shown = screen_text(app).splitlines()
        top, bottom = 2, 2 + shelf.page.room[1] + 2 if shelf.page else 0
        assert shown[top:bottom] == listed[top:bottom]
        again.set()


@pytest.mark.parametrize("key", ["space", "F", "left_square_bracket"])
async def test_a_list_that_somebody_arranged_is_not_kept(key: str, gate: threading.Event) -> None:
    shelf = ShelfInMemory()
    gate.set()
    async with opening(shelf, gate, store(), runs(*batch())) as (app, pilot):
        await until(pilot, lambda: first_page(main_of(app)) is not None)
        await pilot.press(key)
        await until(pilot, lambda: first_page(main_of(app)) is None)


async def test_a_shelf_that_hangs_gets_one_page_and_holds_nothing_up(gate: threading.Event) -> None:
    class Stuck(ShelfInMemory):
        def put(self, page: ListPage) -> None:
            super().put(page)
            stuck.wait(60)

    stuck = threading.Event()
    shelf = Stuck()
    gate.set()
    async with opening(shelf, gate, store(), runs(*batch())) as (app, pilot):
        await until(pilot, lambda: shelf.put_count == 1)
        conductor = app.conductor
        assert conductor is not None
        for size in ((110, 40), (115, 40)):
            await pilot.resize_terminal(*size)
            conductor.pages.keep_soon()
            await asyncio.sleep(0.3)
        assert shelf.put_count == 1
        stuck.set()
        conductor.pages.keep_soon()
        await until(pilot, lambda: shelf.put_count > 1)
        await until(pilot, lambda: shelf.page is not None and shelf.page.size == (115, 40))


async def test_a_pane_asked_for_before_it_is_there_comes_as_soon_as_it_is(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    make = MainView._make_following

    def held_back(self: MainView) -> Any:
        held.wait(60)
        return make(self)

    monkeypatch.setattr(MainView, "_make_following", held_back)
    shelf = ShelfInMemory()
    async with opening(shelf, gate, store(), runs(*batch())) as (app, pilot):
        gate.set()
        for _ in range(2_000):
            if NEWEST in screen_text(app):
                break
            await pilot.pause(0.01)
        main = main_of(app)
        assert main.following is None
        for key in ("j", "2", "5", "c"):  # the last one asked for counts
            await pilot.press(key)
        assert main.pane == "runs"
        assert NEWEST in screen_text(app), "the list stays, and moves"
        held.set()
        await until(pilot, lambda: main.pane == "diff")
        await until(pilot, lambda: "metrics" in screen_text(app))


class EngineToBe:
    """Notes what becomes of it."""

    def __init__(self) -> None:
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


@pytest.mark.parametrize("runs_already", [True, False])
async def test_a_list_is_recalled_exactly_where_no_engine_runs_already(
    runs_already: bool,
) -> None:
    recalled: list[bool] = []
    engine: Any = EngineToBe() if runs_already else None
    app = make_app(recall=lambda: recalled.append(True), early=engine)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.conductor is not None)
        assert bool(recalled) is not runs_already, "what the engine keeps is no list of before"
        assert engine is None or not engine.dropped
