"""How a cell is drawn, as SGR codes, and the shortest way from one set of codes to another."""

from __future__ import annotations

import re
from functools import lru_cache

from rich.color import ColorSystem
from rich.style import Style

_ENDS = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29",
         "21": "24", "53": "55"}  # fmt: skip
"""What ends each SGR attribute; 22 ends bold and dim."""

_SEEN_ON_BLANKS = frozenset({"4", "5", "6", "7", "9", "21", "53"})
"""Attributes that show where there is no letter."""


@lru_cache(maxsize=4096)
def pen_change(old: str, new: str) -> str:
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
def is_same_blank(old: str, new: str) -> bool:
    """Return whether a blank looks the same with both sets of codes, `old` "" being unknown."""
    if not old:
        return False
    before, after = _split(old), _split(new)
    return before[2] == after[2] and not (before[0] | after[0]) & _SEEN_ON_BLANKS


@lru_cache(maxsize=4096)
def blank_codes(codes: str) -> str:
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
