"""Sends only the cells that differ from what the terminal shows already.

Textual repaints whole widgets and resets the colours after every piece of text; over a slow link
that is the difference between following a held key and lagging behind it. A `TerminalImage`
remembers each cell that was sent, and a `ThinUpdate` stands in for Textual's own update: Textual
still decides when and what is painted, this module only how few bytes say so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

Cell = tuple[str, str]
"""A character with its marks, and the SGR codes it is drawn with, those of a blank without what
cannot be seen of it; the right half of a wide character is an empty text."""
Row = list[Cell | None]
"""None is a cell of which nobody knows what the terminal shows."""
Piece = tuple[int, list[Cell]]
"""Cells from a column on."""

_GAP = 4
"""Equal cells up to this many are sent again rather than jumped over: a jump costs as much."""
_LEAST_TO_SCROLL = 6
"""Rows that change together before it is worth looking for a scroll."""


class TerminalImage:
    """What the terminal shows, as far as it was sent."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def forget(self) -> None:
        """Know nothing any more: the terminal was resized, cleared or written to by others."""
        self._rows = []

    def paint(self, pieces: Iterable[tuple[int, Piece]], width: int, height: int) -> str:
        """Return the shortest reasonable text that makes the terminal show `pieces` as well.

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
        out: list[str] = []
        if len(wanted) >= _LEAST_TO_SCROLL:
            self._scroll(wanted, out)
        pen = ""
        for y in sorted(wanted):
            pen = _send_row(y, self._rows[y], wanted[y], pen, out)
            self._rows[y] = wanted[y]
        if pen:
            out.append("\x1b[0m")
        return "".join(out)

    def _scroll(self, wanted: dict[int, Row], out: list[str]) -> None:
        """Let the terminal move lines by itself where most of a block just moved up or down."""
        top, bottom = min(wanted), max(wanted)
        places: dict[tuple[Cell | None, ...], list[int]] = {}
        for y in range(top, bottom + 1):
            places.setdefault(tuple(self._rows[y]), []).append(y)
        votes: Counter[int] = Counter()
        for y, row in wanted.items():
            found = places.get(tuple(row), [])
            if len(found) == 1 and None not in row:
                votes[found[0] - y] += 1
        if not votes:
            return
        shift, count = votes.most_common(1)[0]
        if not shift or count < len(wanted) // 2:
            return
        moved = [
            y
            for y in range(top, bottom + 1)
            if top <= y + shift <= bottom and wanted.get(y, self._rows[y]) == self._rows[y + shift]
        ]
        low = min(moved[0], moved[0] + shift)
        high = max(moved[-1], moved[-1] + shift)
        # A line feed at the bottom and a reverse one at the top move lines on every terminal.
        step = (
            f"\x1b[{high + 1}H" + "\n" * shift
            if shift > 0
            else f"\x1b[{low + 1}H" + "\x1bM" * -shift
        )
        out.append(f"\x1b[0m\x1b[{low + 1};{high + 1}r{step}\x1b[r")
        for y in range(low, high + 1):  # what is not painted now must be put back afterwards
            wanted.setdefault(y, self._rows[y])
        block = self._rows[low : high + 1]
        blank: list[Row] = [[None] * len(block[0]) for _ in range(abs(shift))]
        self._rows[low : high + 1] = (
            [*block[shift:], *blank] if shift > 0 else [*blank, *block[:shift]]
        )


def _send_row(y: int, old: Row, new: Row, pen: str, out: list[str]) -> str:
    """Send the cells of a row that differ; return the codes the pen is left with."""
    delicate = any(cell is not None and not _is_plain(cell) for row in (old, new) for cell in row)
    at = -1
    for start, end in _spans(old, new, to_end=delicate):
        if at < 0:
            out.append(f"\x1b[{y + 1};{start + 1}H" if start else f"\x1b[{y + 1}H")
        else:
            out.append(f"\x1b[{start - at}C")
        at = end
        for x in range(start, end):
            cell = new[x]
            text, codes = cell if cell is not None else (" ", "0")
            if codes != pen and not (text == " " and _is_same_blank(pen, codes)):
                out.append(_pen_change(pen, codes))
                pen = codes
            out.append(text)
            if delicate and text and not _is_plain((text, codes)) and x + 1 < end:
                # The terminal may hold another opinion on its width: say where to go on.
                wide = 1 if x + 1 < len(new) and new[x + 1] == ("", codes) else 0
                out.append(f"\x1b[{y + 1};{x + 2 + wide}H")
    return pen


def _spans(old: Row, new: Row, *, to_end: bool) -> Iterator[tuple[int, int]]:
    """Yield first and last-plus-one column of each run of differing cells."""
    width = len(new)
    x = 0
    while x < width:
        if old[x] == new[x]:
            x += 1
            continue
        start, last = x, x
        while x < width and x - last < _GAP:
            if old[x] != new[x]:
                last = x
            x += 1
        if to_end:
            while start and _is_right_half(new[start]):
                start -= 1
            yield start, width
            return
        yield start, last + 1
        x = last + 1


def _is_right_half(cell: Cell | None) -> bool:
    return cell is not None and not cell[0]


def _is_plain(cell: Cell) -> bool:
    text = cell[0]
    return (text.isascii() and len(text) == 1) or text in _KNOWN_SINGLE


_KNOWN_SINGLE = frozenset("▁▂▃▄▅▆▇█▌▸✓✗⊘○·…↑↓┄─│╭╮╰╯┌┐└┘▔▕▎▊▐━┃") | frozenset(
    map(chr, range(0x2800, 0x2900))
)
"""Signs of this program that every terminal draws one cell wide."""


_ENDS = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29",
         "21": "24", "53": "55"}  # fmt: skip
"""What ends each SGR attribute; 22 ends bold and dim."""

_SEEN_ON_BLANKS = frozenset({"4", "5", "6", "7", "9", "21", "53"})
"""Attributes that show where there is no letter."""


@lru_cache(maxsize=4096)
def _pen_change(old: str, new: str) -> str:
    """Return the SGR sequence from one set of codes to another, `old` "" being unknown."""
    whole = f"0;{new}" if new != "0" else "0"
    if not old:
        return f"\x1b[{whole}m"
    before, after = _split(old), _split(new)
    gone = before[0] - after[0]
    if not gone <= _ENDS.keys():
        return f"\x1b[{whole}m"
    ends = {_ENDS[code] for code in gone}
    begun = {code for code in after[0] if code not in before[0] or _ENDS.get(code) in ends}
    codes = [*sorted(ends), *sorted(begun, key=int)]
    codes += [part for at, part in enumerate(after[1:], 1) if part != before[at]]
    change = min(";".join(codes), whole, key=len)
    return f"\x1b[{change}m" if change else ""


@lru_cache(maxsize=4096)
def _is_same_blank(old: str, new: str) -> bool:
    """Return whether a blank looks the same with both sets of codes, `old` "" being unknown."""
    if not old:
        return False
    before, after = _split(old), _split(new)
    return before[2] == after[2] and not (before[0] | after[0]) & _SEEN_ON_BLANKS


@lru_cache(maxsize=4096)
def _blank(codes: str) -> str:
    """Return the codes that matter for a blank: of most it is the background alone."""
    attributes, _, background = _split(codes)
    if attributes & _SEEN_ON_BLANKS:
        return codes
    return "0" if background == "49" else background


@lru_cache(maxsize=4096)
def _split(codes: str) -> tuple[frozenset[str], str, str]:
    """Return attributes, foreground and background of SGR codes."""
    parts = codes.split(";")
    attributes: set[str] = set()
    colours = {"3": "39", "4": "49"}
    at = 0
    while at < len(parts):
        part = parts[at]
        if part in {"38", "48"}:
            size = 5 if parts[at + 1] == "2" else 3
            colours[part[0]] = ";".join(parts[at : at + size])
            at += size
            continue
        number = int(part)
        if 30 <= number <= 39 or 90 <= number <= 97:  # noqa: PLR2004 - SGR foregrounds
            colours["3"] = part
        elif 40 <= number <= 49 or 100 <= number <= 107:  # noqa: PLR2004 - SGR backgrounds
            colours["4"] = part
        elif number:
            attributes.add(part)
        at += 1
    return frozenset(attributes), colours["3"], colours["4"]


@lru_cache(maxsize=4096)
def sgr_codes(style: Style | None, color_system: ColorSystem) -> str:
    """Return the SGR codes of a style, "0" for none; links are left out."""
    if style is None:
        return "0"
    rendered = style.update_link(None).render("x", color_system=color_system)
    start, mark, _ = rendered.partition("m")
    if not mark or not start.startswith("\x1b["):
        return "0"
    return _TRIPLET.sub(_by_number, start.removeprefix("\x1b[")) or "0"


_TRIPLET = re.compile(r"([34]8);2;(\d+);(\d+);(\d+)")
_LEVELS = (0, 95, 135, 175, 215, 255)
_NUMBERS = {
    (red, green, blue): 16 + 36 * r + 6 * g + b
    for r, red in enumerate(_LEVELS)
    for g, green in enumerate(_LEVELS)
    for b, blue in enumerate(_LEVELS)
} | {(8 + 10 * grey,) * 3: 232 + grey for grey in range(24)}
"""The fixed part of the 256-colour palette, which terminals with true colour have as well."""


def _by_number(found: re.Match[str]) -> str:
    """Return a shorter name of the same colour, if the palette has it."""
    layer, *parts = found.groups()
    number = _NUMBERS.get((int(parts[0]), int(parts[1]), int(parts[2])))
    return found[0] if number is None else f"{layer};5;{number}"


def strip_cells(strip: Strip, color_system: ColorSystem) -> list[Cell]:
    """Return the cells of a strip, one per column."""
    cells: list[Cell] = []
    for text, style, control in strip:
        if control:
            continue
        codes = sgr_codes(style, color_system)
        blank = (" ", _blank(codes))
        if text.isascii():
            cells.extend([blank if char == " " else (char, codes) for char in text])
            continue
        for char in text:
            if char == " ":
                cells.append(blank)
                continue
            size = get_character_cell_size(char)
            if size == 0:
                if cells:
                    cells[-1] = (cells[-1][0] + char, codes)
                continue
            cells.append((char, codes))
            cells.extend([("", codes)] * (size - 1))
    return cells


class ThinUpdate(CompositorUpdate):
    """An update of Textual's compositor, drawn by what differs.

    Args:
        update: The update it stands for.
        image: What the terminal shows.
        size: Width and height of the terminal.
    """

    def __init__(
        self,
        update: LayoutUpdate | ChopsUpdate,
        image: TerminalImage,
        size: tuple[int, int],
    ) -> None:
        self._update = update
        self._image = image
        self._size = size

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as Textual would."""
        return self._update.__rich_console__(console, options)

    def render_segments(self, console: Console) -> str:
        """Return the terminal sequences for what differs, and remember it as shown."""
        color_system = console._color_system or ColorSystem.TRUECOLOR  # noqa: SLF001 - as Textual does
        return self._image.paint(_pieces(self._update, color_system), *self._size)


def _pieces(
    update: LayoutUpdate | ChopsUpdate, color_system: ColorSystem
) -> Iterator[tuple[int, Piece]]:
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                cells = strip_cells(strip, color_system)
                yield y, (x, cells)
                x += len(cells)
        return
    for y, first, last in update.spans:
        yield from _chops(update, (y, first, last), color_system)


def _chops(
    update: ChopsUpdate, span: tuple[int, int, int], color_system: ColorSystem
) -> Iterator[tuple[int, Piece]]:
    y, first, last = span
    ends: Sequence[int] = update.chop_ends[y]
    for end, (x, strip) in zip(ends, update.chops[y].items(), strict=False):
        if strip is None or x > last or end <= first:
            continue
        # The whole chop: cutting could split a wide character, and what is equal costs nothing.
        yield y, (x, strip_cells(strip, color_system)[: end - x])


def thin(update: object, image: TerminalImage, size: tuple[int, int]) -> object:
    """Return what to display in place of `update`; what is not known goes as it is."""
    if isinstance(update, LayoutUpdate | ChopsUpdate):
        return ThinUpdate(update, image, size)
    if update is not None:
        image.forget()
    return update
