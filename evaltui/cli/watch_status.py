"""Who watches some directories, how far that is, and how the store is; and ending it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from evaltui.cli import watchers
from evaltui.cli.output import Column, Table, Value, instant, note, print_result
from evaltui.cli.watchers import WatchNote
from evaltui.domain.text import clean
from evaltui.engine.roots import WatchRoot, merge_roots, parse_root
from evaltui.errors import ExitCode, StoreError, StoreUnreachableError
from evaltui.log import redact
from evaltui.reading import open_store
from evaltui.settings import Settings
from evaltui.tracking.target import resolve_target
from evaltui.wiring import journal_directory, open_journal


def place(settings: Settings) -> tuple[tuple[WatchRoot, ...], Path]:
    """Return what is to be watched, and the directory of the journal.

    Raises:
        ConfigError: Target or directories make no sense.
    """
    roots = merge_roots(parse_root(text, Path.cwd()) for text in settings.watch)
    return roots, journal_directory(settings, resolve_target(settings, os.environ))


def stop(settings: Settings) -> ExitCode:
    """End who watches the directories; nobody is no failure."""
    roots, journal = place(settings)
    ended = watchers.stop(journal, roots)
    for pid in ended:
        print(f"process {pid} has ended")
    if not ended:
        note("nobody watches " + ", ".join(map(str, roots)))
    return ExitCode.OK


def status(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Say who watches the directories, what the journal counts, and how the store is."""
    roots, folder = place(settings)
    counts: Mapping[str, int] = {}
    if (folder / "journal.db").exists():
        target = resolve_target(settings, os.environ)
        with closing(open_journal(settings, target)) as journal:
            counts = journal.counts([str(root.path) for root in roots])
    holders = watchers.holders(folder, roots)
    known = {item.pid: item for item in watchers.notes(folder)}
    store = _store(settings)
    watches = [_watch(pid, known.get(pid)) for pid in dict.fromkeys(filter(None, holders.values()))]
    body: dict[str, object] = {
        "schema": "evaltui.watch-status/1",
        "roots": [{"root": str(root), "watcher_pid": pid} for root, pid in holders.items()],
        "watchers": watches,
        "files": dict(counts),
        "store": store,
    }
    args.show_columns = args.precision = None
    print_result(args, body, _tables(holders, watches, counts, store))
    return ExitCode.OK


def _watch(pid: int, left: WatchNote | None) -> dict[str, Value]:
    """Return what is known of a watching process: a screen's leaves no note."""
    return {
        "pid": pid,
        "since": None if left is None else instant(round(left.since_s * 1000)),
        "kind": "screen" if left is None else "detached" if left.log_file else "foreground",
        "log_file": (left.log_file or None) if left is not None else None,
    }


def _store(settings: Settings) -> dict[str, Value]:
    """Ask the store one cheap question."""
    target = resolve_target(settings, os.environ)
    found: dict[str, Value] = {
        "target": redact(target.label),
        "experiment": target.experiment_label,
        "state": "live",
        "error": None,
    }
    try:
        _, source = open_store(settings)
        with closing(source):
            source.experiment()
    except StoreError as error:
        down = isinstance(error, StoreUnreachableError)
        return {**found, "state": "offline" if down else "refused", "error": redact(error.message)}
    return found


def _tables(
    holders: Mapping[WatchRoot, int | None],
    watches: Sequence[Mapping[str, Value]],
    counts: Mapping[str, int],
    store: Mapping[str, Value],
) -> list[Table]:
    told = {watch["pid"]: watch for watch in watches}
    rows = tuple(
        (
            str(root),
            f"pid {pid}" if pid else "nobody",
            *(told[pid][name] if pid else None for name in ("kind", "since", "log_file")),
        )
        for root, pid in holders.items()
    )
    names = ("root", "watched by", "as", "since", "log")
    tables = [Table(tuple(map(Column, names)), rows)]
    if counts:
        figures = tuple((clean(name), number) for name, number in counts.items())
        tables.append(Table((Column("files"), Column("n", right=True)), figures))
    tables.append(
        Table(
            (Column("store"), Column("experiment"), Column("is"), Column("error")),
            ((store["target"], store["experiment"], store["state"], store["error"]),),
        )
    )
    return tables
