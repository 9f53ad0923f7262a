"""A terminal that is as strict as real ones, and what can be seen of a cell of it."""

from __future__ import annotations

from typing import Any

import pyte

Look = tuple[object, ...]

_WIDE_COLOURS = {38, 48}
_DIM = 2


class StrictTerminal(pyte.Screen):
    """A `pyte.Screen` with what it leaves out.

    Writing on one half of a wide character blanks the other half, erased cells have the background
    and nothing else, and faint letters are told apart (they blink: nothing here does).
    """

    def __init__(self, columns: int, lines: int) -> None:
        super().__init__(columns, lines)
        self._any_wide = False

    def draw(self, data: str) -> None:
        """Draw text; halves of wide characters do not survive."""
        if data.isascii() and not self._any_wide:
            super().draw(data)
            return
        for char in data:
            self._any_wide = True
            x, line = self.cursor.x, self.buffer[self.cursor.y]
            if x < self.columns and line[x].data == "" and x:
                line[x - 1] = line[x - 1]._replace(data=" ")
            super().draw(char)
            after = self.cursor.x
            if after > x and after < self.columns and line[after].data == "":
                line[after] = line[after]._replace(data=" ")

    def select_graphic_rendition(self, *attrs: int, **options: Any) -> None:
        """Take colours and attributes; faint (2) is noted as blinking (5)."""
        taken: list[int] = []
        rest = list(attrs)
        while rest:
            code = rest.pop(0)
            if code in _WIDE_COLOURS:
                size = 4 if rest[:1] == [2] else 2
                taken += [code, *rest[:size]]
                rest = rest[size:]
            else:
                taken += [5] if code == _DIM else [22, 25] if code == 22 else [code]
        super().select_graphic_rendition(*taken, **options)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        """Erase with the background, as terminals with "bce" do."""
        pen = self._only_background()
        super().erase_in_line(how, private)
        self.cursor.attrs = pen

    def erase_characters(self, count: int | None = None) -> None:
        """Erase with the background, as terminals with "bce" do."""
        pen = self._only_background()
        super().erase_characters(count)
        self.cursor.attrs = pen

    def _only_background(self) -> pyte.screens.Char:
        pen = self.cursor.attrs
        self.cursor.attrs = pyte.screens.Char(" ", bg=pen.bg)
        return pen

    def looks(self, y: int) -> list[Look]:
        """Return what can be seen of a line."""
        line = self.buffer[y]
        return [look(line[x]) for x in range(self.columns)]


def look(cell: pyte.screens.Char) -> Look:
    """Return what can be seen of a cell: of a blank neither its colour nor its weight."""
    seen = (cell.data, cell.bg, cell.underscore, cell.strikethrough, cell.reverse)
    if cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough):
        return seen
    return (*seen, cell.fg, cell.bold, cell.italics, cell.blink)
