"""Metrics of a table, a float array each."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from evaltui.domain.run_delta import FloatArray

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class MetricColumns:
    """Columns by metric; NaN is missing.

    Args:
        capacity: Number of rows there is room for.
        columns: Arrays of that length, which are used as they are, and changed.
    """

    __slots__ = ("_capacity", "_columns", "_counts")

    def __init__(self, capacity: int, columns: Mapping[str, FloatArray] | None = None) -> None:
        self._capacity = capacity
        self._columns: dict[str, FloatArray] = dict(columns or {})
        self._counts: dict[str, int] = {}

    def names(self) -> list[str]:
        """Return the names of all metrics any run ever had, sorted."""
        return sorted(self._columns)

    def get(self, name: str) -> FloatArray | None:
        """Return a column, longer than the table (capacity), or None when no run has the metric."""
        return self._columns.get(name)

    def value(self, row: int, name: str) -> float | None:
        """Return one metric of one run, or None where it is missing."""
        column = self._columns.get(name)
        if column is None or math.isnan(column[row]):
            return None
        return float(column[row])

    def filled(self, name: str, alive: BoolArray) -> int:
        """Return how many of the living runs have a metric.

        All runs are counted once, then those that change: it is asked after every change.

        Args:
            name: The metric.
            alive: Whether each row of the table still exists.
        """
        if name not in self._counts and name in self._columns:
            self._counts[name] = _count(self._columns[name][: len(alive)], alive)
        return self._counts.get(name, 0)

    def recount(self, rows: IntArray, alive: BoolArray, sign: int) -> None:
        """Take rows out of the counts before they change (-1), put them in again after it (+1).

        Args:
            rows: The rows, each once.
            alive: Whether each of them exists.
            sign: What each counts for.
        """
        for name in self._counts if len(rows) else ():
            self._counts[name] += sign * _count(self._columns[name][rows], alive)

    def fill(self, rows: IntArray, metrics: Mapping[str, FloatArray]) -> None:
        """Replace all metrics of some rows."""
        for name, column in self._columns.items():
            if name not in metrics:
                column[rows] = math.nan
        for name, values in metrics.items():
            if name not in self._columns:
                self._columns[name] = np.full(self._capacity, math.nan)
            self._columns[name][rows] = values

    def grow(self, capacity: int) -> None:
        """Make room for `capacity` rows."""
        for name, column in self._columns.items():
            self._columns[name] = np.full(capacity, math.nan)
            self._columns[name][: len(column)] = column
        self._capacity = capacity


def _count(values: FloatArray, alive: BoolArray) -> int:
    return int(np.count_nonzero(alive & ~np.isnan(values)))
