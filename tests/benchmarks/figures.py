"""Figures of a benchmark: how they are printed, written as JSON, and held against their targets.

Every benchmark program is a list of parts that yield figures, and ends with `report`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NO_TARGET = math.inf
"""Target of what is only reported."""


@dataclass(frozen=True)
class Figure:
    """One line of the result.

    Attributes:
        what: What was measured.
        value: The figure; less is better.
        unit: Its unit; a ratio begins with "x" and names what it stands beside.
        target: The most that it may be, `NO_TARGET` where it is only reported.
        note: The times behind a ratio, and the like.
    """

    what: str
    value: float
    unit: str
    target: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target

    def as_row(self) -> dict[str, Any]:
        """Return the figure as JSON keeps it; a target that there is none of is null."""
        target = None if self.target == NO_TARGET else self.target
        return {**vars(self), "target": target, "holds": self.holds}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Figure:
        """Return the figure of a row of JSON."""
        target = NO_TARGET if row["target"] is None else float(row["target"])
        return cls(row["what"], float(row["value"]), row["unit"], target, row["note"])


def line_of(figure: Figure) -> str:
    """Return a figure as a line of text."""
    mark = "ok  " if figure.holds else "MISS"
    bound = "" if figure.target == NO_TARGET else f"(≤ {figure.target:g})"
    words = (mark, f"{figure.what}:", number_text(figure.value), figure.unit, bound, figure.note)
    return " ".join(words).rstrip()


def number_text(value: float) -> str:
    """Return a figure with three digits, and never with an exponent where it is large."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def print_figure(figure: Figure) -> None:
    """Print one line."""
    print(line_of(figure), flush=True)


def options_of(
    about: str | None,
    *,
    more: Callable[[argparse.ArgumentParser], object] = lambda _: None,
    rounds: int | None = None,
    place: bool = False,
) -> argparse.Namespace:
    """Read a benchmark's command line.

    Args:
        about: What the program says of itself.
        more: Adds what only this program takes.
        rounds: Usual number of rounds, None for a program without.
        place: Whether it makes stores, which `--place` keeps.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start compiles everything anew
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds)
    if place:
        parser.add_argument("--place", type=Path, help="where stores are made and kept")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    more(parser)
    return parser.parse_args()


def report(parts: Iterable[Iterable[Figure]], to: Path | None) -> int:
    """Print figures as they come, write them to a file, and return 1 when a target is missed."""
    figures: list[Figure] = []
    for part in parts:
        for figure in part:
            figures.append(figure)
            print_figure(figure)
    write_rows([figure.as_row() for figure in figures], to)
    return 0 if all(figure.holds for figure in figures) else 1


def write_rows(rows: Sequence[dict[str, Any]], to: Path | None) -> None:
    """Write rows of figures, if a file was asked for."""
    if to is not None:
        to.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="evaltui-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)
