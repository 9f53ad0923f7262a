"""Signs of the screen, in Unicode or plain ASCII; what charts are drawn with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs of one setting.

    Attributes:
        name: "block", "braille" or "ascii".
        missing: A value that is not there.
        cursor: Mark in the gutter of the run under the cursor.
        levels: Glyphs of a sparkline, lowest first.
        gap: A run without a value in a sparkline.
        states: Sign per state of a run; see `row_text`.
        up: Higher is better.
        down: Lower is better.
        ellipsis: Stands for what was cut.
    """

    name: str
    missing: str
    cursor: str
    levels: str
    gap: str
    states: Mapping[str, str]
    up: str
    down: str
    ellipsis: str

    @property
    def ascii_only(self) -> bool:
        """Whether nothing beyond ASCII may be drawn."""
        return self.name == "ascii"


_UNICODE_STATES = {
    "finished": "✓",
    "running": "▸",
    "scheduled": "○",
    "failed": "✗",
    "killed": "⊘",
    "pending": "…",
    "partial": "~",
    "generation": "g",
    "superseded": "s",
}
_ASCII_STATES = {
    "finished": " ",
    "running": "R",
    "scheduled": "o",
    "failed": "x",
    "killed": "k",
    "pending": ".",
    "partial": "~",
    "generation": "g",
    "superseded": "s",
}
BLOCK = Glyphs(
    name="block",
    missing="·",
    cursor="▌",
    levels="▁▂▃▄▅▆▇",
    gap=" ",
    states=_UNICODE_STATES,
    up="↑",
    down="↓",
    ellipsis="…",
)
BRAILLE = replace(BLOCK, name="braille", levels="⣀⣤⣶⣿")
ASCII = Glyphs(
    name="ascii",
    missing="-",
    cursor=">",
    levels="_.-=+*#",
    gap=" ",
    states=_ASCII_STATES,
    up="^",
    down="v",
    ellipsis="~",
)


def choose_glyphs(wish: str, environ: Mapping[str, str] = os.environ) -> Glyphs:
    """Return the glyphs for a setting; `auto` is ASCII where the locale is not UTF-8.

    Args:
        wish: "auto", "block", "braille" or "ascii".
        environ: The environment; LC_ALL beats LC_CTYPE, which beats LANG.
    """
    named = {"block": BLOCK, "braille": BRAILLE, "ascii": ASCII}
    if wish in named:
        return named[wish]
    locale = next((environ[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(key)), "")
    plain_locale = locale in {"C", "POSIX"} or ("." in locale and "utf" not in locale.lower())
    return ASCII if plain_locale or environ.get("TERM") == "linux" else BLOCK
