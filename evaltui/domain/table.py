"""The run list as columns: metrics as float arrays, repeated strings dictionary-encoded.

A RunTable has one owner (the engine's query loop, or the screen) and grows in place; what goes
over the link between them are RunDelta pages. Rows keep their index for life, so cursor, marks and
caches can hold on to it; a removed run only loses its `alive` bit. When most rows are of that kind
the owner goes on with another table (`compacted`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from evaltui.domain.distinct import distinct
from evaltui.domain.metric_columns import BoolArray, IntArray, MetricColumns
from evaltui.domain.packed_texts import PackedTexts, repacked
from evaltui.domain.run import Run, RunStatus
from evaltui.domain.run_delta import STATUSES, FloatArray, RunDelta
from evaltui.domain.text_column import TextColumn
from evaltui.domain.text_index import TextIndex
from evaltui.late_dataclass import dataclass

__all__ = [
    "STATUSES",
    "BoolArray",
    "FloatArray",
    "IntArray",
    "RunDelta",
    "RunTable",
    "StatusArray",
    "TableColumns",
]

StatusArray = npt.NDArray[np.uint8]

_FIRST_CAPACITY = 64
_LARGE = 32_768
_ROOM = 512
"""Runs that may join a listing before all its columns have to grow, which takes 10 ms."""
_MOST_DEAD = 256
FEW = 0.125
"""Texts per packed one that may stay as they came."""
_PAGE = 1_000
_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class TableColumns:
    """A whole listing as arrays of one length, which may be longer than the list of runs.

    Attributes:
        run_ids: Ids, each once.
        names: Run names.
        status: Positions in STATUSES.
        started_ms: Epoch milliseconds, NaN when missing.
        ended_ms: Epoch milliseconds, NaN when missing.
        metrics: Per name an array, NaN where the run lacks the metric and behind the last run.
        params: Per name a column, missing behind the last run.
        tags: The same for tags.
        let_go: Gives back the memory of the arrays, but for rows whose values were changed; what
            is looked at again comes from where the arrays lie. None where that is nowhere.
    """

    run_ids: PackedTexts
    names: PackedTexts
    status: StatusArray
    started_ms: FloatArray
    ended_ms: FloatArray
    metrics: Mapping[str, FloatArray]
    params: Mapping[str, TextColumn]
    tags: Mapping[str, TextColumn]
    let_go: Callable[[IntArray], None] | None = None


class RunTable:
    """All runs of one experiment, growing in place.

    Attributes:
        size: Number of rows ever added, removed ones included.
        version: Grows with every `apply`.
        run_ids: Id per row.
        names: Name per row.
        row_version: `version` at which a row last changed (for caches).
        names_version: `version` at which a run was last added or renamed (for caches).
        complete: True once a listing has come to its end.
        total: Number of runs the first listing will bring, or None.
    """

    def __init__(self) -> None:
        self.size = 0
        self.version = 0
        self.names_version = 0
        self.complete = False
        self.total: int | None = None
        self.run_ids: list[str] | PackedTexts = []
        self.names: list[str] | PackedTexts = []
        self._capacity = _FIRST_CAPACITY
        self._rows = TextIndex()
        self._alive: BoolArray = np.zeros(self._capacity, dtype=np.bool_)
        self._status: StatusArray = np.zeros(self._capacity, dtype=np.uint8)
        self._started_ms: FloatArray = np.full(self._capacity, math.nan)
        self._ended_ms: FloatArray = np.full(self._capacity, math.nan)
        self._row_version: IntArray = np.zeros(self._capacity, dtype=np.int64)
        self._metrics = MetricColumns(self._capacity)
        self._params: dict[str, TextColumn] = {}
        self._tags: dict[str, TextColumn] = {}
        self._let_go: Callable[[IntArray], None] | None = None

    @classmethod
    def of(cls, columns: TableColumns) -> RunTable:
        """Return the table of a whole listing; its arrays are used as they are, and changed."""
        table = cls()
        table.size = len(columns.run_ids)
        table.complete = True
        table.total = table.size
        table.run_ids, table.names = columns.run_ids, columns.names
        table._rows = TextIndex(columns.run_ids)
        table._capacity = len(columns.status)
        table._alive = np.zeros(table._capacity, dtype=np.bool_)
        table._alive[: table.size] = True
        table._status = columns.status
        table._started_ms, table._ended_ms = columns.started_ms, columns.ended_ms
        table._row_version = np.zeros(table._capacity, dtype=np.int64)
        table._metrics = MetricColumns(table._capacity, columns.metrics)
        table._params, table._tags = dict(columns.params), dict(columns.tags)
        table._let_go = columns.let_go
        return table

    # -- reading ---------------------------------------------------------------------------------

    @property
    def alive(self) -> BoolArray:
        """Whether each row still exists; a view of length `size`."""
        return self._alive[: self.size]

    @property
    def started_ms(self) -> FloatArray:
        """Start per row in epoch milliseconds, NaN when missing; a view."""
        return self._started_ms[: self.size]

    @property
    def ended_ms(self) -> FloatArray:
        """End per row in epoch milliseconds, NaN when missing; a view."""
        return self._ended_ms[: self.size]

    @property
    def status(self) -> StatusArray:
        """Position in STATUSES per row; a view."""
        return self._status[: self.size]

    @property
    def row_version(self) -> IntArray:
        """Version at which each row last changed; a view."""
        return self._row_version[: self.size]

    @property
    def is_sparse(self) -> bool:
        """Whether rows of removed runs take up more room than the others, and much of it."""
        if self.size <= _MOST_DEAD:
            return False
        dead = self.size - int(self.alive.sum())
        return dead > max(_MOST_DEAD, self.size - dead)

    def row_of(self, run_id: str) -> int | None:
        """Return the row of a run, or None when it is unknown or removed."""
        row = self._rows.get(run_id)
        return row if row is not None and self._alive[row] else None

    def metric_names(self) -> list[str]:
        """Return the names of all metrics any run ever had, sorted."""
        return self._metrics.names()

    def metric(self, name: str) -> FloatArray | None:
        """Return the metric's column (NaN is missing), or None when no run has it; a view."""
        column = self._metrics.get(name)
        return None if column is None else column[: self.size]

    def filled(self, name: str) -> int:
        """Return how many of the runs that exist have a metric."""
        return self._metrics.filled(name, self.alive)

    def param_names(self) -> list[str]:
        """Return the names of all params, sorted."""
        return sorted(self._params)

    def tag_names(self) -> list[str]:
        """Return the names of all tags, sorted."""
        return sorted(self._tags)

    def param_column(self, name: str) -> TextColumn | None:
        """Return the column of a param, or None when no run has it."""
        return self._params.get(name)

    def tag_column(self, name: str) -> TextColumn | None:
        """Return the column of a tag, or None when no run has it."""
        return self._tags.get(name)

    def param(self, row: int, name: str) -> str | None:
        """Return one param of one run, or None where it is missing."""
        column = self._params.get(name)
        return None if column is None else column.get(row)

    def tag(self, row: int, name: str) -> str | None:
        """Return one tag of one run, or None where it is missing."""
        column = self._tags.get(name)
        return None if column is None else column.get(row)

    def value(self, row: int, name: str) -> float | None:
        """Return one metric of one run, or None where it is missing."""
        return self._metrics.value(row, name)

    def run_status(self, row: int) -> RunStatus:
        """Return the status of one run."""
        return STATUSES[int(self._status[row])]

    def metrics_of(self, row: int) -> dict[str, float]:
        """Return the metrics one run has, by name, sorted."""
        found = ((name, self.value(row, name)) for name in self._metrics.names())
        return {name: value for name, value in found if value is not None}

    def params_of(self, row: int) -> dict[str, str]:
        """Return the params one run has, by name, sorted."""
        return _texts_of(self._params, row)

    def tags_of(self, row: int) -> dict[str, str]:
        """Return the tags one run has, by name, sorted."""
        return _texts_of(self._tags, row)

    def run(self, row: int, experiment_id: str = "") -> Run:
        """Return one row as a Run (without its artifact URI)."""
        started, ended = self._started_ms[row], self._ended_ms[row]
        return Run(
            run_id=self.run_ids[row],
            experiment_id=experiment_id,
            name=self.names[row],
            status=self.run_status(row),
            started_ms=None if math.isnan(started) else int(started),
            ended_ms=None if math.isnan(ended) else int(ended),
            metrics=self.metrics_of(row),
            params=self.params_of(row),
            tags=self.tags_of(row),
            active=bool(self._alive[row]),
        )

    # -- writing ---------------------------------------------------------------------------------

    def apply(self, delta: RunDelta) -> IntArray:
        """Merge a page: rows are added or replaced whole, removed runs lose their `alive` bit.

        Returns:
            The rows that were added, changed or removed, ascending.
        """
        self.version += 1
        gone = [row for row in (self._rows.get(i) for i in delta.removed) if row is not None]
        if delta.total is not None:
            self.total = delta.total
        rows = self._place(delta)
        touched = distinct(np.concatenate([rows, np.array(gone, dtype=np.int64)]))
        self._metrics.recount(touched, self._alive[touched], -1)
        if gone:
            self._alive[gone] = False
            self._row_version[gone] = self.version
        self._fill(delta, rows)
        self._metrics.recount(touched, self._alive[touched], +1)
        self.complete = self.complete or delta.complete
        return touched

    def compacted(self) -> RunTable:
        """Return a table of the same runs in the same order, without the rows of removed ones.

        Its rows and their versions are others than before.
        """
        table = RunTable()
        table.version = self.version
        rows = np.flatnonzero(self.alive).tolist()
        for start in range(0, len(rows), _PAGE):
            table.apply(self.page(rows[start : start + _PAGE], complete=False))
        table.complete, table.total = self.complete, self.total
        return table

    def page(self, rows: Sequence[int], *, complete: bool = True) -> RunDelta:
        """Return some rows as a page for the link."""
        return RunDelta.from_runs(
            [self.run(row) for row in rows], complete=complete, total=self.total
        )

    def let_go(self) -> None:
        """Give back the memory of what can be read anew from where this table came from.

        Nothing is lost, and nothing happens to a table that came from nowhere. For moments of
        rest: who looks next waits for what is looked at.
        """
        if self._let_go is not None:
            self._let_go(np.flatnonzero(self.row_version))  # each was changed since

    def pack(self, loose_ratio: float = FEW) -> None:
        """Keep ids, names and texts packed: a quarter of the memory, and nothing else changes.

        Args:
            loose_ratio: How many texts may stay as they came, per packed one. With 1, packing after
                every page of a listing is no more work than packing twice at its end.
        """
        run_ids = repacked(self.run_ids, loose_ratio)
        if run_ids is not self.run_ids:
            self.run_ids, self._rows = run_ids, TextIndex(run_ids)
        self.names = repacked(self.names, loose_ratio)
        for columns in (self._params, self._tags):
            for column in columns.values():
                column.pack(loose_ratio)

    def _place(self, delta: RunDelta) -> IntArray:
        rows = np.empty(len(delta.run_ids), dtype=np.int64)
        known = self._rows.positions(delta.run_ids)
        runs = zip(delta.run_ids, delta.names, known, strict=True)
        for position, (run_id, name, found) in enumerate(runs):
            row = self._rows.add(run_id, self.size) if found is None else found
            if row == self.size:
                self.run_ids.append(run_id)
                self.names.append(name)
                self.size += 1
                self.names_version = self.version
            elif self.names[row] != name:
                self.names[row] = name
                self.names_version = self.version
            rows[position] = row
        if self.size > self._capacity:
            wanted = self.total + _ROOM if self.total else 0
            self._grow(max(self.size, wanted, self._capacity + self._step()))
        return rows

    def _fill(self, delta: RunDelta, rows: IntArray) -> None:
        if not len(rows):
            return
        self._alive[rows] = True
        self._status[rows] = delta.status
        self._started_ms[rows] = delta.started_ms
        self._ended_ms[rows] = delta.ended_ms
        self._row_version[rows] = self.version
        self._metrics.fill(rows, delta.metrics)
        for columns, texts in ((self._params, delta.params), (self._tags, delta.tags)):
            self._fill_texts(columns, texts, rows)

    def _fill_texts(
        self,
        columns: dict[str, TextColumn],
        texts: Mapping[str, Sequence[str | None]],
        rows: IntArray,
    ) -> None:
        for name, column in columns.items():
            if name not in texts:
                column.codes[rows] = -1
        for name, values in texts.items():
            if name not in columns:
                columns[name] = TextColumn(self._capacity)
            columns[name].codes[rows] = columns[name].codes_of(values)

    def _step(self) -> int:
        """Return by how many rows to grow: twofold while small, by a quarter when large."""
        return min(self._capacity, max(_LARGE // 2, self._capacity // 4))

    def _grow(self, capacity: int) -> None:
        self._alive = _grown(self._alive, capacity, fill=False)
        self._status = _grown(self._status, capacity, fill=0)
        self._started_ms = _grown(self._started_ms, capacity, fill=math.nan)
        self._ended_ms = _grown(self._ended_ms, capacity, fill=math.nan)
        self._row_version = _grown(self._row_version, capacity, fill=0)
        self._metrics.grow(capacity)
        for columns in (self._params, self._tags):
            for text_column in columns.values():
                text_column.grow(capacity)
        self._capacity = capacity


def _grown(array: npt.NDArray[_T], capacity: int, *, fill: float) -> npt.NDArray[_T]:
    bigger = np.full(capacity, fill, dtype=array.dtype)
    bigger[: len(array)] = array
    return bigger


def _texts_of(columns: Mapping[str, TextColumn], row: int) -> dict[str, str]:
    found = ((name, columns[name].get(row)) for name in sorted(columns))
    return {name: text for name, text in found if text is not None}
