"""Runs and tables for the tests of the domain, short to write."""

from __future__ import annotations

from collections.abc import Mapping

from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.domain.table import RunDelta, RunTable


def make_run(
    run_id: str,
    *,
    name: str | None = None,
    mode: str | None = "mcp",
    start: int | None = 0,
    status: RunStatus = RunStatus.FINISHED,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Run:
    """Return a finished run of mode `mcp` unless told otherwise."""
    own = {Tag.MODE.value: mode} if mode is not None else {}
    return Run(
        run_id=run_id,
        experiment_id="1",
        name=run_id if name is None else name,
        status=status,
        started_ms=start,
        ended_ms=None if start is None else start + 1,
        metrics=metrics or {},
        params=params or {},
        tags=own | dict(tags or {}),
    )


def make_table(*runs: Run) -> RunTable:
    """Return a table of the runs, row numbers in the order given."""
    table = RunTable()
    table.apply(RunDelta.from_runs(runs))
    return table
