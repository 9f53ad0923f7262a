"""`evaltui version`: the versions that a bug report needs."""

from __future__ import annotations

import argparse
import platform
from importlib import metadata

from evaltui.cli.output import Column, Table, add_output_options, print_result
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.errors import ExitCode
from evaltui.settings import Settings

PACKAGES = ("evaltui", "mlflow", "textual", "rich", "databricks-sdk", "numpy", "watchfiles")


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `version`."""
    parser = add_command(subparsers, "version", "Print the versions of evaltui and what it runs on")
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:  # noqa: ARG001 - as all commands
    """Print the versions, without importing the packages."""
    found = versions()
    rows = tuple((name, version) for name, version in found.items())
    table = Table((Column("package"), Column("version")), rows)
    print_result(args, {"schema": "evaltui.version/1", "versions": found}, [table])
    return ExitCode.OK


def versions() -> dict[str, str | None]:
    """Return the installed versions by distribution name; None where one is missing."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found
