"""Text to the clipboard of the terminal at the other end (OSC 52), and a word on how it went."""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.app import App

from evaltui.domain.table import RunTable
from evaltui.domain.text import clean

_LONGEST_SHOWN = 40
_CELL_LIMIT = 2_000


def copy(app: App[object], text: str, what: str, environ: Mapping[str, str] = os.environ) -> str:
    """Send a text to the terminal's clipboard and return one line on what was done.

    A terminal never answers, so the line says how the text was sent and, within tmux, what must
    be set there.

    Args:
        app: The application that owns the terminal.
        text: The text as it is.
        what: What it is, a word or two.
        environ: The environment; TMUX tells of tmux.
    """
    app.copy_to_clipboard(text)
    how = (
        "OSC 52 through tmux; needs `set -g set-clipboard on`" if environ.get("TMUX") else "OSC 52"
    )
    return f"copied {what} {clean(text, limit=_LONGEST_SHOWN)} ({how})"


def row_as_tsv(table: RunTable, row: int, *, mode: str | None, metrics: tuple[str, ...]) -> str:
    """Return a run as two lines of tab-separated values: names, then values in full.

    Args:
        table: The runs.
        row: The run.
        mode: Its mode, or None.
        metrics: Metrics of interest first; every other metric of the run follows.
    """
    values = table.metrics_of(row)
    names = list(dict.fromkeys([*(name for name in metrics if name in values), *values]))
    head = ["run_id", "name", "status", "mode", *names]
    cells = [table.run_ids[row], table.names[row], table.run_status(row).value, mode or ""]
    cells += [repr(values[name]) for name in names]
    return "\n".join(
        "\t".join(clean(cell, limit=_CELL_LIMIT) for cell in line) for line in (head, cells)
    )
