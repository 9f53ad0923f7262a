"""`evaltui log`: log reports by name, each exactly once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from evaltui.cli.file_lines import add_format_option, exit_code, file_line
from evaltui.cli.output import note, warn
from evaltui.cli.parser import Parser, Subparsers, add_command, add_report_options
from evaltui.domain.events import FileState
from evaltui.engine.ingest import Ingestor
from evaltui.engine.outcome import Outcome
from evaltui.errors import ConfigError, ExitCode
from evaltui.settings import Settings
from evaltui.submit import (
    Desk,
    Wish,
    absolute,
    evaluations_first,
    forced_mode,
    log_taken,
    one_shot,
    take_named,
)

_BATCH = 50


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `log`."""
    parser = add_command(
        subparsers,
        "log",
        "Log reports to MLflow, each exactly once: one that was logged before is named with its "
        "run. Prints one line per file. Exit 0 when all are in the store, 3 when one is no "
        "readable report, 4 when the store could not take one (it stays in the journal).",
    )
    parser.add_argument("reports", nargs="*", type=Path, metavar="REPORT", help="report files")
    parser.add_argument("--run-name", metavar="NAME", help="name of the run (one report only)")
    parser.add_argument(
        "--as-new", action="store_true", help="log it although the same content was logged before"
    )
    parser.add_argument(
        "--pending", action="store_true", help="log what waits in the journal for this store"
    )
    add_report_options(parser)
    add_format_option(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Log the reports, then what waits, if that was asked for."""
    if not args.reports and not args.pending:
        raise ConfigError(
            "no report is named", hint="evaltui log REPORT…, or evaltui log --pending"
        )
    if args.run_name and len(args.reports) != 1:
        raise ConfigError("--run-name needs exactly one report")
    mode = forced_mode(settings, os.environ)
    wishes = [
        Wish(path, mode=mode, model=settings.model, run_name=args.run_name, as_new=args.as_new)
        for path in map(_checked, args.reports)
    ]
    found: list[Outcome] = []
    waiting = 0
    with one_shot(settings, os.environ, notify=warn) as desk:
        for outcome in submit(desk, wishes, settings):
            print(file_line(outcome, args.format), flush=True)
            found.append(outcome)
        if args.pending:
            for outcome in _log_pending(desk.ingestor):
                print(file_line(outcome, args.format), flush=True)
                found.append(outcome)
            waiting = desk.ingestor.open_count()
            _tell_waiting(waiting, nothing=not found)
    code = exit_code(found, named=True)
    return ExitCode.STORE if waiting else code


def submit(desk: Desk, wishes: Iterable[Wish], settings: Settings) -> Iterator[Outcome]:
    """Log files, evaluations before bulk files; yield the last word on each."""
    max_held = settings.max_report_mb * 1_000_000
    for wish in evaluations_first(wishes):
        try:
            taken = take_named(desk.ingestor, wish, max_held=max_held)
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}"
            yield Outcome(str(wish.path), FileState.QUARANTINED, reason=why, hint="is it there?")
            continue
        yield from log_taken(desk.ingestor, [taken], patience_s=desk.patience_s)


def _log_pending(ingestor: Ingestor) -> Iterator[Outcome]:
    ingestor.hurry()
    while done := ingestor.log_due(limit=_BATCH):
        yield from done


def _tell_waiting(number: int, *, nothing: bool) -> None:
    if number:
        note(f"{number} still to be written; they stay in the journal")
    elif nothing:
        note("nothing waits in the journal for this store and experiment")


def _checked(path: Path) -> Path:
    whole = absolute(path)
    if whole.is_dir():
        raise ConfigError(f"{path} is a directory", hint=f"evaltui watch --once {path}")
    if not whole.exists():
        raise ConfigError(f"{path}: no such file")
    return whole
