"""Setting, picking and taking back the baseline: shared with everybody, or for this session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from textual.content import Content

from evaltui.domain.catalogue import spec_for
from evaltui.domain.metric import Direction
from evaltui.domain.select import eligible_order
from evaltui.domain.text import clean
from evaltui.engine.link import Reply, Verb
from evaltui.late_dataclass import dataclass
from evaltui.ui.format import value_text
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.model import NO_BASELINE, PREVIOUS_BASELINE, Workbench

Ask = Callable[[Verb, Mapping[str, Any]], Awaitable[Reply | None]]
"""Asks the engine; None when it is not there."""

PREVIOUS, NONE = "previous", "none"
_LISTED = 30
_NAME_LIMIT = 60


@dataclass(frozen=True, slots=True)
class _Step:
    """What it takes to go back: the session's choice and the shared one before a change."""

    session: str | None
    shared: str | None  # None: the shared one was not touched


class BaselineKeeper:
    """Changes the baseline and remembers how it was.

    Args:
        bench: The state of the screen.
        ask: Asks the engine.
    """

    def __init__(self, bench: Workbench, ask: Ask) -> None:
        self._bench = bench
        self._ask = ask
        self._undo: list[_Step] = []

    async def set_run(self, run_id: str) -> str:
        """Make a run the baseline for everybody, else for this session; return what happened."""
        bench = self._bench
        row = bench.table.row_of(run_id)
        if row is None:
            return "no run to make the baseline"
        name = clean(bench.table.names[row], limit=_NAME_LIMIT)
        if bench.is_local(row):
            return f"{name} is not in the store yet; it can be the baseline when it is"
        if bench.fixed_baseline_id == run_id:
            return f"{name} is the baseline already; B picks another or none"
        return await self._change(run_id, f"baseline {name}")

    async def pick(self, choice: str) -> str:
        """Follow a choice of `options`; return what happened."""
        if choice == NONE:
            self._undo.append(_Step(self._bench.session_baseline, None))
            self._bench.session_baseline = NO_BASELINE
            return "no baseline in this session, undo: u"
        if choice == PREVIOUS:
            if not self._shared:
                self._undo.append(_Step(self._bench.session_baseline, None))
                self._bench.session_baseline = None
                return "baseline: the previous finished run of the same mode, undo: u"
            return await self._change(None, "baseline: the previous finished run of the same mode")
        return await self.set_run(choice)

    async def undo(self) -> str:
        """Go back to the baseline before the last change; return what happened."""
        if not self._undo:
            return "nothing to undo"
        step = self._undo.pop()
        self._bench.session_baseline = step.session
        if step.shared is None:
            return f"baseline: {self._describe()}"
        reply = await self._ask(Verb.BASELINE, {"run_id": step.shared or None})
        if reply is None or reply.error:
            self._undo.append(step)
            return f"the baseline was not changed back: {_why(reply)}"
        self._set_shared(step.shared)
        return f"shared baseline: {self._describe()}"

    def options(self, glyphs: Glyphs) -> list[tuple[str, Content]]:
        """Return what may be picked: rules first, then the best run, then the newest ones."""
        bench = self._bench
        found = [
            (
                PREVIOUS,
                Content("previous finished run of the same mode (the rule without a choice)"),
            ),
            (NONE, Content("none in this session")),
        ]
        best = self._best()
        rows = [int(row) for row in eligible_order(bench.table)[::-1][:_LISTED]]
        first = [best] if best is not None else []
        found += [
            (bench.table.run_ids[row], self._option(row, glyphs, best=row == best))
            for row in dict.fromkeys([*first, *rows])
        ]
        return found

    @property
    def _shared(self) -> str:
        return self._bench.store.baseline_run_id if self._bench.store is not None else ""

    def _option(self, row: int, glyphs: Glyphs, *, best: bool) -> Content:
        bench = self._bench
        metric = bench.headline(row)
        words = [clean(bench.mode_of(row) or "")]
        if metric is not None:
            value = bench.table.value(row, metric)
            text = value_text(value, spec_for(metric), missing=glyphs.missing)
            words.append(f"{clean(metric, limit=30)} {text}")
        lead = ("best  " if best else "", "bold $better")
        name = clean(bench.table.names[row], limit=_NAME_LIMIT)
        return Content.assemble(lead, name, (f"  {'  '.join(w for w in words if w)}", "$quiet"))

    def _best(self) -> int | None:
        table, metric = self._bench.table, self._bench.headline()
        column = table.metric(metric) if metric is not None else None
        rows = eligible_order(table)
        if column is None or metric is None or np.isnan(column[rows]).all():
            return None
        sign = -1.0 if self._bench.spec(metric).direction is Direction.LOWER else 1.0
        return int(rows[int(np.nanargmax(column[rows] * sign))])

    async def _change(self, run_id: str | None, what: str) -> str:
        """Change the shared baseline; where that is refused, the one of this session."""
        bench = self._bench
        step = _Step(bench.session_baseline, self._shared)
        if bench.store is not None and bench.store.read_only:
            return self._in_session(run_id, what, "--read-only")
        reply = await self._ask(Verb.BASELINE, {"run_id": run_id})
        if reply is None or reply.error or not reply.payload.get("shared", True):
            why = (
                _why(reply) if reply is None or reply.error else str(reply.payload.get("note", ""))
            )
            return self._in_session(run_id, what, why)
        self._undo.append(step)
        bench.session_baseline = None
        self._set_shared(run_id or "")
        return f"{what}: shared, undo: u"

    def _in_session(self, run_id: str | None, what: str, why: str) -> str:
        self._undo.append(_Step(self._bench.session_baseline, None))
        self._bench.session_baseline = run_id or PREVIOUS_BASELINE
        reason = f" ({clean(why)})" if why else ""
        return f"{what}: in this session only{reason}, undo: u"

    def _set_shared(self, run_id: str) -> None:
        if self._bench.store is not None:
            self._bench.store = replace(self._bench.store, baseline_run_id=run_id)

    def _describe(self) -> str:
        run_id = self._bench.fixed_baseline_id
        if self._bench.session_baseline == NO_BASELINE:
            return "none"
        name = clean(self._bench.name_of(run_id), limit=_NAME_LIMIT) if run_id else ""
        return name or "the previous finished run of the same mode"


def _why(reply: Reply | None) -> str:
    if reply is None:
        return "the engine is not there"
    return f"{reply.error}; {reply.hint}" if reply.hint else reply.error
