"""Runs every benchmark, one after another, and prints one table with all figures.

    python tests/benchmarks/all.py [--place DIR] [--quick] [--only WORD ...] [--wandb PATH]
                                   [--json OUT.json]

evaltui stands beside an empty Textual program, `python -c pass`, plain SQL, bare MLflow calls and,
where it is installed, W&B's `wandb leet`. Each part is a program of its own, which can also be run
alone; what it prints is passed through. Stores are made in --place and kept there, else made anew.
--quick takes few rounds and at most 10,000 runs. The exit status is 1 when a target was missed or
a part failed. Nothing here is part of the test suite.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from figures import NO_TARGET, Figure, number_text, options_of, scratch, write_rows  # noqa: E402

_MISSING = "·"
_NARROWEST = 110


@dataclass(frozen=True)
class Part:
    """One benchmark program.

    Attributes:
        name: What the table and `--only` call it.
        script: Its file.
        options: Its options.
        quick: Its options for a quick look instead.
        stores: Whether it makes stores, and takes `--place`.
    """

    name: str
    script: str
    options: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    stores: bool = False

    def command(self, *, quick: bool, place: Path, to: Path) -> list[str]:
        """Return what is run; its figures are written to `to`."""
        words = [sys.executable, str(HERE / self.script), "--json", str(to)]
        words += self.quick if quick else self.options
        return words + (["--place", str(place)] if self.stores else [])


PARTS = (
    Part("start, rest, stalls, logging", "run.py", (), ("--rounds", "2"), stores=True),
    Part("display", "display.py", (), ("--many", "10000"), stores=True),
    Part(
        "many runs", "many_runs.py", (), ("--rounds", "2", "--runs", "1000", "10000"), stores=True
    ),
    Part(
        "listing a server's runs",
        "rest_listing.py",
        (),
        ("--rounds", "2", "--runs", "1000"),
        stores=True,
    ),
    Part("arriving reports", "arriving.py", (), ("--reports", "10")),
    Part("comparing", "comparing.py", (), ("--rounds", "3")),
    Part(
        "comparing, many cases",
        "comparing.py",
        ("--runs", "2", "--cases", "5000"),
        ("--runs", "2", "--cases", "5000", "--rounds", "3"),
    ),
    Part("requests to a workspace", "workspace_requests.py"),
    Part("reports of 100 MB", "big_report.py", (), ("--rounds", "5")),
    Part(
        "beside wandb leet",
        "beside_leet.py",
        (),
        ("--rounds", "3", "--keys", "24", "--many", "10000"),
        stores=True,
    ),
)
"""All parts in their order; a new benchmark is one more line, and writes rows of figures."""


@dataclass(frozen=True)
class Result:
    """What came of a part.

    Attributes:
        part: The part.
        figures: What it measured.
        trouble: Why there are no figures, or none of the last ones; empty when all went well.
        failed: Whether it broke, which a part without its peer does not.
    """

    part: Part
    figures: tuple[Figure, ...]
    trouble: str = ""
    failed: bool = False


def run(part: Part, command: Sequence[str], to: Path) -> Result:
    """Run a part as its own process, and gather what it wrote."""
    print(f"\n== {part.name}: {' '.join(Path(word).name for word in command[1:2])}", flush=True)
    began = time.monotonic()
    status = subprocess.run(command, check=False).returncode
    print(f"   {time.monotonic() - began:.0f} s", flush=True)
    if to.exists():
        rows = json.loads(to.read_text(encoding="utf-8"))
        return Result(part, tuple(map(Figure.from_row, rows)))
    if not status:  # there was nothing to stand beside
        return Result(part, (), "not installed")
    return Result(part, (), f"ended with {status}", failed=True)


def table_of(results: Iterable[Result]) -> Table:
    """Return all figures: ratios where something stands beside, and whether targets are met."""
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("figure", ratio=5)
    table.add_column("measured", ratio=3)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("")
    for result in results:
        table.add_section()
        table.add_row(Text(result.part.name, style="bold"), Text(result.trouble))
        for figure in result.figures:
            table.add_row(*cells(figure))
    return table


def cells(figure: Figure) -> tuple[Text, ...]:
    """Return a figure as cells: what, measured, ratio, target, met or missed."""
    is_ratio = figure.unit.startswith("x ")
    what = f"{figure.what}, beside {figure.unit[2:]}" if is_ratio else figure.what
    measured = figure.note if is_ratio else f"{number_text(figure.value)} {figure.unit}".strip()
    if figure.note and not is_ratio:
        measured += f"; {figure.note}"
    told = figure.target != NO_TARGET
    target = f"{figure.target:g}{' x' if is_ratio else ''}" if told else _MISSING
    verdict = Text("holds", "green") if figure.holds else Text("MISSED", "bold red")
    return (
        Text(what),
        Text(measured or _MISSING),
        Text(f"{number_text(figure.value)} x" if is_ratio else _MISSING),
        Text(f"≤ {target}" if told else _MISSING),
        verdict if told else Text("reported", "dim"),
    )


def rows_of(results: Iterable[Result]) -> list[dict[str, object]]:
    """Return all figures as rows of JSON, each with the name of its part."""
    return [
        {"part": result.part.name, **figure.as_row()}
        for result in results
        for figure in result.figures
    ]


def summary(results: Sequence[Result]) -> str:
    """Return one sentence about all."""
    figures = [figure for result in results for figure in result.figures]
    bound = [figure for figure in figures if figure.target != NO_TARGET]
    missed = sum(not figure.holds for figure in bound)
    words = [f"{len(figures)} figures", f"{len(bound) - missed} of {len(bound)} targets hold"]
    words += [f"{result.part.name}: {result.trouble}" for result in results if result.trouble]
    return "; ".join(words)


def main() -> int:
    """Run the parts and print the table; return 1 when a target is missed or a part failed."""

    def own(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="few rounds, at most 10,000 runs")
        parser.add_argument(
            "--only", nargs="+", metavar="WORD", default=[""], help="parts named so"
        )
        parser.add_argument("--wandb", help="the command of W&B; else the one on PATH")

    options = options_of(__doc__, more=own, place=True)
    if options.wandb:
        os.environ["PATH"] = f"{Path(options.wandb).parent.absolute()}:{os.environ['PATH']}"
    chosen = [part for part in PARTS if any(word in part.name for word in options.only)]
    if not chosen:
        print(
            f"no part is named so; there are: {', '.join(p.name for p in PARTS)}", file=sys.stderr
        )
        return 2
    results: list[Result] = []
    with scratch() as place:
        for number, part in enumerate(chosen):
            to = place / f"{number}.json"
            stores = options.place or place
            command = part.command(quick=options.quick, place=stores, to=to)
            results.append(run(part, command, to))
    console = Console()
    if console.width < _NARROWEST:
        console = Console(width=_NARROWEST)
    console.print()
    console.print(table_of(results))
    console.print(summary(results))
    write_rows(rows_of(results), options.json)
    missed = any(not figure.holds for result in results for figure in result.figures)
    return 1 if missed or any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
