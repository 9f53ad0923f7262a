"""`evaltui gate`: whether a run may pass, by a policy; for CI."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from evaltui.cli.choosing import choose_pairs
from evaltui.cli.comment import to_comment
from evaltui.cli.output import (
    Column,
    Table,
    add_output_options,
    markdown_text,
    note,
    print_result,
    warn,
)
from evaltui.cli.pages import page_of
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.domain.comparison import Comparison, Terms, Verdict
from evaltui.domain.comparison_json import to_document
from evaltui.domain.gating import MetricRuling, Ruling, overall, rule
from evaltui.domain.policy import TEMPLATE, Policy, read_policy
from evaltui.errors import ConfigError, ExitCode
from evaltui.reading import compare_runs, read_experiment
from evaltui.settings import Settings

SCHEMA = "evaltui.gate/1"
_CODES = {
    Ruling.PASSED: ExitCode.OK,
    Ruling.FAILED: ExitCode.REGRESSION,
    Ruling.INSUFFICIENT: ExitCode.REPORT,
}
_TONES = {Ruling.FAILED: "worse", Ruling.INSUFFICIENT: "worse"}


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `gate`."""
    parser = add_command(
        subparsers,
        "gate",
        "Say by the exit code whether a run may pass: 0 passed, 1 regressed, 3 too few cases, no "
        "baseline or nothing comparable, 4 the store is away. Without runs: the latest against the "
        "baseline. Without a policy: the report's headline metric, at least 10 paired cases, only "
        "a significant regression beyond the tolerance fails.",
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="baseline and candidates")
    parser.add_argument(
        "--baseline", dest="against", metavar="RUN", help="compare all RUNs with this one"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="policy in TOML")
    parser.add_argument(
        "--template", action="store_true", help="print a policy with every key explained, and leave"
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Print the ruling; the exit code tells it."""
    if args.template:
        print(TEMPLATE, end="")
        return ExitCode.OK
    policy = Policy() if args.policy is None else _read(args.policy)
    reading = read_experiment(settings, notify=warn)
    rows = choose_pairs(reading, args.runs, args.against)
    if rows is None:
        return ExitCode.REPORT
    terms = Terms(
        overrides={**reading.directions, **policy.directions},
        margins=policy.margins,
        primaries=policy.metrics or None,
        correction=policy.correction,
        alpha=policy.alpha,
        seed=policy.seed,
    )
    candidates = [reading.run(row) for row in rows[1]]
    results = compare_runs(settings, reading.run(rows[0]), candidates, terms)
    findings = [finding for result in results for finding in rule(result, policy)]
    ruling = overall(findings)
    page = page_of(reading, [reading.run(rows[0]), *candidates])
    _print(args, policy, results, findings, page)
    for result in results:
        for remark in result.comparability:
            note(f"{remark.level}: {remark.reason}")
    for finding in findings:
        if finding.ruling is Ruling.PASSED and finding.verdict is Verdict.UNDECIDED:
            note(f"undecided: {finding.metric}: {finding.reason}")
    return _CODES[ruling]


def _print(
    args: argparse.Namespace,
    policy: Policy,
    results: Sequence[Comparison],
    findings: Sequence[MetricRuling],
    page: str | None,
) -> None:
    ruling = overall(findings)
    if args.format == "md" and not args.show_columns:
        lines = [f"## Gate: {ruling.value}", ""]
        lines += [
            f"- {finding.ruling.value}: {markdown_text(finding.metric or 'no metric')}, "
            f"{finding.verdict.value}: {markdown_text(finding.reason)}"
            for finding in findings
        ]
        print("\n".join([*lines, "", to_comment(results, page=page)]))
        return
    told = [
        {**dataclasses.asdict(finding), "verdict": finding.verdict.value} for finding in findings
    ]
    document = {
        **to_document(results, SCHEMA),
        "policy": policy.to_json(),
        "ruling": ruling.value,
        "failures": [item for item in told if item["ruling"] == Ruling.FAILED],
        "insufficient": [item for item in told if item["ruling"] == Ruling.INSUFFICIENT],
        "exit_code": int(_CODES[ruling]),
        "url": page,
    }
    print_result(args, document, [_table(results, findings, ruling)])


def _table(
    results: Sequence[Comparison], findings: Sequence[MetricRuling], ruling: Ruling
) -> Table:
    names = {result.candidate.run_id: result.candidate.name for result in results}
    rows = tuple(
        (
            names[finding.candidate],
            finding.metric or None,
            finding.verdict.value,
            finding.ruling.value,
            finding.reason,
        )
        for finding in findings
    )
    columns = ("candidate", "metric", "verdict", "ruling", "reason")
    return Table(
        tuple(Column(name) for name in columns),
        rows,
        tones=tuple(_TONES.get(finding.ruling, "") for finding in findings),
        title=f"gate: {ruling.value}; baseline {results[0].baseline.name}",
    )


def _read(path: Path) -> Policy:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: {error}") from error
    return read_policy(text, str(path))
