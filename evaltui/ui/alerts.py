"""A bell or a notification of the terminal for what should not wait until somebody looks."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from evaltui.domain.events import FileRow, FileState
from evaltui.domain.select import eligible
from evaltui.domain.table import IntArray
from evaltui.domain.text import clean
from evaltui.domain.verdict import Verdict
from evaltui.engine.link import Reply, Verb
from evaltui.ui.session import Session

MOST_WAITING = 8
"""New runs that wait for their test; the oldest give way: a backlog is not rung through."""

QUIET_S = 2.0
"""Least time between two rings."""

_TRIES = 20
_AGAIN_S = 0.5
_LIMIT = 160


def ring(how: str, text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return what is sent to the terminal.

    Args:
        how: `bell`, or `osc9` for a notification of the terminal.
        text: What happened; may be foreign.
        environ: The environment; TMUX tells of tmux, which hands on what is wrapped
            (`set -g allow-passthrough on`).
    """
    if how == "bell":
        return "\a"
    words = clean(f"evaltui: {text}", limit=_LIMIT)
    if environ.get("TMUX"):
        return f"\x1bPtmux;\x1b\x1b]9;{words}\a\x1b\\"
    return f"\x1b]9;{words}\a"


class Alerts:
    """Has new runs tested, and rings for one that regressed and for a report in quarantine.

    Args:
        session: What is shown, and the way to the engine.
        send: Sends a text to the terminal as it is.
        say: Shows a line.
        busy: Whether the engine is comparing for somebody who waits.
    """

    def __init__(
        self,
        session: Session,
        *,
        send: Callable[[str], None],
        say: Callable[[str], None],
        busy: Callable[[], bool],
    ) -> None:
        self._session = session
        self._send = send
        self._say = say
        self._busy = busy
        self._born_s = session.clock()
        self._rung_s = float("-inf")
        self._seen: set[str] | None = None
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._told: set[int] = set()
        self._working = False

    @property
    def wanted(self) -> bool:
        """Whether anybody wants to be told."""
        return self._session.settings.notify != "off"

    def files_changed(self, rows: Iterable[FileRow]) -> None:
        """Ring for reports that came into quarantine since the start."""
        for row in rows:
            broken = row.state is FileState.QUARANTINED and row.updated_at_s >= self._born_s
            if broken and row.file_id not in self._told:
                self._told.add(row.file_id)
                self._ring(f"{os.path.basename(row.path)} is broken: {row.reason}")  # noqa: PTH119

    def runs_changed(self, rows: IntArray) -> bool:
        """Note which runs are new; return whether some wait to be tested."""
        bench = self._session.bench
        if bench.loading or bench.as_of_s is not None:
            return False
        good = eligible(bench.table)
        if self._seen is None:
            self._seen = {bench.table.run_ids[row] for row in np.flatnonzero(good).tolist()}
            return False
        new = [bench.table.run_ids[row] for row in rows.tolist() if good[row]]
        fresh = [run_id for run_id in new if run_id not in self._seen]
        self._seen.update(fresh)
        self._waiting.extend(fresh)
        return bool(fresh)

    async def work(self) -> None:
        """Have the runs that wait tested, one after the other."""
        if self._working:
            return
        self._working = True
        try:
            await self._work()
        finally:
            self._working = False

    async def _work(self) -> None:
        while self._waiting:
            run_id = self._waiting.popleft()
            reply = await self._test(run_id)
            if reply is None or reply.error:
                continue
            for found in reply.payload.get("comparisons") or ():
                if found.get("verdict") == Verdict.REGRESSED:
                    name = self._session.bench.name_of(run_id)
                    self._ring(f"{name} regressed: {found.get('reason', '')}")

    async def _test(self, run_id: str) -> Reply | None:
        bench = self._session.bench
        choice = bench.baseline_for(bench.table.row_of(run_id))
        if choice.row is None or bench.table.run_ids[choice.row] == run_id:
            return None
        args: dict[str, Any] = {
            "baseline": bench.table.run_ids[choice.row],
            "candidates": [run_id],
        }
        for _ in range(_TRIES):
            if not self._busy():  # somebody who looks comes first
                reply = await self._session.ask(Verb.COMPARE, args, "alert")
                if reply is None or not reply.error:
                    return reply
            await asyncio.sleep(_AGAIN_S)
        return None

    def _ring(self, text: str) -> None:
        self._say(text)
        now = self._session.clock()
        if now - self._rung_s >= QUIET_S:
            self._rung_s = now
            self._send(ring(self._session.settings.notify, text))
