"""What a headless watch says: a line per file on stdout, what happens to it all on stderr."""

from __future__ import annotations

import queue
import re
import time
from collections.abc import Callable
from pathlib import PurePath

from evaltui.cli.file_lines import file_line, state_word
from evaltui.cli.output import note
from evaltui.domain.events import (
    PENDING_STATES,
    FileRole,
    FileRow,
    FileState,
    StoreState,
    StoreStatus,
    WatchRole,
    WatchStatus,
)
from evaltui.engine.link import Event, FilesChanged, Noticed, StoreChanged, WatchChanged
from evaltui.engine.outcome import Outcome
from evaltui.log import redact
from evaltui.ui.instants import duration_text

BACKLOG_S = 60.0
"""Seconds between two lines about a backlog."""

_EVERY = re.compile(r"every \S+ s")
_UNREAD = frozenset({FileState.SEEN, FileState.SETTLING, FileState.SPOOLED})


class Teller:
    """Prints what the engine's events tell; events come from several threads, in a queue.

    Args:
        form: `table` or `json`.
        still_broken: Whether an unchanged file that an earlier watch quarantined, and that is
            there still, has a line at the end; a function of its path.
    """

    def __init__(
        self, form: str, *, still_broken: Callable[[PurePath], bool] = lambda _: False
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.watch: WatchStatus | None = None
        self._form = form
        self._still_broken = still_broken
        self._since_s = time.time()
        self._rows: dict[int, FileRow] = {}
        self._printed: dict[int, str] = {}
        self._store: StoreStatus | None = None
        self._told_roles: tuple[WatchRole, int | None] | None = None
        self._told_events = ""
        self._told_skipped = 0
        self._tell_backlog_at = time.monotonic() + BACKLOG_S

    def turn(self, seconds: float) -> None:
        """Handle what comes within some seconds; return early after the first burst."""
        try:
            self._handle(self.events.get(timeout=seconds))
        except queue.Empty:
            return
        self.drain()

    def drain(self) -> None:
        """Handle what has come so far."""
        while True:
            try:
                self._handle(self.events.get_nowait())
            except queue.Empty:
                return

    @property
    def nothing_left(self) -> bool:
        """Whether an idle engine has done what it can: the rest waits for the store."""
        if self.watch is None or self.watch.role is WatchRole.NONE:
            return False
        pending = [row for row in self._rows.values() if row.state in PENDING_STATES]
        if not pending:
            return not self.watch.pending
        if any(row.state in _UNREAD for row in pending):
            return False
        # After a failure the store is left alone: not every report has had a try of its own.
        tried = any(row.reason and row.updated_at_s >= self._since_s for row in pending)
        read_only = self._store is not None and self._store.read_only
        return tried or read_only or self.watch.role is WatchRole.VIEWER

    def outcomes(self) -> list[Outcome]:
        """Return the last word on every file of this watch."""
        return [_outcome(row) for row in self._rows.values()]

    def finish(self) -> None:
        """Print the lines of files that are left waiting or broken, and on stderr the counts."""
        self.drain()
        for row in self._rows.values():
            if row.state in PENDING_STATES or row.state is FileState.QUARANTINED:
                self._print(row)
        self._tell_summary()

    def _tell_summary(self) -> None:
        counts: dict[str, int] = {}
        for row in self._rows.values():
            counts[state_word(row.state)] = counts.get(state_word(row.state), 0) + 1
        if self.watch is not None:
            counts["ignored"] = max(counts.get("ignored", 0), self.watch.ignored)
            if self.watch.backlog_skipped:
                counts["left out"] = self.watch.backlog_skipped
        words = ("logged", "duplicate", "quarantined", "pending", "ignored", "left out")
        parts = [f"{counts[word]} {word}" for word in words if counts.get(word)]
        note("watched: " + (", ".join(parts) or "nothing new"))

    def _handle(self, event: Event) -> None:
        if isinstance(event, FilesChanged):
            for row in event.rows:
                news = row.updated_at_s >= self._since_s or row.state in PENDING_STATES
                if news and row.role is not FileRole.CASE:  # one of many files of an evaluation
                    self._tell_file(row)
                elif row.state is FileState.QUARANTINED and self._still_broken(PurePath(row.path)):
                    self._rows[row.file_id] = row  # told at the end: the scan may miss it
            for file_id in event.gone:
                self._rows.pop(file_id, None)
        elif isinstance(event, StoreChanged):
            self._tell_store(event.status)
        elif isinstance(event, WatchChanged):
            self._tell_watch(event.status)
        elif isinstance(event, Noticed):
            text = f"{event.notice.level}: {event.notice.text}"
            self._say(text + (f" ({event.notice.hint})" if event.notice.hint else ""))

    def _tell_file(self, row: FileRow) -> None:
        self._rows[row.file_id] = row
        if row.state not in PENDING_STATES or (row.reason and row.updated_at_s >= self._since_s):
            self._print(row)

    def _print(self, row: FileRow) -> None:
        line = file_line(_outcome(row), self._form)
        if self._printed.get(row.file_id) != line:
            self._printed[row.file_id] = line
            print(line, flush=True)

    def _tell_store(self, status: StoreStatus) -> None:
        before, self._store = self._store, status
        if before is None:
            self._say(f"{status.experiment} in {status.target} ({status.why})")
            if status.warning:
                self._say(f"warning: {status.warning}")
        if before is None or before.state is status.state:
            return
        if status.state in {StoreState.OFFLINE, StoreState.REFUSED, StoreState.BUSY}:
            hint = f" ({status.hint})" if status.hint else ""
            self._say(f"store {status.state.value}: {status.error}{hint}")
        elif status.state is StoreState.LIVE and before.state is not StoreState.CONNECTING:
            self._say("store live again")

    def _tell_watch(self, status: WatchStatus) -> None:
        self.watch = status
        if status.backlog_skipped > self._told_skipped:
            self._told_skipped = status.backlog_skipped
            self._say(f"{status.backlog_skipped} reports of the backlog are left out (--backlog)")
        self._tell_backlog(status)
        events = _EVERY.sub("", status.events)  # how often follows the size, that is no news
        told = (status.role, status.watcher_pid)
        if told != self._told_roles:
            self._told_roles = told
            self._tell_role(status)
        elif events != self._told_events and status.events:
            self._say(f"watching by {status.events}")
        self._told_events = events

    def _tell_role(self, status: WatchStatus) -> None:
        roots = ", ".join(status.roots)
        if status.role is WatchRole.WATCHER:
            self._say(
                f"watching {roots} ({status.events})" if status.events else f"watching {roots}"
            )
        elif status.role is WatchRole.VIEWER:
            self._say(f"{roots}: watched by pid {status.watcher_pid}; taking over when it ends")

    def _tell_backlog(self, status: WatchStatus) -> None:
        """Say how far a long backlog is, now and then."""
        if not status.backlog or time.monotonic() < self._tell_backlog_at:
            return
        self._tell_backlog_at = time.monotonic() + BACKLOG_S
        text = f"backlog: {status.backlog} still to be logged"
        if status.backlog_rate:
            left = duration_text(status.backlog / status.backlog_rate)
            text += f", {status.backlog_rate:.1f} per second, {left} left"
        self._say(text)

    def _say(self, text: str) -> None:
        note(redact(text))


def _outcome(row: FileRow) -> Outcome:
    return Outcome(
        row.path, row.state, row.run_ids, row.format, row.role, row.reason, row.hint,
        retry_at_s=row.retry_at_s,
    )  # fmt: skip
