"""What the screen is told of files and of the watch: read from the journal, told when it differs.

Whoever ingests, this process or another, writes the journal, so a viewer shows the same as the
watcher. Nothing here waits for the store.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Callable, Sequence

from evaltui.domain.events import PENDING_STATES, FileRow, Notice, WatchStatus
from evaltui.domain.run import Run
from evaltui.engine.link import Event, FilesChanged, Noticed, WatchChanged
from evaltui.engine.local_rows import LocalRows, file_runs
from evaltui.ledger.journal import Journal

_ROWS_PER_PAGE = 1_000
_MAX_NOTICES = 100


class Feed:
    """Turns the journal into FilesChanged, WatchChanged and local rows of the run list.

    `step` belongs to one thread; `watch`, `local_runs` and `notice` may come from any.

    Args:
        journal: The journal of the target and experiment.
        local_rows: Where unfinished reports become rows.
        emit: Called with every event.
    """

    def __init__(
        self, journal: Journal, local_rows: LocalRows, emit: Callable[[Event], None]
    ) -> None:
        self._journal = journal
        self._local_rows = local_rows
        self._emit = emit
        self._seq = 0
        self._listed: set[int] = set()
        self._early: dict[int, FileRow] = {}
        self._leaving: dict[int, FileRow] = {}
        self._lock = threading.Lock()
        self._watch: WatchStatus | None = None
        self._told_watch: WatchStatus | None = None
        self._local: Sequence[Run] = ()
        self._local_seq = 0
        self._dirty = False
        self._notices: deque[Notice] = deque(maxlen=_MAX_NOTICES)

    def watch(self, status: WatchStatus) -> None:
        """Note how the watch is."""
        with self._lock:
            self._watch = status

    def local_runs(self, runs: Sequence[Run], seq: int) -> None:
        """Note the unfinished reports.

        Args:
            runs: One run each.
            seq: The journal's `last_seq` before they were collected.
        """
        with self._lock:
            self._local, self._local_seq, self._dirty = runs, seq, True

    def notice(self, notice: Notice) -> None:
        """Keep a line for the person until the next step; the oldest of many are dropped."""
        with self._lock:
            self._notices.append(notice)

    def step(self) -> bool:
        """Tell what differs from what was told; return whether the journal had changed.

        Raises:
            JournalError: The journal cannot be read.
        """
        with self._lock:  # before the journal: a report must not have two rows
            dirty, self._dirty = self._dirty, False
            local, seq = self._local, self._local_seq
        changed = self._tell_files()
        if dirty or changed:
            self._tell_local(local, seq)
        self._tell_watch()
        self._tell_notices()
        return changed

    def _tell_files(self) -> bool:
        last = self._journal.last_seq()
        if last == self._seq:
            return False
        rows = self._journal.rows_since(self._seq)
        gone = [i for i in self._journal.gone_since(self._seq) if i in self._listed]
        self._seq = max([last, *(row.seq for row in rows)])
        self._listed.difference_update(gone)
        self._listed.update(row.file_id for row in rows)
        for file_id in gone:
            self._early.pop(file_id, None)
            self._leaving.pop(file_id, None)
        for row in rows:
            self._note_early(row)
        for start in range(0, max(len(rows), 1), _ROWS_PER_PAGE):
            page = tuple(rows[start : start + _ROWS_PER_PAGE])
            if page or gone:
                self._emit(FilesChanged(page, tuple(gone)))
            gone = []
        return True

    def _note_early(self, row: FileRow) -> None:
        """Keep a file's own row until the reports in it have theirs."""
        before = self._early.pop(row.file_id, None)
        if file_runs([row]):
            self._early[row.file_id] = row
        elif before is not None and row.state in PENDING_STATES:
            self._leaving[row.file_id] = dataclasses.replace(before, seq=row.seq)
        else:
            self._leaving.pop(row.file_id, None)

    def _tell_local(self, local: Sequence[Run], seq: int) -> None:
        for file_id in [i for i, row in self._leaving.items() if row.seq <= seq]:
            del self._leaving[file_id]
        files = file_runs([*self._early.values(), *self._leaving.values()])
        self._local_rows.update([*files, *local])

    def _tell_watch(self) -> None:
        with self._lock:
            status = self._watch
        if status is not None and status != self._told_watch:
            self._told_watch = status
            self._emit(WatchChanged(status))

    def _tell_notices(self) -> None:
        while True:
            with self._lock:
                if not self._notices:
                    return
                notice = self._notices.popleft()
            self._emit(Noticed(notice))
