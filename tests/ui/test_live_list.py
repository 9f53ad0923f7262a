"""What an update of the runs draws: the lines that differ, and those as if all were drawn anew."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from scripted import (
    batch,
    link_of,
    main_of,
    make_app,
    run,
    runs,
    screen_text,
    session_of,
    store,
    until,
    watching,
)
from textual.pilot import Pilot
from textual.strip import Strip

from evaltui.domain.run import Run, RunStatus
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.columns import Kind
from evaltui.ui.widgets.filter_bar import FilterBar
from evaltui.ui.widgets.run_list import RunList

METRICS = ("build_success_rate", "tests_pass_rate", "overall_quality_score")


async def _listed(pilot: Pilot[Any], app: EvaltuiApp, total: int) -> None:
    await until(pilot, lambda: session_of(app).bench.total == total)
    await until(pilot, lambda: main_of(app).follows)
    await pilot.pause()


def _drawn(app: EvaltuiApp, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the table row of every line that is made from now on."""
    made: list[int] = []
    rows = main_of(app)._rows
    original = rows.cells
    monkeypatch.setattr(rows, "cells", lambda row, plan: made.append(row) or original(row, plan))
    return made


def _name_width(app: EvaltuiApp) -> int:
    columns = main_of(app).run_list.plan.columns
    return next(column.width for column in columns if column.kind is Kind.NAME)


async def test_a_run_that_comes_draws_its_own_line_only(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(store(), watching(), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await _listed(pilot, app, 16)
        made = _drawn(app, monkeypatch)
        link_of(app).say(runs(run("fresh", name="fresh", hours_ago=0.1)))
        await _listed(pilot, app, 17)
        assert "fresh" in screen_text(app)
        names = session_of(app).bench.table.names
        assert {names[row] for row in made} == {"fresh"}


async def test_the_screen_is_not_laid_out_for_a_run_that_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = make_app(store(), watching(), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await _listed(pilot, app, 16)
        asked: list[object] = []
        for widget in main_of(app).query("*"):
            monkeypatch.setattr(widget, "refresh", _noting(widget.refresh, asked, widget))
        link_of(app).say(runs(run("fresh", name="fresh", hours_ago=0.1)))
        await _listed(pilot, app, 17)
        list_box = main_of(app).query_one("#list-box")
        assert [widget for widget in asked if widget in list_box.walk_children()] == []
        assert "Runs 17" in screen_text(app)


def _noting(refresh: Callable[..., Any], asked: list[object], widget: object) -> Callable[..., Any]:
    def noted(*regions: Any, layout: bool = False, **more: Any) -> Any:
        if layout:
            asked.append(widget)
        return refresh(*regions, layout=layout, **more)

    return noted


async def test_a_list_that_outgrows_the_screen_can_be_scrolled_with_the_wheel() -> None:
    app = make_app(store(), watching(), runs(*batch()[:5]))
    async with app.run_test(size=(120, 40)) as pilot:
        await _listed(pilot, app, 5)
        listing = main_of(app).run_list
        assert not listing.allow_vertical_scroll
        more = [run(f"m{n}", name=f"more_{n}", hours_ago=n + 0.5) for n in range(60)]
        link_of(app).say(runs(*more))
        await _listed(pilot, app, 65)
        assert listing.allow_vertical_scroll
        assert listing.max_scroll_y == 66 - listing.size.height


async def test_a_longer_name_widens_its_column_once_and_leaves_it_so() -> None:
    app = make_app(store(), watching(), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await _listed(pilot, app, 16)
        narrow = _name_width(app)
        name = "x" * (narrow + 4)
        link_of(app).say(runs(run("fresh", name=name, hours_ago=0.1)))
        await _listed(pilot, app, 17)
        assert name in screen_text(app)
        assert _name_width(app) == narrow + 4
        link_of(app).say(runs(removed=["fresh"]))
        await _listed(pilot, app, 16)
        assert _name_width(app) == narrow + 4
        await pilot.press("slash", "e", "escape")  # whoever touches the list has it planned anew
        await until(pilot, lambda: _name_width(app) == narrow)


async def test_the_count_of_a_filter_is_right_when_the_line_opens_later() -> None:
    app = make_app(store(), watching(), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await _listed(pilot, app, 16)
        link_of(app).say(runs(run("fresh", name="fresh", hours_ago=0.1)))
        await _listed(pilot, app, 17)
        assert not main_of(app).query_one(FilterBar).display
        await pilot.press("slash")
        await until(pilot, lambda: "17 of 17" in screen_text(app))


def _some_change(rng: random.Random, known: dict[str, Run]) -> tuple[Sequence[Run], list[str]]:
    """Return runs that come or change and ids of runs that go, and keep `known` up to date."""
    if len(known) > 5 and rng.random() < 0.2:
        gone = rng.choice(sorted(known))
        del known[gone]
        return (), [gone]
    at = rng.randrange(30)
    one = run(
        f"r{at}",
        name=f"run_{at}",
        hours_ago=at + rng.random(),
        metrics={name: rng.random() for name in METRICS if rng.random() < 0.8},
        status=rng.choice((RunStatus.FINISHED, RunStatus.FINISHED, RunStatus.RUNNING)),
        tags={"mode": rng.choice(("mcp", "vanilla"))},
    )
    known[one.run_id] = one
    return (one,), []


@pytest.mark.parametrize("seed", range(3))
async def test_lines_that_were_kept_are_those_that_would_be_drawn(seed: int) -> None:
    rng = random.Random(seed)
    known: dict[str, Run] = {}
    begun = [change for _ in range(12) for change in _some_change(rng, known)[0]]
    app = make_app(store(), runs(*begun))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.conductor is not None)
        bench = session_of(app).bench
        await until(pilot, lambda: not bench.loading)
        listing = main_of(app).run_list
        for _ in range(25):
            changed, gone = _some_change(rng, known)
            link_of(app).say(runs(*changed, removed=gone))
            await pilot.pause()
            shown = _text_of_list(app)
            listing.redraw()
            await pilot.pause()
            assert shown == _text_of_list(app)


def _text_of_list(app: EvaltuiApp) -> list[Any]:
    """Return the cells of the list as the terminal shows them."""
    box = main_of(app).run_list.region
    lines = app.screen._compositor.render_strips()[box.y : box.bottom]
    return [list(line.crop(box.x, box.right)) for line in lines]


async def test_the_first_runs_are_drawn_at_once_in_the_columns_that_have_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heads: list[str] = []
    draw = RunList.render_line

    def drawing(self: RunList, y: int) -> Strip:
        strip = draw(self, y)
        if y == 0:
            heads.append(strip.text)
        return strip

    monkeypatch.setattr(RunList, "render_line", drawing)
    app = make_app(store(), watching())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: main_of(app).query_one("#centre").display)
        heads.clear()
        link_of(app).say(runs(*batch()))
        await _listed(pilot, app, 16)
    assert heads
    assert set(heads) == {heads[-1]}, "none for the width of a list that was not on show"
