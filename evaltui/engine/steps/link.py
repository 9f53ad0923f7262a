"""The last step: telling runs which one replaces which, and clearing away what nobody needs."""

from __future__ import annotations

from collections.abc import Iterable

from evaltui.domain.events import FileState
from evaltui.domain.run import Run, Tag
from evaltui.engine.steps.compare import is_complete
from evaltui.engine.steps.store import Store
from evaltui.ledger.journal import Entry, Journal


class Links:
    """Keeps `evaltui.supersedes`, `superseded_by` and `duplicate_of` true in the store.

    Every method raises StoreError and may be repeated.
    """

    def __init__(self, journal: Journal, store: Store) -> None:
        self._journal = journal
        self._store = store

    def link(self, entry: Entry) -> None:
        """Mark the runs that this entry's run replaces, and those that replace it already."""
        replaced: list[str] = []
        for old in self._predecessors(entry):
            if old.run_id and old.run_id != entry.run_id and self._set_aside(old.run_id, entry):
                replaced.append(old.run_id)
            if old.active:
                self._journal.deactivate(old.entry_id, FileState.SUPERSEDED)
        for run_id in filter(None, entry.plan.tags.get(Tag.SUPERSEDES, "").split(",")):
            if run_id not in replaced and self._set_aside(run_id, entry):
                replaced.insert(0, run_id)
        if replaced:
            self._store.writer.set_run_tags(entry.run_id, {Tag.SUPERSEDES: replaced[-1]})

    def link_back(self, entry: Entry) -> bool:
        """Mark a run that was finished after the one that replaces it; return whether it was so."""
        for later in self._journal.successors(entry.entry_id):
            if later.run_id and later.state is FileState.FINISHED:
                writer = self._store.writer
                writer.set_run_tags(entry.run_id, {Tag.SUPERSEDED_BY: later.run_id})
                writer.set_run_tags(later.run_id, {Tag.SUPERSEDES: entry.run_id})
                return True
        return False

    def clear_twins(self, twins: Iterable[Run], winner_id: str) -> tuple[str, ...]:
        """Delete runs softly that stand for the same report as the winner; return their ids."""
        cleared: list[str] = []
        for twin in twins:
            self._store.writer.set_run_tags(twin.run_id, {Tag.DUPLICATE_OF: winner_id})
            self._store.writer.delete_run(twin.run_id)
            cleared.append(twin.run_id)
        return tuple(cleared)

    def _predecessors(self, entry: Entry) -> list[Entry]:
        found = (self._journal.entry(entry_id) for entry_id in entry.predecessors)
        return [old for old in found if old is not None and not old.is_open]

    def _set_aside(self, run_id: str, entry: Entry) -> bool:
        """Mark one replaced run; what was never completed is deleted. False when it is gone."""
        run = self._store.source.get_run(run_id)
        if run is None or not run.active:
            return False
        if is_complete(run):
            self._store.writer.set_run_tags(run_id, {Tag.SUPERSEDED_BY: entry.run_id})
            return True
        self.clear_twins((run,), entry.run_id)
        return False
