"""JSON from hostile or half-written files: bounded, and never another error than ReportError.

Numbers that are none (NaN, Infinity, 1e999, hundreds of digits) become None with a note of their
place, of repeated keys the last one counts, lone surrogates become U+FFFD. The items of one long
list can be handed over one by one, so that a document of many megabytes is never held as objects
all at once.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, Protocol

from evaltui.errors import ReportSyntaxError, ReportTooLargeError
from evaltui.readers.notes import Notes
from evaltui.readers.scrub import DECODER, Path, repeated_key, scrub, too_deep

MAX_BYTES = 4 * 1024**3
"""Largest file that is read unless told otherwise, in bytes."""

MAX_WHOLE = 64 * 1024 * 1024
"""Largest document that is held as objects all at once, in characters."""

ROOT = ""
"""Name of the list to hand over item by item when the document itself is that list."""


class ItemSink(Protocol):
    """Takes the items of one list, one by one."""

    def begin(self) -> None:
        """Start over: a list begins, and of repeated keys the last one counts."""

    def add(self, index: int, item: Any) -> None:
        """Take the item at `index`."""


def decode(data: bytes, *, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of a document, without a byte order mark.

    Args:
        data: The whole file.
        max_bytes: Largest file that is accepted.

    Raises:
        ReportTooLargeError: The file is larger than `max_bytes`.
        ReportSyntaxError: It is empty, holds NUL bytes or is not UTF-8.
    """
    if len(data) > max_bytes:
        raise _too_large(len(data), max_bytes, "raise max_report_mb, or split the report")
    _refuse_other_encodings(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut = error.end >= len(data) and error.reason == "unexpected end of data"
        raise ReportSyntaxError(
            f"not UTF-8 at byte {error.start}",
            hint=None if cut else "write the report as UTF-8",
            incomplete=cut,
        ) from error
    if not text.strip(_BLANKS):
        raise ReportSyntaxError("the file is empty", incomplete=True)
    return text


def parse(text: str, notes: Notes) -> Any:
    """Return the one value that a document holds, made harmless.

    Raises:
        ReportTooLargeError: The text is longer than MAX_WHOLE.
        ReportSyntaxError: It is not JSON; `incomplete` when it just ends too early.
    """
    if len(text) > MAX_WHOLE:
        raise _too_large(len(text), MAX_WHOLE, "split the report")
    walk = _Walk(text, notes)
    value = walk.value(None, depth=1)
    walk.end()
    return value


def parse_streamed(text: str, key: str, sink: ItemSink, notes: Notes) -> Any:
    """Return the value of a document without one of its lists, whose items go to `sink`.

    Args:
        text: The document.
        key: Name of the list at the top of the document, or ROOT when the document is the list.
            A value of that name that is no list stays where it is.
        sink: Takes the items, each made harmless.
        notes: Takes what was changed.

    Returns:
        The object with an empty list for the streamed one, or an empty list for a streamed root.

    Raises:
        ReportSyntaxError: The text is not JSON; `incomplete` when it just ends too early.
    """
    walk = _Walk(text, notes)
    if key == ROOT and walk.sees("["):
        walk.items(None, sink)
        value: Any = []
    elif key != ROOT and walk.sees("{"):
        value = walk.members(key, sink)
    else:
        value = walk.value(None, depth=1)
    walk.end()
    return value


# -- text ----------------------------------------------------------------------------------------

_BLANKS = " \t\n\r"
_SKIP = re.compile(r"[ \t\n\r]*")
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_CUT_WORDS = "|".join(word[:length] for word in _LITERALS for length in range(1, len(word)))
_CUT_TAIL = re.compile(rf"(?:{_CUT_WORDS}|\.|[eE][+-]?)?\s*\Z")
_ESCAPE_LENGTH = len(r"\ud800\udc0")
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def _refuse_other_encodings(data: bytes) -> None:
    if data.startswith(_OTHER_MARKS):
        raise ReportSyntaxError(
            "not UTF-8 at byte 0: the text is UTF-16 or UTF-32", hint="write the report as UTF-8"
        )
    at = data.find(b"\x00")
    if at < 0:
        return
    if at <= 1 and data.strip(b"\x00"):
        raise ReportSyntaxError(
            f"not UTF-8 at byte {at}: a NUL byte, as in UTF-16 or UTF-32",
            hint="write the report as UTF-8",
        )
    raise ReportSyntaxError(
        f"a NUL byte at byte {at}: its writer did not finish",
        hint="write the report again",
        incomplete=not data[at:].strip(b"\x00"),
    )


def _too_large(size: int, limit: int, hint: str) -> ReportTooLargeError:
    told = f"the file has {_megabytes(size)}, the limit is {_megabytes(limit)}"
    return ReportTooLargeError(told, hint=hint)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"


# -- values --------------------------------------------------------------------------------------


class _Walk:
    """A position in a document, moved over one value after the other."""

    def __init__(self, text: str, notes: Notes) -> None:
        self._text = text
        self._notes = notes
        self._at = 0
        self._skip()

    def sees(self, mark: str) -> bool:
        """Return whether `mark` comes next."""
        return self._text.startswith(mark, self._at)

    def value(self, path: Path, *, depth: int) -> Any:
        """Return the next value, which lies `depth` levels deep, made harmless."""
        try:
            found, self._at = DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            _raise_syntax(error)
        except RecursionError as error:
            raise too_deep() from error
        self._skip()
        return scrub(found, path, depth, self._notes)

    def members(self, streamed: str, sink: ItemSink) -> dict[str, Any]:
        """Return the object that comes next, the list named `streamed` handed over."""
        found: dict[str, Any] = {}
        self._take("{")
        while not self.sees("}"):
            if found:
                self._take(",")
            if not self.sees('"'):
                self._refuse("Expecting property name enclosed in double quotes")
            name = self.value(None, depth=1)
            self._take(":")
            path: Path = (None, name)
            if name in found:
                self._notes.add(repeated_key(path))
            if name == streamed and self.sees("["):
                self.items(path, sink)
                found[name] = []
            else:
                found[name] = self.value(path, depth=2)
        self._take("}")
        return found

    def items(self, path: Path, sink: ItemSink) -> None:
        """Hand over the items of the list that comes next."""
        sink.begin()
        self._take("[")
        index = 0
        while not self.sees("]"):
            if index:
                self._take(",")
            sink.add(index, self.value((path, index), depth=3))
            index += 1
        self._take("]")

    def end(self) -> None:
        """Refuse a document that goes on after its value."""
        if self._at < len(self._text):
            line = self._text.count("\n", 0, self._at) + 1
            raise ReportSyntaxError(
                f"something follows the report in line {line}",
                hint="a file holds one JSON document",
            )

    def _take(self, mark: str) -> None:
        if not self.sees(mark):
            self._refuse(f"Expecting '{mark}' delimiter")
        self._at += len(mark)
        self._skip()

    def _skip(self) -> None:
        blanks = _SKIP.match(self._text, self._at)
        self._at = blanks.end() if blanks else self._at

    def _refuse(self, problem: str) -> NoReturn:
        _raise_syntax(json.JSONDecodeError(problem, self._text, self._at))


def _raise_syntax(error: json.JSONDecodeError) -> NoReturn:
    incomplete = _ends_too_early(error)
    message = f"{error.msg} in line {error.lineno}, column {error.colno}"
    raise ReportSyntaxError(
        f"truncated: {message}" if incomplete else f"not JSON: {message}",
        hint=None if incomplete else "write the report again, or correct it",
        incomplete=incomplete,
    ) from error


def _ends_too_early(error: json.JSONDecodeError) -> bool:
    if error.msg.startswith("Unterminated string"):
        return True
    rest = error.doc[error.pos : error.pos + _ESCAPE_LENGTH + 1]
    if error.msg.startswith("Invalid \\"):
        return error.pos + len(rest) >= len(error.doc) and '"' not in rest
    return _CUT_TAIL.match(error.doc, error.pos) is not None
