"""`evaltui baseline`: the run that everybody compares with, kept as a tag of the experiment."""

from __future__ import annotations

import argparse
import time

from evaltui.cli.output import (
    Column,
    Table,
    add_output_options,
    instant,
    note,
    print_result,
    warn,
)
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.ages import older_text
from evaltui.domain.run import Tag
from evaltui.domain.select import mode_of, resolve
from evaltui.errors import ConfigError, ExitCode
from evaltui.reading import Reading, read_experiment
from evaltui.settings import Settings

_COLUMNS = ("run_id", "name", "mode", "started_at", "source")


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `baseline`."""
    parser = add_command(
        subparsers,
        "baseline",
        "Show, set or clear the shared baseline: the experiment's tag evaltui.baseline.",
    )
    parser.add_argument("action", choices=("show", "set", "clear"), help="what to do")
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="for set: id prefix, name, latest, latest~1"
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Do the action, then print the baseline as it is now."""
    if (args.action == "set") != (args.run is not None):
        raise ConfigError(
            "baseline set needs a run" if args.run is None else "only baseline set takes a run",
            hint="evaltui baseline set latest",
        )
    if args.action != "show" and settings.read_only:
        raise ConfigError(f"baseline {args.action} writes to the store, which is read-only here")
    reading = read_experiment(settings, notify=warn)
    run_id = reading.shared_baseline
    if args.action == "set":
        row = resolve(reading.table, args.run, baseline_run_id=run_id)
        run_id = reading.table.run_ids[row]
    elif args.action == "clear":
        run_id = ""
    if args.action != "show":
        _write(reading, run_id)
    _print(args, reading, run_id)
    return ExitCode.OK


def _write(reading: Reading, run_id: str) -> None:
    from evaltui.tracking import open_writer  # noqa: PLC0415 - imports mlflow when used

    writer = open_writer(reading.target)
    if run_id:
        writer.set_experiment_tag(reading.experiment.experiment_id, Tag.BASELINE, run_id)
    else:
        writer.delete_experiment_tag(reading.experiment.experiment_id, Tag.BASELINE)


def _print(args: argparse.Namespace, reading: Reading, run_id: str) -> None:
    row = reading.table.row_of(run_id) if run_id else None
    run = reading.run(row) if row is not None else None
    told: dict[str, str | None] = dict.fromkeys(_COLUMNS)
    if run is not None and row is not None:
        told["name"], told["mode"] = run.name, mode_of(reading.table, row)
        told["started_at"], told["source"] = instant(run.started_ms), run.tags.get(Tag.SOURCE)
    told["run_id"] = run_id
    body: dict[str, object] = {
        "schema": "evaltui.baseline/1",
        "experiment": reading.experiment.name,
        "baseline": told if run_id else None,
    }
    rows = (tuple(told.values()),) if run_id else ()
    print_result(args, body, [Table(tuple(map(Column, _COLUMNS)), rows)])
    now_ms = int(time.time() * 1_000)
    older = older_text(run.started_ms, now_ms, is_shared=True) if run is not None else ""
    if older:
        note(f"the baseline is {older.replace(' older', ' old')}")
    if not run_id:
        note("no shared baseline: runs are compared with the previous one of the same mode")
    elif row is None:
        note("the baseline run is deleted or unknown: evaltui baseline clear")
