"""`evaltui trend`: one metric over the last runs."""

from __future__ import annotations

import argparse
import difflib

from evaltui.cli.output import Column, Table, add_output_options, instant, note, print_result, warn
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.trend import MEAN_OF, series
from evaltui.errors import ConfigError, ExitCode
from evaltui.reading import read_experiment
from evaltui.settings import Settings

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#@"


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `trend`."""
    parser = add_command(
        subparsers,
        "trend",
        "Show one metric over the last finished runs, oldest first: value, change to the previous "
        f"value and to the mean of the {MEAN_OF} values before it, and a sparkline.",
    )
    parser.add_argument("metric", metavar="METRIC", help="name of the metric")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="runs (default: 20)")
    parser.add_argument("--mode", dest="only_mode", metavar="MODE", help="only runs of this mode")
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Print the series."""
    if args.last < 1:
        raise ConfigError(f"--last {args.last} is out of range", hint="at least 1")
    table = read_experiment(settings, notify=warn).table
    if table.metric(args.metric) is None:
        near = difflib.get_close_matches(args.metric, table.metric_names(), n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "evaltui runs lists the metrics"
        raise ConfigError(f"no run has a metric {args.metric}", hint=hint)
    points = series(table, args.metric, mode=args.only_mode, last=args.last).points
    glyphs = _ASCII if settings.glyphs == "ascii" else _BLOCKS
    rows = tuple(
        (
            point.run_id,
            point.name,
            instant(point.at_ms),
            point.value,
            point.delta_previous,
            point.delta_mean5,
        )
        for point in points
    )
    names = ("run_id", "name", "at", "value", "delta_previous", "delta_mean5")
    columns = tuple(Column(name, right=index > 2) for index, name in enumerate(names))  # noqa: PLR2004
    body: dict[str, object] = {
        "schema": "evaltui.trend/1",
        "metric": args.metric,
        "points": [dict(zip(names, row, strict=True)) for row in rows],
    }
    title = f"{args.metric}  {sparkline([point.value for point in points], glyphs)}"
    print_result(args, body, [Table(columns, rows, title=title)])
    if not rows:
        note("no finished run matches")
    return ExitCode.OK


def sparkline(values: list[float], glyphs: str = _BLOCKS) -> str:
    """Return one glyph per value between the least and the largest; equal ones lie in the middle.

    Args:
        values: Finite values.
        glyphs: From low to high.
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    top = len(glyphs) - 1
    return "".join(
        glyphs[top // 2 if high == low else round((value - low) / (high - low) * top)]
        for value in values
    )
