"""`evaltui compare`: what changed, metric by metric, then the means by mode."""

from __future__ import annotations

import argparse
import dataclasses

from evaltui.cli.output import (
    Column,
    Table,
    Value,
    add_output_options,
    note,
    number_text,
    print_result,
)
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.comparison import Change, Comparison, MetricDelta, compare
from evaltui.domain.groups import by_mode
from evaltui.domain.metric import Unit
from evaltui.domain.select import BaselineChoice, default_baseline, eligible_order, resolve
from evaltui.domain.table import RunTable
from evaltui.errors import ConfigError, ExitCode
from evaltui.reading import Reading, read_experiment
from evaltui.settings import Settings

_TONES = {Change.BETTER: "better", Change.WORSE: "worse"}


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `compare`."""
    parser = add_command(
        subparsers,
        "compare",
        "Say what changed. Without runs: the latest against the baseline, else against the "
        "previous of its mode. One run: that one against its baseline. Several: the first is the "
        "baseline of the others. Runs are named by id prefix, name, latest, latest~1, baseline, "
        "latest:mode=mcp. Exits 0 whenever it could print; gates belong to another command.",
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="baseline and candidates")
    parser.add_argument(
        "--baseline", dest="against", metavar="RUN", help="compare all RUNs with this one"
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Print the comparisons, one per candidate."""
    reading = read_experiment(settings)
    pairs = choose_pairs(reading, args.runs, args.against)
    if not pairs:
        return ExitCode.REPORT
    table, experiment_id = reading.table, reading.experiment.experiment_id
    results = [
        compare(
            table.run(first, experiment_id),
            table.run(second, experiment_id),
            overrides=reading.directions,
        )
        for first, second in pairs
    ]
    names = list(dict.fromkeys(delta.name for item in results for delta in item.metrics))
    tables = [to_table(result, args) for result in results]
    tables += [to_params(result) for result in results if result.params]
    print_result(args, to_json(results), [*tables, to_modes(table, names)])
    for result in results:
        for remark in result.comparability:
            note(f"{remark.level}: {remark.reason}")
    return ExitCode.OK


def choose_pairs(reading: Reading, names: list[str], against: str | None) -> list[tuple[int, int]]:
    """Return (baseline row, candidate row) pairs; none, with a line on stderr, when one lacks.

    Raises:
        RunNotFoundError: A name is no run.
        ConfigError: A run would be compared with itself.
    """
    table, shared = reading.table, reading.shared_baseline
    rows = [resolve(table, name, baseline_run_id=shared) for name in names]
    fixed = resolve(table, against, baseline_run_id=shared) if against else None
    if fixed is None and len(rows) > 1:
        fixed = rows.pop(0)
    if not rows:
        rows = [int(row) for row in eligible_order(table)[::-1] if row != fixed][:1]
    if not rows:
        note("nothing to compare: the experiment has no finished run")
        return []
    if fixed is not None:
        if fixed in rows:
            raise ConfigError("a run cannot be compared with itself", hint="name two runs")
        return [(fixed, row) for row in rows]
    choice = _baseline_of(reading, rows[0])
    if choice.row is None:
        note(f"nothing to compare {table.names[rows[0]]} with: {choice.why}")
        return []
    note(f"baseline: {choice.why}")
    return [(choice.row, rows[0])]


def to_json(results: list[Comparison]) -> dict[str, object]:
    """Return the `evaltui.compare/1` document; cases are null where no case table was read."""
    comparisons = [
        {
            "candidate": dataclasses.asdict(result.candidate),
            "comparability": [dataclasses.asdict(item) for item in result.comparability],
            "metrics": [dataclasses.asdict(delta) for delta in result.metrics],
            "params": [dataclasses.asdict(item) for item in result.params],
            "cases": None,
            "verdict": result.verdict,
            "reason": result.reason,
        }
        for result in results
    ]
    return {
        "schema": "evaltui.compare/1",
        "baseline": dataclasses.asdict(results[0].baseline),
        "comparisons": comparisons,
    }


def to_table(result: Comparison, args: argparse.Namespace) -> Table:
    """Return the metrics of one comparison; CSV keeps numbers as numbers."""
    raw = args.format == "csv"
    rows: list[tuple[Value, ...]] = []
    for delta in result.metrics:
        moved: tuple[Value, Value] = (delta.delta, delta.relative)
        if not raw:
            moved = (delta_text(delta, args.precision), relative_text(delta))
        rows.append((delta.name, delta.baseline, delta.candidate, *moved, delta.change.value))
    names = ("metric", "baseline", "candidate", "delta", "relative", "change")
    return Table(
        tuple(Column(name, right=name not in {"metric", "change"}) for name in names),
        tuple(rows),
        tones=tuple(_TONES.get(delta.change, "") for delta in result.metrics),
        title=f"{result.candidate.name} against {result.baseline.name}",
    )


def to_params(result: Comparison) -> Table:
    """Return the params that differ."""
    rows = tuple((item.name, item.baseline, item.candidate) for item in result.params)
    return Table((Column("param"), Column("baseline"), Column("candidate")), rows)


def delta_text(delta: MetricDelta, precision: int | None) -> str | None:
    """Return the difference with its sign: percentage points for rates, else the number."""
    if delta.delta is None:
        return None
    if delta.unit in {Unit.RATE, Unit.PERCENT}:
        points = delta.delta * (100 if delta.unit is Unit.RATE else 1)
        return f"{points:+.{1 if precision is None else precision}f}pp"
    text = number_text(delta.delta, precision)
    return text if text.startswith("-") else "+" + text


def relative_text(delta: MetricDelta) -> str | None:
    """Return the relative change in percent; None when the baseline is 0 or missing."""
    return None if delta.relative is None else f"{delta.relative * 100:+.1f}%"


def to_modes(table: RunTable, metrics: list[str]) -> Table:
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


def _baseline_of(reading: Reading, row: int) -> BaselineChoice:
    """Return the baseline of a run; the shared one does not serve for itself."""
    shared = reading.shared_baseline
    if shared == reading.table.run_ids[row]:
        note("this run is the shared baseline itself: compared with the previous one")
        shared = ""
    return default_baseline(reading.table, row, shared_run_id=shared)
