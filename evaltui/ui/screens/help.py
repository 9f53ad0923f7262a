"""The keys of the current screen, grouped, as they are bound now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from evaltui.domain.text import clean
from evaltui.ui.columns import Cell
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.keys import Key, shown_keys
from evaltui.ui.widgets.line_table import LineTable
from evaltui.ui.widgets.table_columns import TableColumn

GROUPS: Mapping[str, str] = {
    "app": "Everywhere",
    "runs": "Runs",
    "panes": "Panes",
    "diff": "Diff",
    "trends": "Trends",
    "case": "One case in two runs",
    "groups": "Groups of runs (A/B)",
    "run": "One run: cases, metrics, params, tags, artifacts",
    "watch": "Files on watch",
    "list": "Tables and lists",
}
"""Headings by pane; a pane that is not named here is its own heading."""


_AROUND = 5
"""Lines of border, title, head and closing words."""


class HelpScreen(ModalScreen[None]):
    """Lists keys with what they do and the id they are rebound by.

    Args:
        keys: The keys that work where help was asked for, in order.
        keymap: The configured keys by binding id.
        glyphs: The signs to draw with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "leave", "close", id="help.leave"),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen > Vertical {
        width: 92; max-width: 96%; max-height: 96%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    HelpScreen LineTable { height: 1fr; background: $surface; }
    HelpScreen Static { width: 1fr; height: 1; }
    """

    def __init__(
        self, keys: Sequence[Key], keymap: Mapping[str, str], *, glyphs: Glyphs = BLOCK
    ) -> None:
        super().__init__()
        self._lines = HelpLines(keys, keymap)
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        with Vertical():
            yield Static(Content.styled("Keys", "bold $primary"))
            yield LineTable(glyphs=self._glyphs)
            yield Static(
                Content.styled(
                    'esc closes · rebind by id in config.toml: [keys] "runs.compare" = "x"',
                    "$quiet",
                )
            )

    def on_mount(self) -> None:
        """Fill the table."""
        table = self.query_one(LineTable)
        self.query_one(Vertical).styles.height = len(self._lines) + _AROUND
        table.show(self._lines, self._lines.columns)
        table.focus()

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)


class HelpLines:
    """The keys as lines of a table, a heading above each group."""

    def __init__(self, keys: Sequence[Key], keymap: Mapping[str, str]) -> None:
        self._rows: list[tuple[Cell, Cell, Cell]] = []
        groups: dict[str, list[Key]] = {}
        for key in keys:
            groups.setdefault(key.pane, []).append(key)
        for pane, members in groups.items():
            heading = Cell(GROUPS.get(pane, pane), "mark")
            self._rows.append((Cell(""), heading, Cell("")))
            for key in members:
                rebound = key.id in keymap
                shown = clean(shown_keys(key, keymap))
                self._rows.append(
                    (
                        Cell(shown, "mark" if rebound else "better"),
                        Cell(key.help + (" (rebound)" if rebound else "")),
                        Cell(key.id, "quiet"),
                    )
                )
        widest = max((cell_len(row[0].text) for row in self._rows), default=1)
        longest_id = max((cell_len(row[2].text) for row in self._rows), default=1)
        self.columns = (
            TableColumn("key", min(14, widest)),
            TableColumn("does", 30, grow=1),
            TableColumn("id", longest_id, optional=True),
        )

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """Return the line's number."""
        return str(index)

    def cells(self, index: int) -> Sequence[Cell]:
        """Return keys, words and id."""
        return self._rows[index]
