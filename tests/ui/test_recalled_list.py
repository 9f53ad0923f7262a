"""The list of the last session is there before the engine, and the sync leaves a person's place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from scripted import (
    NOW_S,
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
)
from textual.pilot import Pilot

from evaltui.domain.events import StoreState
from evaltui.domain.recalled import Recalled
from evaltui.domain.run import Run
from evaltui.domain.table import RunDelta, RunTable
from evaltui.engine.link import RunsChanged
from evaltui.settings import Settings
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.client import LinkEvent

AS_OF_S = NOW_S - 7_200
WORD = "as of 12:22 · syncing"
NEWEST = max(batch(), key=lambda row: row.started_ms or 0).name


def recalled(*rows: Run, **changes: Any) -> Recalled:
    table = RunTable()
    table.apply(RunDelta.from_runs(rows))
    fields = {"state": StoreState.CONNECTING, "data_at_s": AS_OF_S} | changes
    return Recalled(table, store(**fields).status, "token")


@asynccontextmanager
async def opened(
    shown: Recalled, *script: LinkEvent, settings: Settings | None = None
) -> AsyncIterator[tuple[EvaltuiApp, Pilot[Any]]]:
    app = make_app(*script, recall=lambda: shown, settings=settings)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.conductor is not None and main_of(app).is_mounted)
        await until(pilot, link_of(app).started.is_set)
        yield app, pilot


async def test_runs_stand_on_screen_before_the_engine_says_a_word() -> None:
    async with opened(recalled(*batch())) as (app, pilot):
        await until(pilot, lambda: WORD in screen_text(app))
        text = screen_text(app)
        assert f"Runs {len(batch())}" in text
        assert NEWEST in text
        assert "sqlite ~/.local" in text
        assert "loading" not in text
        assert link_of(app).shown == "token"


async def test_the_sync_corrects_rows_and_leaves_cursor_marks_sort_and_filter() -> None:
    rows = [run(f"r{at}", name=f"eval {at}", hours_ago=at + 1) for at in range(9)]
    async with opened(recalled(*rows)) as (app, pilot):
        bench = session_of(app).bench
        await pilot.press("j", "j", "space", "j", "space")
        before = (bench.cursor_id, list(bench.marks), bench.sort)
        link_of(app).say(store(state=StoreState.LIVE))
        renamed = run("r6", name="another name", hours_ago=7)
        link_of(app).say(runs(renamed, run("fresh", hours_ago=0.1), complete=False))
        await until(pilot, lambda: "another name" in screen_text(app))
        assert WORD in screen_text(app), "not yet confirmed"
        link_of(app).say(runs(removed=["r8"]))
        await until(pilot, lambda: "LIVE 0.5s" in screen_text(app))
        text = screen_text(app)
        assert "eval 8" not in text
        assert "eval 6" not in text
        assert WORD not in text
        assert (bench.cursor_id, list(bench.marks), bench.sort) == before
        assert len(bench.order) == 9


async def test_a_confirmation_without_a_change_makes_the_list_live() -> None:
    async with opened(recalled(*batch()), store(), RunsChanged(RunDelta())) as (app, pilot):
        await until(pilot, lambda: "LIVE 0.5s" in screen_text(app))
        assert WORD not in screen_text(app)
        assert len(session_of(app).bench.order) == len(batch())


async def test_a_list_is_not_live_while_some_of_it_stands_unconfirmed() -> None:
    old = {"data_at_s": NOW_S - 60, "unconfirmed_s": AS_OF_S}
    async with opened(recalled(*batch(), **old), store(**old), RunsChanged(RunDelta())) as (
        app,
        pilot,
    ):
        await until(pilot, lambda: session_of(app).bench.as_of_s is None)
        await pilot.pause()
        assert WORD in screen_text(app)
        assert "LIVE" not in screen_text(app)
        link_of(app).say(store(**old | {"state": StoreState.BUSY, "poll_interval_s": 40.0}))
        await until(pilot, lambda: "BUSY 40s, as of 12:22" in screen_text(app))
        link_of(app).say(store(data_at_s=NOW_S))
        await until(pilot, lambda: "LIVE 0.5s" in screen_text(app))
        assert WORD not in screen_text(app)


async def test_while_the_store_is_away_the_list_says_how_old_it_is() -> None:
    away = store(state=StoreState.OFFLINE, error="no answer", data_at_s=AS_OF_S)
    async with opened(recalled(*batch()), away) as (app, pilot):
        await until(pilot, lambda: "OFFLINE" in screen_text(app))
        assert "data of 12:22" in screen_text(app)
        assert NEWEST in screen_text(app)


async def test_runs_of_an_experiment_that_is_no_longer_it_go_at_once() -> None:
    async with opened(recalled(*batch(), experiment_id="1")) as (app, pilot):
        await until(pilot, lambda: NEWEST in screen_text(app))
        link_of(app).say(store(experiment_id="2"))
        await until(pilot, lambda: NEWEST not in screen_text(app))
        assert session_of(app).bench.table.size == 0
        assert session_of(app).bench.loading
        link_of(app).say(runs(run("theirs", name="of the new experiment"), reset=True))
        await until(pilot, lambda: "of the new experiment" in screen_text(app))


async def test_the_shared_baseline_is_recalled_with_the_runs() -> None:
    rows = batch()
    async with opened(recalled(*rows, baseline_run_id=rows[5].run_id)) as (app, _):
        assert session_of(app).bench.fixed_baseline_id == rows[5].run_id


async def test_nobody_is_rung_for_what_happened_between_the_sessions() -> None:
    new = run("new", hours_ago=0.1, metrics={"overall_quality_score": 0.1})
    async with opened(recalled(*batch()), settings=Settings(notify="bell")) as (app, pilot):
        link_of(app).say(runs(batch()[0], complete=False))
        link_of(app).say(runs(new))
        await until(pilot, lambda: session_of(app).bench.as_of_s is None)
        link_of(app).say(runs(run("later", hours_ago=0.05)))
        await until(pilot, lambda: any("later" in str(args) for _, args in link_of(app).asked))
        assert not any("new" in args.get("candidates", ()) for _, args in link_of(app).asked)
