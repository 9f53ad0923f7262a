"""Parsed JSON made harmless: depth, numbers that are none, repeated keys, halves of characters."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from evaltui.errors import ReportSyntaxError
from evaltui.readers.notes import Notes
from evaltui.readers.shape import escape

MAX_DEPTH = 64
"""Deepest nesting of objects and lists."""

Path = tuple[Any, Any] | None
"""Path of the parent and key or index: made into text only when a note needs it."""


def too_deep() -> ReportSyntaxError:
    """Return the error for a document that is nested too deeply."""
    return ReportSyntaxError(f"nested deeper than {MAX_DEPTH} levels")


_MOST_NAMED = 3


class _Repeated(dict[str, Any]):
    """An object that gave a key twice; replaced by a plain one once its place is known."""

    repeated: list[str]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    marked = _Repeated(found)
    counts = Counter(name for name, _ in pairs)
    marked.repeated = [name for name, count in counts.items() if count > 1][:_MOST_NAMED]
    return marked


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


_MOST_DIGITS = 300
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole)
_SURROGATE = re.compile("[\ud800-\udfff]")


def scrub(root: Any, path: Path, depth: int, notes: Notes) -> Any:
    """Return `root` with everything in it harmless; containers are changed in place."""
    holder = [root]
    todo = _scrub_item(holder, 0, path, notes, depth)
    while todo:
        container, place, level = todo.pop()
        if level > MAX_DEPTH:
            raise too_deep()
        entries = container.items() if isinstance(container, dict) else enumerate(container)
        for key, item in entries:
            kind = type(item)
            if kind is bool or item is None or kind is int or (kind is str and item.isascii()):
                continue  # most values, kept cheap
            todo += _scrub_item(container, key, (place, key), notes, level + 1)
        if isinstance(container, dict):
            _scrub_keys(container, place, notes)
    return holder[0]


def _scrub_item(
    container: Any, key: Any, path: Path, notes: Notes, depth: int
) -> list[tuple[Any, Path, int]]:
    """Make one item harmless and return it if there is more inside."""
    item = container[key]
    if isinstance(item, float):
        if not math.isfinite(item):
            notes.add(f"{_format(path)}: {item} is no number, taken as missing")
            container[key] = None
    elif isinstance(item, str):
        if _SURROGATE.search(item):
            notes.add(f"{_format(path)}: half a character replaced")
            container[key] = _SURROGATE.sub("\ufffd", item)
    elif isinstance(item, (dict, list)):
        if isinstance(item, _Repeated):
            for name in item.repeated:
                notes.add(repeated_key((path, name)))
            item = container[key] = dict(item)
        return [(item, path, depth)]
    return []


def _scrub_keys(container: dict[str, Any], path: Path, notes: Notes) -> None:
    if all(key.isascii() or not _SURROGATE.search(key) for key in container):
        return
    notes.add(f"{_format(path)}: half a character replaced in a key")
    items = [(_SURROGATE.sub("\ufffd", key), item) for key, item in container.items()]
    container.clear()
    container.update(items)


def repeated_key(path: Path) -> str:
    """Return the note for a key that an object gives twice."""
    return f"{_format(path)}: key given twice, the last one counts"


def _format(path: Path) -> str:
    parts: list[str] = []
    while path is not None:
        path, key = path
        parts.append(_SURROGATE.sub("\ufffd", str(key)))
    return "".join(f"/{escape(part)}" for part in reversed(parts)) or "the document"
