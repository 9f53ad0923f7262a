"""Draws how figures grow with the number of runs, from what `many_runs.py --json` wrote.

Usage: growth.py FIGURES.json PICTURE.svg
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

_NAME = re.compile(r"([\d,]+) runs: (.*)")
_WIDTH = 24

Series = Mapping[int, float]
"""Number of runs to figure."""


def read(path: Path) -> dict[tuple[str, str], dict[int, float]]:
    """Return the series of a file by what they are and their unit, in the file's order."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in json.loads(path.read_text(encoding="utf-8")):
        name = _NAME.fullmatch(row["what"])
        if name is not None:
            runs = int(name[1].replace(",", ""))
            found.setdefault((name[2], row["unit"]), {})[runs] = float(row["value"])
    return {key: series for key, series in found.items() if len(series) > 1}


def drawing(series: Mapping[tuple[str, str], Series]) -> Table:
    """Return all series, each with a bar per size that begins at zero."""
    table = Table(title="Growth with the number of runs", show_lines=True, pad_edge=False)
    table.add_column("figure", max_width=34)
    table.add_column("runs", justify="right")
    table.add_column("", justify="right")
    table.add_column("", width=_WIDTH)
    table.add_column("grown", justify="right")
    for (what, unit), points in series.items():
        sizes = sorted(points)
        most = max(points.values()) or 1.0
        bars = Table.grid()
        for size in sizes:
            bars.add_row(Bar(most, 0, points[size], width=_WIDTH, color="cyan"))
        table.add_row(
            Text(f"{what}, {unit}"),
            _lines(f"{size:,}" for size in sizes),
            _lines(f"{points[size]:.3g}" for size in sizes),
            bars,
            Text(_growth(points[sizes[0]], points[sizes[-1]])),
        )
    return table


def _lines(words: Iterable[str]) -> Text:
    return Text("\n".join(words), justify="right")


def _growth(first: float, last: float) -> str:
    return f"{last / first:.2g} x" if first > 0 else "·"


def main(arguments: Sequence[str]) -> int:
    """Draw the picture; return 2 for wrong arguments."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(drawing(read(Path(arguments[0]))))
    console.save_svg(arguments[1], title="evaltui: growth from 1,000 to 100,000 runs")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
