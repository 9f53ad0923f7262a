"""Runs in groups: how the modes of an experiment stand against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import numpy as np

from evaltui.domain.select import eligible, mode_codes
from evaltui.domain.table import IntArray, RunTable
from evaltui.late_dataclass import dataclass


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


class GroupKind(StrEnum):
    """What makes the groups."""

    MODE = "mode"
    MODEL = "model"
    PARAM = "param"
    TAG = "tag"


_MODEL_PARAMS = ("model_version", "model", "llm_model")
_OWN_TAGS = ("mlflow.", "evaltui.")

MOST_GROUPS = 12
"""Groups beyond which what would make them is more likely an id than a kind of run."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Runs in groups by mode, model, a param or a tag.

    Attributes:
        name: Name of the param or tag, or "".
    """

    kind: GroupKind
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Grouping | None:
        """Return the grouping that people write as mode, model, param:NAME or tag:NAME, or None."""
        word, _, name = text.partition(":")
        kind = next((kind for kind in GroupKind if kind == word), None)
        if kind is None or bool(name) is not (kind in {GroupKind.PARAM, GroupKind.TAG}):
            return None
        return cls(kind, name)

    @property
    def text(self) -> str:
        """The grouping as people write it."""
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    def codes(self, table: RunTable) -> tuple[IntArray, Sequence[str]]:
        """Return the group of every row as a position in a list of names, -1 where it has none."""
        if self.kind is GroupKind.MODE:
            return mode_codes(table)
        if self.kind is GroupKind.TAG:
            column = table.tag_column(self.name)
        else:
            names = _MODEL_PARAMS if self.kind is GroupKind.MODEL else (self.name,)
            found = (table.param_column(name) for name in names)
            column = next((item for item in found if item is not None), None)
        if column is None:
            return np.full(table.size, -1, dtype=np.int64), []
        return column.codes[: table.size].astype(np.int64), column.values


@dataclass(frozen=True, slots=True)
class Choice:
    """A grouping that tells runs apart, and its largest groups first: name (or None) and runs."""

    grouping: Grouping
    sizes: tuple[tuple[str | None, int], ...]


def choices(table: RunTable) -> list[Choice]:
    """Return what makes 2 to MOST_GROUPS groups of the eligible runs: mode, model, params, tags.

    Params and tags come by name; tags of MLflow and of evaltui itself are left out, and so is what
    every run has a value of its own of.
    """
    good = eligible(table)
    wanted = [Grouping(GroupKind.MODE), Grouping(GroupKind.MODEL)]
    wanted += [Grouping(GroupKind.PARAM, name) for name in sorted(table.param_names())]
    wanted += [
        Grouping(GroupKind.TAG, name)
        for name in sorted(table.tag_names())
        if not name.startswith(_OWN_TAGS)
    ]
    found = []
    for grouping in wanted:
        codes, names = grouping.codes(table)
        values, counts = np.unique(codes[good], return_counts=True)
        if 1 < len(values) <= MOST_GROUPS and counts.max() > 1:
            sizes = [
                (names[code] if code >= 0 else None, count)
                for code, count in zip(values.tolist(), counts.tolist(), strict=True)
            ]
            sizes.sort(key=lambda item: (-item[1], item[0] is None, item[0] or ""))
            found.append(Choice(grouping, tuple(sizes)))
    return found
