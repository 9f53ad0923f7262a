"""The question whether the missing folder of an experiment shall be made."""

from __future__ import annotations

from typing import Any

import pytest
from scripted import batch, link_of, main_of, make_app, runs, screen_text, store, until
from textual.pilot import Pilot

from evaltui.engine.link import Verb
from evaltui.ui.screens.confirm import ConfirmScreen

FOLDER = "/Shared/[b]team\x1b"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaltui.ui.main_folder._GUARD_S", 0.0)
    monkeypatch.setattr("evaltui.ui.main_folder._AGAIN_S", 0.1)


def _wishes(app: Any) -> list[Any]:
    return [dict(args) for verb, args in link_of(app).asked if verb is Verb.FOLDER]


async def _question(pilot: Pilot[Any], app: Any) -> None:
    await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_yes_makes_the_folder_and_says_so(size: tuple[int, int]) -> None:
    app = make_app(
        store(missing_folder=FOLDER), runs(*batch()), answers={Verb.FOLDER: {"path": FOLDER}}
    )
    async with app.run_test(size=size) as pilot:
        await _question(pilot, app)
        asked = "Folder /Shared/[b]team� does not exist. Create it?"
        await until(pilot, lambda: asked in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: _wishes(app) == [{"path": FOLDER}])
        await until(pilot, lambda: "made /Shared/[b]team" in main_of(app).footer.flashed)


async def test_no_leaves_the_reports_waiting_and_it_is_not_asked_again_unless_wished() -> None:
    app = make_app(store(missing_folder=FOLDER), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await _question(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: app.screen is main_of(app))
        assert "not made" in main_of(app).footer.flashed
        link_of(app).say(store(missing_folder=FOLDER, data_at_s=5.0))
        await until(pilot, lambda: "M makes it" in screen_text(app))
        await pilot.pause(0.3)
        assert app.screen is main_of(app)
        await pilot.press("M")
        await _question(pilot, app)
        await pilot.press("escape")
        assert _wishes(app) == []


async def test_it_waits_while_somebody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(store(), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len(main_of(app).session.bench.order) > 0)
        await pilot.press("slash", "m")
        link_of(app).say(store(missing_folder=FOLDER))
        await until(pilot, lambda: main_of(app).session.bench.store.missing_folder == FOLDER)
        await pilot.press("y")
        await pilot.pause(0.3)
        assert app.screen is main_of(app)
        assert _wishes(app) == []
        await pilot.press("escape")
        await _question(pilot, app)


async def test_keys_that_were_on_their_way_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaltui.ui.main_folder._GUARD_S", 3600.0)
    app = make_app(store(missing_folder=FOLDER), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await _question(pilot, app)
        await pilot.press("y", "enter", "n")
        assert isinstance(app.screen, ConfirmScreen)
        assert _wishes(app) == []


async def test_a_folder_that_cannot_be_made_is_told() -> None:
    app = make_app(
        store(missing_folder=FOLDER), runs(*batch()), answers={Verb.FOLDER: "Folder is protected"}
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await _question(pilot, app)
        await pilot.press("y")
        await until(pilot, lambda: "protected" in main_of(app).footer.flashed)


async def test_with_read_only_nothing_is_asked_and_m_says_why() -> None:
    app = make_app(store(missing_folder=FOLDER, read_only=True), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len(main_of(app).session.bench.order) > 0)
        await pilot.press("M")
        await until(pilot, lambda: "read-only" in main_of(app).footer.flashed)
        assert app.screen is main_of(app)
