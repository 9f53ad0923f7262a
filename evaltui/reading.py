"""From the settings to the runs of one experiment: what every reading command starts with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from evaltui.domain.metric import Direction
from evaltui.domain.ports import RunSource
from evaltui.domain.run import Experiment, Run, Tag
from evaltui.domain.select import order_rows
from evaltui.domain.stated import shared_directions
from evaltui.domain.table import RunDelta, RunTable
from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass
from evaltui.settings import Settings

if TYPE_CHECKING:
    from evaltui.domain.comparison import Comparison, Terms
    from evaltui.tracking.target import Target


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """An experiment, read to the end.

    Attributes:
        target: The store it was read from.
        table: All its runs.
        configured: Directions that the configuration sets, by metric.
    """

    target: Target
    experiment: Experiment
    table: RunTable
    configured: Mapping[str, Direction] = field(default_factory=dict)

    @property
    def shared_baseline(self) -> str:
        """Run id in the experiment's `evaltui.baseline` tag, or "" when none is set."""
        return self.experiment.tags.get(Tag.BASELINE, "")

    @property
    def directions(self) -> dict[str, Direction]:
        """Directions that people set: in the configuration, else as tags of the experiment."""
        return {**shared_directions(self.experiment.tags), **self.configured}

    def run(self, row: int) -> Run:
        """Return a row of the table as a run."""
        return self.table.run(row, self.experiment.experiment_id)


def open_store(settings: Settings) -> tuple[Target, RunSource]:
    """Open the experiment the settings name for reading; the caller closes it.

    Raises:
        ConfigError: The target makes no sense.
        StoreError: It cannot be opened.
    """
    from evaltui.tracking import open_source  # noqa: PLC0415 - the parser does without
    from evaltui.tracking.target import resolve_target  # noqa: PLC0415

    target = resolve_target(settings, os.environ)
    return target, open_source(target, target.experiment)


def read_experiment(
    settings: Settings, *, notify: Callable[[str], None] = lambda _: None
) -> Reading:
    """Read all runs of the experiment.

    Args:
        settings: The settings.
        notify: Told what is odd about the choice of the store, before it is asked.

    Raises:
        ConfigError: The target makes no sense, or it has no such experiment.
        StoreError: The store does not answer, or refuses.
    """
    target, source = open_store(settings)
    if target.warning:
        notify(target.warning)
    try:
        reading = collect(target, source, target.experiment_label)
        configured = {name: Direction(word) for name, word in settings.metrics.items()}
        return replace(reading, configured=configured)
    finally:
        source.close()


def collect(target: Target, source: RunSource, name: str) -> Reading:
    """Read all runs of an open source.

    Raises:
        ConfigError: The experiment does not exist or is deleted.
        StoreError: The store does not answer, or refuses.
    """
    experiment = source.experiment()
    if experiment is None:
        raise ConfigError(
            f"there is no experiment {name} in {target.label} ({target.why})",
            hint="name it with --experiment, or let `evaltui watch DIR` log the first report",
        )
    if not experiment.active:
        raise ConfigError(
            f"the experiment {name} is deleted in {target.label}",
            hint="restore it in MLflow, or name another with --experiment",
        )
    table = RunTable()
    for batch in source.changes():
        table.apply(
            RunDelta.from_runs(
                batch.runs, removed=batch.removed, complete=batch.complete, total=batch.total
            )
        )
    return Reading(target, experiment, table)


def compare_runs(
    settings: Settings, baseline: Run, candidates: Sequence[Run], terms: Terms
) -> list[Comparison]:
    """Compare runs by their cases, which are read from the store where they are not kept here.

    Args:
        settings: Name the store and where cases are kept.
        baseline: The run to compare with.
        candidates: The runs in question.
        terms: On what terms.

    Raises:
        ConfigError: The state directory cannot be made.
        StoreError: The store cannot be opened; cases that it does not give are a remark.
    """
    from evaltui.engine.comparing import compare_read  # noqa: PLC0415 - readers only when needed
    from evaltui.wiring import make_comparer  # noqa: PLC0415

    comparer = make_comparer(settings)
    _, source = open_store(settings)
    try:
        first = (baseline, comparer.cases(source, baseline))
        others = [(run, comparer.cases(source, run)) for run in candidates]
    finally:
        source.close()
    return compare_read(first, others, terms)


def newest_first(table: RunTable) -> list[int]:
    """Return the rows of runs that still exist, newest evaluation first."""
    return [int(row) for row in order_rows(table)[::-1]]
