"""`evaltui watch`: the same engine without the screen, one line per event, a summary at the end."""

from __future__ import annotations

import argparse
import errno
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from pathlib import Path
from types import FrameType

from evaltui.cli.file_lines import add_format_option, exit_code, file_line, state_word
from evaltui.cli.output import Column, Table, note, print_result
from evaltui.cli.parser import Parser, Subparsers, add_command, add_ingest_options
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
from evaltui.domain.text import clean
from evaltui.engine.link import Event, FilesChanged, Noticed, StoreChanged, WatchChanged
from evaltui.engine.outcome import Outcome
from evaltui.engine.roots import merge_roots, parse_root
from evaltui.engine.runtime import Engine
from evaltui.engine.settle import UNREADABLE_PATIENCE_S
from evaltui.errors import ConfigError, ExitCode
from evaltui.log import redact
from evaltui.settings import Settings
from evaltui.wiring import build, open_journal

STOP_S = 8.0
"""How long the report at hand may take after a signal; the journal keeps it in any case."""

HANG_UP_S = 3.0
"""The same when the terminal is gone: what runs in it is soon killed."""

PATIENCE_S = 5.0
"""How long `--once` waits for a file that is incomplete."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TURN_S = 0.25
_QUIET_TURNS = 3


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `watch`."""
    parser = add_command(
        subparsers,
        "watch",
        "Watch directories and log every report that appears, each exactly once. Prints one line "
        "per file, and a summary at the end. With --once: log what is there and leave; exit 3 "
        "when a report was quarantined, 4 when the store could not take one.",
    )
    parser.add_argument(
        "directories", nargs="*", metavar="DIR", help="directories or globs, also MODE=DIR"
    )
    parser.add_argument("--once", action="store_true", help="log what is there, then leave")
    parser.add_argument(
        "--status", action="store_true", help="say who watches and how far it is, then leave"
    )
    add_ingest_options(parser)
    add_format_option(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Watch until a signal comes, or, with --once, until everything there was dealt with."""
    if args.directories:
        settings = replace(settings, watch=tuple(args.directories))
    if not settings.watch:
        raise ConfigError("no directory to watch is named", hint="evaltui watch DIR")
    if args.status:
        return _status(args, settings)
    try:
        return _watch(args, settings)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return 128 + signal.SIGHUP  # the terminal is gone, and with it who reads the lines


def _watch(args: argparse.Namespace, settings: Settings) -> int:
    teller = _Teller(args.format)
    patience_s = PATIENCE_S if args.once else UNREADABLE_PATIENCE_S
    engine = build(settings, os.environ, emit=teller.events.put, patience_s=patience_s)
    with _signals() as caught:
        engine.start()
        try:
            _follow(engine, teller, caught, once=args.once)
        finally:  # also when nobody reads the lines any more
            ended = engine.stop(HANG_UP_S if signal.SIGHUP in caught else STOP_S)
        teller.drain()
        if not ended:
            note("the store did not answer in time: the report at hand stays in the journal")
        teller.summary()
        sys.stdout.flush()
    if caught:
        return 128 + caught[0]
    return exit_code(teller.outcomes(), named=False)


def _follow(engine: Engine, teller: _Teller, caught: list[int], *, once: bool) -> None:
    quiet = 0
    while not caught and not engine.stopping:
        teller.turn(_TURN_S)
        quiet = quiet + 1 if once and engine.idle and teller.nothing_left else 0
        if quiet >= _QUIET_TURNS:
            return


class _Teller:
    """Prints what the engine's events tell; events come from several threads, in a queue."""

    def __init__(self, form: str) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.watch: WatchStatus | None = None
        self._form = form
        self._since_s = time.time()
        self._rows: dict[int, FileRow] = {}
        self._printed: dict[int, str] = {}
        self._store: StoreStatus | None = None
        self._told_roles: tuple[WatchRole, int | None] | None = None
        self._told_skipped = 0

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
        """Whether all that is there was dealt with, or waits for the store or another process."""
        if self.watch is None or self.watch.role is WatchRole.NONE:
            return False
        pending = [row for row in self._rows.values() if row.state in PENDING_STATES]
        done = all(_waits(row) and row.state is not FileState.SETTLING for row in pending)
        return done and (bool(pending) or not self.watch.pending)

    def outcomes(self) -> list[Outcome]:
        """Return the last word on every file of this watch."""
        return [_outcome(row) for row in self._rows.values()]

    def summary(self) -> None:
        """Print the counts on stderr."""
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
        if row.state in PENDING_STATES and not _waits(row):
            return
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
        if status.state in {StoreState.OFFLINE, StoreState.REFUSED}:
            hint = f" ({status.hint})" if status.hint else ""
            self._say(f"store {status.state.value}: {status.error}{hint}")
        elif status.state is StoreState.LIVE and before.state is not StoreState.CONNECTING:
            self._say("store live again")

    def _tell_watch(self, status: WatchStatus) -> None:
        self.watch = status
        if status.backlog_skipped > self._told_skipped:
            self._told_skipped = status.backlog_skipped
            self._say(f"{status.backlog_skipped} reports of the backlog are left out (--backlog)")
        told = (status.role, status.watcher_pid)
        if told == self._told_roles:
            return
        self._told_roles = told
        roots = ", ".join(status.roots)
        if status.role is WatchRole.WATCHER:
            self._say(
                f"watching {roots} ({status.events})" if status.events else f"watching {roots}"
            )
        elif status.role is WatchRole.VIEWER:
            self._say(f"{roots}: watched by pid {status.watcher_pid}; taking over when it ends")

    def _say(self, text: str) -> None:
        note(redact(text))


def _waits(row: FileRow) -> bool:
    """Whether a pending file has had its try."""
    return row.state in PENDING_STATES and bool(row.reason)


def _outcome(row: FileRow) -> Outcome:
    return Outcome(
        row.path, row.state, row.run_ids, row.format, row.role, row.reason, row.hint,
        retry_at_s=row.retry_at_s,
    )  # fmt: skip


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect the signals that end the watch; a second one ends the process at once.

    So does an alarm, in case that a line cannot be written because its reader does not read.
    """
    caught: list[int] = []

    def catch(number: int, _: FrameType | None) -> None:
        if caught:
            os._exit(128 + caught[0])
        caught.append(number)
        signal.alarm(ceil(STOP_S + HANG_UP_S))

    in_main = threading.current_thread() is threading.main_thread()
    numbers = (*_SIGNALS, signal.SIGALRM) if in_main else ()
    before = {number: signal.signal(number, catch) for number in numbers}
    try:
        yield caught
    finally:
        if in_main:
            signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _status(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Say who watches the directories, and what the journal counts."""
    from evaltui.ledger.lock import IngestLock  # noqa: PLC0415
    from evaltui.tracking.target import resolve_target  # noqa: PLC0415

    roots = merge_roots(parse_root(text, Path.cwd()) for text in settings.watch)
    journal = open_journal(settings, resolve_target(settings, os.environ))
    try:
        counts = journal.counts([str(root.path) for root in roots])
    finally:
        journal.close()
    holders = [(str(root), IngestLock(journal.directory, root.path).holder()) for root in roots]
    body: dict[str, object] = {
        "schema": "evaltui.watch-status/1",
        "roots": [{"root": root, "watcher_pid": pid} for root, pid in holders],
        "files": counts,
    }
    rows = tuple((root, f"pid {pid}" if pid else "nobody") for root, pid in holders)
    table = Table((Column("root"), Column("watched by")), rows)
    figures = Table(
        (Column("files"), Column("n", right=True)),
        tuple((clean(name), number) for name, number in counts.items()),
    )
    args.show_columns = args.precision = None
    print_result(args, body, [table, figures])
    return ExitCode.OK
