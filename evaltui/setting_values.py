"""Values of settings: how texts of flags, variables and TOML become what a field holds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from evaltui.errors import ConfigError

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "events": ("auto", "off"),
    "notify": ("off", "bell", "osc9"),
    "glyphs": ("auto", "block", "braille", "ascii"),
    "display": ("auto", "lean", "textual"),
    "theme": ("auto", "dark", "light", "ansi-dark", "ansi-light"),
}
_DIRECTIONS = ("higher", "lower", "neutral")
_RANGES: Mapping[str, tuple[float, float]] = {
    "poll_interval_s": (0.1, 3600),
    "max_report_mb": (1, 512),
}
TYPE_WORDS = {
    "str": "text",
    "Path": "path",
    "tuple[str, ...]": "list of texts",
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "Mapping[str, str]": "table of texts",
}
_BACKLOG = re.compile(r"log|skip|since=(\d{4}-\d{2}-\d{2}(T[\d:.+Z-]+)?|\d+[smhdw])")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def choices(name: str) -> tuple[str, ...]:
    """Return the words a setting may take, or () when it is free."""
    return _CHOICES.get(name, ())


def convert(
    name: str, kind: str, value: object, place: str, *, base: Path | None, strict: bool = False
) -> object:
    """Return a value as its field holds it.

    Relative paths start from `base`, else from the current directory. `strict` takes no text for
    a number or a truth value (TOML has both). `kind` is the field's annotation without None.

    Raises:
        ConfigError: The value is not allowed; the message names `place`, the hint what is.
    """
    if strict and isinstance(value, str) and kind in {"bool", "int", "float"}:
        raise _wrong(place, value, TYPE_WORDS[kind])
    converted = _CONVERTERS[kind](value, place)
    if isinstance(converted, Path):
        converted = (base or Path.cwd()) / converted.expanduser()
    _check(name, converted, place)
    return converted


def _check(name: str, value: object, place: str) -> None:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise _wrong(place, value, "one of " + ", ".join(_CHOICES[name]))
    if name == "metrics" and isinstance(value, Mapping):
        for metric, word in value.items():
            if word not in _DIRECTIONS:
                raise _wrong(f"{place}.{metric}", word, "one of " + ", ".join(_DIRECTIONS))
    if name == "backlog" and not _BACKLOG.fullmatch(str(value)):
        raise _wrong(place, value, "log, skip, since=YYYY-MM-DD or since=2d (s, m, h, d, w)")
    if name in _RANGES and isinstance(value, (int, float)):
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise _wrong(place, value, f"{low:g} to {high:g}")


def _wrong(place: str, value: object, allowed: str) -> ConfigError:
    return ConfigError(f"{place}: {value!r} is not allowed", hint=f"allowed: {allowed}")


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(place, value, "text that is not empty")
    return value


def _path(value: object, place: str) -> Path:
    text = _text(str(value) if isinstance(value, Path) else value, place)
    if "\0" in text:
        raise _wrong(place, value, "a path")
    return Path(text)


def _texts(value: object, place: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise _wrong(place, value, "a list of texts")
    return tuple(_text(item, place) for item in value)


def _bool(value: object, place: str) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _TRUE | _FALSE:
        raise _wrong(place, value, "true or false (1, 0, yes, no, on, off)")
    return word in _TRUE


def _number(value: object, place: str) -> float:
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        raise _wrong(place, value, "a number")
    try:
        number = float(value)
    except ValueError:
        raise _wrong(place, value, "a number") from None
    if not math.isfinite(number):
        raise _wrong(place, value, "a number")
    return number


def _integer(value: object, place: str) -> int:
    number = _number(value, place)
    if not number.is_integer():
        raise _wrong(place, value, "a whole number")
    return int(number)


def _table(value: object, place: str) -> dict[str, str]:
    """Flatten nested tables: `[keys.runs] compare = "c"` is `runs.compare` too."""
    if not isinstance(value, Mapping):
        raise _wrong(place, value, "a table of texts")
    flat: dict[str, str] = {}
    for name, item in value.items():
        if isinstance(item, Mapping):
            inner = _table(item, f"{place}.{name}")
            flat.update((f"{name}.{key}", text) for key, text in inner.items())
        else:
            flat[str(name)] = _text(item, f"{place}.{name}")
    return flat


_CONVERTERS: Mapping[str, Callable[[object, str], object]] = {
    "str": _text,
    "Path": _path,
    "tuple[str, ...]": _texts,
    "bool": _bool,
    "int": _integer,
    "float": _number,
    "Mapping[str, str]": _table,
}


def to_toml(value: object) -> str:
    """Return a setting's value as TOML; None and an empty table give ""."""
    if value is None or isinstance(value, Mapping):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(to_toml(item) for item in value) + "]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text) + '"'


def plain(value: object) -> object:
    """Return a setting's value as JSON holds it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
