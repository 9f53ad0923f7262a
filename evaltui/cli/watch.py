"""`evaltui watch`: the same engine without the screen, one line per event, a summary at the end."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from pathlib import Path
from types import FrameType

from evaltui.cli.file_lines import add_format_option, exit_code
from evaltui.cli.output import Column, Table, note, print_result
from evaltui.cli.parser import Parser, Subparsers, add_command, add_ingest_options
from evaltui.cli.watch_lines import Teller
from evaltui.domain.text import clean
from evaltui.engine.link import Request, Verb
from evaltui.engine.roots import merge_roots, parse_root
from evaltui.engine.runtime import Engine
from evaltui.engine.settle import UNREADABLE_PATIENCE_S
from evaltui.errors import ConfigError, ExitCode
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
    teller = Teller(args.format)
    patience_s = PATIENCE_S if args.once else UNREADABLE_PATIENCE_S
    engine = build(settings, os.environ, emit=teller.events.put, patience_s=patience_s)
    with _signals() as caught:
        engine.start()
        engine.submit(Request(0, Verb.REFRESH))  # what waits in the journal has a try now
        try:
            _follow(engine, teller, caught, once=args.once)
        finally:  # also when nobody reads the lines any more
            ended = engine.stop(HANG_UP_S if signal.SIGHUP in caught else STOP_S)
        if not ended:
            note("the store did not answer in time: the report at hand stays in the journal")
        teller.finish()
        sys.stdout.flush()
    if caught:
        return 128 + caught[0]
    return exit_code(teller.outcomes(), named=False)


def _follow(engine: Engine, teller: Teller, caught: list[int], *, once: bool) -> None:
    quiet = 0
    while not caught and not engine.stopping:
        teller.turn(_TURN_S)
        quiet = quiet + 1 if once and engine.idle and teller.nothing_left else 0
        if quiet >= _QUIET_TURNS:
            return


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
    before = {
        number: signal.signal(number, catch)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup
    }
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
