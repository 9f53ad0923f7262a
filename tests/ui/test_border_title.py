"""A title of a box costs the line that it stands in."""

from __future__ import annotations

from scripted import batch, main_of, make_app, runs, screen_text, store, until
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static

from evaltui.ui.border_title import show_title


class Boxed(App[None]):
    CSS = "#box { border: round white; padding: 0 1; height: 6; }"

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static("inside")


async def test_a_title_draws_its_line_alone_and_the_same_one_nothing() -> None:
    app = Boxed()
    async with app.run_test(size=(40, 12)) as pilot:
        box = app.query_one("#box")
        await pilot.pause()
        box._exchange_repaint_regions()
        show_title(box, Content("Runs 1 [b]"))
        assert set(box._repaint_regions) == {Region(0, 0, 40, 1)}
        await pilot.pause()
        assert "Runs 1 [b]" in screen_text(app)
        assert "inside" in screen_text(app)
        box._exchange_repaint_regions()
        show_title(box, Content("Runs 1 [b]"))
        assert not box._repaint_regions
        show_title(box, Content("Runs"))
        await pilot.pause()
        assert "Runs 1" not in screen_text(app), "what was longer is gone"


async def test_the_titles_of_the_main_screen_follow_what_is_shown() -> None:
    app = make_app(store(), runs(*batch()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: f"Runs {len(batch())}  by start desc" in screen_text(app))
        await until(pilot, lambda: "Trends mode mcp" in screen_text(app))
        await pilot.press("slash", *"1211")
        await until(pilot, lambda: f"Runs 1 of {len(batch())}  /1211" in screen_text(app))
        assert main_of(app).run_list.is_placed
