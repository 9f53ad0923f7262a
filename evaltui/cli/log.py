"""`evaltui log`: log reports by name, each exactly once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from evaltui.cli.file_lines import add_format_option, exit_code, file_line
from evaltui.cli.output import note
from evaltui.cli.parser import Parser, Subparsers, add_command, add_report_options
from evaltui.domain.report import ModeSource
from evaltui.engine.ingest import Ingestor
from evaltui.engine.outcome import Outcome
from evaltui.errors import ConfigError, ExitCode
from evaltui.settings import Settings
from evaltui.submit import Wish, log_taken, one_shot, take_named

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
    paths = [_checked(path) for path in args.reports]
    mode = forced_mode(settings)
    wishes = [
        Wish(path, mode=mode, model=settings.model, run_name=args.run_name, as_new=args.as_new)
        for path in paths
    ]
    found: list[Outcome] = []
    with one_shot(settings, os.environ, notify=warn) as desk:
        for outcome in submit(desk.ingestor, wishes, settings):
            print(file_line(outcome, args.format), flush=True)
            found.append(outcome)
        if args.pending:
            for outcome in _log_pending(desk.ingestor):
                print(file_line(outcome, args.format), flush=True)
                found.append(outcome)
    if args.pending and not found:
        note("nothing waits in the journal for this store and experiment")
    return exit_code(found, named=True)


def submit(ingestor: Ingestor, wishes: Iterable[Wish], settings: Settings) -> Iterator[Outcome]:
    """Log files; yield the last word on each."""
    max_bytes = settings.max_report_mb * 1_000_000
    for wish in wishes:
        try:
            taken = take_named(ingestor, wish, max_bytes=max_bytes)
        except OSError as error:
            raise ConfigError(f"{wish.path}: cannot be read: {error.strerror}") from error
        yield from log_taken(ingestor, [taken])


def warn(text: str) -> None:
    """Print a warning on stderr."""
    note(f"warning: {text}")


def forced_mode(settings: Settings) -> tuple[str, ModeSource] | None:
    """Return the mode of the flag, else of EVAL_MODE, or None when neither is there."""
    if settings.mode:
        return settings.mode, ModeSource.ARGUMENT
    named = os.environ.get("EVAL_MODE", "").strip()
    return (named, ModeSource.ENVIRONMENT) if named else None


def _log_pending(ingestor: Ingestor) -> Iterator[Outcome]:
    ingestor.hurry()
    while done := ingestor.log_due(limit=_BATCH):
        yield from done


def _checked(path: Path) -> Path:
    whole = Path.cwd() / path.expanduser()
    if whole.is_dir():
        raise ConfigError(f"{path} is a directory", hint=f"evaltui watch --once {path}")
    if not whole.exists():
        raise ConfigError(f"{path}: no such file")
    return whole
