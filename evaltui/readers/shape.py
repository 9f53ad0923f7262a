"""Values of a parsed document by type, with errors that name the place in words.

Absent, null and texts such as "N/A" are None everywhere.
"""

from __future__ import annotations

import json
import re
from typing import Any

from evaltui.errors import ReportSchemaError

_MISSING = frozenset({"", "n/a", "na", "none", "null", "nan", "-", "not implemented"})
_MOST_SHOWN = 40


def is_missing(value: object) -> bool:
    """Return whether a value stands for "there is none"."""
    return value is None or (isinstance(value, str) and value.strip().casefold() in _MISSING)


def child(parent: dict[str, Any], key: str, at: str) -> dict[str, Any]:
    """Return the object at `key`, empty when it is missing.

    Raises:
        ReportSchemaError: The value is something else.
    """
    return as_object(parent.get(key), f"{at}/{escape(key)}")


def as_object(value: Any, at: str) -> dict[str, Any]:
    """Return `value` as an object, an empty one when it is missing.

    Raises:
        ReportSchemaError: The value is something else.
    """
    if isinstance(value, dict):
        return value
    if is_missing(value):
        return {}
    raise wrong(at, "an object", value)


def items(parent: dict[str, Any], key: str, at: str) -> list[Any]:
    """Return the list at `key`, empty when it is missing.

    Raises:
        ReportSchemaError: The value is something else.
    """
    value = parent.get(key)
    if isinstance(value, list):
        return value
    if is_missing(value):
        return []
    raise wrong(f"{at}/{escape(key)}", "a list", value)


def flag(parent: dict[str, Any], key: str, at: str) -> bool | None:
    """Return the truth value at `key` (0 and 1 are taken too), or None when it is missing.

    Raises:
        ReportSchemaError: The value is something else.
    """
    value = parent.get(key)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if is_missing(value):
        return None
    raise wrong(f"{at}/{escape(key)}", "true, false or null", value)


def number(parent: dict[str, Any], key: str, at: str) -> float | None:
    """Return the number at `key`, or None when it is missing.

    Raises:
        ReportSchemaError: The value is something else.
    """
    value = parent.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if is_missing(value):
        return None
    raise wrong(f"{at}/{escape(key)}", "a number or null", value)


def text(parent: dict[str, Any], key: str, at: str, *, limit: int) -> str | None:
    """Return the text at `key`, at most `limit` characters, or None when it is missing.

    Raises:
        ReportSchemaError: The value is something else.
    """
    value = parent.get(key)
    if isinstance(value, str):
        return cut(value, limit) if value.strip() else None
    if value is None:
        return None
    raise wrong(f"{at}/{escape(key)}", "a text or null", value)


def plain(value: Any, *, limit: int) -> str | None:
    """Return any value as text for people, or None when it is missing."""
    if value is None:
        return None
    if isinstance(value, str):
        return cut(value, limit) if value.strip() else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return format_number(value)
    return cut(json.dumps(value, ensure_ascii=False), limit)


def format_number(value: float) -> str:
    """Return a number as a person would write it: `8`, not `8.0`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < _EXACT else repr(value)


_EXACT = 2**53


def cut(value: str, limit: int) -> str:
    """Return a text of at most `limit` characters that says when it was cut."""
    if len(value) <= limit:
        return value
    return f"{value[: max(0, limit - 40)]}\n… cut, {len(value):,} characters in all"[:limit]


def wrong(at: str, expected: str, value: Any) -> ReportSchemaError:
    """Return the error for a value that is not what the format says.

    Args:
        at: JSON pointer of the value.
        expected: What the format says, such as "a number or null".
        value: What is there.
    """
    return ReportSchemaError(
        f"{in_words(at)}: expected {expected}, got {_shown(value)}", pointer=at
    )


def in_words(at: str) -> str:
    """Return a JSON pointer the way people write it: `apps[3].metrics.tests_pass`."""
    words = ""
    for part in at.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if _INDEX.match(name):
            words += f"[{name}]"
        else:
            words += f".{name}" if words else name
    return words or "the document"


_INDEX = re.compile(r"\d+\Z")


def escape(key: str) -> str:
    """Return a key as it stands in a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]}…")
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    shown = json.dumps(value)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
