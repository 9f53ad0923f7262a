"""What a reader left out or changed, collected as it goes."""

from __future__ import annotations

_MOST = 40


class Notes:
    """Lines about a document, each once, bounded in number and length."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._left_off = 0

    def add(self, line: str) -> None:
        """Keep a line; beyond 40 lines they are only counted."""
        line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
        if line in self._lines:
            return
        if len(self._lines) < _MOST:
            self._lines[line] = None
        else:
            self._left_off += 1

    def lines(self) -> tuple[str, ...]:
        """Return the lines in the order they came, and how many more there were."""
        more = (f"… and {self._left_off} more notes",) if self._left_off else ()
        return (*self._lines, *more)


_LONGEST = 300
