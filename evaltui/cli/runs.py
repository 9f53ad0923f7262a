"""`evaltui runs`: the runs of the experiment, newest first."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from evaltui.cli.output import (
    Column,
    Table,
    Value,
    add_output_options,
    instant,
    note,
    print_result,
    warn,
)
from evaltui.cli.pages import page_of
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.catalogue import spec_for
from evaltui.domain.query import match_words
from evaltui.domain.run import Run, Tag
from evaltui.domain.select import mode_of, visible
from evaltui.domain.table import RunTable
from evaltui.errors import ConfigError, ExitCode
from evaltui.log import redact
from evaltui.reading import Reading, newest_first, read_experiment
from evaltui.settings import Settings

FIXED = ("run_id", "name", "status", "mode", "started_at", "ended_at")
_URL = "url"
Pages = Mapping[str, str | None]
"""Run id to the address of the run's web page, None where there is none."""

SHOWN_METRICS = 6
"""Metrics in a table for people, by their rank in the catalogue."""


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `runs`."""
    parser = add_command(
        subparsers,
        "runs",
        "List the runs of the experiment, newest first. Columns are run_id, name, status, mode, "
        "started_at, ended_at and every metric, param (params.NAME) and tag (tags.NAME), and url, "
        "the run's web page; a table shows the most telling metrics unless --columns names others.",
    )
    parser.add_argument("--mode", dest="only_mode", metavar="MODE", help="only runs of this mode")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N runs")
    parser.add_argument(
        "--filter",
        dest="words",
        metavar="WORDS",
        help="only runs whose name, mode, model, tags or params have all these words",
    )
    parser.add_argument(
        "--all", dest="show_all", action="store_true", help="superseded and duplicated runs too"
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Print the runs."""
    if args.limit is not None and args.limit < 1:
        raise ConfigError(f"--limit {args.limit} is out of range", hint="at least 1")
    reading = read_experiment(settings, notify=warn)
    rows = choose_rows(reading.table, args)
    chosen = [reading.table.run(row, reading.experiment.experiment_id) for row in rows]
    pages = {run.run_id: page_of(reading, [run]) for run in chosen}
    print_result(args, to_json(reading, chosen, pages), [to_table(chosen, args, pages)])
    if not reading.table.alive.any():
        note(f"no runs yet in {reading.experiment.name}; evaltui watch DIR logs the first")
    elif not chosen:
        note("no run matches")
    return ExitCode.OK


def choose_rows(table: RunTable, args: argparse.Namespace) -> list[int]:
    """Return the rows that the filters leave, newest first."""
    rows = newest_first(table)
    if not args.show_all:
        shown = visible(table)
        rows = [row for row in rows if shown[row]]
    if args.only_mode:
        rows = [row for row in rows if mode_of(table, row) == args.only_mode]
    if args.words:
        matched = match_words(table, args.words)
        rows = [row for row in rows if matched[row]]
    return rows[: args.limit]


def to_json(reading: Reading, chosen: list[Run], pages: Pages) -> dict[str, object]:
    """Return the `evaltui.runs/1` document."""
    return {
        "schema": "evaltui.runs/1",
        "experiment": reading.experiment.name,
        "target": redact(reading.target.label),
        "url": page_of(reading),
        "runs": [
            {
                **_fixed(run),
                "url": pages[run.run_id],
                "metrics": dict(run.metrics),
                "params": dict(run.params),
                "tags": dict(run.tags),
            }
            for run in chosen
        ],
    }


def to_table(chosen: list[Run], args: argparse.Namespace, pages: Pages) -> Table:
    """Return the runs as a table; url, params and tags only where `--columns` asks for them."""
    names = sorted(
        {name for run in chosen for name in run.metrics},
        key=lambda name: (spec_for(name).rank, name),
    )
    fixed: tuple[str, ...] = FIXED
    if args.format in {"table", "md"} and not args.show_columns:
        fixed = tuple(name for name in FIXED if name != "ended_at")
        if len(names) > SHOWN_METRICS:
            note(
                f"{SHOWN_METRICS} of {len(names)} metrics; --columns chooses, --format csv has all"
            )
        names = names[:SHOWN_METRICS]
    wanted = [name.strip() for name in (args.show_columns or "").split(",")]
    params = {name for run in chosen for name in run.params}
    tags = {name for run in chosen for name in run.tags}
    extra = [
        name
        for name in dict.fromkeys(wanted)
        if name == _URL
        or (name.startswith("params.") and name[7:] in params)
        or (name.startswith("tags.") and name[5:] in tags)
    ]
    columns = [Column(name) for name in fixed]
    columns += [Column(name, right=True) for name in names]
    columns += [Column(name) for name in extra]
    rows = tuple(
        (
            *(value for name, value in _fixed(run).items() if name in fixed),
            *(run.metrics.get(name) for name in names),
            *(pages[run.run_id] if name == _URL else _extra(run, name) for name in extra),
        )
        for run in chosen
    )
    return Table(tuple(columns), rows)


def _fixed(run: Run) -> dict[str, Value]:
    values: dict[str, Value] = {
        "run_id": run.run_id,
        "name": run.name,
        "status": run.status.value,
        "mode": run.tags.get(Tag.MODE) or run.params.get("mode"),
        "started_at": instant(run.started_ms),
        "ended_at": instant(run.ended_ms),
    }
    return values


def _extra(run: Run, name: str) -> str | None:
    kind, _, key = name.partition(".")
    return (run.params if kind == "params" else run.tags).get(key)
