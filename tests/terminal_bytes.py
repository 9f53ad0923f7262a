"""Judges the raw bytes a full-screen program sends: only known sequences, only harmless text."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

SWITCHED_MODES = frozenset(
    {7, 25, 1000, 1002, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048}
)
"""DEC private modes that the screen may switch."""

MODES_AT_REST = {7: True, 25: True}
"""Modes that are on in a terminal nobody has touched; all others are off."""

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<csi>\x1b\[[0-?]*[ -/]*[@-~])"
    r"|(?P<string>\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?)"
    r"|(?P<escape>\x1b[ -/]*[0-~])"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)
_CSI_ALLOWED = re.compile(
    r"\x1b\["
    r"(?:[0-9;:]*m"  # colours
    r"|[0-9]+(?:;[0-9]+)?H|[0-9]*[ABCD]"  # cursor to a place, by some steps
    r"|[0-9]+X|K"  # erase cells, or up to the edge
    r"|(?:[0-9]+;[0-9]+)?r|[0-9]+[ST]"  # region that scrolls, scroll it
    r"|\?(?:2026|2048)\$p"  # does the terminal know this mode?
    r"|>[0-9]+u|<u"  # kitty keyboard on, off
    r")\Z"
)
_MODE = re.compile(r"\x1b\[\?([0-9;]+)([hl])\Z")
_SGR = re.compile(r"\x1b\[([0-9;:]*)m\Z")
_CLIPBOARD = re.compile(r"\x1b\]52;c;[A-Za-z0-9+/=]*(?:\x07|\x1b\\)\Z")
_POINTER = re.compile(r"\x1b\]22;[a-z-]+\x07\Z")
_PLAIN_CONTROLS = frozenset({"\r", "\n", "\b", "\x1bM"})  # the last scrolls down
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_MAX_MARKS = 4


@dataclass
class Findings:
    """What a stream of bytes was found to hold.

    Attributes:
        violations: Everything that is not allowed, as `repr` shows it.
        modes: State of every mode that was switched.
        kitty_depth: Keyboard modes pushed and not popped.
        region: Whether a scroll region is left set.
        colours: Number of colour sequences that set a colour.
        clipboards: Number of sequences that write the clipboard.
        text: All plain text, in order.
    """

    violations: list[str] = field(default_factory=list)
    modes: dict[int, bool] = field(default_factory=dict)
    kitty_depth: int = 0
    region: bool = False
    colours: int = 0
    clipboards: int = 0
    text: list[str] = field(default_factory=list)

    @property
    def left_on(self) -> dict[int, bool]:
        """Modes that differ from a terminal at rest."""
        return {
            mode: on for mode, on in self.modes.items() if on is not MODES_AT_REST.get(mode, False)
        }


def tokens(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield kind and text of every sequence, run of text and control."""
    text = codecs.decode(data, "utf-8", "backslashreplace")
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # an ESC that starts nothing
            yield "control", text[position]
            position += 1
            continue
        assert match.lastgroup is not None
        yield match.lastgroup, match.group()
        position = match.end()


def examine(data: bytes, *, clipboard: bool = False) -> Findings:
    """Look through what a program sent.

    Args:
        data: All of it, from the start.
        clipboard: Whether the program was asked to copy something.
    """
    found = Findings()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        found.violations.append(f"not UTF-8: {error}")
    for kind, text in tokens(data):
        if kind == "text":
            found.text.append(text)
            found.violations += [repr(char) for char in text if _is_forbidden(char)]
            if _longest_marks(text) > _MAX_MARKS:
                found.violations.append(f"marks: {text!r}")
        elif kind == "csi":
            _take_csi(text, found)
        elif kind == "string" and _CLIPBOARD.match(text) and clipboard:
            found.clipboards += 1
        elif not (kind == "string" and _POINTER.match(text)) and text not in _PLAIN_CONTROLS:
            found.violations.append(repr(text))
    return found


def _take_csi(text: str, found: Findings) -> None:
    mode = _MODE.match(text)
    if mode is not None:
        for number in map(int, mode.group(1).split(";")):
            found.modes[number] = mode.group(2) == "h"
            if number not in SWITCHED_MODES:
                found.violations.append(repr(text))
        return
    if not _CSI_ALLOWED.match(text):
        found.violations.append(repr(text))
    if text.endswith("u"):
        found.kitty_depth += 1 if ">" in text else -1
    if text.endswith("r"):
        found.region = text != "\x1b[r"
    colour = _SGR.match(text)
    if colour is not None:
        found.colours += _sets_colour(colour.group(1))


def _sets_colour(parameters: str) -> bool:
    numbers = [int(part) for part in re.split("[;:]", parameters) if part]
    return any(30 <= n <= 38 or 40 <= n <= 48 or 90 <= n <= 107 for n in numbers)


def _is_forbidden(char: str) -> bool:
    if char in _INVISIBLE or _SELECTORS.match(char):
        return True
    return unicodedata.category(char) in _FORBIDDEN_CATEGORIES


def _longest_marks(text: str) -> int:
    longest = run = 0
    for char in text:
        run = run + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        longest = max(longest, run)
    return longest
