"""`evaltui compare`: what changed, whether it is real, and which cases it comes from."""

from __future__ import annotations

import argparse

from evaltui.cli.choosing import choose_pairs
from evaltui.cli.comment import to_comment
from evaltui.cli.comparison_tables import (
    case_table,
    is_supporting,
    left_out,
    metric_rows,
    metric_table,
)
from evaltui.cli.group_tables import print_groups
from evaltui.cli.output import Column, Table, add_output_options, note, print_result, warn
from evaltui.cli.pages import page_of
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.comparison import Comparison, Terms
from evaltui.domain.comparison_json import to_document
from evaltui.domain.groups import by_mode
from evaltui.domain.table import RunTable
from evaltui.errors import ConfigError, ExitCode
from evaltui.reading import compare_runs, read_experiment
from evaltui.settings import Settings

_LONGEST_LINK = 500
"""Characters of a link that a line of narration takes whole."""


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `compare`."""
    parser = add_command(
        subparsers,
        "compare",
        "Say what changed and whether it is real. Without runs: the latest against the baseline, "
        "else against the previous of its mode. One run: that one against its baseline. Several: "
        "the first is the baseline of the others. Runs are named by id prefix, name, latest, "
        "latest~1, baseline, latest:mode=mcp. Exits 0 whenever it could print; `gate` judges.",
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="baseline and candidates")
    parser.add_argument(
        "--baseline", dest="against", metavar="RUN", help="compare all RUNs with this one"
    )
    parser.add_argument(
        "--group-by",
        metavar="WHAT",
        help="compare groups of runs instead: mode, model, param:NAME or tag:NAME",
    )
    parser.add_argument(
        "--all",
        dest="supporting",
        action="store_true",
        help="list counts, spreads and standard errors behind other metrics, too",
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Print the comparisons, one per candidate."""
    if args.group_by and (args.runs or args.against):
        raise ConfigError("--group-by compares all finished runs", hint="name no run with it")
    reading = read_experiment(settings, notify=warn)
    if args.group_by:
        return print_groups(args, reading)
    rows = choose_pairs(reading, args.runs, args.against)
    if rows is None:
        return ExitCode.REPORT
    baseline, candidates = reading.run(rows[0]), [reading.run(row) for row in rows[1]]
    results = compare_runs(settings, baseline, candidates, Terms(overrides=reading.directions))
    page = page_of(reading, [baseline, *candidates])
    if args.format == "md" and not args.show_columns:
        print(to_comment(results, supporting=args.supporting, page=page))
    else:
        document = {**to_document(results), "url": page}
        print_result(args, document, _tables(args, results, reading.table))
    for result in results:
        _narrate(args, result)
    if args.format == "table" and page and len(page) < _LONGEST_LINK:
        note(f"in the browser: {page}")
    return ExitCode.OK


def _tables(args: argparse.Namespace, results: list[Comparison], runs: RunTable) -> list[Table]:
    if args.format == "csv":
        return [metric_rows(results)]
    tables = []
    for result in results:
        tables.append(metric_table(result, precision=args.precision, supporting=args.supporting))
        if result.cases is not None:
            tables.append(case_table(result.cases))
        if result.params:
            tables.append(_params(result))
    listed = (
        delta.name
        for item in results
        for delta in item.metrics
        if args.supporting or not is_supporting(delta)
    )
    return [*tables, _modes(runs, list(dict.fromkeys(listed)))]


def _narrate(args: argparse.Namespace, result: Comparison) -> None:
    for remark in result.comparability:
        note(f"{remark.level}: {remark.reason}")
    if args.format != "table":
        return
    hidden = sum(map(is_supporting, result.metrics))
    if hidden and not args.supporting:
        note(f"{hidden} metrics that stand behind others are left out; --all lists them")
    if result.cases is not None and left_out(result.cases):
        note(f"{left_out(result.cases)} more changes of cases; --format json lists them")


def _params(result: Comparison) -> Table:
    rows = tuple((item.name, item.baseline, item.candidate) for item in result.params)
    return Table((Column("param"), Column("baseline"), Column("candidate")), rows)


def _modes(table: RunTable, metrics: list[str]) -> Table:
    """Return n and mean of every metric per mode, over the eligible runs that have it."""
    groups = by_mode(table, metrics)
    rows = tuple(
        (name, group.mode or "(no mode)", group.means[name].n, group.means[name].mean)
        for name in metrics
        for group in groups
        if name in group.means
    )
    columns = (Column("metric"), Column("mode"), Column("n", right=True))
    return Table((*columns, Column("mean", right=True)), rows, title="by mode")
