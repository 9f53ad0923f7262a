"""Runs and tables for the tests of the domain, short to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evaltui.domain.packed_texts import PackedTexts
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.domain.table import IntArray, RunDelta, RunTable, TableColumns


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


def packed_table(table: RunTable, let_go: Callable[[IntArray], None] | None = None) -> RunTable:
    """Return a table of the same rows whose ids and names are packed, and not a thing else."""
    columns = TableColumns(
        run_ids=PackedTexts.of(table.run_ids),
        names=PackedTexts.of(table.names),
        status=table.status.copy(),
        started_ms=table.started_ms.copy(),
        ended_ms=table.ended_ms.copy(),
        metrics={},
        params={},
        tags={},
        let_go=let_go,
    )
    return RunTable.of(columns)
