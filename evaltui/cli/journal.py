"""`evaltui journal`: what became of every file, and what a person can do about it."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from evaltui.cli import journal_actions
from evaltui.cli.file_lines import state_word
from evaltui.cli.output import Column, Table, Value, add_output_options, instant, note, print_result
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.events import FileState
from evaltui.errors import ConfigError, ExitCode
from evaltui.log import redact
from evaltui.settings import Settings, state_dir
from evaltui.submit import absolute

if TYPE_CHECKING:
    from evaltui.ledger.journal import Entry, FileAccount, Journal
    from evaltui.tracking.target import Target

ACTIONS = ("list", "show", "retry", "ignore", "export", "verify")
_CLASSES = ("logged", "pending")
_TAKES_PATHS = {"list", "show", "retry", "ignore"}
_NEEDS_PATHS = {"show", "ignore"}


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `journal`."""
    parser = add_command(
        subparsers,
        "journal",
        "The journal of the store and experiment: what became of every file. list: files, the "
        "last change first. show FILE: everything about one. retry FILE: try it again, whatever "
        "it was. ignore FILE: give it up until it is retried. export: all of it as JSON lines. "
        "verify: compare it with the store. Exit 3 when a report is not as it should be, 4 when "
        "the store does not answer.",
    )
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument(
        "paths", nargs="*", metavar="FILE", help="files; for list directories as well"
    )
    parser.add_argument(
        "--state",
        action="append",
        choices=tuple(dict.fromkeys((*_CLASSES, *(state.value for state in FileState)))),
        help="list: only files in this state; may be repeated",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="list: at most N files")
    parser.add_argument(
        "--all",
        dest="everything",
        action="store_true",
        help="list: files too that are never shown; retry: whatever waits or was quarantined",
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do the action."""
    _check(args)
    if args.action in {"retry", "ignore"}:
        return journal_actions.run(args, settings)
    with _opened(settings) as (target, journal):
        if journal is None:
            _tell_empty(settings, target)
        if args.action == "list":
            return _list(args, journal)
        if args.action == "show":
            return _show(args, journal)
        if args.action == "export":
            return _export(journal)
        return journal_actions.verify(args, settings, target, journal)


def _check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense.

    Raises:
        ConfigError: Always then.
    """
    action = args.action
    if args.paths and action not in _TAKES_PATHS:
        raise ConfigError(f"journal {action} takes no file", hint="evaltui journal --help")
    if not args.paths and (action in _NEEDS_PATHS or (action == "retry" and not args.everything)):
        more = ", or evaltui journal retry --all" if action == "retry" else ""
        raise ConfigError(
            f"journal {action} needs a file", hint=f"evaltui journal {action} FILE{more}"
        )
    if action == "show" and len(args.paths) > 1:
        raise ConfigError("journal show takes one file")
    if args.limit is not None and args.limit < 1:
        raise ConfigError(f"--limit {args.limit} is out of range", hint="at least 1")


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Target, Journal | None]]:
    """Give the target and its journal, None while there is none: looking makes none."""
    from evaltui.tracking.target import resolve_target  # noqa: PLC0415 - not for --help
    from evaltui.wiring import journal_directory, open_journal  # noqa: PLC0415

    target = resolve_target(settings, os.environ)
    if not (journal_directory(settings, target) / "journal.db").exists():
        yield target, None
        return
    journal = open_journal(settings, target, notify=lambda notice: note(notice.text))
    with closing(journal):
        yield target, journal


# -- list ------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace, journal: Journal | None) -> ExitCode:
    files = [] if journal is None else _chosen(args, journal)
    document: dict[str, object] = {
        "schema": "evaltui.journal/1",
        "journal": None if journal is None else redact(journal.scope),
        "files": [file_document(file) for file in files],
    }
    columns = ("state", "file", "reason", "run", "retry_at", "changed_at")
    rows = tuple(_row(file) for file in files)
    print_result(args, document, [Table(tuple(map(Column, columns)), rows)])
    return ExitCode.OK


def _chosen(args: argparse.Namespace, journal: Journal) -> list[FileAccount]:
    below = [str(absolute(path)) for path in args.paths]
    files = journal.accounts(below, unlisted=args.everything)
    if not below:
        files = sorted((*files, *journal.unfiled()), key=lambda file: -file.row.updated_at_s)
    if args.state:
        files = [file for file in files if _has_state(file.row.state, args.state)]
    return files[: args.limit]


def _has_state(state: FileState, wanted: list[str]) -> bool:
    """`logged` and `pending` are classes, everything else is a state as the journal has it."""
    return state.value in wanted or (state_word(state) in wanted and state_word(state) in _CLASSES)


def _row(file: FileAccount) -> tuple[Value, ...]:
    row = file.row
    reason = ", ".join(filter(None, (row.progress, redact(row.reason))))
    return (
        row.state.value,
        row.path,
        reason or None,
        ", ".join(row.run_ids) or None,
        _instant(row.retry_at_s),
        _instant(row.updated_at_s),
    )


def _instant(seconds: float | None) -> str | None:
    return None if seconds is None else instant(round(seconds * 1000))


def file_document(file: FileAccount) -> dict[str, object]:
    """Return a file as the JSON of `list`, `show` and `export` has it."""
    row = file.row
    return {
        "path": row.path,
        "state": row.state.value,
        "word": state_word(row.state),
        "reason": redact(row.reason) or None,
        "hint": redact(row.hint) or None,
        "run_ids": list(row.run_ids),
        "format": row.format or None,
        "role": row.role.value,
        "progress": row.progress or None,
        "retry_at": _instant(row.retry_at_s),
        "changed_at": _instant(row.updated_at_s),
        "root": file.root or None,
        "size": file.size,
        "sha256": file.sha256 or None,
        "listed": file.listed,
        "left_out": file.skipped,
    }


# -- show ------------------------------------------------------------------------------------------


def _show(args: argparse.Namespace, journal: Journal | None) -> ExitCode:
    text = args.paths[0]
    path = str(absolute(text))
    file = None
    if journal is not None:
        found = [*journal.accounts([path], unlisted=True), *journal.unfiled()]
        file = next((item for item in found if item.row.path in {path, text}), None)
    if journal is None or file is None:
        raise ConfigError(
            f"{text}: the journal does not know it",
            hint="evaltui journal list shows what it knows, evaltui log FILE logs a report",
        )
    entries = journal.entries_ever(file.row.path, journal.parts(file.row.path))
    document = {
        "schema": "evaltui.journal-file/1",
        **file_document(file),
        "entries": [entry_document(entry) for entry in entries],
    }
    plain = {**file_document(file), "run_ids": ", ".join(file.row.run_ids)}
    facts = Table(
        (Column("what"), Column("is")),
        tuple((name, _cell(value)) for name, value in plain.items() if value not in (None, "")),
    )
    print_result(args, document, [facts, _entries_table(entries)])
    return ExitCode.OK


def _cell(value: object) -> Value:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, (str, int, float)) else str(value)


def _entries_table(entries: list[Entry]) -> Table:
    names = ("entry", "does", "state", "run", "tries", "retry_at", "begun_at", "finished_at", "why")
    return Table(
        tuple(Column(name, right=name in {"entry", "tries"}) for name in names),
        tuple(
            (
                entry.entry_id,
                entry.action.value,
                entry.state.value,
                entry.run_id or None,
                entry.attempts,
                _instant(entry.retry_at) if entry.retry_at and entry.is_open else None,
                _instant(entry.created_at),
                _instant(entry.finished_at),
                redact(entry.error) or None,
            )
            for entry in entries
        ),
        title="entries: what was, or is to be, written to the store",
    )


def entry_document(entry: Entry) -> dict[str, object]:
    """Return an entry, with the values of its run, as JSON."""
    fields = asdict(entry)
    for name in ("plan", "error", "hint"):
        del fields[name]
    plan = entry.plan
    return {
        **fields,
        "retry_at": _instant(entry.retry_at) if entry.retry_at else None,
        "created_at": _instant(entry.created_at),
        "finished_at": _instant(entry.finished_at),
        "error": redact(entry.error) or None,
        "hint": redact(entry.hint) or None,
        "name": plan.name,
        "status": plan.status.value,
        "started_at": instant(plan.started_ms),
        "ended_at": instant(plan.ended_ms),
        "metrics": dict(plan.metrics),
        "params": dict(plan.params),
        "tags": {**plan.create_tags, **plan.tags},
    }


# -- export ----------------------------------------------------------------------------------------


def _export(journal: Journal | None) -> ExitCode:
    """Print every row and every entry, one JSON object per line."""
    if journal is None:
        return ExitCode.OK
    for file in journal.accounts(unlisted=True):
        _print_line("evaltui.journal-file/1", file_document(file))
    for entry in journal.all_entries():
        _print_line("evaltui.journal-entry/1", entry_document(entry))
    return ExitCode.OK


def _print_line(schema: str, document: dict[str, object]) -> None:
    print(json.dumps({"schema": schema, **document}, ensure_ascii=True, allow_nan=False))


# -- nothing there ---------------------------------------------------------------------------------


def _tell_empty(settings: Settings, target: Target) -> None:
    note(f"no journal yet for {target.experiment_label} in {target.label} ({target.why})")
    for scope in _other_scopes(state_dir(settings) / "journals"):
        note(f"there is one for {redact(scope)}")


def _other_scopes(folder: Path) -> list[str]:
    """Return what other journals of the state directory are for; broken ones are passed over."""
    scopes = []
    for path in sorted(folder.glob("*/journal.db")):
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as db:
                row = db.execute("SELECT value FROM meta WHERE key='scope'").fetchone()
        except sqlite3.Error:
            continue
        if row is not None:
            scopes.append(str(row[0]))
    return scopes
