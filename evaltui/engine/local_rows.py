"""Reports on this machine as rows among the store's runs, until the store has them.

Everything that reaches the run list goes through one LocalRows, so that the page that brings a
run also takes its local row away: it never stands twice, and never not at all.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.domain.table import STATUSES, RunDelta

_LOGGING = "logging"
_RUNNING = STATUSES.index(RunStatus.RUNNING)

EXPECTED_S = 600.0
"""How long the row of a logged report stays while no poll brings its run (offline, paused)."""


class LocalRows:
    """Merges local rows into the pages of the store; safe for threads.

    Args:
        emit: Called with every page, one at a time, in the order they are to be applied; whether
            everything before it is to be forgotten.
        known_runs: Ids of the store's runs of a content.
        is_logged: Whether the journal says that a local row's report is in the store by now.
        lock: Held while rows are merged. Who changes the answers of `known_runs` holds it until
            the page that tells of the change has been passed on.
    """

    def __init__(
        self,
        emit: Callable[[RunDelta, bool], None],
        known_runs: Callable[[str], Collection[str]],
        *,
        is_logged: Callable[[str], bool],
        lock: threading.RLock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emit = emit
        self._known_runs = known_runs
        self._is_logged = is_logged
        self._lock = lock
        self._monotonic = monotonic
        self._expected: dict[str, float] = {}
        self._shown: dict[str, Run] = {}
        self._by_content: dict[str, str] = {}
        self._held: dict[str, RunDelta] = {}
        self._ended = False  # whether the end of the listing was passed on

    def store_page(self, delta: RunDelta, reset: bool) -> None:
        """Pass on a page of the store, without the local rows that it replaces.

        A run that is still being written is held back while its local row, which has all the
        values already, is there.
        """
        with self._lock:
            if reset:
                self._ended = False
                self._held.clear()
                self._emit(delta, True)
                self._emit_local(list(self._shown.values()), ())
                return
            arrived, held = self._sort(delta)
            if held:
                delta = self._hold(delta, held)
            for run_id in delta.removed:
                self._held.pop(run_id, None)
            replaced = [self._forget(local_id) for local_id in arrived]
            if replaced:
                delta = dataclasses.replace(delta, removed=(*delta.removed, *replaced))
            if delta.run_ids or delta.removed or (delta.complete and not self._ended):
                self._ended = self._ended or delta.complete
                self._emit(delta, False)

    def update(self, local: Iterable[Run]) -> None:
        """Show these local rows and no others; nothing is emitted when nothing differs.

        The row of a report that was logged stays until a page brings its run.
        """
        with self._lock:
            wanted = {run.run_id: run for run in local if not self._in_store(run)}
            self._keep_expected(wanted)
            gone = [run_id for run_id in self._shown if run_id not in wanted]
            changed = [run for run_id, run in wanted.items() if self._shown.get(run_id) != run]
            contents = {self._shown[run_id].tags.get(Tag.CONTENT_ID, "") for run_id in gone}
            self._shown = wanted
            self._by_content = {
                content: run.run_id
                for run in wanted.values()
                if (content := run.tags.get(Tag.CONTENT_ID, ""))
            }
            self._emit_local(changed, gone)
            self._release(contents - {""})

    def _keep_expected(self, wanted: dict[str, Run]) -> None:
        now = self._monotonic()
        expected: dict[str, float] = {}
        for run_id, run in self._shown.items():
            if run_id in wanted or not run.tags.get(Tag.CONTENT_ID) or self._in_store(run):
                continue
            known = run_id in self._expected
            deadline = self._expected.get(run_id, now + EXPECTED_S)
            if now < deadline and (known or self._is_logged(run_id)):
                expected[run_id] = deadline
                wanted[run_id] = run
        self._expected = expected

    def _in_store(self, run: Run) -> bool:
        content = run.tags.get(Tag.CONTENT_ID, "")
        if not content:
            return False
        others = set(self._known_runs(content)).difference(_superseded(run))
        return bool(others - self._held.keys())

    def _sort(self, delta: RunDelta) -> tuple[list[str], list[int]]:
        """Return the local rows that a page replaces, and its positions to be held back."""
        contents = delta.tags.get(Tag.CONTENT_ID)
        if contents is None or not self._by_content:
            return [], []
        states: Sequence[str | None] = delta.tags.get(Tag.STATE, (None,) * len(contents))
        arrived: list[str] = []
        held: list[int] = []
        for position, content in enumerate(contents):
            local_id = self._by_content.get(content or "")
            if local_id is None:
                continue
            if states[position] == _LOGGING or delta.status[position] == _RUNNING:
                held.append(position)
            elif delta.run_ids[position] not in _superseded(self._shown[local_id]):
                arrived.append(local_id)
        return list(dict.fromkeys(arrived)), held

    def _hold(self, delta: RunDelta, held: Sequence[int]) -> RunDelta:
        for position in held:
            self._held[delta.run_ids[position]] = delta.part([position])
        kept = [position for position in range(len(delta.run_ids)) if position not in set(held)]
        rest = delta.part(kept)
        return dataclasses.replace(
            rest, removed=delta.removed, complete=delta.complete, total=delta.total
        )

    def _release(self, contents: Collection[str]) -> None:
        """Pass on what was held back for local rows that are no longer there."""
        for run_id, delta in list(self._held.items()):
            if delta.tags[Tag.CONTENT_ID][0] in contents:
                del self._held[run_id]
                self._emit(delta, False)

    def _forget(self, local_id: str) -> str:
        run = self._shown.pop(local_id)
        content = run.tags[Tag.CONTENT_ID]
        self._by_content.pop(content, None)
        for run_id in [i for i, d in self._held.items() if d.tags[Tag.CONTENT_ID][0] == content]:
            del self._held[run_id]
        return local_id

    def _emit_local(self, changed: Sequence[Run], gone: Sequence[str]) -> None:
        if changed or gone:
            self._emit(RunDelta.from_runs(changed, removed=gone, complete=False), False)


def _superseded(run: Run) -> list[str]:
    return run.tags.get(Tag.SUPERSEDES, "").split(",")
