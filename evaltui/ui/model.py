"""What the screen knows and how it looks at it: runs, files, order, cursor, marks, baseline.

No Textual in here. Everything the person did is kept by run id, so a live refresh, a new sort or
an engine that starts again leaves cursor, marks and baseline where they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from evaltui.domain.catalogue import MetricSpec, spec_for
from evaltui.domain.events import FileRow, StoreStatus, WatchStatus
from evaltui.domain.metric import Direction
from evaltui.domain.query import match_words
from evaltui.domain.recalled import Recalled
from evaltui.domain.run import LOCAL_PREFIX, Tag
from evaltui.domain.select import (
    BaselineChoice,
    default_baseline,
    headline,
    mode_of,
    visible,
)
from evaltui.domain.table import IntArray, RunDelta, RunTable
from evaltui.engine.link import FilesChanged, RunsChanged
from evaltui.late_dataclass import dataclass
from evaltui.ui.lineup import Lineup, line_up
from evaltui.ui.order import Sort, display_order

NO_BASELINE = "none:"
"""Value of `session_baseline` of somebody who wants none."""

PREVIOUS_BASELINE = "previous:"
"""Value of `session_baseline` of somebody who wants the previous run, whatever is shared."""


@dataclass(frozen=True, slots=True, eq=False)
class TableChange:
    """What an update did to the list.

    Attributes:
        rows: Table rows whose text may differ.
        order_changed: The visible rows or their order differ.
    """

    rows: IntArray
    order_changed: bool


class Workbench:
    """The state of the screen.

    Attributes:
        table: Every run known.
        files: Files on watch by `file_id`.
        store: Status of the tracking target, or None before the first word of the engine.
        watch: Status of the watch, or None before the first word of the engine.
        order: Visible rows of the table, top first.
        cursor_id: Run id under the cursor, or "" when nothing is visible.
        marks: Marked run ids in the order they were marked.
        last_mark: Run id that was marked last, where a range starts, or "".
        sort: Order of the list.
        filter_text: Words that every visible run matches.
        follow: The cursor stays on the newest run.
        session_baseline: Run id set as baseline for this session only, NO_BASELINE or
            PREVIOUS_BASELINE, or None when this session did not choose.
        swapped: Run id that stands as the baseline in the diff instead of the real one, or "".
        configured: Directions that the configuration sets, by metric.
        session_directions: Directions that were set in this session.
        as_of_s: Epoch seconds of a listing from before, until what is new is there, else None.
    """

    def __init__(self) -> None:
        self.table = RunTable()
        self.files: dict[int, FileRow] = {}
        self.store: StoreStatus | None = None
        self.watch: WatchStatus | None = None
        self.order: IntArray = np.empty(0, dtype=np.int64)
        self.cursor_id = ""
        self.marks: dict[str, None] = {}
        self.last_mark = ""
        self.sort = Sort()
        self.filter_text = ""
        self.follow = False
        self.session_baseline: str | None = None
        self.swapped = ""
        self.configured: Mapping[str, Direction] = {}
        self.session_directions: dict[str, Direction] = {}
        self.as_of_s: float | None = None
        self._incoming: RunTable | None = None
        self._shown_total = 0
        self._position_hint = 0

    # -- what was known before -------------------------------------------------------------------

    def recall(self, recalled: Recalled) -> None:
        """Show a listing from before until the store confirms or corrects it."""
        self.table, self.store = recalled.table, recalled.status
        self.as_of_s = recalled.status.as_of_s
        self._settle("")

    def doubt(self, status: StoreStatus) -> bool:
        """Forget a listing from before that is of another experiment; return whether it was."""
        before = self.store.experiment_id if self.store is not None else ""
        if self.as_of_s is None or status.experiment_id in {"", before}:
            return False
        self.as_of_s = None
        self.table = RunTable()
        self._settle("")
        return True

    # -- what the engine says --------------------------------------------------------------------

    def apply_runs(self, change: RunsChanged) -> TableChange:
        """Merge a page of runs; cursor and marks stay on their runs.

        A listing that replaces a whole one is gathered aside and takes its place when it has come
        to its end, so that an engine that starts again does not empty the screen.
        """
        if change.reset:
            self._incoming = RunTable()
        if change.delta.complete:
            self.as_of_s = None
        if self._incoming is not None:
            return self._apply_incoming(self._incoming, change.delta)
        content_id = self._content_id(self.cursor_id)
        rows = self.table.apply(change.delta)
        if not self.table.is_sparse:
            return TableChange(rows, order_changed=self._settle(content_id))
        self.table = self.table.compacted()
        self._settle(content_id)
        return TableChange(np.arange(self.table.size), order_changed=True)

    def _apply_incoming(self, incoming: RunTable, delta: RunDelta) -> TableChange:
        incoming.apply(delta)
        if self.table.complete and not incoming.complete:
            return TableChange(np.empty(0, dtype=np.int64), order_changed=False)
        content_id = self._content_id(self.cursor_id)
        self.table, self._incoming = incoming, None
        self._settle(content_id)
        return TableChange(np.arange(incoming.size), order_changed=True)

    def _settle(self, content_id: str) -> bool:
        moved = self.reorder()
        self._keep_cursor(content_id)
        if self.table.complete:
            self._drop_dead_marks()
        return moved

    def apply_files(self, change: FilesChanged) -> None:
        """Merge changed files of the watch."""
        for file_id in change.gone:
            self.files.pop(file_id, None)
        for row in change.rows:
            self.files[row.file_id] = row

    # -- order -----------------------------------------------------------------------------------

    @property
    def loading(self) -> bool:
        """Whether the first listing is still under way."""
        return not self.table.complete

    @property
    def total(self) -> int:
        """Number of runs that a filter could show."""
        return self._shown_total

    def reorder(self) -> bool:
        """Work out the visible rows again; return whether they differ from before."""
        shown = visible(self.table)
        self._shown_total = int(shown.sum())
        if self.filter_text.strip():
            shown &= match_words(self.table, self.filter_text)
        order = display_order(self.table, np.flatnonzero(shown), self.sort)
        same = bool(np.array_equal(order, self.order))
        self.order = order
        return not same

    def set_sort(self, sort: Sort) -> None:
        """Sort by another column or the other way."""
        self.sort = sort
        self.reorder()

    def set_filter(self, text: str) -> None:
        """Show only runs that match every word of `text`."""
        self.filter_text = text
        self.reorder()
        self._keep_cursor("")

    # -- cursor ----------------------------------------------------------------------------------

    @property
    def cursor_row(self) -> int | None:
        """Table row under the cursor, or None when nothing is visible."""
        return self.table.row_of(self.cursor_id) if self.cursor_id and len(self.order) else None

    @property
    def position(self) -> int:
        """Position of the cursor in `order`, 0 when nothing is visible."""
        row = self.cursor_row
        if row is None:
            return 0
        hint = self._position_hint
        if hint < len(self.order) and self.order[hint] == row:
            return hint
        found = np.flatnonzero(self.order == row)
        self._position_hint = int(found[0]) if len(found) else 0
        return self._position_hint

    def move_to(self, position: int) -> bool:
        """Put the cursor on a position, clamped to the list; return whether it moved."""
        if not len(self.order):
            self.cursor_id = ""
            return False
        position = max(0, min(len(self.order) - 1, position))
        before, self.cursor_id = self.cursor_id, self.table.run_ids[int(self.order[position])]
        self._position_hint = position
        return before != self.cursor_id

    def newest_position(self) -> int:
        """Return the position of the newest visible run, 0 when there is none."""
        if not len(self.order):
            return 0
        starts = np.nan_to_num(self.table.started_ms[self.order], nan=-np.inf)
        return int(np.argmax(starts))

    def _keep_cursor(self, content_id: str) -> None:
        """Leave the cursor on its run, else on the run it became, else where it was."""
        if self.follow:
            self.move_to(self.newest_position())
            return
        row = self.table.row_of(self.cursor_id) if self.cursor_id else None
        if row is not None and bool((self.order == row).any()):
            return
        heir = self._row_with_content(content_id)
        if heir is not None:
            self.cursor_id = self.table.run_ids[heir]
            return
        self.move_to(min(self._position_hint, max(0, len(self.order) - 1)))

    def _content_id(self, run_id: str) -> str:
        row = self.table.row_of(run_id) if run_id else None
        return (self.table.tag(row, Tag.CONTENT_ID) or "") if row is not None else ""

    def _row_with_content(self, content_id: str) -> int | None:
        column = self.table.tag_column(Tag.CONTENT_ID)
        code = column.find(content_id) if column is not None and content_id else -1
        if column is None or code < 0:
            return None
        for row in np.flatnonzero(column.codes[: self.table.size] == code):
            if bool((self.order == row).any()):
                return int(row)
        return None

    # -- marks -----------------------------------------------------------------------------------

    def toggle_mark(self, run_id: str) -> None:
        """Mark a run, or take its mark away."""
        if run_id in self.marks:
            del self.marks[run_id]
            self.last_mark = next(reversed(self.marks), "")
        elif run_id:
            self.marks[run_id] = None
            self.last_mark = run_id

    def mark_range(self) -> IntArray:
        """Mark every visible run from the last mark to the cursor; return their rows."""
        start = self.table.row_of(self.last_mark) if self.last_mark else None
        found = [] if start is None else np.flatnonzero(self.order == start).tolist()
        first = found[0] if found else self.position
        low, high = sorted((first, self.position))
        rows = self.order[low : high + 1]
        for row in rows:
            self.marks[self.table.run_ids[int(row)]] = None
        self.last_mark = self.cursor_id
        return rows

    def unmark_all(self) -> None:
        """Take every mark away."""
        self.marks.clear()
        self.last_mark = ""

    def _drop_dead_marks(self) -> None:
        for run_id in [i for i in self.marks if self.table.row_of(i) is None]:
            del self.marks[run_id]

    # -- baseline --------------------------------------------------------------------------------

    def baseline_for(self, row: int | None) -> BaselineChoice:
        """Return the baseline that `row` is compared with, and why it is that one."""
        if row is None:
            return BaselineChoice(None, "no run")
        if self.session_baseline == NO_BASELINE:
            return BaselineChoice(None, "none was chosen (B picks one)")
        if self.session_baseline == PREVIOUS_BASELINE:
            return default_baseline(self.table, row)
        return default_baseline(
            self.table,
            row,
            shared_run_id=self.store.baseline_run_id if self.store is not None else "",
            session_run_id=self.session_baseline,
        )

    @property
    def fixed_baseline_id(self) -> str:
        """Run id of the baseline that somebody set, or "" when it follows from the order."""
        if self.session_baseline in {NO_BASELINE, PREVIOUS_BASELINE}:
            return ""
        if self.session_baseline is not None:
            return self.session_baseline
        return self.store.baseline_run_id if self.store is not None else ""

    def lineup(self) -> Lineup | None:
        """Return what is compared: the marked runs, else the one under the cursor.

        Several marked runs are held against the set baseline; where none is set, against the
        oldest of them. None when nothing is there to compare.
        """
        lineup = self._lineup()
        swapped = self.table.row_of(self.swapped) if self.swapped else None
        return lineup.swapped(swapped) if lineup is not None else None

    def swap(self, run_id: str) -> None:
        """Let a candidate stand as the baseline in the diff; if one does so already, no longer."""
        lineup, real = self.lineup(), self._lineup()
        self.swapped = run_id if lineup is None or lineup == real else ""

    def _lineup(self) -> Lineup | None:
        marked = [row for row in map(self.table.row_of, self.marks) if row is not None]
        rows = marked or ([self.cursor_row] if self.cursor_row is not None else [])
        free = not self.fixed_baseline_id and self.session_baseline != NO_BASELINE
        return line_up(self.table, rows, self.baseline_for, free=free)

    # -- directions ------------------------------------------------------------------------------

    @property
    def directions(self) -> dict[str, Direction]:
        """Directions that people set: for this session, in the configuration, for everybody."""
        shared = self.store.directions if self.store is not None else {}
        known = {name: Direction(way) for name, way in shared.items()}
        return {**known, **self.configured, **self.session_directions}

    def spec(self, metric: str) -> MetricSpec:
        """Return what is known about a metric, with the direction that people set."""
        told = bool(self.session_directions or self.configured)
        told = told or (self.store is not None and bool(self.store.directions))
        return spec_for(metric, overrides=self.directions if told else None)

    # -- what the list asks ----------------------------------------------------------------------

    def is_local(self, row: int) -> bool:
        """Whether the store does not have the run yet."""
        return self.table.run_ids[row].startswith(LOCAL_PREFIX)

    def mode_of(self, row: int) -> str | None:
        """Return the run's mode, or None."""
        return mode_of(self.table, row)

    def headline(self, row: int | None = None) -> str | None:
        """Return the name of the primary metric of a run or of the list, or None without one."""
        return headline(self.table, row)

    def name_of(self, run_id: str) -> str:
        """Return the name of a run (foreign text), or "" when it is not known."""
        row = self.table.row_of(run_id)
        return "" if row is None else self.table.names[row]

    def names(self, run_ids: Iterable[str]) -> list[str]:
        """Return the names of known runs among `run_ids`; foreign text."""
        return [name for name in map(self.name_of, run_ids) if name]
