"""A person gives a file up: it is left alone, and nothing half-written stays in the store."""

from __future__ import annotations

from evaltui.domain.events import FileState
from evaltui.domain.run import Run
from evaltui.engine.steps import compare
from evaltui.engine.steps.link import Links
from evaltui.engine.steps.store import Store
from evaltui.ledger.journal import Action, Entry, Journal

_KEPT = frozenset({FileState.FINISHED, FileState.DUPLICATE, FileState.SUPERSEDED})
_BEFORE_CREATE = frozenset({FileState.PARSED, FileState.QUARANTINED})


class GivingUp:
    """Takes files out of the account.

    Args:
        journal: The journal.
        store: The store.
        read_only: Whether the store may not be written to.
    """

    def __init__(self, journal: Journal, store: Store, *, read_only: bool) -> None:
        self._journal = journal
        self._store = store
        self._read_only = read_only
        self._links = Links(journal, store)

    def ignore(self, path: str) -> str:
        """Leave a path alone until it is retried.

        Returns:
            Why it cannot be given up, or "" when it is.

        Raises:
            StoreError: A half-written run could not be deleted; nothing has changed.
            JournalError: The journal cannot be written.
        """
        row = self._journal.file(path)
        entries = self._journal.entries_of(path)
        if row is not None:  # the path may have held another report before, which is on its way
            contents = self._journal.parts(path)
            entries = [entry for entry in entries if entry.content_id in contents]
        elif not entries:
            return "the journal does not know it"
        unfinished = [
            entry for entry in entries if entry.is_open or entry.state is FileState.QUARANTINED
        ]
        if not unfinished and (row is None or row.state in _KEPT):
            run_ids = [entry.run_id for entry in entries] if row is None else row.run_ids
            return f"it is in the store already, as run {', '.join(run_ids)}"
        try:
            for entry in unfinished:
                if not self._journal.claim(entry.entry_id):
                    return "another process is writing it to the store just now"
                if self._is_begun(entry):
                    if self._read_only:
                        return "read-only: its half-written run cannot be deleted"
                    self._links.clear_twins(self._half_written(entry), "")
            self._journal.ignore(path, [entry.entry_id for entry in unfinished])
        finally:
            for entry in unfinished:
                self._journal.release(entry.entry_id)
        return ""

    def _is_begun(self, entry: Entry) -> bool:
        begun = bool(entry.run_id) or entry.unclear or entry.state not in _BEFORE_CREATE
        return begun and entry.action is Action.LOG

    def _half_written(self, entry: Entry) -> list[Run]:
        """Return the runs that this journal made of an entry; nobody else's."""
        found = {run.run_id: run for run in self._store.source.find_runs(entry.content_id)}
        if entry.run_id and entry.run_id not in found:
            run = self._store.source.get_run(entry.run_id)
            if run is not None and run.active:
                found[run.run_id] = run
        return [run for run in found.values() if self._is_of(run, entry)]

    def _is_of(self, run: Run, entry: Entry) -> bool:
        if run.tags.get(compare.JOURNAL_TAG) != self._journal.journal_id:
            return False
        others = self._journal.entries_of_run(run.run_id)
        return all(other.entry_id == entry.entry_id for other in others)
