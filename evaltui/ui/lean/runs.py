"""Runs of cells that are sent in one go, and how they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from evaltui.late_dataclass import dataclass
from evaltui.ui.lean.pens import is_same_blank, pen_change

Cell = tuple[str, str]
"""A character with its marks, and the SGR codes it is drawn with, those of a blank without what
cannot be seen of it; the right half of a wide character is an empty text."""
Row = list[Cell | None]
"""None is a cell of which nobody knows what the terminal shows."""

_JUMP = len("\x1b[9C")
"""Bytes of a jump to the right: equal cells that cost no more are sent again instead."""
_LEAST_TO_ERASE = 9
"""Blanks from which on erasing them and jumping over them (ECH, CUF) is shorter."""
_LEAST_TO_CLEAR = 4
"""The same for blanks up to the edge of the terminal (EL)."""
_LONG_BLANK = re.compile(rf" {{{_LEAST_TO_ERASE},}}")
_KNOWN_SINGLE = "▁▂▃▄▅▆▇█▌▸✓✗⊘○·…↑↓┄─│╭╮╰╯┌┐└┘▔▕▎▊▐━┃\u2800-\u28ff"
"""Signs of this program that every terminal draws one cell wide."""
_ODD = re.compile(f"[^ -~{_KNOWN_SINGLE}]")
"""What terminals may draw wider or narrower than one cell, or not draw at all."""


_NOTHING: Cell = ("", "0")
"""Stands for an unknown cell where there is none."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring cells that are drawn with the same codes.

    Attributes:
        y: Line.
        x: First column.
        codes: SGR codes; of blanks the background alone matters.
        text: What is sent for them.
        advance: Columns by which that moves the cursor, or None where the terminal may think
            otherwise or stays at the edge.
        is_blank: Whether there is nothing but blanks.
    """

    y: int
    x: int
    codes: str
    text: str
    advance: int | None
    is_blank: bool


def row_runs(y: int, old: Row, new: Row, *, erase: bool) -> Iterator[Run]:
    """Yield what must be sent for a line, from left to right.

    Args:
        y: The line.
        old: What it shows.
        new: What it is to show; as long as `old`, and unknown only where that is.
        erase: Blanks may be erased instead of sent.
    """
    if _is_delicate(old) or _is_delicate(new):
        yield from _delicate_runs(y, old, new)
        return
    width = len(new)
    for start, end in _spans(old, new):
        begin, text, codes = start, "", ""
        for x in range(start, end):
            char, wanted = new[x] or _NOTHING
            # The usual case first: this is asked for every cell that is sent.
            if text and codes != wanted and not _go_together(text, codes, char, wanted):
                yield _plain_run(y, begin, codes, text, width, erase=erase)
                begin, text = x, ""
            if not text or char != " ":
                codes = wanted
            text += char
        yield _plain_run(y, begin, codes, text, width, erase=erase)


def _go_together(text: str, codes: str, char: str, wanted: str) -> bool:
    """Return whether a character can be drawn in one go with the text in front of it."""
    if codes == wanted:
        return True
    # A blank takes any codes on its background, and so does a text of blanks.
    return (char == " " or not text.strip(" ")) and is_same_blank(codes, wanted)


def _plain_run(y: int, x: int, codes: str, text: str, width: int, *, erase: bool) -> Run:
    is_blank = not text.strip(" ")
    advance: int | None = len(text)
    if erase and is_same_blank(codes, codes):
        rest = len(text) - len(text.rstrip(" "))
        to_the_edge = x + len(text) == width
        if rest >= (_LEAST_TO_CLEAR if to_the_edge else _LEAST_TO_ERASE):
            text = text[:-rest]
            ending = "\x1b[K" if to_the_edge else f"\x1b[{rest}X"
        else:
            ending = ""
        advance = len(text)
        text = _LONG_BLANK.sub(lambda found: "\x1b[{0}X\x1b[{0}C".format(len(found[0])), text)
        text += ending
    if advance is not None and x + advance >= width:
        advance = None  # at the edge terminals stay on the last column, or behind it
    return Run(y, x, codes, text, advance, is_blank)


def _delicate_runs(y: int, old: Row, new: Row) -> Iterator[Run]:
    """Yield everything from the first difference on, telling each place after an odd character.

    The terminal may hold another opinion on its width.
    """
    start = next((x for x, cell in enumerate(new) if cell != old[x]), len(new))
    while 0 < start < len(new) and _is_right_half(new[start]):
        start -= 1
    begin, text, codes = start, "", ""
    for x in range(start, len(new)):
        cell = new[x]
        char, wanted = cell or ("", "")
        if text and (cell is None or (char and not _go_together(text, codes, char, wanted))):
            yield Run(y, begin, codes, text, None, not text.strip(" "))
            text = ""
        if cell is None or not char:
            continue  # what nobody knows stays as it is
        if not text:
            begin = x
        if not text or char != " ":
            codes = wanted
        text += char
        if not _is_plain(cell):
            yield Run(y, begin, codes, text, None, is_blank=False)
            text = ""
    if text:
        yield Run(y, begin, codes, text, None, not text.strip(" "))


def _is_right_half(cell: Cell | None) -> bool:
    return cell is not None and not cell[0]


def send(runs: Iterable[Run]) -> str:
    """Return the text that draws runs in their order, the colours given back at its end."""
    out: list[str] = []
    pen = ""
    at: tuple[int, int] | None = None
    for run in runs:
        out.append(move(at, run.y, run.x))
        if run.codes != pen and not (run.is_blank and is_same_blank(pen, run.codes)):
            out.append(pen_change(pen, run.codes))
            pen = run.codes
        out.append(run.text)
        at = None if run.advance is None else (run.y, run.x + run.advance)
    if pen:
        out.append("\x1b[0m")
    return "".join(out)


def move(at: tuple[int, int] | None, y: int, x: int) -> str:
    """Return the shortest sequence from `at`, None being unknown, to line y and column x."""
    direct = f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"
    if at is None:
        return direct
    down, right = y - at[0], x - at[1]
    steps = _steps(down, "B", "A") + (
        "\b" * -right if -_JUMP < right < 0 else _steps(right, "C", "D")
    )
    return min(direct, steps, key=len) if (down, right) != (0, 0) else ""


def _steps(count: int, ahead: str, back: str) -> str:
    if not count:
        return ""
    number = abs(count) if abs(count) > 1 else ""
    return f"\x1b[{number}{ahead if count > 0 else back}"


def _spans(old: Row, new: Row) -> Iterator[tuple[int, int]]:
    """Yield first and last-plus-one column of what is sent at one go."""
    start, end = -1, -1
    for x, cell in enumerate(new):
        if cell == old[x]:
            continue
        if start >= 0 and end < x and not _is_worth_sending(new, end, x):
            yield start, end
            start = -1
        if start < 0:
            start = x
        end = x + 1
    if start >= 0:
        yield start, end


def _is_worth_sending(row: Row, start: int, end: int) -> bool:
    """Return whether equal cells between differing ones cost less than a jump."""
    if end - start > _JUMP:
        return False
    pen, cost = (row[start - 1] or _NOTHING)[1], 0
    for cell in row[start:end]:
        if cell is None or not (cell[1] == pen or (cell[0] == " " and is_same_blank(pen, cell[1]))):
            return False
        cost += len(cell[0].encode())
    return cost <= _JUMP


def _is_plain(cell: Cell) -> bool:
    return len(cell[0]) == 1 and not _ODD.search(cell[0])


def _is_delicate(row: Row) -> bool:
    """Return whether a line has a cell that is not plain: asked of every line that changes.

    A cell without a text, the right half of a wide character, stands beside that character.
    """
    return _ODD.search("".join([cell[0] for cell in row if cell is not None])) is not None
