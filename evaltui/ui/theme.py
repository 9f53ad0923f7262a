"""Colours: a dark and a light theme whose better and worse stay apart for colour-blind eyes.

Text has colours of the 256-colour palette: naming one takes half the bytes of its three parts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.theme import Theme

BETTER_DARK, WORSE_DARK = "#5fafff", "#ffaf5f"
BETTER_LIGHT, WORSE_LIGHT = "#005faf", "#af5f00"

DARK = Theme(
    name="evaltui-dark",
    primary="#5fafaf",
    secondary="#8787af",
    accent="#ffd75f",
    warning="#ffaf5f",
    error="#ff875f",
    success=BETTER_DARK,
    foreground="#dadada",
    background="#12161b",
    surface="#171c22",
    panel="#1f262e",
    dark=True,
    variables={"better": BETTER_DARK, "worse": WORSE_DARK, "quiet": "#8a8a8a"},
)
LIGHT = Theme(
    name="evaltui-light",
    primary="#005f5f",
    secondary="#5f5f87",
    accent="#875f00",
    warning="#875f00",
    error="#af0000",
    success=BETTER_LIGHT,
    foreground="#1c1c1c",
    background="#fbfbf9",
    surface="#f3f3ef",
    panel="#e6e7e2",
    dark=False,
    variables={"better": BETTER_LIGHT, "worse": WORSE_LIGHT, "quiet": "#6c6c6c"},
)
ANSI_VARIABLES = {
    "better": "ansi_bright_blue",
    "worse": "ansi_yellow",
    "quiet": "ansi_bright_black",
}
"""The same three names for the 16-colour themes, which Textual brings along."""

_NAMES = {
    "dark": DARK.name,
    "light": LIGHT.name,
    "ansi-dark": "ansi-dark",
    "ansi-light": "ansi-light",
}
_LIGHT_BACKGROUNDS = {"7", "15"}


def theme_name(wish: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the Textual theme for a setting.

    `auto` takes the 16-colour theme where TERM promises no more, and a light one where COLORFGBG
    tells of a light background.
    """
    if wish in _NAMES:
        return _NAMES[wish]
    light = environ.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT_BACKGROUNDS
    rich_colours = "256" in environ.get("TERM", "") or bool(environ.get("COLORTERM"))
    if rich_colours or environ.get("TERM", "").endswith(("kitty", "alacritty", "ghostty")):
        return LIGHT.name if light else DARK.name
    return "ansi-light" if light else "ansi-dark"
