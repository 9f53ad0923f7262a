"""Watch list, run view, help and pickers look as they did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fake_engine
import pytest
from pane_app import PaneApp, settle
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import ModalScreen

from evaltui.domain.events import RunDetail, WatchRole, WatchStatus
from evaltui.ui.keys import APP_KEYS, LIST_KEYS, WATCH_KEYS
from evaltui.ui.panes.run_view import RunView
from evaltui.ui.panes.watch_list import WatchList
from evaltui.ui.screens.confirm import ConfirmScreen
from evaltui.ui.screens.help import HelpScreen
from evaltui.ui.screens.path_prompt import PathPrompt
from evaltui.ui.screens.picker import Picker

SIZES = [(40, 10), (80, 24), (120, 40)]
STATUS = WatchStatus(
    ("/data/evaluations",), WatchRole.WATCHER, logged=12, pending=2, failed=1, events="events"
)
COLUMNS = [(name, Content(name)) for name in ("start", "mode", "quality", "tests", "cost $")]

MODALS: dict[str, Callable[[], ModalScreen[Any]]] = {
    "help": lambda: HelpScreen((*WATCH_KEYS, *LIST_KEYS, *APP_KEYS), {"watch.retry": "x"}),
    "picker": lambda: Picker("Sort by", COLUMNS, current="quality"),
    "confirm": lambda: ConfirmScreen(["Leave?", "/data/evaluations goes unwatched"], yes="leave"),
    "prompt": lambda: PathPrompt("Watch a directory", "/data/evaluations"),
}


def run_view(app: PaneApp) -> RunView:
    assert isinstance(app.widget, RunView)
    run = fake_engine.make_runs(8)[-1]
    detail = RunDetail(**fake_engine.detail_fields(run.run_id, 20))  # type: ignore[arg-type]
    app.widget.show(run, detail)
    app.widget.table.focus()
    return app.widget


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_watch_list_looks_as_it_did(size: tuple[int, int], snap_compare: Any) -> None:
    pane = WatchList(lambda run_id: f"eval_mcp_{int(run_id, 16)}")

    async def show(pilot: Pilot[Any]) -> None:
        pane.show(fake_engine.make_files(30), STATUS)
        pane.table.focus()
        await pilot.press("n", "n")
        await settle(pilot)

    assert snap_compare(PaneApp(pane), terminal_size=size, run_before=show)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("section", ["cases", "metrics"])
def test_the_run_view_looks_as_it_did(
    section: str, size: tuple[int, int], snap_compare: Any
) -> None:
    app = PaneApp(RunView())

    async def show(pilot: Pilot[Any]) -> None:
        run_view(app).open_section(section)
        await pilot.press("j", "j")
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=show)


@pytest.mark.parametrize("name", MODALS)
def test_modal_screens_look_as_they_did(name: str, snap_compare: Any) -> None:
    app = PaneApp(RunView())

    async def show(pilot: Pilot[Any]) -> None:
        run_view(app)
        app.push_screen(MODALS[name]())
        await settle(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=show)
