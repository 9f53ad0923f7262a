"""A second look at what was logged: runs that are gone or lack something are written again."""

from __future__ import annotations

from evaltui.domain.events import FileState
from evaltui.engine.audit import Kind, examine
from evaltui.engine.steps.store import Store
from evaltui.ledger.journal import Entry, Journal


class Mending:
    """Compares finished reports with their runs, and opens again what is not there.

    Args:
        journal: The journal.
        store: The store.
    """

    def __init__(self, journal: Journal, store: Store) -> None:
        self._journal = journal
        self._store = store

    def mend(self, path: str) -> str:
        """Look at the runs of a path's reports.

        A run that is gone makes its report one whose run was deleted; one that lacks values is
        written to again with the next `log_due`.

        Returns:
            What only a person can put right, or "".

        Raises:
            StoreError: The store does not answer, or refuses.
            JournalError: The journal cannot be written.
        """
        problems = []
        for content_id in self._journal.parts(path):
            entry = self._journal.active_entry(content_id)
            if entry is not None and entry.state is FileState.FINISHED:
                problems.append(self._look(entry))
        return "; ".join(filter(None, problems))

    def _look(self, entry: Entry) -> str:
        source = self._store.source
        run = source.get_run(entry.run_id) or source.get_run(entry.run_id)
        if run is None or not run.active:
            self._journal.mark_entry(entry.entry_id, FileState.DELETED)
            return ""
        found = examine(entry, run)
        if found is not None and found.kind is Kind.LACKING:
            self._journal.reopen(entry.entry_id, FileState.FINISHED)
            return ""
        return "" if found is None else f"run {entry.run_id}: {found.what}; {found.remedy}"
