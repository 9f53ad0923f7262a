"""`evaltui watch`: the same engine without the screen, one line per event, a summary at the end."""

from __future__ import annotations

import argparse
import errno
import json
import signal
from dataclasses import replace

from evaltui.cli import watch_status
from evaltui.cli.file_lines import add_format_option
from evaltui.cli.parser import Parser, Subparsers, add_command, add_ingest_options
from evaltui.cli.watch_process import watch
from evaltui.domain.text import clean
from evaltui.errors import ConfigError, ExitCode
from evaltui.settings import Settings


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
        "--detach",
        action="store_true",
        help="watch in a process of its own that outlives the terminal; its id and log are printed",
    )
    parser.add_argument(
        "--status", action="store_true", help="say who watches and how far it is, then leave"
    )
    parser.add_argument(
        "--stop", action="store_true", help="end the watch of these directories, wherever it runs"
    )
    add_ingest_options(parser)
    add_format_option(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Watch, or say who watches, or end that."""
    if args.directories:
        settings = replace(settings, watch=tuple(args.directories))
    if not settings.watch:
        raise ConfigError("no directory to watch is named", hint="evaltui watch DIR")
    chosen = [f"--{name}" for name in ("once", "detach", "status", "stop") if vars(args)[name]]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} exclude each other", hint="give one of them")
    if args.status:
        return watch_status.status(args, settings)
    if args.stop:
        return watch_status.stop(settings)
    if args.detach:
        return _detach(args, settings)
    try:
        return watch(settings, args.format, once=args.once)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return 128 + signal.SIGHUP  # the terminal is gone, and with it who reads the lines


def _detach(args: argparse.Namespace, settings: Settings) -> ExitCode:
    from evaltui.cli.detach import detach  # noqa: PLC0415

    roots, journal = watch_status.place(settings)
    begun = detach(settings, args.format, roots, journal)
    if args.format == "json":
        document = {"pid": begun.pid, "log_file": str(begun.log_file)}
        print(json.dumps({"schema": "evaltui.watch-detached/1", **document}))
    else:
        print(f"watching as process {begun.pid}, log {clean(str(begun.log_file), limit=1_000)}")
    return ExitCode.OK
