"""`evaltui compare --group-by`: groups of runs against each other."""

from __future__ import annotations

import argparse
import dataclasses

from evaltui.cli.comparison_tables import TONES, p_cell
from evaltui.cli.output import Column, Table, note, number_text, print_result
from evaltui.domain.comparison_json import finite
from evaltui.domain.contrast import GroupComparison, GroupValue, contrast
from evaltui.domain.groups import Grouping
from evaltui.domain.terms import Terms
from evaltui.errors import ConfigError, ExitCode
from evaltui.reading import Reading

SCHEMA = "evaltui.groups/1"
_NUMBERS = ("n", "mean", "sd", "ci", "delta", "p")


def print_groups(args: argparse.Namespace, reading: Reading) -> ExitCode:
    """Print the groups that `--group-by` asks for.

    Raises:
        ConfigError: The grouping is none.
    """
    grouping = Grouping.parse(args.group_by)
    if grouping is None:
        raise ConfigError(
            f"--group-by {args.group_by} is no grouping", hint="mode, model, param:NAME or tag:NAME"
        )
    table = reading.table
    found = contrast(
        table,
        grouping,
        Terms(overrides=reading.directions),
        baseline_row=table.row_of(reading.shared_baseline) if reading.shared_baseline else None,
    )
    if found is None:
        note(f"nothing to compare: the finished runs are in one group by {args.group_by}, or none")
        return ExitCode.REPORT
    print_result(args, _to_json(found, args.group_by), [_to_table(found, args)])
    sizes = ", ".join(f"{_name(name)}: {size}" for name, size in found.sizes.items())
    note(f"runs by {args.group_by}: {sizes}; held against {_name(found.reference)}")
    return ExitCode.OK


def _to_table(found: GroupComparison, args: argparse.Namespace) -> Table:
    rows: list[tuple[str | float | None, ...]] = []
    tones = []
    last = ""
    order = {delta.metric: place for place, delta in enumerate(found.deltas[::-1])}
    for delta in sorted(found.deltas, key=lambda item: -order[item.metric]):
        if delta.metric != last:
            rows.append((delta.metric, *_group(delta.reference, args), None, None, "", ""))
            tones.append("")
        last = delta.metric
        rows.append(
            (
                delta.metric,
                *_group(delta.group, args),
                delta.delta,
                p_cell(delta.p_adjusted),
                delta.verdict.value,
                delta.reason,
            )
        )
        tones.append(TONES.get(delta.verdict, ""))
    names = ("metric", "group", *_NUMBERS, "verdict", "reason")
    columns = tuple(Column(name, right=name in _NUMBERS) for name in names)
    return Table(columns, tuple(rows), tones=tuple(tones), title=f"by {args.group_by}")


def _group(value: GroupValue, args: argparse.Namespace) -> tuple[str | float | None, ...]:
    interval = None
    if value.low is not None and value.high is not None:
        ends = (number_text(end, args.precision) for end in (value.low, value.high))
        interval = f"[{', '.join(ends)}]"
    return _name(value.group), value.n, value.mean, value.sd, interval


def _to_json(found: GroupComparison, group_by: str) -> dict[str, object]:
    groups = [{"group": name, "runs": size} for name, size in found.sizes.items()]
    deltas = [finite(dataclasses.asdict(delta)) for delta in found.deltas]
    return {
        "schema": SCHEMA,
        "group_by": group_by,
        "reference": found.reference,
        "groups": groups,
        "metrics": deltas,
    }


def _name(group: str | None) -> str:
    return "(none)" if group is None else group
