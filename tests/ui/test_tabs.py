"""The line of pane names."""

from __future__ import annotations

import pytest
from pane_app import PaneApp, screen_text, settle

from evaltui.ui.widgets.tabs import PANES, Tabs


@pytest.mark.parametrize("width", [40, 60, 80])
async def test_the_current_name_is_shown_however_narrow_the_line_is(width: int) -> None:
    tabs = Tabs()
    app = PaneApp(tabs)
    async with app.run_test(size=(width, 10)) as pilot:
        for pane, label in PANES:
            tabs.show(pane, "baseline: eval_mcp")
            await settle(pilot)
            line = screen_text(app)[0]
            assert f"[{label}]" in line
            assert len(line) <= width
            assert "1 Runs" in line  # the way back


async def test_a_click_on_a_name_behind_a_gap_goes_where_it_says() -> None:
    tabs = Tabs()
    app = PaneApp(tabs)
    async with app.run_test(size=(40, 10)) as pilot:
        tabs.show("artifacts")
        await settle(pilot)
        at = screen_text(app)[0].index("Artifacts")
        await pilot.click(Tabs, offset=(at, 0))
        await settle(pilot)
        assert [message.pane for message in app.of(Tabs.Picked)] == ["artifacts"]
