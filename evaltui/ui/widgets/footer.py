"""The footer: the keys that work here now, as many as fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from evaltui.ui.keys import Key, shown_keys


class Footer(Widget):
    """One line of keys and words."""

    def __init__(self, keymap: Mapping[str, str], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._keymap = keymap
        self._keys: tuple[Key, ...] = ()

    def show(self, keys: Sequence[Key]) -> None:
        """Show the keys that have a rank for the footer, best rank first."""
        ranked = sorted((key for key in keys if key.footer is not None), key=_rank)
        if tuple(ranked) != self._keys:
            self._keys = tuple(ranked)
            self.refresh()

    def render(self) -> Content:
        """Draw the line; what has no room is left out."""
        room = self.size.width - 1
        pieces: list[Content] = [Content(" ")]
        for key in self._keys:
            shown = shown_keys(key, self._keymap).split(" ")[0]
            cells = cell_len(shown) + 1 + cell_len(key.label) + 2
            if cells > room + 2:
                break
            room -= cells
            pieces += [
                Content.styled(shown, "bold $primary"),
                Content.styled(f" {key.label}  ", "$quiet"),
            ]
        return Content("").join(pieces)


def _rank(key: Key) -> int:
    return key.footer if key.footer is not None else 0
