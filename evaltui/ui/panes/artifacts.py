"""The artifacts of a run: their paths and sizes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from evaltui.domain.events import RunDetail
from evaltui.domain.run import Run
from evaltui.domain.text import clean
from evaltui.ui.amounts import size_text
from evaltui.ui.columns import Cell
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.widgets.line_table import LineTable
from evaltui.ui.widgets.note import Note
from evaltui.ui.widgets.table_columns import TableColumn

COLUMNS = (TableColumn("artifact", 20, grow=1, shrinks=True), TableColumn("size", 9, right=True))
_PATH_LIMIT = 4_096


class ArtifactLines:
    """Artifacts as lines of a table, in the order of their paths."""

    def __init__(self, artifacts: Sequence[tuple[str, int | None]], *, missing: str) -> None:
        self._rows = sorted(artifacts, key=lambda item: item[0])
        self._missing = missing

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """Return the path."""
        return self._rows[index][0]

    def cells(self, index: int) -> Sequence[Cell]:
        """Return path and size."""
        path, size_bytes = self._rows[index]
        return (
            Cell(clean(path, limit=_PATH_LIMIT)),
            Cell(self._missing if size_bytes is None else size_text(size_bytes), "quiet"),
        )


class Artifacts(Vertical):
    """A list of the artifacts of one run."""

    DEFAULT_CSS = """
    Artifacts { height: 1fr; }
    """

    def __init__(self, *, glyphs: Glyphs = BLOCK, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Lay out a line of words and the table."""
        yield Note(id="artifacts-about")
        yield LineTable(glyphs=self._glyphs)

    @property
    def table(self) -> LineTable:
        """The table, which takes the focus."""
        return self.query_one(LineTable)

    def show(self, run: Run | None, detail: RunDetail | None, *, problem: str = "") -> None:
        """Show the artifacts of a run.

        Args:
            run: The run, or None when there is none to show.
            detail: What the engine knows of it, or None while it is being asked.
            problem: Why there is no detail, in one line (foreign text), or "".
        """
        found = detail.artifacts if detail is not None else ()
        lines = ArtifactLines(found, missing=self._glyphs.missing)
        self.query_one(Note).show([Content(_about(run, detail, problem))])
        self.table.show(lines, COLUMNS)


def _about(run: Run | None, detail: RunDetail | None, problem: str) -> str:
    if run is None:
        return "no run to show"
    name = clean(run.name) or clean(run.run_id)
    if detail is None:
        return f"{name}: {clean(problem)}" if problem else f"{name}: asking the store …"
    count = len(detail.artifacts)
    return f"{name}: {count} artifacts" if count != 1 else f"{name}: 1 artifact"
