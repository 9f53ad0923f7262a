"""With ASCII glyphs: the signs in words of ours become ASCII, of the same width."""

from __future__ import annotations

_SIGNS = {
    **dict.fromkeys("·─━┄╌═\u2013\u2014", "-"),
    **dict.fromkeys("│┃║┆", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘┏┓┗┛╔╗╚╝├┤┬┴┼", "+"),
    **dict.fromkeys("▁▂▃▄▅▆▇█▔▀▌▐▎▊▏▕▖▗▘▙▛▜▝▟", " "),  # edges: colours show them
    **dict.fromkeys("\u201c\u201d\u201e", '"'),
    **dict.fromkeys("\u2018\u2019", "'"),
    "…": "~",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "±": "~",
    "\N{MULTIPLICATION SIGN}": "x",
    "≥": ">",
    "≤": "<",
    "▸": ">",
    "✓": "+",
    "✗": "x",
    "○": "o",
    "⊘": "k",
    "\N{NO-BREAK SPACE}": " ",
    "\N{REPLACEMENT CHARACTER}": "?",
}
_TABLE = str.maketrans(_SIGNS)


def plain(text: str) -> str:
    """Return a text of the same width with ASCII in place of every sign that evaltui writes.

    Letters of foreign texts stay as they are.
    """
    return text if text.isascii() else text.replace(" …", "..").translate(_TABLE)
