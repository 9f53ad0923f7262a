"""The table draws what is on show, keeps its cursor and shares out its width."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pane_app import PaneApp, screen_text, settle
from rich.cells import cell_len

from evaltui.ui.columns import Cell
from evaltui.ui.widgets.line_table import LineTable, NoLines
from evaltui.ui.widgets.table_columns import TableColumn, cut, fit, fit_columns

COLUMNS = (TableColumn("name", 8, grow=1, shrinks=True), TableColumn("value", 6, right=True))


class Numbers:
    """Rows that know how often they were asked for."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, index: int) -> str:
        return self.keys[index]

    def cells(self, index: int) -> Sequence[Cell]:
        self.asked.append(index)
        return Cell(f"row {self.keys[index]}"), Cell(self.keys[index], "worse")


def numbers(count: int) -> Numbers:
    return Numbers([str(at) for at in range(count)])


@given(st.text(max_size=30), st.integers(1, 40), st.booleans(), st.booleans())
def test_a_cell_has_exactly_its_width(text: str, width: int, right: bool, shrinks: bool) -> None:
    column = TableColumn("", width, right=right, shrinks=shrinks)
    assert cell_len(fit(text, column)) == width
    assert cell_len(cut(text, width)) <= width


@given(st.integers(1, 200))
def test_columns_fill_the_width_and_optional_ones_go_first(width: int) -> None:
    columns = (
        TableColumn("a", 10),
        TableColumn("b", 10, grow=2),
        TableColumn("c", 10, grow=1, optional=True),
        TableColumn("d", 10, optional=True),
    )
    fitted = fit_columns(columns, width)
    indexes = [index for index, _ in fitted]
    assert indexes == list(range(len(fitted)))
    assert len(fitted) >= 2
    total = sum(column.width + 1 for _, column in fitted)
    assert total == max(width, 13)  # what must stay shrinks at last


async def test_only_lines_on_show_are_asked_for() -> None:
    table = LineTable()
    lines = numbers(100_000)
    async with PaneApp(table).run_test(size=(40, 10)) as pilot:
        table.show(lines, COLUMNS)
        await settle(pilot)
        table.focus()
        await pilot.press("G")
        await settle(pilot)
        assert table.cursor_key == "99999"
        assert set(lines.asked) <= {*range(12), *range(99_988, 100_000)}


async def test_keys_move_and_stop_at_the_ends() -> None:
    table = LineTable()
    app = PaneApp(table)
    async with app.run_test(size=(40, 11)) as pilot:
        table.show(numbers(50), COLUMNS)
        table.focus()
        await settle(pilot)
        places = []
        for key in ("j", "j", "k", "ctrl+d", "pagedown", "G", "j", "pageup", "ctrl+u", "g", "k"):
            await pilot.press(key)
            places.append(table.cursor)
        assert places == [1, 2, 1, 6, 16, 49, 49, 39, 34, 0, 0]


async def test_the_row_under_the_cursor_is_always_in_view() -> None:
    table = LineTable()
    app = PaneApp(table)
    async with app.run_test(size=(40, 8)) as pilot:
        table.show(numbers(60), COLUMNS)
        table.focus()
        for key in (*("j" * 20), *("k" * 9), "G", *("k" * 30), "ctrl+d", "pageup"):
            await pilot.press(key)
            marked = [line for line in screen_text(app) if line.startswith("▌")]
            assert len(marked) == 1
            assert f"row {table.cursor_key} " in marked[0]


async def test_the_head_stays_when_the_rows_scroll() -> None:
    table = LineTable()
    app = PaneApp(table)
    async with app.run_test(size=(40, 8)) as pilot:
        table.show(numbers(60), COLUMNS)
        table.focus()
        await pilot.press("G")
        await settle(pilot)
        lines = screen_text(app)
        assert lines[0].split() == ["name", "value"]
        assert lines[-1].startswith("▌ row 59")


async def test_a_cursor_move_repaints_two_cells_of_the_gutter() -> None:
    table = LineTable()
    app = PaneApp(table)
    async with app.run_test(size=(40, 10)) as pilot:
        lines = numbers(60)
        table.show(lines, COLUMNS)
        table.focus()
        await settle(pilot)
        dirty: list[object] = []
        table.refresh = lambda *regions, **_: dirty.extend(regions) or table  # type: ignore[method-assign]
        table.move_to(4)
        assert [(region.x, region.y, region.width, region.height) for region in dirty] == [
            (0, 1, 1, 1),
            (0, 5, 1, 1),
        ]


async def test_the_cursor_keeps_its_key_when_rows_change() -> None:
    table = LineTable()
    app = PaneApp(table)
    async with app.run_test(size=(40, 10)) as pilot:
        table.show(Numbers(["a", "b", "c"]), COLUMNS)
        table.move_to(2)
        table.show(Numbers(["new", "a", "b", "c"]), COLUMNS)
        assert (table.cursor, table.cursor_key) == (3, "c")
        table.show(Numbers(["a", "b"]), COLUMNS)
        assert (table.cursor, table.cursor_key) == (1, "b")
        table.show(Numbers(["b", "a"]), COLUMNS, top=True)
        assert table.cursor_key == "b"
        table.show(NoLines(), COLUMNS)
        assert (table.cursor, table.cursor_key) == (0, "")
        await pilot.press("j", "G", "enter")
        assert app.of(LineTable.Chosen) == []


async def test_enter_and_a_second_click_choose_the_row() -> None:
    table = LineTable()
    app = PaneApp(table)
    async with app.run_test(size=(40, 10)) as pilot:
        table.show(numbers(5), COLUMNS)
        table.focus()
        await pilot.press("j", "enter")
        await pilot.click(table, offset=(5, 4))
        await pilot.click(table, offset=(5, 4))
        await pilot.click(table, offset=(5, 9))  # below the rows
        await settle(pilot)
        assert [message.key for message in app.of(LineTable.Chosen)] == ["1", "3"]


@pytest.mark.parametrize("size", [(120, 40), (20, 5), (1, 1), (3, 2)])
async def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    table = LineTable()
    app = PaneApp(table)
    async with app.run_test(size=(80, 24)) as pilot:
        table.show(numbers(30), COLUMNS)
        await pilot.resize_terminal(*size)
        await settle(pilot)
        table.focus()
        await pilot.press("j", "G", "ctrl+u")
        await settle(pilot)
        assert all(cell_len(line) <= size[0] for line in screen_text(app))
