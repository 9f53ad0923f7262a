"""`evaltui config`: the settings in force, or a documented file to start from."""

from __future__ import annotations

import argparse
import os

from evaltui.cli.output import Column, Table, add_output_options, note, print_result
from evaltui.cli.parser import Parser, Subparsers, add_command
from evaltui.errors import ExitCode
from evaltui.log import redact
from evaltui.setting_values import to_toml
from evaltui.settings import Settings, config_path, document


def add_parser(subparsers: Subparsers[Parser]) -> None:
    """Add `config`."""
    parser = add_command(
        subparsers,
        "config",
        "Print every setting with its value and where that comes from. Flags win over EVALTUI_* "
        "variables, these over the TOML file, that over the defaults.",
    )
    parser.add_argument(
        "--template", action="store_true", help="print a documented TOML file to start from"
    )
    add_output_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> ExitCode:
    """Print the settings, or the template."""
    if args.template:
        print(template(), end="")
        return ExitCode.OK
    values = settings.to_json()
    values.pop("sources")
    entries: list[dict[str, object]] = []
    rows = []
    for item in document():
        value = values[item.key]
        shown = redact(to_toml(getattr(settings, item.key)) or _table_text(value))
        source = settings.sources.get(item.key, "default")
        rows.append((item.key, shown or None, source, item.env or None))
        plain = redact(value) if isinstance(value, str) else value
        entries.append({"key": item.key, "value": plain, "source": source, "env": item.env or None})
    path = getattr(args, "config", None) or config_path(os.environ)
    note(f"configuration file: {path}" + ("" if path.exists() else " (not there)"))
    columns = (Column("key"), Column("value"), Column("source"), Column("variable"))
    body: dict[str, object] = {
        "schema": "evaltui.config/1",
        "file": str(path),
        "settings": entries,
    }
    print_result(args, body, [Table(columns, tuple(rows))])
    return ExitCode.OK


def template() -> str:
    """Return a TOML file that documents every key and sets none."""
    lines = [
        "# evaltui. Every key is optional; remove the # in front of one to set it.",
        "# Flags and EVALTUI_* variables win over this file.",
    ]
    for item in document():
        variable = f"; variable {item.env}" if item.env else ""
        lines += ["", f"# {item.text}", f"# Takes: {item.type}{variable}."]
        if item.type.startswith("table"):
            lines += [f"#[{item.key}]", f"#{_TABLE_EXAMPLES[item.key]}"]
        else:
            lines.append(f"#{item.key} = {item.default or _example(item.type)}")
    return "\n".join(lines) + "\n"


_TABLE_EXAMPLES = {"keys": '"runs.compare" = "c"', "metrics": '"my_score" = "lower"'}


def _example(kind: str) -> str:
    return "1.0" if kind == "number" else '""'


def _table_text(value: object) -> str:
    if not isinstance(value, dict) or not value:
        return ""
    return ", ".join(f"{key} = {to_toml(text)}" for key, text in value.items())
