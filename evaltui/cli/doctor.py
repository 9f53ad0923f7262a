"""`evaltui doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from evaltui.cli.output import Column, Table, add_output_options, note, print_result
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.cli.surroundings import check_surroundings
from evaltui.domain.check import Check, CheckState
from evaltui.errors import EvaltuiError, ExitCode
from evaltui.log import redact
from evaltui.settings import Settings

_TONES = {CheckState.OK: "", CheckState.WARN: "worse", CheckState.FAIL: "worse"}


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `doctor`."""
    parser = add_command(
        subparsers,
        "doctor",
        "Check the tracking target and why it was chosen, credentials, the store, permissions, "
        "the experiment, directories, journal and terminal. Exit 0 when nothing failed (warnings "
        "allowed), 4 when a check of the store failed, 2 when another did.",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="also prove that the store takes a run (one is made and deleted again)",
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Print every check, failed ones with what to do."""
    store = check_store(settings, write=args.write and not settings.read_only)
    here = check_surroundings(settings, os.environ)
    checks = (*store, *here)
    columns = (Column("state"), Column("check"), Column("finding"), Column("what to do"))
    rows = tuple(
        (check.state.value, check.name, redact(check.detail), redact(check.remedy))
        for check in checks
    )
    tones = tuple(_TONES[check.state] for check in checks)
    print_result(args, to_json(checks), [Table(columns, rows, tones=tones)])
    failed = sum(check.state is CheckState.FAIL for check in checks)
    warned = sum(check.state is CheckState.WARN for check in checks)
    note(f"{len(checks)} checks: {failed} failed, {warned} with a warning")
    return exit_code(store, here)


def check_store(settings: Settings, *, write: bool) -> tuple[Check, ...]:
    """Return the findings on target and store; a target that makes no sense is one of them."""
    from evaltui.tracking.diagnosis import diagnose  # noqa: PLC0415 - only this command needs it
    from evaltui.tracking.target import resolve_target  # noqa: PLC0415

    try:
        target = resolve_target(settings, os.environ)
    except EvaltuiError as error:
        return (Check("target", CheckState.FAIL, error.message, error.hint or ""),)
    return tuple(diagnose(target, write=write))


def exit_code(store: Sequence[Check], here: Sequence[Check]) -> ExitCode:
    """Return STORE when a store check failed, USAGE when another one did, else OK."""
    if any(check.state is CheckState.FAIL and check.name != "target" for check in store):
        return ExitCode.STORE
    if any(check.state is CheckState.FAIL for check in (*store, *here)):
        return ExitCode.USAGE
    return ExitCode.OK


def to_json(checks: Sequence[Check]) -> dict[str, object]:
    """Return the `evaltui.doctor/1` document."""
    return {
        "schema": "evaltui.doctor/1",
        "checks": [
            {
                "name": check.name,
                "state": check.state.value,
                "detail": redact(check.detail),
                "remedy": redact(check.remedy),
            }
            for check in checks
        ],
    }
