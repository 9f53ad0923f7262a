"""The footer: the keys that work here now, as many as fit, or for a while what just happened."""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widget import Widget

from evaltui.domain.text import clean
from evaltui.ui.delayed import call_after
from evaltui.ui.keys import Key, shown_keys

FLASH_S = {"info": 4.0, "warning": 8.0, "error": 12.0}
"""Seconds that a word stays, by level."""
_STYLES = {"info": "bold $accent", "warning": "bold $worse", "error": "bold $worse"}


class Footer(Widget):
    """One line of keys and words.

    A toast takes this line instead of a box over the list: one line is all that is sent.

    Args:
        keymap: Configured keys by binding id.
    """

    def __init__(self, keymap: Mapping[str, str], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._keymap = keymap
        self._keys: tuple[Key, ...] = ()
        self._flash = ""
        self._flash_style = ""
        self._timer: TimerHandle | None = None

    @property
    def flashed(self) -> str:
        """What just happened, or "" when the keys are on show."""
        return self._flash

    def show(self, keys: Sequence[Key]) -> None:
        """Show the keys that have a rank for the footer, best rank first, each action once."""
        by_key: dict[str, Key] = {}
        for key in keys:  # whoever is nearer to the focus comes first and wins
            by_key.setdefault(key.keys, key)
        ranked = sorted((key for key in by_key.values() if key.footer is not None), key=_rank)
        if tuple(ranked) != self._keys:
            self._keys = tuple(ranked)
            self.refresh()

    def flash(self, text: str, *, level: str = "info") -> None:
        """Show a line in place of the keys for a while.

        Args:
            text: May be foreign; it is cleaned here.
            level: "info", "warning" or "error".
        """
        self._flash = clean(text, limit=400)
        self._flash_style = _STYLES.get(level, _STYLES["info"])
        if self._timer is not None:
            self._timer.cancel()
        self._timer = call_after(self, FLASH_S.get(level, FLASH_S["info"]), self.clear_flash)
        self.refresh()

    def clear_flash(self) -> None:
        """Show the keys again."""
        if self._flash:
            self._flash = ""
            self.refresh()

    def render(self) -> Content:
        """Draw the line; what has no room is left out."""
        room = self.size.width - 1
        if self._flash:
            return Content.styled(" " + set_cell_size(self._flash, max(0, room)), self._flash_style)
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
