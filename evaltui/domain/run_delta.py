"""A page of runs as columns: what travels between the store's reader, the engine and the screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import overload

import numpy as np
import numpy.typing as npt

from evaltui.domain.run import Run, RunStatus
from evaltui.late_dataclass import dataclass

FloatArray = npt.NDArray[np.float64]

STATUSES: tuple[RunStatus, ...] = tuple(RunStatus)
"""Status codes of the `status` column, by position."""


@dataclass(frozen=True, slots=True, eq=False)
class RunDelta:
    """A page of new or changed runs, column by column.

    Attributes:
        run_ids: Ids, unique within the page.
        names: Run names, as the store holds them (clean before showing).
        status: Positions in STATUSES.
        started_ms: Epoch milliseconds, NaN when missing.
        ended_ms: Epoch milliseconds, NaN when missing.
        metrics: Per name an array of len(run_ids), NaN where the run lacks the metric.
        params: Per name a list of len(run_ids), None where missing.
        tags: The same for tags.
        removed: Ids of runs that are gone.
        complete: True when this page ends a listing.
        total: Number of runs the listing will bring, or None.
    """

    run_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    started_ms: FloatArray = field(default_factory=lambda: np.empty(0))
    ended_ms: FloatArray = field(default_factory=lambda: np.empty(0))
    metrics: Mapping[str, FloatArray] = field(default_factory=dict)
    params: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    tags: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    complete: bool = True
    total: int | None = None

    @classmethod
    def from_runs(
        cls,
        runs: Sequence[Run],
        *,
        removed: Iterable[str] = (),
        complete: bool = True,
        total: int | None = None,
    ) -> RunDelta:
        """Turn rows into columns; non-finite metric values become missing."""
        if isinstance(runs, RunColumns):
            return replace(runs.delta, removed=tuple(removed), complete=complete, total=total)
        size = len(runs)
        metrics: dict[str, FloatArray] = {}
        params: dict[str, list[str | None]] = {}
        tags: dict[str, list[str | None]] = {}
        for row, run in enumerate(runs):
            for name, value in run.metrics.items():
                if name not in metrics:
                    metrics[name] = np.full(size, math.nan)
                if math.isfinite(value):
                    metrics[name][row] = value
            for source, target in ((run.params, params), (run.tags, tags)):
                for name, text in source.items():
                    if name not in target:
                        target[name] = [None] * size
                    target[name][row] = text
        return cls(
            run_ids=tuple(run.run_id for run in runs),
            names=tuple(run.name for run in runs),
            status=tuple(STATUSES.index(run.status) for run in runs),
            started_ms=np.array([_or_nan(run.started_ms) for run in runs], dtype=np.float64),
            ended_ms=np.array([_or_nan(run.ended_ms) for run in runs], dtype=np.float64),
            metrics=metrics,
            params=params,
            tags=tags,
            removed=tuple(removed),
            complete=complete,
            total=total,
        )

    def part(self, positions: Sequence[int]) -> RunDelta:
        """Return some runs of the page as a page of its own, one that removes and ends nothing."""
        rows = np.array(positions, dtype=np.int64)

        def texts(columns: Mapping[str, Sequence[str | None]]) -> dict[str, list[str | None]]:
            return {name: [values[row] for row in positions] for name, values in columns.items()}

        return RunDelta(
            run_ids=tuple(self.run_ids[row] for row in positions),
            names=tuple(self.names[row] for row in positions),
            status=tuple(self.status[row] for row in positions),
            started_ms=self.started_ms[rows],
            ended_ms=self.ended_ms[rows],
            metrics={name: values[rows] for name, values in self.metrics.items()},
            params=texts(self.params),
            tags=texts(self.tags),
            complete=False,
        )


class RunColumns(Sequence[Run]):
    """Active runs that were read column by column; a Run is made of them when one is looked at.

    Args:
        delta: Their columns.
        experiment_ids: Per run, the experiment it belongs to.
        artifact_uris: Per run, "" where it has none.
    """

    __slots__ = ("_artifact_uris", "_experiment_ids", "delta")

    def __init__(
        self, delta: RunDelta, experiment_ids: Sequence[str], artifact_uris: Sequence[str]
    ) -> None:
        self.delta = delta
        self._experiment_ids = experiment_ids
        self._artifact_uris = artifact_uris

    def __len__(self) -> int:
        return len(self.delta.run_ids)

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...

    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        told = self.delta
        started, ended = told.started_ms[index], told.ended_ms[index]
        return Run(
            run_id=told.run_ids[index],
            experiment_id=self._experiment_ids[index],
            name=told.names[index],
            status=STATUSES[told.status[index]],
            started_ms=None if math.isnan(started) else int(started),
            ended_ms=None if math.isnan(ended) else int(ended),
            metrics={
                name: float(values[index])
                for name, values in told.metrics.items()
                if not math.isnan(values[index])
            },
            params=_texts_at(told.params, index),
            tags=_texts_at(told.tags, index),
            artifact_uri=self._artifact_uris[index],
        )

    def part(self, positions: Sequence[int]) -> RunColumns:
        """Return some of the runs."""
        return RunColumns(
            self.delta.part(positions),
            [self._experiment_ids[at] for at in positions],
            [self._artifact_uris[at] for at in positions],
        )


def _texts_at(columns: Mapping[str, Sequence[str | None]], index: int) -> dict[str, str]:
    found = ((name, texts[index]) for name, texts in columns.items())
    return {name: text for name, text in found if text is not None}


def _or_nan(value: int | None) -> float:
    return math.nan if value is None else float(value)
