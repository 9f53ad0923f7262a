"""The details of runs, asked for when a run is looked at and kept for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evaltui.domain.events import RunDetail
from evaltui.engine.link import Verb
from evaltui.late_dataclass import dataclass
from evaltui.ui.session import Session

_KEPT = 50


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a run's details.

    Attributes:
        detail: The details, or None while they are asked for or when there are none.
        problem: Why there are none (foreign text), or "".
    """

    detail: RunDetail | None = None
    problem: str = ""


class RunDetails:
    """Asks the engine for details and remembers its answers.

    Args:
        session: Where to ask.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, Known] = {}

    def get(self, run_id: str) -> Known:
        """Return what is known about a run."""
        return self._known.get(run_id, Known())

    async def fetch(self, run_id: str) -> bool:
        """Ask for a run's details; return whether something else is known now."""
        bench = self._session.bench
        row = bench.table.row_of(run_id)
        before = self.get(run_id)
        if row is None:
            return self._keep(run_id, replace(before, problem="the run is gone"))
        if bench.is_local(row):
            problem = "the store does not have this run yet; the watch list says what it waits for"
            return self._keep(run_id, Known(None, problem))
        reply = await self._session.ask(Verb.DETAIL, {"run_id": run_id}, "detail")
        if reply is None:
            if self._session.trouble is None:
                return False  # somebody asked for another run meanwhile
            return self._keep(run_id, replace(before, problem="the engine is not there"))
        if reply.error:
            problem = f"{reply.error}; {reply.hint}" if reply.hint else reply.error
            return self._keep(run_id, replace(before, problem=problem))
        return self._keep(run_id, Known(detail_from(run_id, reply.payload)))

    def _keep(self, run_id: str, known: Known) -> bool:
        changed = self._known.pop(run_id, Known()) != known
        self._known[run_id] = known
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return changed


def detail_from(run_id: str, payload: Mapping[str, Any]) -> RunDetail:
    """Return the details that the engine sent as JSON values."""
    pairs = {
        name: tuple((str(left), right) for left, right in payload.get(name) or ())
        for name in ("params", "tags", "metrics", "artifacts")
    }
    return RunDetail(
        run_id=run_id,
        params=pairs["params"],
        tags=pairs["tags"],
        metrics=pairs["metrics"],
        artifacts=pairs["artifacts"],
        case_columns=tuple(map(str, payload.get("case_columns") or ())),
        case_rows=tuple(tuple(row) for row in payload.get("case_rows") or ()),
        cases_note=str(payload.get("cases_note") or ""),
        link=str(payload.get("link") or ""),
        link_note=str(payload.get("link_note") or ""),
        extra=tuple(map(str, payload.get("extra") or ())),
    )
