"""The command line's grammar: global options, and one lazily imported module per command.

A command module has `add_parser(subparsers)` and `run(args, settings) -> ExitCode`. Only modules
of commands that are named on the command line are imported; the others are known by a line here.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NoReturn, Protocol, cast

from evaltui.domain.text import clean
from evaltui.errors import ConfigError
from evaltui.setting_values import choices
from evaltui.settings import Settings

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("evaltui.cli.demo", "show the whole job in half a minute, on made-up reports"),
    "watch": ("evaltui.cli.watch", "watch directories and log reports, without the screen"),
    "log": ("evaltui.cli.log", "log reports by name"),
    "run": ("evaltui.cli.run", "run an evaluation command and log the reports it leaves"),
    "runs": ("evaltui.cli.runs", "list the runs of the experiment"),
    "compare": ("evaltui.cli.compare", "say what changed between two or more runs"),
    "gate": ("evaltui.cli.gate", "say by the exit code whether a run may pass, for CI"),
    "trend": ("evaltui.cli.trend", "show one metric over the last runs"),
    "baseline": ("evaltui.cli.baseline", "show, set or clear the shared baseline"),
    "journal": ("evaltui.cli.journal", "say what became of every file; retry, ignore, verify"),
    "doctor": ("evaltui.cli.doctor", "check target, credentials, store, directories, terminal"),
    "config": ("evaltui.cli.config", "print the settings in force and where they come from"),
    "completion": ("evaltui.cli.completion", "print the completion script of a shell"),
    "version": ("evaltui.cli.version", "print the versions of evaltui and what it runs on"),
}
"""Command: its module and its one line of help, in the order of the help text."""

Subparsers = argparse._SubParsersAction  # noqa: SLF001 - argparse gives it no public name


class Command(Protocol):
    """What a command module offers."""

    def add_parser(self, subparsers: Subparsers[Parser]) -> None:
        """Add the command with its arguments."""

    def run(self, args: argparse.Namespace, settings: Settings) -> int:
        """Do it; return the exit code."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises ConfigError instead of printing what it was given raw."""

    def error(self, message: str) -> NoReturn:
        """Raise the usage error.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(clean(message), hint=f"{self.prog} --help")


def load_command(name: str) -> Command:
    """Import the module of a command."""
    return cast("Command", importlib.import_module(COMMANDS[name][0]))


def build_parser(wanted: Collection[str] | None = None) -> Parser:
    """Return the parser of the whole command line.

    Args:
        wanted: Commands whose arguments are needed; None: all. The others are only named.
    """
    parser = Parser(
        prog="evaltui",
        description="The terminal workbench for evaluation runs tracked in MLflow. "
        "Without a command: the screen.",
        epilog="Global options stand before or after the command. stdout is data, stderr is "
        "narration. Exit codes: 0 ok, 1 regression (gate), 2 usage or configuration, 3 bad "
        "report or nothing to compare, 4 store unreachable or refused, 70 internal error, "
        "130 interrupted.",
        allow_abbrev=False,
        parents=[global_options()],
    )
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    _add_screen_options(parser)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, (_, text) in COMMANDS.items():
        if wanted is None or name in wanted:
            load_command(name).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=text)
    return parser


def parse(argv: Iterable[str]) -> argparse.Namespace:
    """Parse a command line.

    Raises:
        ConfigError: It is not understood.
    """
    arguments = list(argv)
    return build_parser({word for word in arguments if word in COMMANDS}).parse_args(arguments)


def add_command(subparsers: Subparsers[Parser], name: str, description: str) -> Parser:
    """Return the new parser of a command, with the global options in it."""
    return subparsers.add_parser(
        name,
        help=COMMANDS[name][1],
        description=description,
        allow_abbrev=False,
        parents=[global_options()],
    )


def global_options() -> Parser:
    """Return the options that every command takes; those not given leave no attribute."""
    options = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = options.add_argument_group("global options")
    add = group.add_argument
    add("--tracking-uri", metavar="URI", help="MLflow tracking URI of the store")
    add("--profile", metavar="NAME", help="Databricks profile of ~/.databrickscfg")
    add("--experiment", metavar="NAME", help="name of the MLflow experiment")
    add("--env-file", type=Path, metavar="FILE", help="read DATABRICKS_ and MLFLOW_ from FILE")
    add("--config", type=Path, metavar="FILE", help="read this TOML file instead of the usual")
    add("--create-parents", action="store_true", help="make missing folders of the experiment")
    add("--read-only", action="store_true", help="write nothing to the store")
    add("--glyphs", choices=choices("glyphs"), help="characters for charts and marks")
    add("--theme", choices=choices("theme"), help="colours of the screen")
    add("--display", choices=choices("display"), help="who draws the screen: lean or textual")
    add("--no-mouse", dest="mouse", action="store_false", help="leave the mouse to the terminal")
    add("--state-dir", type=Path, metavar="DIR", help="journal, spool, log and locks")
    add("--data-dir", type=Path, metavar="DIR", help="embedded store and its artifacts")
    return options


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that reads reports takes."""
    add = parser.add_argument
    hush = argparse.SUPPRESS
    add("--mode", default=hush, help="mode of every report, whatever the report says")
    add("--model", default=hush, help="model of every report, whatever the report says")
    add(
        "--max-report-mb",
        type=int,
        default=hush,
        metavar="MB",
        help="largest report that is read as a whole",
    )


def add_ingest_options(parser: argparse.ArgumentParser) -> None:
    """Add what a watching process takes beyond the global options."""
    add_report_options(parser)
    add = parser.add_argument
    hush = argparse.SUPPRESS
    add(
        "--backlog",
        default=hush,
        metavar="WHAT",
        help="reports that are there at the start: log, skip, since=2026-11-01 or since=2d",
    )
    add("--events", choices=choices("events"), default=hush, help="off: scan only")
    add(
        "--poll-interval",
        dest="poll_interval_s",
        type=float,
        default=hush,
        metavar="SECONDS",
        help="time between two looks at the store",
    )


def _add_screen_options(parser: Parser) -> None:
    parser.add_argument(
        "--watch",
        action="append",
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="directory or glob to watch, also MODE=DIR; may be repeated",
    )
    add_ingest_options(parser)
