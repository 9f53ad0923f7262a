"""The first page of a run list as it was drawn: what a start shows before it has the list."""

from __future__ import annotations

import json
import math
from typing import Any

from evaltui.domain.text import clean
from evaltui.late_dataclass import dataclass

SCHEMA = "evaltui.page/1"
LARGEST_BYTES = 1_000_000
_MOST_CELLS = 2_000

Piece = tuple[str, str]
"""A role, which names a style, and a cleaned text."""

Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ListPage:
    """Lines of a run list and what they were drawn for.

    Attributes:
        size: Columns and lines of the terminal.
        room: Columns and lines of the list in it.
        glyphs: Name of the signs it was drawn with.
        title: Title of the list.
        as_of_s: Epoch seconds at which the store said so.
        lines: The lines, the head first; each as wide as the list.
    """

    size: tuple[int, int]
    room: tuple[int, int]
    glyphs: str
    title: str
    as_of_s: float
    lines: tuple[Line, ...]

    def suits(self, size: tuple[int, int], glyphs: str) -> bool:
        """Whether the page was drawn for such a screen."""
        return self.size == size and self.glyphs == glyphs


def encode(page: ListPage, key: str) -> bytes:
    """Return a page as JSON.

    Args:
        page: The page.
        key: Identity of store and experiment, as `Target.key`.
    """
    fields = {
        "schema": SCHEMA,
        "key": key,
        "size": page.size,
        "room": page.room,
        "glyphs": page.glyphs,
        "title": page.title,
        "as_of_s": page.as_of_s,
        "lines": page.lines,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def decode(data: bytes, key: str) -> ListPage:
    """Return the page that `encode` made for the same key.

    Raises:
        ValueError: It is something else, damaged, or of another store or experiment. Nothing in it
            is trusted: what is no plain text on one line is refused.
    """
    fields = json.loads(data.decode("utf-8"))
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        raise ValueError("no page of a list")
    if fields.get("key") != key:
        raise ValueError("of another store or experiment")
    size, room = _size(fields.get("size")), _size(fields.get("room"))
    if room[0] > size[0] or room[1] > size[1]:
        raise ValueError("larger than its terminal")
    as_of_s = fields.get("as_of_s")
    if not isinstance(as_of_s, int | float) or not math.isfinite(as_of_s) or as_of_s <= 0:
        raise ValueError("no time")
    lines = fields.get("lines")
    if not isinstance(lines, list) or not 0 < len(lines) <= room[1]:
        raise ValueError("no lines")
    return ListPage(
        size,
        room,
        _plain(fields.get("glyphs")),
        _plain(fields.get("title")),
        float(as_of_s),
        tuple(_line(line) for line in lines),
    )


def _line(value: Any) -> Line:
    if not isinstance(value, list) or len(value) > _MOST_CELLS:
        raise ValueError("no line")
    return tuple((_plain(role), _plain(text)) for role, text in (_counted(it, 2) for it in value))


def _size(value: Any) -> tuple[int, int]:
    width, height = _counted(value, 2)
    if not (_is_count(width) and _is_count(height)):
        raise ValueError("no size")
    return width, height


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= _MOST_CELLS


def _counted(value: Any, count: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"not {count} values")
    return value


def _plain(value: Any) -> str:
    if not isinstance(value, str) or clean(value, limit=_MOST_CELLS) != value:
        raise ValueError("no plain text")
    return value
