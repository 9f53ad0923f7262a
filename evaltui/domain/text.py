"""The one gate through which foreign text reaches a terminal.

Report text, run names, paths and server answers are hostile: they may hold escape sequences,
C1 controls, bidirectional overrides, zero-width characters or markup. `clean` returns plain text
that draws itself and nothing else. It must be used for every text that was not written in this
source tree, on the screen and on the command line alike.
"""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 200
"""Longest text `clean` returns unless told otherwise, in characters."""

_BLANKS = re.compile(r"[\t\n\r\v\f\x1c-\x1f\x85\u2028\u2029]+")
_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # marks and fillers without width
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2"  # signs that reshape what follows
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # zero width, bidi
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # lone surrogates, codes that are no characters
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d159"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # invisible music marks, tag characters
    "]"
)
_PLAIN = re.compile(r"[ -~]*\Z")
_STYLE_SELECTORS = re.compile("[\ufe0e\ufe0f]")  # emoji or text: dropped, nothing is lost by it
_MARK_CATEGORIES = frozenset({"Mn", "Me", "Mc"})
_JOINING_JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")  # drawn into the syllable before them
_MAX_MARKS = 4
_LOOKED_AT = 8  # times the limit


def clean(text: object, *, limit: int = MAX_LENGTH) -> str:
    """Return `text` as one line of harmless characters, at most `limit` long.

    Line breaks and tabs become one space, every control, bidi, zero-width, tag or surrogate
    character becomes U+FFFD, a mark with nothing before it to stand on too, and at most four
    combining marks in a row are kept. Markup is left as it stands: hand the result over as `Text`
    or `Content`, never as a markup string.

    Args:
        text: Anything; `str()` is taken of it.
        limit: Longest result in characters, at least 1; a longer text ends in `…`.

    Returns:
        A string without control characters.
    """
    value = text if isinstance(text, str) else str(text)
    limit = max(1, limit)
    cut = len(value) > limit * _LOOKED_AT
    if cut:
        value = value[: limit * _LOOKED_AT]  # bound the work
    if not _PLAIN.match(value):
        value = _UNSAFE.sub("\ufffd", _STYLE_SELECTORS.sub("", _BLANKS.sub(" ", value)))
        value = _limit_marks(value)
    if cut or len(value) > limit:
        value = value[: limit - 1] + "…"
    return value


def clean_lines(text: object, *, limit: int = 100_000, width: int = 2_000) -> list[str]:
    """Return `text` as a list of harmless lines: `clean` applied to each.

    ANSI colour sequences, which logs are full of, are dropped first instead of shown.

    Args:
        text: Anything; `str()` is taken of it.
        limit: Most characters of the whole text that are looked at.
        width: Longest line.

    Returns:
        One string per line, none with control characters.
    """
    value = (text if isinstance(text, str) else str(text))[:limit]
    value = _ANSI.sub("", value)
    return [
        clean(line.expandtabs(4), limit=width) for line in value.replace("\r\n", "\n").split("\n")
    ]


_ANSI = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")


def _limit_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        if char.isascii() or not _is_mark(char):
            marks = 0
            kept.append(char)
            continue
        marks += 1
        if not kept:
            kept.append("\ufffd")  # it would be drawn into whatever stands left of the text
        elif marks <= _MAX_MARKS:
            kept.append(char)
    return "".join(kept)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in _MARK_CATEGORIES or bool(_JOINING_JAMO.match(char))
