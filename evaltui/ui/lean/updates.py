"""The one place that knows Textual's private parts: its updates of the screen, as cells.

`unknown_parts` says at the start whether they still are what this module was written for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import textual
from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual import _compositor
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip

from evaltui.ui.lean.image import Cell, Piece, TerminalImage
from evaltui.ui.lean.pens import blank_codes, sgr_codes

KNOWN_MAJOR = "8"
"""Major version of Textual that this was written for."""

_SIGNATURES: Mapping[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "LayoutUpdate": (LayoutUpdate.__init__, ("self", "strips", "region")),
    "ChopsUpdate": (ChopsUpdate.__init__, ("self", "chops", "spans", "chop_ends")),
    "CompositorUpdate.render_segments": (
        _compositor.CompositorUpdate.render_segments,
        ("self", "console"),
    ),
    "App._display": (App._display, ("self", "screen", "renderable")),  # noqa: SLF001 - the point
    "App._begin_update": (App._begin_update, ("self",)),  # noqa: SLF001
    "App._end_update": (App._end_update, ("self",)),  # noqa: SLF001
    "App.post_display_hook": (App.post_display_hook, ("self",)),
    "Strip.crop": (Strip.crop, ("self", "start", "end")),
}
_APP_PARTS = ("_batch_count", "_running", "_closed", "_driver", "_sync_available")


class LeanDisplay:
    """Turns Textual's updates into what differs from what the terminal shows.

    Args:
        erase: See `TerminalImage`.
    """

    def __init__(self, *, erase: bool = False) -> None:
        self._image = TerminalImage(erase=erase)
        self._cursor: tuple[int, int] | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known of the terminal: all that is painted is sent."""
        return self._image.is_blank

    def forget(self) -> None:
        """Know nothing any more: the terminal was resized, cleared or written to by others."""
        self._image.forget()
        self._cursor = None

    def draw(
        self,
        update: LayoutUpdate | ChopsUpdate,
        console: Console,
        size: tuple[int, int],
        cursor: tuple[int, int] | None = None,
    ) -> str:
        """Return what makes the terminal show an update, "" when it does already.

        Args:
            update: The update.
            console: Tells how many colours there are.
            size: Width and height of the terminal.
            cursor: Column and line where somebody types, or None: the cursor is hidden, and only
                input methods look where it is.
        """
        system = console._color_system or ColorSystem.TRUECOLOR  # noqa: SLF001 - as Textual does
        text = self._image.paint(pieces(update, system), *size)
        if cursor is not None and (text or cursor != self._cursor):
            text += f"\x1b[{cursor[1] + 1};{cursor[0] + 1}H"
        self._cursor = cursor
        return text


def takes(update: object) -> bool:
    """Return whether `LeanDisplay.draw` takes an update."""
    return isinstance(update, LayoutUpdate | ChopsUpdate)


def unknown_parts(app: App[Any] | None = None) -> str:
    """Return what of this Textual is not as it was when this was written, or "".

    Args:
        app: An application whose attributes are looked at as well.
    """
    found = installed_version()
    if found and found.partition(".")[0] != KNOWN_MAJOR:
        return f"Textual {found} is not {KNOWN_MAJOR}.x"
    for name, (function, wanted) in _SIGNATURES.items():
        if _parameters(function) != wanted:
            return f"Textual {found} has another {name}"
    if app is not None:
        for name in _APP_PARTS:
            if not hasattr(app, name):
                return f"Textual {found} has no App.{name}"
    return "" if _draws_as_expected() else f"Textual {found} puts its updates together otherwise"


def installed_version() -> str:
    """Return the version of Textual, or "" where its name does not tell.

    `importlib.metadata` would take longer to import than all the rest of this module.
    """
    beside = os.listdir(Path(textual.__file__).parent.parent)  # noqa: PTH208 - names are enough
    marks = ("textual-", ".dist-info")
    names = (name for name in beside if name.startswith(marks[0]) and name.endswith(marks[1]))
    return next((name.removeprefix(marks[0]).removesuffix(marks[1]) for name in names), "")


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a function's parameters; `inspect` would take milliseconds for it."""
    code = getattr(function, "__code__", None)
    return () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _draws_as_expected() -> bool:
    """Let Textual draw two small updates, and look whether they mean what is read from them."""
    console = Console(color_system=None, force_terminal=True, legacy_windows=False)
    parts = {0: Strip([Segment("ab")]), 2: None, 4: Strip([Segment("cdef")])}
    chops = ChopsUpdate([parts, {0: None}], [(0, 0, 6)], [[2, 4, 8], [8]])
    layout = LayoutUpdate([[Strip([Segment("ab")]), Strip([Segment("c")])]], Region(3, 1, 3, 1))
    return (
        chops.render_segments(console) == "\x1b[1;1Hab\x1b[1;5Hcd"
        and [(y, x, _letters(cells)) for y, (x, cells) in pieces(chops, ColorSystem.STANDARD)]
        == [(0, 0, "ab"), (0, 4, "cd")]
        and layout.render_segments(console) == "\x1b[2;4Habc"
        and [(y, x, _letters(cells)) for y, (x, cells) in pieces(layout, ColorSystem.STANDARD)]
        == [(1, 3, "ab"), (1, 5, "c")]
    )


def _letters(cells: list[Cell]) -> str:
    return "".join(text for text, _ in cells)


def pieces(
    update: LayoutUpdate | ChopsUpdate, color_system: ColorSystem
) -> Iterator[tuple[int, Piece]]:
    """Yield lines and the cells that an update puts there, as Textual would."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                cells = strip_cells(strip, color_system)
                yield y, (x, cells)
                x += len(cells)
        return
    for span in update.spans:
        yield from _chops(update, span, color_system)


def _chops(
    update: ChopsUpdate, span: tuple[int, int, int], color_system: ColorSystem
) -> Iterator[tuple[int, Piece]]:
    y, first, last = span
    ends: Sequence[int] = update.chop_ends[y]
    for end, (x, strip) in zip(ends, update.chops[y].items(), strict=False):
        if strip is None or x > last or end <= first:
            continue
        if not (last > x >= first and end <= last):
            strip = strip.crop(0, min(end, last) - x)  # noqa: PLW2901 - the part of it
        yield y, (x, strip_cells(strip, color_system))


def strip_cells(strip: Strip, color_system: ColorSystem) -> list[Cell]:
    """Return the cells of a strip, one per column."""
    cells: list[Cell] = []
    for text, style, control in strip:
        if control:
            continue
        codes = sgr_codes(style, color_system)
        blank = (" ", blank_codes(codes))
        if not text.strip(" "):
            cells.extend([blank] * len(text))
            continue
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
