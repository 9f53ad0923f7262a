"""What the screen is told of files and of the watch: read from the journal, told when it differs.

Whoever ingests, this process or another, writes the journal, so a viewer shows the same as the
watcher. Nothing here waits for the store.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import PurePath

from evaltui.domain.events import FileRow, Notice, WatchRole, WatchStatus
from evaltui.domain.run import Run
from evaltui.engine.early_runs import Previews, file_runs
from evaltui.engine.link import Event, FilesChanged, Noticed, WatchChanged
from evaltui.engine.local_rows import LocalRows
from evaltui.late_dataclass import dataclass
from evaltui.ledger.journal import Journal

_ROWS_PER_PAGE = 1_000
_MAX_NOTICES = 100


_GLOB = frozenset("*?[")
_TRIES = 3
"""A journal that changes all the time is not waited for to stand still."""


@dataclass(frozen=True, slots=True)
class _News:
    seq: int
    rows: Sequence[FileRow]
    gone: Sequence[int]
    local: Sequence[Run]


class Feed:
    """Turns the journal into FilesChanged, WatchChanged and local rows of the run list.

    `step` belongs to one thread; `watch` and `notice` may come from any.

    Args:
        journal: The journal of the target and experiment.
        local_runs: Returns the reports that are still to be logged, one run each.
        local_rows: Where unfinished reports become rows.
        emit: Called with every event.
    """

    def __init__(
        self,
        journal: Journal,
        local_runs: Callable[[], Sequence[Run]],
        local_rows: LocalRows,
        emit: Callable[[Event], None],
    ) -> None:
        self._journal = journal
        self._local_runs = local_runs
        self._local_rows = local_rows
        self._emit = emit
        self._seq = 0
        self._listed: set[int] = set()
        self._early: dict[int, FileRow] = {}
        self._previews = Previews()
        self._roots: tuple[PurePath, ...] = ()
        self._local: Sequence[Run] = ()
        self._lock = threading.Lock()
        self._watch: WatchStatus | None = None
        self._told_watch: WatchStatus | None = None
        self._notices: deque[Notice] = deque(maxlen=_MAX_NOTICES)

    def watch(self, status: WatchStatus) -> bool:
        """Note how the watch is; return whether that is news."""
        with self._lock:
            before, self._watch = self._watch, status
        return status != before

    @property
    def role(self) -> WatchRole:
        """What this process does about the watched directories, as far as it is known."""
        with self._lock:
            return self._watch.role if self._watch is not None else WatchRole.NONE

    def notice(self, notice: Notice) -> None:
        """Keep a line for the person until the next step; the oldest of many are dropped."""
        with self._lock:
            self._notices.append(notice)

    def is_behind(self) -> bool:
        """Return whether the journal has changed since the last step; any thread may ask.

        Raises:
            JournalError: The journal cannot be read.
        """
        return self._journal.last_seq() != self._seq

    def step(self) -> bool:
        """Tell what differs from what was told; return whether the journal had changed.

        Raises:
            JournalError: The journal cannot be read.
        """
        news = self._news()
        if news is not None:
            self._seq, self._local = news.seq, news.local
            self._tell_files(news.rows, news.gone)
        self._tell_local(changed=news is not None)
        self._tell_watch()
        self._tell_notices()
        return news is not None

    def _news(self) -> _News | None:
        """Return what changed since the last step: files and unfinished reports of one moment.

        Read apart, a report that is just being taken would have no row, or two.
        """
        news: _News | None = None
        for _ in range(_TRIES):
            seq = self._journal.last_seq()
            if news is not None and seq == news.seq:
                break
            if seq == self._seq:
                return None
            rows = self._journal.rows_since(self._seq)
            gone = self._journal.gone_since(self._seq)
            known = [row for row in rows if row.seq <= seq]  # later ones come with the next step
            news = _News(seq, known, gone, self._local_runs())
        return news

    def _tell_files(self, rows: Sequence[FileRow], gone: Sequence[int]) -> None:
        left = tuple(file_id for file_id in gone if file_id in self._listed)
        self._listed.difference_update(left)
        self._listed.update(row.file_id for row in rows)
        for file_id in (*left, *(row.file_id for row in rows)):
            self._early.pop(file_id, None)
        self._previews.forget((*left, *(row.file_id for row in rows if not file_runs([row]))))
        self._early.update((row.file_id, row) for row in rows if file_runs([row]))
        for start in range(0, max(len(rows), 1), _ROWS_PER_PAGE):
            page = tuple(rows[start : start + _ROWS_PER_PAGE])
            if page or left:
                self._emit(FilesChanged(page, left))
            left = ()

    def _tell_local(self, *, changed: bool) -> None:
        """Show what is on its way; of files that are no report yet, only those on watch.

        The journal may hold others that a watcher left behind, for which nobody cares now.
        """
        with self._lock:
            watch = self._watch
        watched = watch is not None and watch.role is not WatchRole.NONE
        roots = tuple(map(_fixed_part, watch.roots)) if watch is not None and watched else ()
        if changed or roots != self._roots:
            self._roots = roots
            rows = [r for r in self._early.values() if _is_below(PurePath(r.path), roots)]
            self._previews.roots = roots
            self._local_rows.update([*file_runs(rows, self._previews), *self._local])

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


def _fixed_part(root: str) -> PurePath:
    """Return the directory of a watched root that may be a glob."""
    return PurePath(*takewhile(lambda part: not _GLOB.intersection(part), PurePath(root).parts))


def _is_below(path: PurePath, roots: Sequence[PurePath]) -> bool:
    return any(path.is_relative_to(root) for root in roots)
