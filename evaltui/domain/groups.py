"""Runs in groups: how the modes of an experiment stand against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from evaltui.domain.select import eligible, mode_codes
from evaltui.domain.table import RunTable


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and the number of runs behind it, at least 1."""

    n: int
    mean: float


@dataclass(frozen=True, slots=True)
class ModeRow:
    """The runs of one mode.

    Attributes:
        mode: Mode, or None for runs without one.
        n_runs: Number of eligible runs of the mode.
        means: Per metric its mean over the runs that have it; a metric that none has is absent.
    """

    mode: str | None
    n_runs: int
    means: Mapping[str, Mean]


def by_mode(table: RunTable, metrics: Iterable[str]) -> list[ModeRow]:
    """Return the mean of metrics per mode, over the eligible runs that have each metric.

    Args:
        table: The runs.
        metrics: Names of metrics; unknown ones are absent from every row.

    Returns:
        One row per mode that has an eligible run, by name, runs without a mode last.
    """
    good = eligible(table)
    codes, modes = mode_codes(table)
    columns = {name: table.metric(name) for name in metrics}
    rows = []
    for code in np.unique(codes[good]):
        members = good & (codes == code)
        means = {}
        for name, column in columns.items():
            values = column[members] if column is not None else np.empty(0)
            values = values[~np.isnan(values)]
            if len(values):
                means[name] = Mean(len(values), float(values.mean()))
        mode = modes[code] if code >= 0 else None
        rows.append(ModeRow(mode, int(members.sum()), means))
    return sorted(rows, key=lambda row: (row.mode is None, row.mode or ""))
