"""Reports that the store does not have yet, as runs."""

from __future__ import annotations

import threading

from evaltui.domain.plan import RunPlan
from evaltui.domain.run import LOCAL_PREFIX, Run, RunStatus, Tag
from evaltui.ledger.journal import Journal


class LocalRuns:
    """Shows open entries as runs; remembers those it has shown. Safe for threads.

    Args:
        journal: The journal.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._known: dict[int, Run] = {}

    def runs(self) -> list[Run]:
        """Return the runs to be, newest evaluation first."""
        with self._lock:
            found: dict[int, Run] = {}
            for entry_id in self._journal.open_ids():
                run = self._known.get(entry_id) or self._run(entry_id)
                if run is not None:
                    found[entry_id] = run
            self._known = found
            return list(found.values())

    def _run(self, entry_id: int) -> Run | None:
        plan = self._journal.plan(entry_id)
        return None if plan is None else planned_run(entry_id, plan, RunStatus.PENDING)


def planned_run(entry_id: int, plan: RunPlan, status: RunStatus) -> Run:
    """Return the run that a plan will become, under the id of its journal entry."""
    return Run(
        run_id=f"{LOCAL_PREFIX}{entry_id}",
        experiment_id="",
        name=plan.name,
        status=status,
        started_ms=plan.started_ms,
        ended_ms=plan.ended_ms,
        metrics=dict(plan.metrics),
        params=dict(plan.params),
        tags={**plan.create_tags, **plan.tags, Tag.CONTENT_ID: plan.content_id},
    )
