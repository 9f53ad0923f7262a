"""Tables of the command line: for people (aligned), and as JSON, CSV and Markdown."""

from __future__ import annotations

import argparse
import csv
import difflib
import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from evaltui.domain.plain import plain
from evaltui.domain.text import clean
from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass
from evaltui.log import redact

MISSING = "·"
MAX_PRECISION = 12
_CELL_LIMIT = 10_000
_EXACT_INTEGERS = 1e15
_SMALL = 0.001
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STYLES = {"better": "blue", "worse": "dark_orange3"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")

Value = str | float | int | None
"""A cell: text, a number, or None for missing (`·`; empty in CSV)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: Heading, and what `--columns` calls it.
        right: Aligned to the right.
        precision: Decimals of its numbers; None: up to 4 significant decimals.
    """

    name: str
    right: bool = False
    precision: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    Attributes:
        tones: "better", "worse" or "" per row: colour on a terminal, never the only sign.
        title: One line over the table, or "".
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    tones: tuple[str, ...] = ()
    title: str = ""


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add `--format`, `--columns` and `--precision`."""
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv", "md"),
        default="table",
        help="how to print (default: table, which is plain text on a pipe)",
    )
    parser.add_argument(
        "--columns",
        dest="show_columns",
        metavar="A,B,…",
        help="columns to print, in this order (table, csv, md)",
    )
    parser.add_argument(
        "--precision",
        type=int,
        metavar="N",
        help=f"decimals of numbers, 0 to {MAX_PRECISION} (table, csv, md)",
    )


def print_result(
    args: argparse.Namespace, document: Mapping[str, object], tables: Sequence[Table]
) -> None:
    """Print a command's result on stdout in the format that was asked for.

    Args:
        args: Holds `format`, `show_columns` and `precision`.
        document: The JSON shape.
        tables: The same for people; only the first is printed as CSV, and `--columns` chooses
            among its columns.

    Raises:
        ConfigError: An unknown column, or a precision out of range.
    """
    shown = [_choose(table, args) if not index else table for index, table in enumerate(tables)]
    if args.precision is not None:
        if not 0 <= args.precision <= MAX_PRECISION:
            raise ConfigError(
                f"--precision {args.precision} is out of range", hint=f"0 to {MAX_PRECISION}"
            )
        shown = [_with_precision(table, args.precision) for table in shown]
    if args.format == "json":
        print(json.dumps(document, ensure_ascii=True, allow_nan=False))
    elif args.format == "csv":
        sys.stdout.write(to_csv(shown[0], exact=args.precision is None))
    elif args.format == "md":
        print("\n\n".join(to_markdown(table) for table in shown))
    else:
        _print_tables(shown, plain if args.glyphs == "ascii" else str)


def note(text: str) -> None:
    """Print one line of narration on stderr."""
    print(clean(text, limit=600), file=sys.stderr)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    note(redact(f"warning: {text}"))


def instant(milliseconds: int | None) -> str | None:
    """Return epoch milliseconds as ISO 8601 in UTC, None and impossible instants as None."""
    if milliseconds is None:
        return None
    try:
        at = datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number_text(value: float, precision: int | None) -> str:
    """Return a number for people: `precision` decimals, or as few as four digits need."""
    if precision is not None:
        return f"{value:.{precision}f}"
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < _EXACT_INTEGERS):
        return str(int(value))
    text = f"{value:.4f}" if abs(value) >= _SMALL else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def cell_text(value: Value, column: Column, *, limit: int = _CELL_LIMIT) -> str:
    """Return a cell as clean text; None is `·`."""
    if value is None:
        return MISSING
    if isinstance(value, (int, float)):
        return number_text(value, column.precision)
    return clean(value, limit=limit)


def to_plain(table: Table) -> str:
    """Return the table as aligned text without colour; nothing is cut."""
    if _is_title_only(table):
        return clean(table.title, limit=_CELL_LIMIT)
    from rich.cells import cell_len  # noqa: PLC0415 - other formats do without rich

    lines = [[_heading(column) for column in table.columns]]
    lines += [
        [cell_text(value, column) for value, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    text = []
    for cells in lines:
        parts = []
        for cell, width, column in zip(cells, widths, table.columns, strict=True):
            gap = " " * (width - cell_len(cell))
            parts.append(gap + cell if column.right else cell + gap)
        text.append("  ".join(parts).rstrip())
    return "\n".join([clean(table.title, limit=_CELL_LIMIT)] * bool(table.title) + text)


def to_csv(table: Table, *, exact: bool = True) -> str:
    r"""Return the table as CSV (RFC 4180, `\n` line ends).

    Numbers are written in full when `exact`. A text that a spreadsheet would take for a formula
    (it starts with `=`, `+`, `-`, `@`) gets a leading `'`; a number never does.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_csv_text(column.name) for column in table.columns])
    for row in table.rows:
        cells: list[str] = []
        for value, column in zip(row, table.columns, strict=True):
            if isinstance(value, (int, float)):
                cells.append(repr(value) if exact else number_text(value, column.precision))
            else:
                cells.append("" if value is None else _csv_text(value))
        writer.writerow(cells)
    return out.getvalue()


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown, foreign markup escaped."""
    if _is_title_only(table):
        return f"**{markdown_text(table.title)}**"
    lines = [[markdown_text(column.name) for column in table.columns]]
    lines.append(["---:" if column.right else "---" for column in table.columns])
    lines += [
        [
            markdown_text(cell_text(value, column))
            for value, column in zip(row, table.columns, strict=True)
        ]
        for row in table.rows
    ]
    rows = ["| " + " | ".join(cells) + " |" for cells in lines]
    title = [f"**{markdown_text(table.title)}**", ""] if table.title else []
    return "\n".join(title + rows)


def markdown_text(text: str) -> str:
    """Return foreign text that draws itself in Markdown: one line, markup escaped, nobody called.

    A name after `@` gets an invisible character in between, or GitHub would notify its owner.
    """
    return _MARKDOWN.sub(r"\\\1", clean(text, limit=_CELL_LIMIT)).replace("@", "@\u2060")


def _print_tables(tables: Sequence[Table], drawn: Callable[[str], str]) -> None:
    if not sys.stdout.isatty():
        print(drawn("\n\n".join(to_plain(table) for table in tables)))
        return
    from rich.console import Console  # noqa: PLC0415 - only for terminals
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, markup=False, emoji=False)
    for index, table in enumerate(tables):
        if index:
            print()
        grid = RichTable(box=None, pad_edge=False, header_style="bold")
        for column in table.columns:
            justify = "right" if column.right else "left"
            grid.add_column(
                Text(_heading(column)),
                justify=justify,  # type: ignore[arg-type]  # a literal of two
                overflow="fold",
            )
        tones = table.tones or ("",) * len(table.rows)
        for row, tone in zip(table.rows, tones, strict=True):
            cells = [
                Text(drawn(cell_text(value, column)), style=_STYLES.get(tone, ""))
                for value, column in zip(row, table.columns, strict=True)
            ]
            grid.add_row(*cells)
        if table.title:
            console.print(Text(drawn(clean(table.title, limit=_CELL_LIMIT)), style="bold"))
        if not _is_title_only(table):
            console.print(grid)


def _is_title_only(table: Table) -> bool:
    """Return whether the title says all there is, and headings above nothing would only puzzle."""
    return bool(table.title) and not table.rows


def _choose(table: Table, args: argparse.Namespace) -> Table:
    if not args.show_columns:
        return table
    names = [column.name for column in table.columns]
    wanted = [name.strip() for name in args.show_columns.split(",") if name.strip()]
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else "there are: " + ", ".join(names[:20])
            raise ConfigError(f"--columns: no column {name}", hint=hint)
    places = [names.index(name) for name in wanted]
    return replace(
        table,
        columns=tuple(table.columns[place] for place in places),
        rows=tuple(tuple(row[place] for place in places) for row in table.rows),
    )


def _with_precision(table: Table, precision: int) -> Table:
    columns = tuple(replace(column, precision=precision) for column in table.columns)
    return replace(table, columns=columns)


def _heading(column: Column) -> str:
    """Metric names are foreign text as well."""
    return clean(column.name, limit=_CELL_LIMIT)


def _csv_text(text: str) -> str:
    safe = clean(text, limit=_CELL_LIMIT)
    return "'" + safe if text.startswith(_FORMULA) else safe
