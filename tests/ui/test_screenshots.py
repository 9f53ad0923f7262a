"""The screen looks as it did, at three sizes and in the states that matter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from judged import Judged
from scripted import (
    NOW_S,
    batch,
    link_of,
    main_of,
    make_app,
    runs,
    session_of,
    store,
    until,
    watching,
)
from textual.pilot import Pilot

from evaltui.domain.events import StoreState
from evaltui.engine.link import Verb
from evaltui.settings import Settings
from evaltui.ui import main_compare
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.panes.diff import DiffPane

SIZES = [(80, 24), (120, 40), (200, 60)]
SURVEY = {"path": "/home/ada/evals", "reports": 14, "more": False, "env_file": ""}

Step = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _only_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_compare, "AHEAD_DELAY_S", 600.0)  # no picture of half an answer


def _app(pilot: Pilot[Any]) -> EvaltuiApp:
    assert isinstance(pilot.app, EvaltuiApp)
    return pilot.app


async def _listed(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: session_of(_app(pilot)).bench.total == 16)
    await _rested(pilot)


async def _rested(pilot: Pilot[Any]) -> None:
    main = main_of(_app(pilot))
    await until(pilot, lambda: main.follows and main.query_one(DiffPane)._timer is None)
    await pilot.pause()


async def _empty(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: session_of(_app(pilot)).survey is not None)
    await _rested(pilot)


async def _marked(pilot: Pilot[Any]) -> None:
    await _listed(pilot)
    await pilot.press("space", "space", "j", "space", "j")
    await _rested(pilot)


async def _diff(pilot: Pilot[Any]) -> None:
    await _listed(pilot)
    await pilot.press("j", "j", "j", "j", "j", "j", "c")
    await _rested(pilot)


async def _trends(pilot: Pilot[Any]) -> None:
    await _listed(pilot)
    await pilot.press("3", "j", "j")
    await _rested(pilot)


LIVE = (store(), watching(), runs(*batch()))
OFFLINE = (
    store(
        state=StoreState.OFFLINE,
        error="connection refused by http://mlflow.internal:5000",
        hint="is the server running?",
        next_try_s=NOW_S + 20,
        target="http://mlflow.internal:5000",
        why="MLFLOW_TRACKING_URI",
    ),
    runs(*batch()),
)
STATES: dict[str, tuple[tuple[Any, ...], Step]] = {
    "empty": ((store(), runs()), _empty),
    "live": (LIVE, _listed),
    "marked": (LIVE, _marked),
    "diff": (LIVE, _diff),
    "trends": (LIVE, _trends),
    "offline": (OFFLINE, _listed),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_the_screen_looks_as_it_did(state: str, size: tuple[int, int], snap_compare: Any) -> None:
    script, step = STATES[state]
    app = make_app(*script, answers={Verb.SURVEY: SURVEY})
    assert snap_compare(app, terminal_size=size, run_before=step)


async def _rested_on(pilot: Pilot[Any], *keys: str) -> None:
    app = _app(pilot)
    await until(pilot, lambda: session_of(app).bench.total == 5)
    for key in keys:
        await pilot.press(key)
        await _rested(pilot)
        await until(pilot, lambda: not main_of(app).comparing)
    await _rested(pilot)


def _judged_app(glyphs: str = "block") -> EvaltuiApp:
    judged = Judged()
    answers = {Verb.COMPARE: judged.answer, Verb.CASE: judged.case}
    script = (store(baseline_run_id="base"), watching(), runs(*judged.runs.values()))
    return make_app(*script, answers=answers, settings=Settings(glyphs=glyphs, theme="dark"))


VERDICTS = {
    "verdicts": ("c",),
    "many": ("space", "space", "space", "space", "c", "greater_than_sign"),
    "statistics": ("c", "S"),
    "case": ("c", "l", "d"),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", VERDICTS)
def test_verdicts_look_as_they_did(state: str, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await _rested_on(pilot, *VERDICTS[state])
        await until(pilot, lambda: not [it for it in pilot.app.workers if it.group == "case"])
        await pilot.pause()

    assert snap_compare(_judged_app(), terminal_size=size, run_before=look)


def test_verdicts_in_ascii_look_as_they_did(snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await _rested_on(pilot, "c", "l")

    assert snap_compare(_judged_app("ascii"), terminal_size=(80, 24), run_before=look)


def test_ascii_and_sixteen_colours_look_as_they_did(snap_compare: Any) -> None:
    app = make_app(*LIVE, settings=Settings(glyphs="ascii", theme="ansi-dark"))
    assert snap_compare(app, terminal_size=(100, 32), run_before=_listed)


def test_a_light_theme_looks_as_it_did(snap_compare: Any) -> None:
    app = make_app(*LIVE, settings=Settings(glyphs="braille", theme="light"))
    assert snap_compare(app, terminal_size=(120, 40), run_before=_listed)


def test_before_the_engine_speaks_there_is_a_frame(snap_compare: Any) -> None:
    async def started(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: link_of(_app(pilot)).alive)
        await _rested(pilot)

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=started)
