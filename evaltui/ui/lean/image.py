"""What the terminal shows, and the shortest reasonable text that makes it show something else.

A frame stands for itself: it says where it draws and with which colours, and leaves none behind. So
what another program wrote in between spoils its own cells only, until everything is drawn again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from evaltui.ui.lean.runs import Cell, Row, Run, row_runs, send

__all__ = ["Cell", "Piece", "Row", "TerminalImage"]

Piece = tuple[int, list[Cell]]
"""Cells from a column on."""

_LEAST_TO_SCROLL = 6
"""Rows that change together before it is worth looking for a scroll."""
_MOST_TO_SORT = 400
"""Runs up to which another order is tried: a whole page has too many, and gains little."""


class TerminalImage:
    """What the terminal shows, as far as it was sent.

    Args:
        erase: The terminal fills erased cells with the background (ECH, EL and "bce").
    """

    def __init__(self, *, erase: bool = False) -> None:
        self._rows: list[Row] = []
        self._erase = erase

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known of the terminal."""
        return not self._rows

    def forget(self) -> None:
        """Know nothing any more: the terminal was resized, cleared or written to by others."""
        self._rows = []

    def paint(self, pieces: Iterable[tuple[int, Piece]], width: int, height: int) -> str:
        """Return the text that makes the terminal show `pieces` as well, "" when it does.

        Args:
            pieces: Line and piece; what lies outside the terminal is left out.
            width: Cells of the terminal.
            height: Lines of the terminal.
        """
        if len(self._rows) != height or (height and len(self._rows[0]) != width):
            self._rows = [[None] * width for _ in range(height)]
        wanted: dict[int, Row] = {}
        for y, (x, cells) in pieces:
            if 0 <= y < height and 0 <= x < width:
                row = wanted.setdefault(y, list(self._rows[y]))
                fitting = cells[: width - x]
                row[x : x + len(fitting)] = fitting
        wanted = {y: row for y, row in wanted.items() if row != self._rows[y]}
        scroll = self._scroll(wanted) if len(wanted) >= _LEAST_TO_SCROLL else ""
        runs: list[Run] = []
        for y in sorted(wanted):
            runs += row_runs(y, self._rows[y], wanted[y], erase=self._erase)
            self._rows[y] = wanted[y]
        return scroll + min(
            (send(order) for order in _orders(runs)), key=lambda text: len(text.encode())
        )

    def _scroll(self, wanted: dict[int, Row]) -> str:
        """Let the terminal move lines by itself where most of a block just moved up or down."""
        top, bottom = min(wanted), max(wanted)
        shift = self._shift(wanted, top, bottom)
        if not shift:
            return ""
        moved = [
            y
            for y in range(top, bottom + 1)
            if top <= y + shift <= bottom and wanted.get(y, self._rows[y]) == self._rows[y + shift]
        ]
        low = min(moved[0], moved[0] + shift)
        high = max(moved[-1], moved[-1] + shift)
        after = {y: wanted.get(y, self._rows[y]) for y in range(low, high + 1)}
        if any(None in row for row in after.values()):
            return ""  # what nobody knows could not be put back
        wanted |= after
        block = self._rows[low : high + 1]
        blank: list[Row] = [[None] * len(block[0]) for _ in range(abs(shift))]
        self._rows[low : high + 1] = (
            [*block[shift:], *blank] if shift > 0 else [*blank, *block[:shift]]
        )
        # A line feed at the bottom and a reverse one at the top move lines on every terminal;
        # the sequences made for it (SU, SD) do not on the console of Linux.
        step = (
            f"\x1b[{high + 1}H" + "\n" * shift
            if shift > 0
            else f"\x1b[{low + 1}H" + "\x1bM" * -shift
        )
        return f"\x1b[{low + 1};{high + 1}r{step}\x1b[r"

    def _shift(self, wanted: dict[int, Row], top: int, bottom: int) -> int:
        """Return by how many lines most of the rows moved up (or down, negative); else 0."""
        places: dict[tuple[Cell | None, ...], list[int]] = {}
        for y in range(top, bottom + 1):
            places.setdefault(tuple(self._rows[y]), []).append(y)
        votes: Counter[int] = Counter()
        for y, row in wanted.items():
            found = places.get(tuple(row), [])
            if len(found) == 1 and None not in row:
                votes[found[0] - y] += 1
        shift, count = votes.most_common(1)[0] if votes else (0, 0)
        return shift if count >= len(wanted) // 2 else 0


def _orders(runs: list[Run]) -> Iterator[Sequence[Run]]:
    """Yield the orders worth trying: line by line, and colour by colour.

    Cells of one colour that stand below each other, as in a table, cost one change of colour.
    """
    yield runs
    if not 1 < len(runs) <= _MOST_TO_SORT or any(run.advance is None for run in runs):
        return
    first: dict[str, int] = {}
    for run in runs:
        first.setdefault(run.codes, len(first))
    # Blanks go with any colour on their background, so they come last.
    yield sorted(runs, key=lambda run: (run.is_blank, first[run.codes]))
