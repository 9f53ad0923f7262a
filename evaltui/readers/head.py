"""The start of a file, looked at without parsing it: top-level keys and key paths.

The text may be cut anywhere. One regular expression finds the tokens; only the shape of the
document down to depth 5 is kept.
"""

from __future__ import annotations

import re
from dataclasses import field

from evaltui.late_dataclass import dataclass

MAX_DEPTH = 5
_MOST_TOKENS = 20_000
_LONGEST_TEXT = 200

_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*+)"(\s*:)?'  # a text, and whether it is a key
    r"|([{}\[\],])"
    r"|([^\s{}\[\],:\"]+)",  # a number or a word
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Head:
    """What the start of a JSON document shows.

    Attributes:
        root: `{`, `[` or "" when it is neither.
        keys: Keys of the top-level object in order.
        kinds: Kind of value by key path, such as `summary.total_apps` or `apps[].metrics`: `{`,
            `[`, `"` for a text, `0` for anything else.
        texts: Short texts at the top of the document by key.
    """

    root: str = ""
    keys: tuple[str, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def has(self, *paths: str) -> bool:
        """Return whether every path is there."""
        return all(path in self.kinds for path in paths)

    def below(self, path: str) -> list[str]:
        """Return the kinds of the values directly below an object."""
        prefix = f"{path}."
        return [
            kind
            for name, kind in self.kinds.items()
            if name.startswith(prefix) and not _NESTED.search(name, len(prefix))
        ]


_NESTED = re.compile(r"[.\[]")


def look(head: bytes) -> Head:
    """Return the shape of a document from its first bytes; never raises."""
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if not text.startswith(("{", "[")):
        return Head()
    return _Look().run(text)


@dataclass
class _Look:
    keys: dict[str, None] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    open: list[tuple[str, str]] = field(default_factory=list)  # bracket, path
    path: str = ""  # of the value that comes next
    root: str = ""

    def run(self, text: str) -> Head:
        for number, found in enumerate(_TOKEN.finditer(text)):
            if number >= _MOST_TOKENS:
                break
            word, colon, bracket, _other = found.groups()
            if bracket:
                if not self._bracket(bracket):
                    break
            elif word is not None and colon:
                self._key(word)
            else:
                self._value('"' if word is not None else "0", word)
        return Head(self.root, tuple(self.keys), self.kinds, self.texts)

    def _bracket(self, bracket: str) -> bool:
        """Open or close; False when the document is over."""
        if bracket in "{[":
            self.root = self.root or bracket
            self._value(bracket, None)
            inside = f"{self.path}[]" if bracket == "[" else self.path
            if len(self.open) >= MAX_DEPTH:  # nothing in there is kept, nor a path of any length
                inside = ""
            self.open.append((bracket, inside))
            self.path = inside
            return True
        if bracket in "}]":
            if self.open:
                self.open.pop()
            if not self.open:
                return False
        self.path = self.open[-1][1] if self.open else ""
        return True

    def _key(self, name: str) -> None:
        if not self.open or self.open[-1][0] != "{":
            return
        base = self.open[-1][1]
        self.path = f"{base}.{name}" if base else name
        if len(self.open) == 1:
            self.keys.setdefault(name)

    def _value(self, kind: str, word: str | None) -> None:
        if not self.path or len(self.open) > MAX_DEPTH:
            return
        self.kinds.setdefault(self.path, kind)
        if word is not None and len(self.open) == 1 and len(word) <= _LONGEST_TEXT:
            self.texts.setdefault(self.path, word)
