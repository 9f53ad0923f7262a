"""Metrics, params, tags and notes of a run as lines of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from evaltui.domain.catalogue import spec_for
from evaltui.domain.metric import Direction
from evaltui.domain.text import clean
from evaltui.late_dataclass import dataclass
from evaltui.ui.columns import Cell
from evaltui.ui.widgets.table_columns import TableColumn

_DIRECTION_WORDS = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.NEUTRAL: "",
}
_WIDEST_NAME = 36


@dataclass(frozen=True, slots=True)
class Fact:
    """One name with its value; foreign text.

    Attributes:
        full: The whole value, as it is copied.
        shown: The value as the table shows it.
        word: What there is to say about it, or "".
    """

    name: str
    full: str
    shown: str = ""
    word: str = ""


class FactLines:
    """Names and values as lines of a table.

    Args:
        facts: In the order they are shown.
        numbers: Whether the values are numbers, which stand at the right.
    """

    def __init__(self, facts: Sequence[Fact], *, numbers: bool = False) -> None:
        self._facts = facts
        widest = max((cell_len(clean(fact.name)) for fact in facts), default=4)
        name_width = max(8, min(widest, _WIDEST_NAME))
        self.columns: tuple[TableColumn, ...] = (
            TableColumn("name", name_width, shrinks=True),
            TableColumn("value", 14, grow=0 if numbers else 1, right=numbers),
        )
        if numbers:
            self.columns += (TableColumn("", 17, optional=True, grow=1),)

    def __len__(self) -> int:
        return len(self._facts)

    def key(self, index: int) -> str:
        """Return the name."""
        return self._facts[index].name

    def fact(self, index: int) -> Fact:
        """Return what stands on a line."""
        return self._facts[index]

    def cells(self, index: int) -> Sequence[Cell]:
        """Return name, value and the word on it."""
        fact = self._facts[index]
        shown = clean(fact.shown or fact.full, limit=2_000)
        return Cell(clean(fact.name)), Cell(shown), Cell(fact.word, "quiet")


def metric_lines(metrics: Iterable[tuple[str, float]]) -> FactLines:
    """Return metrics with what they mean, the important ones first."""
    facts = []
    for name, value in sorted(metrics, key=lambda item: (spec_for(item[0]).rank, item[0])):
        spec = spec_for(name)
        shown = f"{value:.{spec.precision}f}"
        facts.append(Fact(name, repr(value), shown, _DIRECTION_WORDS[spec.direction]))
    return FactLines(facts, numbers=True)


def text_lines(texts: Iterable[tuple[str, str]]) -> FactLines:
    """Return params or tags by name."""
    return FactLines([Fact(name, value) for name, value in sorted(texts)])


def note_lines(notes: Iterable[str]) -> FactLines:
    """Return notes, numbered."""
    return FactLines([Fact(str(at), note) for at, note in enumerate(notes, 1)])
