"""Web pages of what a command prints, for who reads on in the browser."""

from __future__ import annotations

from collections.abc import Sequence

from evaltui.domain.run import Run
from evaltui.reading import Reading


def page_of(reading: Reading, runs: Sequence[Run] = ()) -> str | None:
    """Return the address of a page, None where no server shows the store.

    Args:
        reading: The experiment.
        runs: None for the experiment's page, one for a run's, more to compare them.
    """
    from evaltui.tracking.links import page_address  # noqa: PLC0415 - the parser does without

    ids = [run.run_id for run in runs]
    return page_address(reading.target, reading.experiment.experiment_id, ids) or None
