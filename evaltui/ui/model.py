"""What the screen knows and how it looks at it: runs, files, order, cursor, marks, baseline.

No Textual in here. Everything the person did is kept by run id, so a live refresh, a new sort or
an engine that starts again leaves cursor, marks and baseline where they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evaltui.domain.catalogue import headline
from evaltui.domain.comparison import BaselineChoice, default_baseline
from evaltui.domain.events import FileRow, StoreStatus, WatchStatus
from evaltui.domain.query import match_words
from evaltui.domain.run import LOCAL_PREFIX, RunStatus, Tag
from evaltui.domain.table import STATUSES, BoolArray, FloatArray, IntArray, RunTable
from evaltui.engine.link import FilesChanged, RunsChanged

GENERATION = "generation"
"""Value of the kind tag of runs that only produced something to be evaluated."""

_HIDING_TAGS = (Tag.SUPERSEDED_BY, Tag.DUPLICATE_OF)


class SortKey(StrEnum):
    """Columns to sort by that are no metrics."""

    START = "start"
    NAME = "name"
    MODE = "mode"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Sort:
    """Order of the list: a SortKey or `metric:<name>`, and the direction."""

    column: str = SortKey.START
    descending: bool = True

    @property
    def metric(self) -> str | None:
        """Name of the metric that is sorted by, or None."""
        return self.column[len(METRIC_PREFIX) :] if self.column.startswith(METRIC_PREFIX) else None

    @property
    def label(self) -> str:
        """What people call it; foreign text."""
        return f"{self.metric or self.column} {'desc' if self.descending else 'asc'}"


METRIC_PREFIX = "metric:"


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
        session_baseline: Run id set as baseline for this session only, or None.
        loading: No listing has come to its end yet.
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
        self._eligible_total = 0
        self._position_hint = 0

    # -- what the engine says --------------------------------------------------------------------

    def apply_runs(self, change: RunsChanged) -> TableChange:
        """Merge a page of runs; cursor and marks stay on their runs."""
        if change.reset:
            self.table = RunTable()
        content_id = self._content_id(self.cursor_id)
        rows = self.table.apply(change.delta)
        moved = self.reorder()
        self._keep_cursor(content_id)
        self._drop_dead_marks()
        return TableChange(rows, order_changed=moved or change.reset)

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
        return self._eligible_total

    def reorder(self) -> bool:
        """Work out the visible rows again; return whether they differ from before."""
        table = self.table
        shown = table.alive & ~self._hidden()
        self._eligible_total = int(shown.sum())
        if self.filter_text.strip():
            shown = shown & match_words(table, self.filter_text)
        rows = np.flatnonzero(shown)
        order = rows[self._ranks(rows)] if len(rows) else rows
        same = len(order) == len(self.order) and bool(np.array_equal(order, self.order))
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

    def _hidden(self) -> BoolArray:
        hidden = np.zeros(self.table.size, dtype=np.bool_)
        for tag in _HIDING_TAGS:
            column = self.table.tag_column(tag)
            if column is not None:
                hidden |= column.codes[: self.table.size] >= 0
        return hidden

    def _ranks(self, rows: IntArray) -> IntArray:
        """Return positions into `rows` in display order; missing values are always last."""
        values = self._sort_values(rows)
        missing = np.isnan(values)
        keys = np.where(missing, 0.0, -values if self.sort.descending else values)
        starts = self.table.started_ms[rows]
        newest = np.where(np.isnan(starts), np.inf, -starts)
        if self.sort.column == SortKey.START:
            missing = missing & ~self._is_pending(rows)  # a report without a date is new
            keys = np.where(np.isnan(values) & ~missing, -np.inf, keys)
        ranks: IntArray = np.lexsort((newest, keys, missing))
        self._break_ties(ranks, rows, keys, newest)
        return ranks

    def _break_ties(
        self, ranks: IntArray, rows: IntArray, keys: FloatArray, newest: FloatArray
    ) -> None:
        """Order runs that are equal otherwise by run id, so that they never swap places."""
        equal = (np.diff(keys[ranks]) == 0) & (newest[ranks][1:] == newest[ranks][:-1])
        if not equal.any():
            return
        ids = self.table.run_ids
        edges = np.flatnonzero(np.concatenate(([True], ~equal, [True])))
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            if high - low > 1:
                group = ranks[low:high]
                ranks[low:high] = sorted(group, key=lambda at: ids[rows[at]], reverse=True)

    def _sort_values(self, rows: IntArray) -> FloatArray:
        table, column = self.table, self.sort.column
        if self.sort.metric is not None:
            values = table.metric(self.sort.metric)
            return np.full(len(rows), np.nan) if values is None else values[rows]
        if column == SortKey.NAME:
            return _text_ranks([table.names[row].casefold() for row in rows])
        if column == SortKey.MODE:
            return _text_ranks([(table.tag(row, Tag.MODE) or table.param(row, "mode")) for row in rows])
        if column == SortKey.STATE:
            return table.status[rows].astype(np.float64)
        return self.table.started_ms[rows]

    def _is_pending(self, rows: IntArray) -> BoolArray:
        pending = STATUSES.index(RunStatus.PENDING)
        return np.asarray(self.table.status[rows] == pending, dtype=np.bool_)

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
        found = np.flatnonzero(self.order == start) if start is not None else ()
        first = int(found[0]) if len(found) else self.position
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
        if self.session_baseline is not None:
            found = self.table.row_of(self.session_baseline)
            if found is not None:
                return BaselineChoice(found, "set in this session")
        shared = self.store.baseline_run_id if self.store is not None else ""
        return default_baseline(self.table, row, shared_run_id=shared)

    @property
    def fixed_baseline_id(self) -> str:
        """Run id of the baseline that somebody set, or "" when it follows from the order."""
        if self.session_baseline is not None:
            return self.session_baseline
        return self.store.baseline_run_id if self.store is not None else ""

    # -- what the list asks ----------------------------------------------------------------------

    def is_generation(self, row: int) -> bool:
        """Whether the run only produced something to be evaluated."""
        return self.table.tag(row, Tag.KIND) == GENERATION

    def is_local(self, row: int) -> bool:
        """Whether the store does not have the run yet."""
        return self.table.run_ids[row].startswith(LOCAL_PREFIX)

    def mode_of(self, row: int) -> str | None:
        """Return the run's mode, or None."""
        return self.table.tag(row, Tag.MODE) or self.table.param(row, "mode")

    def headline(self) -> str | None:
        """Return the name of the primary metric, or None without one."""
        return headline(self.table)

    def names(self, run_ids: Iterable[str]) -> list[str]:
        """Return the names of known runs among `run_ids`; foreign text."""
        rows = (self.table.row_of(run_id) for run_id in run_ids)
        return [self.table.names[row] for row in rows if row is not None]


def _text_ranks(texts: list[str] | list[str | None]) -> FloatArray:
    known = sorted({text for text in texts if text is not None})
    ranks = {text: float(rank) for rank, text in enumerate(known)}
    return np.array([np.nan if text is None else ranks[text] for text in texts])

