"""One run in full: its cases, metrics, params, tags, artifacts and notes, a section at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from evaltui.domain.events import RunDetail
from evaltui.domain.run import Run, Tag
from evaltui.domain.text import clean, clean_lines
from evaltui.late_dataclass import dataclass
from evaltui.ui.amounts import local_time
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.instants import duration_text
from evaltui.ui.keys import RUN_KEYS, bindings
from evaltui.ui.panes.artifacts import COLUMNS as ARTIFACT_COLUMNS
from evaltui.ui.panes.artifacts import ArtifactLines
from evaltui.ui.panes.cases import CaseLines, value_text
from evaltui.ui.panes.run_lines import FactLines, metric_lines, note_lines, text_lines
from evaltui.ui.panes.wishes import CopyRequested, Said
from evaltui.ui.screens.picker import Picker
from evaltui.ui.screens.text_view import TextView
from evaltui.ui.widgets.line_table import Lines, LineTable, NoLines
from evaltui.ui.widgets.note import Note
from evaltui.ui.widgets.table_columns import TableColumn

SECTIONS = ("cases", "metrics", "params", "tags", "artifacts", "notes")
"""The sections from left to right."""

SHORT = 14
"""Lines below which the words around the table shrink."""

_FAILURES_FIRST = "-1"


@dataclass(frozen=True, slots=True)
class CaseSort:
    """How the cases are ordered; `column` None is failures first."""

    column: int | None = None
    descending: bool = False


class RunView(Vertical):
    """What is known of a run.

    Args:
        glyphs: The signs to draw with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(RUN_KEYS)]
    DEFAULT_CSS = """
    RunView { height: 1fr; }
    RunView #run-head { max-height: 4; }
    RunView #run-sections { height: 1; }
    RunView #run-about { height: 3; }
    RunView.-short #run-head { max-height: 1; }
    RunView.-short #run-about { height: 1; }
    """

    def __init__(self, *, glyphs: Glyphs = BLOCK, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._missing = glyphs.missing
        self._run: Run | None = None
        self._detail: RunDetail | None = None
        self._problem = ""
        self._section = SECTIONS[0]
        self._sort = CaseSort()
        self._skip = 0
        self._lines: Lines = NoLines()

    def compose(self) -> ComposeResult:
        """Lay out head, section names, table and the words on the line under the cursor."""
        yield Note(id="run-head")
        yield Note(steady=True, id="run-sections")
        yield LineTable(glyphs=self._glyphs)
        yield Note(steady=True, id="run-about")

    @property
    def table(self) -> LineTable:
        """The table, which takes the focus."""
        return self.query_one(LineTable)

    @property
    def section(self) -> str:
        """The section on show."""
        return self._section

    def show(self, run: Run | None, detail: RunDetail | None, *, problem: str = "") -> None:
        """Show a run.

        Args:
            run: What the run list knows of it, or None when there is no run to show.
            detail: What the engine knows of it, or None while it is being asked.
            problem: Why there is no detail, in one line (foreign text), or "".
        """
        other = (run.run_id if run else "") != (self._run.run_id if self._run else "")
        if other:
            self._sort, self._skip = CaseSort(), 0
        self._run, self._detail, self._problem = run, detail, problem
        self._draw(top=other)

    def open_section(self, section: str) -> None:
        """Show one of SECTIONS."""
        if section != self._section:
            self._section = section
            self._draw(top=True)

    def _draw(self, *, top: bool = False) -> None:
        self.query_one("#run-head", Note).show(self._head())
        names = [self._section_names()] if self._run is not None else []
        self.query_one("#run-sections", Note).show(names)
        self._lines, columns = self._section_lines()
        self.table.show(self._lines, columns, top=top)
        self._show_about()

    def on_resize(self, event: events.Resize) -> None:
        """Leave the table its room where there is little."""
        self.set_class(event.size.height < SHORT, "-short")

    # -- head ------------------------------------------------------------------------------------

    def _head(self) -> list[Content]:
        run, detail = self._run, self._detail
        if run is None:
            return [Content("no run to show")]
        facts = [run.status.value.lower(), run.tags.get(Tag.MODE) or run.params.get("mode", "")]
        facts += [local_time(run.started_ms), _took(run)]
        words = " · ".join(clean(fact) for fact in facts if fact)
        lines = [
            Content.assemble((clean(run.name) or "(no name)", "bold"), f"  {words}"),
            Content.styled(clean(run.run_id), "$quiet"),
        ]
        if detail is not None:
            link = " · ".join(clean(part) for part in (detail.link, detail.link_note) if part)
            if link:
                lines.append(Content(link))
        elif self._problem:
            lines.append(Content.styled(clean(self._problem), "$worse"))
        else:
            lines.append(Content.styled("asking the store …", "$quiet"))
        return lines

    def _section_names(self) -> Content:
        pieces: list[Content] = []
        for name in SECTIONS:
            count = self._count(name)
            label = f"{name} {count}" if count is not None else name
            if name == self._section:
                pieces.append(Content.styled(f"[{label}]", "bold $primary"))
            else:
                pieces.append(Content.styled(f" {label} ", "$quiet"))
        return Content(" ").join(pieces)

    def _count(self, section: str) -> int | None:
        detail = self._detail
        if section == "cases":
            return len(detail.case_rows) if detail is not None else None
        if section == "artifacts":
            return len(detail.artifacts) if detail is not None else None
        return len(self._fact_lines(section))

    # -- sections --------------------------------------------------------------------------------

    def _section_lines(self) -> tuple[Lines, Sequence[TableColumn]]:
        detail = self._detail
        if self._section == "cases":
            if detail is None or not detail.case_columns:
                return NoLines(), ()
            cases = CaseLines(
                detail,
                sort=self._sort.column,
                descending=self._sort.descending,
                skip=self._skip,
                glyphs=self._glyphs,
            )
            return cases, cases.columns()
        if self._section == "artifacts":
            found = detail.artifacts if detail is not None else ()
            return ArtifactLines(found, missing=self._missing), ARTIFACT_COLUMNS
        facts = self._fact_lines(self._section)
        return facts, facts.columns

    def _fact_lines(self, section: str) -> FactLines:
        run, detail = self._run, self._detail
        if run is None:
            return note_lines(())
        if section == "metrics":
            return metric_lines(detail.metrics if detail is not None else run.metrics.items())
        if section == "params":
            return text_lines(detail.params if detail is not None else run.params.items())
        if section == "tags":
            return text_lines(detail.tags if detail is not None else run.tags.items())
        return note_lines(self._notes())

    def _notes(self) -> list[str]:
        notes: list[str] = []
        if self._detail is not None:
            notes += [note for note in (self._detail.cases_note, *self._detail.extra) if note]
        if self._run is not None:
            notes += [line for line in self._run.tags.get(Tag.NOTES, "").splitlines() if line]
        return notes

    # -- the line under the cursor ---------------------------------------------------------------

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Say what there is to say about the line the cursor is on now."""
        event.stop()
        self._show_about()

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Show the line under the cursor in full."""
        event.stop()
        title, lines = self._in_full()
        if lines:
            self.app.push_screen(TextView(title, lines))

    def _show_about(self) -> None:
        self.query_one("#run-about", Note).show([self._about()])

    def _about(self) -> Content:
        detail = self._detail
        if self._section == "cases" and detail is not None and not detail.case_rows:
            return Content(clean(detail.cases_note) or "no case table was logged")
        if not len(self._lines):
            return Content("")
        index = self.table.cursor
        if isinstance(self._lines, CaseLines):
            parts = [
                (clean(name, limit=40), value_text(value, missing=self._missing))
                for name, value in zip(self._lines.names, self._lines.row(index), strict=False)
            ]
            return Content("  ").join(
                Content.assemble((f"{name} ", "$quiet"), value) for name, value in parts
            )
        if isinstance(self._lines, FactLines):
            fact = self._lines.fact(index)
            return Content.assemble(
                (f"{clean(fact.name)} ", "$quiet"), clean(fact.full, limit=2_000)
            )
        return Content(clean(self._lines.key(index), limit=4_096))

    def _in_full(self) -> tuple[str, list[Content]]:
        if not len(self._lines):
            return "", []
        index = self.table.cursor
        if isinstance(self._lines, CaseLines):
            return self._case_in_full(self._lines, index)
        if isinstance(self._lines, FactLines):
            fact = self._lines.fact(index)
            return clean(fact.name), [Content(line) for line in clean_lines(fact.full)]
        return "", []

    def _case_in_full(self, cases: CaseLines, index: int) -> tuple[str, list[Content]]:
        row = cases.row(index)
        lines: list[Content] = []
        for name, value in zip(cases.names, row, strict=False):
            shown = value_text(value, missing=self._missing)
            texts = clean_lines(value) if isinstance(value, str) else [shown]
            lines.append(Content.assemble((f"{clean(name)}  ", "$quiet"), texts[0]))
            lines += [Content(f"  {text}") for text in texts[1:]]
        return value_text(row[0]) if row else "", lines

    # -- keys ------------------------------------------------------------------------------------

    def action_section(self, step: int) -> None:
        """Go to the next or previous section; wraps around."""
        at = SECTIONS.index(self._section)
        self.open_section(SECTIONS[(at + step) % len(SECTIONS)])

    def action_sort_menu(self) -> None:
        """Ask for the column to sort the cases by."""
        if self._detail is None or not self._detail.case_columns:
            self.post_message(Said("there are no cases to sort"))
            return
        options = [(_FAILURES_FIRST, Content("failures first"))]
        options += [
            (str(at), Content(clean(name))) for at, name in enumerate(self._detail.case_columns)
        ]
        current = _FAILURES_FIRST if self._sort.column is None else str(self._sort.column)
        self.app.push_screen(Picker("Sort the cases by", options, current=current), self._sort_by)

    def _sort_by(self, key: str | None) -> None:
        if key is not None:
            column = None if key == _FAILURES_FIRST else int(key)
            self._sort = CaseSort(column, self._sort.descending)
            self._section = "cases"
            self._draw(top=True)

    def action_sort(self, descending: bool) -> None:
        """Sort the cases in a direction, by the first column when none was chosen."""
        self._sort = CaseSort(self._sort.column or 0, descending)
        self._draw()

    def action_columns(self, step: int) -> None:
        """Show the columns of the case table further right or left."""
        last = len(self._detail.case_columns) - 2 if self._detail is not None else 0
        skip = max(0, min(self._skip + step, last))
        if skip != self._skip and self._section == "cases":
            self._skip = skip
            self._draw()

    def action_failure(self, step: int) -> None:
        """Go to the next or previous failed case; wraps around."""
        self.open_section("cases")
        lines = self._lines
        found = (
            lines.next_failure(self.table.cursor, step) if isinstance(lines, CaseLines) else None
        )
        if found is None:
            self.post_message(Said("no case failed"))
        else:
            self.table.move_to(found)

    def action_copy_line(self) -> None:
        """Ask for the value under the cursor on the clipboard."""
        if not len(self._lines):
            return
        index = self.table.cursor
        if isinstance(self._lines, FactLines):
            fact = self._lines.fact(index)
            self.post_message(CopyRequested(fact.full, clean(fact.name)))
        elif isinstance(self._lines, CaseLines):
            row = self._lines.row(index)
            self.post_message(CopyRequested(str(row[0]) if row else "", "case"))
        else:
            self.post_message(CopyRequested(self._lines.key(index), "artifact path"))


def _took(run: Run) -> str:
    if run.started_ms is None or run.ended_ms is None or run.ended_ms <= run.started_ms:
        return ""
    return f"took {duration_text((run.ended_ms - run.started_ms) / 1000)}"
