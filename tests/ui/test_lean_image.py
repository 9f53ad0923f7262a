"""Sending only what differs leaves the terminal as sending everything would."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from scripted import batch, make_app, runs, store, until
from strict_terminal import StrictTerminal
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from evaltui.ui.app import EvaltuiApp
from evaltui.ui.lean.image import Cell, TerminalImage
from evaltui.ui.lean.pens import sgr_codes
from evaltui.ui.lean.runs import move
from evaltui.ui.lean.updates import LeanDisplay, strip_cells

WIDTH, HEIGHT = 24, 12
PENS = ("0", "1;38;2;255;0;0", "38;2;0;255;0;48;2;9;9;9", "2", "31", "1;97;44")
letters = st.sampled_from([*"abcx ", "é", "▁", "✓", "日", "👍"])
frames = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1), st.text(letters, max_size=30)
        ),
        max_size=14,
    ),
    min_size=1,
    max_size=8,
)


def _cells(text: str, pen: str) -> list[Cell]:
    return [
        (char, pen)
        for cell in strip_cells(Strip([Segment(text)]), ColorSystem.TRUECOLOR)
        for char in [cell[0]]
    ]


def _whole(grid: list[list[Cell]], pieces: list[tuple[int, tuple[int, list[Cell]]]]) -> None:
    """Put pieces into a grid, and mend wide characters that were cut in two."""
    for y, (x, cells) in pieces:
        fitting = cells[: WIDTH - x]
        grid[y][x : x + len(fitting)] = fitting
        row = grid[y]
        for at in range(WIDTH):
            right_half = at + 1 < WIDTH and row[at + 1][0] == ""
            wide = row[at][0] in {"日", "👍"}
            if (wide and not right_half) or (
                row[at][0] == "" and (not at or row[at - 1][0] not in {"日", "👍"})
            ):
                row[at] = (" ", row[at][1])


@settings(max_examples=80, deadline=None)
@given(frames, st.booleans(), st.data())
def test_after_any_updates_the_terminal_shows_the_last_frame(
    steps: list[list[tuple[int, int, str]]], erase: bool, data: st.DataObject
) -> None:
    screen = StrictTerminal(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    image = TerminalImage(erase=erase)
    grid: list[list[Cell]] = [[(" ", "0")] * WIDTH for _ in range(HEIGHT)]
    for step in steps:
        pen = data.draw(st.sampled_from(PENS))
        pieces = [(y, (x, _cells(text, pen))) for y, x, text in step]
        _whole(grid, pieces)
        # Textual paints whole widgets: every line that changed is sent from its first column on.
        lines = [(y, (0, list(grid[y]))) for y in range(HEIGHT)]
        stream.feed(image.paint(lines, WIDTH, HEIGHT))
        shown = [[screen.buffer[y][x].data for x in range(WIDTH)] for y in range(HEIGHT)]
        assert shown == [[cell[0] for cell in row] for row in grid]


@settings(max_examples=60, deadline=None)
@given(st.integers(-5, 5), st.integers(0, 40))
def test_lines_that_move_arrive_where_they_belong(shift: int, first: int) -> None:
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    image = TerminalImage()

    def frame(start: int) -> list[tuple[int, tuple[int, list[Cell]]]]:
        body = [f"| run {start + at:04d} value {(start + at) * 7} |" for at in range(HEIGHT - 2)]
        lines = ["head", *body, "foot"]
        return [(y, (0, _cells(f"{line:<{WIDTH}}", "31"))) for y, line in enumerate(lines)]

    stream.feed(image.paint(frame(first), WIDTH, HEIGHT))
    sent = image.paint(frame(first + shift), WIDTH, HEIGHT)
    stream.feed(sent)

    assert screen.display == [
        "".join(c for c, _ in cells) for _, (_, cells) in frame(first + shift)
    ]
    if abs(shift) == 1:
        assert len(sent) < 120


def test_colours_come_out_as_they_were_meant() -> None:
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    image = TerminalImage()
    red = Style.parse("bold #ff0000 on #000010")
    plain = Style.parse("#00ff00 on #000010")
    for styles in ((red, plain), (plain, red), (plain, plain)):
        cells = [
            cell
            for style in styles
            for cell in strip_cells(Strip([Segment("ab", style)]), ColorSystem.TRUECOLOR)
        ]
        stream.feed(image.paint([(0, (0, cells))], WIDTH, HEIGHT))
        shown = [screen.buffer[0][x] for x in (0, 2)]
        assert [cell.fg for cell in shown] == [
            "ff0000" if style is red else "00ff00" for style in styles
        ]
        assert [cell.bold for cell in shown] == [style is red for style in styles]
        assert {cell.bg for cell in shown} == {"000010"}


styles = st.builds(
    Style,
    color=st.sampled_from([None, "#5fafff", "#123456", "red", "color(130)"]),
    bgcolor=st.sampled_from([None, "#121212", "#10161b", "blue"]),
    bold=st.booleans(),
    italic=st.booleans(),
    underline=st.booleans(),
    reverse=st.booleans(),
    strike=st.booleans(),
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 2),
                st.integers(0, WIDTH - 4),
                st.lists(st.tuples(st.sampled_from(["a", "b", " ", " " * 12]), styles), max_size=5),
            ),
            max_size=5,
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_every_cell_looks_as_if_each_had_been_sent_with_all_its_codes(
    steps: list[list[tuple[int, int, list[tuple[str, Style]]]]], erase: bool
) -> None:
    lean, whole = (StrictTerminal(WIDTH, HEIGHT) for _ in range(2))
    stream, plain = pyte.Stream(lean), pyte.Stream(whole)
    plain.feed("\x1b[?7l")
    image = TerminalImage(erase=erase)
    image.paint([(y, (0, [(" ", "0")] * WIDTH)) for y in range(HEIGHT)], WIDTH, HEIGHT)
    for step in steps:
        pieces = []
        for y, x, parts in step:
            strip = Strip([Segment(text, style) for text, style in parts]).crop(0, WIDTH - x)
            pieces.append((y, (x, strip_cells(strip, ColorSystem.TRUECOLOR))))
            plain.feed(f"\x1b[{y + 1};{x + 1}H")
            for text, style, _ in strip:
                assert style is not None
                plain.feed(style.render(text, color_system=ColorSystem.TRUECOLOR))
        stream.feed(image.paint(pieces, WIDTH, HEIGHT))
        for y in range(HEIGHT):
            assert lean.looks(y) == whole.looks(y)


def test_a_colour_of_the_palette_is_named_by_its_number() -> None:
    style = Style.parse("#5fafff on #080808")
    assert sgr_codes(style, ColorSystem.TRUECOLOR) == "38;5;75;48;5;232"
    assert sgr_codes(Style.parse("#5faffe"), ColorSystem.TRUECOLOR) == "38;2;95;175;254"


def test_blanks_and_changes_of_weight_cost_no_colours() -> None:
    image = TerminalImage()
    parts = [Segment("ab", Style.parse("bold #5fafff")), Segment("    ", Style.parse("#ffaf5f"))]
    line = strip_cells(Strip([*parts, Segment("c", Style.parse("#5fafff"))]), ColorSystem.TRUECOLOR)
    sent = image.paint([(0, (0, line))], 7, 1)
    assert sent == "\x1b[1H\x1b[0;1;38;5;75mab    \x1b[22mc\x1b[0m"


def test_what_is_shown_already_is_not_sent() -> None:
    image = TerminalImage()
    line = [(3, (0, _cells("x" * WIDTH, "31")))]
    assert image.paint(line, WIDTH, HEIGHT)
    assert image.paint(line, WIDTH, HEIGHT) == ""


def test_after_forgetting_everything_is_sent_again() -> None:
    image = TerminalImage()
    line = [(3, (0, _cells("x" * WIDTH, "31")))]
    first = image.paint(line, WIDTH, HEIGHT)
    image.forget()
    assert image.paint(line, WIDTH, HEIGHT) == first


def test_a_link_is_drawn_without_its_address() -> None:
    assert sgr_codes(Style(link="https://example.org/\x1b[2J"), ColorSystem.TRUECOLOR) == "0"


def test_what_nobody_knows_is_left_alone() -> None:
    screen = StrictTerminal(WIDTH, 2)
    stream = pyte.Stream(screen)
    stream.feed("\x1b[1;1Hunknown, but there")
    image = TerminalImage(erase=True)
    stream.feed(image.paint([(0, (8, _cells("日x", "31")))], WIDTH, 2))
    assert screen.display[0].rstrip() == "unknown,日xt there"


def test_cells_below_each_other_cost_one_change_of_colour() -> None:
    image = TerminalImage()

    def frame(left: str, right: str) -> list[tuple[int, tuple[int, list[Cell]]]]:
        line = [*_cells(left, "31"), *_cells("  |  ", "0"), *_cells(right, "32")]
        return [(y, (0, line)) for y in range(5)]

    image.paint(frame("10", "20"), WIDTH, HEIGHT)
    sent = image.paint(frame("11", "22"), WIDTH, HEIGHT)
    assert sent.count("m") == len(["red", "green", "none"])


@pytest.mark.parametrize(
    ("place", "target", "sent"),
    [
        (None, (4, 0), "\x1b[5H"),
        (None, (4, 7), "\x1b[5;8H"),
        ((4, 7), (4, 7), ""),
        ((4, 7), (4, 8), "\x1b[C"),
        ((4, 7), (4, 5), "\b\b"),
        ((4, 7), (4, 0), "\x1b[5H"),
        ((4, 7), (5, 6), "\x1b[B\b"),
        ((4, 7), (3, 7), "\x1b[A"),
        ((4, 70), (19, 90), "\x1b[20;91H"),
    ],
)
def test_the_cursor_goes_the_shortest_way(
    place: tuple[int, int] | None, target: tuple[int, int], sent: str
) -> None:
    assert move(place, *target) == sent


def test_blanks_are_erased_where_that_is_shorter() -> None:
    line = [(0, (0, [*_cells("a", "31"), *_cells(" " * 30, "44"), *_cells("b" + " " * 9, "31")]))]
    sent = TerminalImage(erase=True).paint(line, 41, 1)
    assert " " * 9 not in sent
    assert "\x1b[30X" in sent
    assert "b\x1b[K" in sent
    assert " " * 30 in TerminalImage().paint(line, 41, 1)


async def test_nothing_is_known_after_the_terminal_changed_its_size() -> None:
    app = make_app(store(), runs(*batch()))
    async with app.run_test(size=(80, 24)) as pilot:
        lean = _known(app)
        await pilot.resize_terminal(90, 24)
        await until(pilot, lambda: lean.is_blank)
        await pilot.pause()


async def test_nothing_is_known_when_everything_is_to_be_drawn_again() -> None:
    app = make_app(store(), runs(*batch()))
    async with app.run_test(size=(80, 24)):
        lean = _known(app)
        app.refresh()
        assert lean.is_blank


def _known(app: EvaltuiApp) -> LeanDisplay:
    assert app._lean is not None
    update = LayoutUpdate([[Strip([Segment("x")])]], Region(0, 0, 1, 1))
    assert app._lean.draw(update, app.console, (80, 24))
    assert not app._lean.is_blank
    return app._lean
