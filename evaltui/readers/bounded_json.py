"""JSON from hostile or half-written files: bounded, and never another error than ReportError.

Numbers that are none (NaN, Infinity, 1e999, hundreds of digits) become None with a note of their
place, of repeated keys the last one counts, lone surrogates become U+FFFD. The items of one long
list can be handed over one by one, and a document can come in pieces, so that one of many megabytes
is never held all at once; what comes out and what is refused is the same.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, Protocol

from evaltui.errors import ReportError, ReportSyntaxError
from evaltui.readers.document import MAX_WHOLE, MORE_MEMORY, Pieces, Text, too_large
from evaltui.readers.notes import Notes
from evaltui.readers.scrub import DECODER, Path, repeated_key, scrub, too_deep
from evaltui.readers.window import Window

ROOT = ""
"""Name of the list to hand over item by item when the document itself is that list."""


class ItemSink(Protocol):
    """Takes the items of one list, one by one."""

    def begin(self) -> None:
        """Start over: a list begins, and of repeated keys the last one counts."""

    def add(self, index: int, item: Any) -> None:
        """Take the item at `index`."""


def parse(text: Text, notes: Notes) -> Any:
    """Return the one value that a document holds, made harmless.

    Raises:
        ReportTooLargeError: The text is longer than MAX_WHOLE, or than its pieces may be together.
        ReportSyntaxError: It is not JSON; `incomplete` when it just ends too early.
    """
    size, most = (text.size, text.most) if isinstance(text, Pieces) else (len(text), MAX_WHOLE)
    if size > most:
        raise too_large(size, most, MORE_MEMORY)
    walk = _Walk(text, notes)
    value = walk.value(None, depth=1)
    walk.end()
    return value


def parse_streamed(text: Text, key: str, sink: ItemSink, notes: Notes) -> Any:
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
        ReportTooLargeError: One value of a document in pieces is longer than it may be.
        ReportSyntaxError: The text is not JSON; `incomplete` when it just ends too early.
    """
    walk = _Walk(text, notes)
    if key == ROOT and walk.sees("["):
        walk.items(None, sink)
        value: Any = []
    elif key != ROOT and walk.sees("{"):
        value = {}
        walk.members(key, sink, value)
    else:
        value = walk.value(None, depth=1)
    walk.end()
    return value


def read_begin(text: str, key: str) -> dict[str, Any]:
    """Return the members of an object that stand before its list `key`, each made harmless.

    Args:
        text: The beginning of a document, cut anywhere.
        key: Name of the list; nothing behind its bracket is looked at.

    Returns:
        What is there whole; nothing of a document that is no object. Never raises.
    """
    found: dict[str, Any] = {}
    walk = _Walk(text, Notes())
    try:
        walk.members(key, _Stop(), found)
    except ReportError:
        if walk.is_over and found and type(found[last := next(reversed(found))]) in _NUMBERS:
            del found[last]  # there may be more digits
    return found


class _Stop:
    """Ends a walk where a list begins."""

    def begin(self) -> None:
        raise ReportError("a list begins")

    def add(self, index: int, item: Any) -> None:
        raise AssertionError((index, item))


# -- values --------------------------------------------------------------------------------------

_SKIP = re.compile(r"[ \t\n\r]*")
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_CUT_WORDS = "|".join(word[:length] for word in _LITERALS for length in range(1, len(word)))
_CUT_TAIL = re.compile(rf"(?:{_CUT_WORDS}|\.|[eE][+-]?)?\s*\Z")
_ESCAPE_LENGTH = len(r"\ud800\udc0")


_NUMBER_MAY_GO_ON = len("e+0")
"""A number that ends in the last characters of a window may be the beginning of another."""


class _Walk:
    """A position in a document, moved over one value after the other."""

    def __init__(self, text: Text, notes: Notes) -> None:
        self._window = Window(text)
        self._only = text.only if isinstance(text, Pieces) else ()
        self._notes = notes
        self._begin = 0
        self._skip()

    @property
    def is_over(self) -> bool:
        """Whether nothing comes next."""
        return self._window.at == len(self._window.text)

    def sees(self, mark: str) -> bool:
        """Return whether `mark`, one character, comes next."""
        return self._window.text.startswith(mark, self._window.at)

    def value(self, path: Path, *, depth: int) -> Any:
        """Return the next value, which lies `depth` levels deep, made harmless."""
        found = self._decode()
        self._skip()
        return scrub(found, path, depth, self._notes)

    def members(self, streamed: str, sink: ItemSink, found: dict[str, Any]) -> None:
        """Put the members of the object that comes next into `found`, one list handed over."""
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

    def items(self, path: Path, sink: ItemSink) -> None:
        """Hand over the items of the list that comes next."""
        sink.begin()
        self._take("[")
        index = 0
        while not self.sees("]"):
            if index:
                self._take(",")
            item = self._decode()
            if not self._only or self._holds_any():
                sink.add(index, scrub(item, (path, index), 3, self._notes))
            self._skip()
            index += 1
        self._take("]")

    def end(self) -> None:
        """Refuse a document that goes on after its value."""
        if not self.is_over:
            line, _ = self._window.place(self._window.at)
            raise ReportSyntaxError(
                f"something follows the report in line {line}",
                hint="a file holds one JSON document",
            )

    def _decode(self) -> Any:
        window = self._window
        while True:
            try:
                found, end = DECODER.raw_decode(window.text, window.at)
            except json.JSONDecodeError as error:
                if _ends_too_early(error) and window.grow():
                    continue
                self._raise(error)
            except RecursionError as error:
                raise too_deep() from error
            may_go_on = type(found) in _NUMBERS and end + _NUMBER_MAY_GO_ON > len(window.text)
            if may_go_on and window.grow():
                continue
            self._begin, window.at = window.at, end
            return found

    def _holds_any(self) -> bool:
        """Return whether the text of the last value holds one of those that are looked for."""
        text, begin, end = self._window.text, self._begin, self._window.at
        return any(text.find(word, begin, end) >= 0 for word in self._only)

    def _take(self, mark: str) -> None:
        if not self.sees(mark):
            self._refuse(f"Expecting '{mark}' delimiter")
        self._window.at += len(mark)
        self._skip()

    def _skip(self) -> None:
        """Go on to what is no blank, or to the end of the document."""
        window = self._window
        while True:
            blanks = _SKIP.match(window.text, window.at)
            window.at = blanks.end() if blanks else window.at
            if window.at < len(window.text) or not window.grow():
                return

    def _refuse(self, problem: str) -> NoReturn:
        window = self._window
        error = json.JSONDecodeError(problem, window.text, window.at)
        while _ends_too_early(error) and window.grow():
            error = json.JSONDecodeError(problem, window.text, window.at)
        self._raise(error)

    def _raise(self, error: json.JSONDecodeError) -> NoReturn:
        incomplete = _ends_too_early(error)
        line, column = self._window.place(error.pos)
        message = f"{error.msg} in line {line}, column {column}"
        raise ReportSyntaxError(
            f"truncated: {message}" if incomplete else f"not JSON: {message}",
            hint=None if incomplete else "write the report again, or correct it",
            incomplete=incomplete,
        ) from error


_NUMBERS = (int, float)


def _ends_too_early(error: json.JSONDecodeError) -> bool:
    if error.msg.startswith("Unterminated string"):
        return True
    rest = error.doc[error.pos : error.pos + _ESCAPE_LENGTH + 1]
    if error.msg.startswith("Invalid \\"):
        return error.pos + len(rest) >= len(error.doc) and '"' not in rest
    return _CUT_TAIL.match(error.doc, error.pos) is not None
