"""A note is as high as its words, whatever the screen did between two of them."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from evaltui.ui.widgets.filter_bar import FilterBar
from evaltui.ui.widgets.message_line import MessageLine
from evaltui.ui.widgets.note import Note


class _Notes(App[None]):
    CSS = "MessageLine { height: auto; } #filter-count { width: auto; }"

    def compose(self) -> ComposeResult:
        yield Note(id="note")
        yield MessageLine(id="message")
        yield FilterBar()
        yield Static("below")


def words(lines: int) -> list[Content]:
    return [Content(f"line {line} of {lines}") for line in range(lines)]


@pytest.mark.parametrize("counts", [(3, 1), (1, 3), (3, 5, 2)])
async def test_words_that_follow_at_once_are_measured_anew(counts: tuple[int, ...]) -> None:
    app = _Notes()
    async with app.run_test(size=(40, 20)) as pilot:
        note, message = app.query_one(Note), app.query_one(MessageLine)
        bar = app.query_one(FilterBar)
        bar.display = True
        await pilot.pause()
        for count in counts:  # the widgets are not idle in between: nothing is awaited
            note.show(words(count))
            message.show(" ".join(["x" * 30] * count))
            bar.show_count(count, 10**count)
            app.screen._refresh_layout()
        await pilot.pause()
        assert note.size.height == counts[-1]
        assert message.size.height == counts[-1]
        assert app.query_one("#filter-count").size.width == len(f" {count} of {10**count} ")


async def test_textual_alone_keeps_the_height_of_the_words_before() -> None:
    """Once this fails, `Fitted` may go."""
    app = _Notes()
    async with app.run_test(size=(40, 20)) as pilot:
        (plain,) = app.query("Screen > Static").results(Static)
        for count in (3, 1):
            plain.update(Content("\n").join(words(count)))
            app.screen._refresh_layout()
        await pilot.pause()
        assert plain.size.height == 3
