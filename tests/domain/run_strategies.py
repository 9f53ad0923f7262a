"""Runs as Hypothesis makes them up: few names and ids, so that they meet often."""

from __future__ import annotations

from hypothesis import strategies as st

from evaltui.domain.run import Run, RunStatus
from evaltui.domain.table import RunTable

IDS = st.sampled_from([f"r{at}" for at in range(6)])
TEXTS = st.sampled_from(["", "x", "y", "grün", "a\nb", "\x00", "\U0001f3c3", "\udc80"])
"""Half of a surrogate pair among them, as a server's JSON may hold."""

_NAMES = st.sampled_from(["a", "b", "c"])
_TIMES = st.sampled_from([None, 0, 1, 2**44])
RUNS = st.builds(
    Run,
    run_id=IDS,
    experiment_id=st.just("1"),
    name=TEXTS,
    status=st.sampled_from(RunStatus),
    started_ms=_TIMES,
    ended_ms=_TIMES,
    metrics=st.dictionaries(_NAMES, st.sampled_from([0.0, 0.1, -2.5, 1e300]), max_size=3),
    params=st.dictionaries(_NAMES, TEXTS, max_size=3),
    tags=st.dictionaries(_NAMES, TEXTS, max_size=3),
)
LISTS = st.lists(RUNS, max_size=6, unique_by=lambda run: run.run_id)
PAGES = st.tuples(
    st.lists(RUNS, max_size=4, unique_by=lambda run: run.run_id), st.sets(IDS, max_size=3)
)


def runs_of(table: RunTable) -> dict[str, Run]:
    """Return the runs that are alive in a table, by id."""
    rows = [row for row in range(table.size) if table.alive[row]]
    return {table.run_ids[row]: table.run(row, "1") for row in rows}
