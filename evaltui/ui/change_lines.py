"""What became of every case between two runs, as lines of a table: one line per case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from rich.cells import cell_len

from evaltui.domain.cases import STATUS
from evaltui.domain.comparison import CaseChange, CaseComparison, CaseRow
from evaltui.domain.text import clean
from evaltui.late_dataclass import dataclass
from evaltui.ui.columns import Cell
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.widgets.table_columns import TableColumn

_SHORTEST_NAME, _LONGEST_NAME = 16, 40
_OUTCOME, _CHANGE = 14, 15
_LOOKED_AT = 200
_CHECKS_NAMED = 12


class ShowCases(StrEnum):
    """Which cases are listed."""

    ALL = "all"
    REGRESSED = "regressed"
    FIXED = "fixed"
    MISSING = "missing"
    ERROR = "error"


CHANGE_SIGNS: Mapping[CaseChange, str] = {
    CaseChange.REGRESSED: "!",
    CaseChange.FIXED: "+",
    CaseChange.SAME: "=",
    CaseChange.MISSING: " ",
    CaseChange.ERROR: "x",
}
CHANGE_ROLES: Mapping[CaseChange, str] = {
    CaseChange.REGRESSED: "bad",
    CaseChange.FIXED: "better",
    CaseChange.SAME: "quiet",
    CaseChange.MISSING: "quiet",
    CaseChange.ERROR: "worse",
}
_CHECK_WORDS: Mapping[CaseChange, str] = {
    CaseChange.REGRESSED: "check worse",
    CaseChange.FIXED: "check better",
    CaseChange.MISSING: "check missing",
    CaseChange.ERROR: "check error",
}


@dataclass(frozen=True, slots=True)
class CaseChanges:
    """One case with all that is known of it.

    Attributes:
        case_id: Its id; foreign text.
        rows: Its outcome and checks, changed ones first.
    """

    case_id: str
    rows: tuple[CaseRow, ...]

    @property
    def outcome(self) -> CaseRow | None:
        """The row of the outcome, or None where only checks are known."""
        return next((row for row in self.rows if row.check == STATUS), None)

    @property
    def only_checks(self) -> bool:
        """Whether checks changed at most, and not the outcome."""
        outcome = self.outcome
        return outcome is None or outcome.change is CaseChange.SAME

    def has(self, change: CaseChange) -> bool:
        """Return whether the outcome or a check changed so."""
        return any(row.change is change for row in self.rows)

    @property
    def worst(self) -> CaseChange:
        """What became of the outcome, else of the checks, the worst first."""
        outcome = self.outcome
        if outcome is not None and outcome.change is not CaseChange.SAME:
            return outcome.change
        return self.rows[0].change if self.rows else CaseChange.SAME


def by_case(cases: CaseComparison) -> tuple[CaseChanges, ...]:
    """Return the cases of a comparison: outcomes that got worse first, then checks that did."""
    found: dict[str, list[CaseRow]] = {}
    for row in cases.rows:  # sorted by change: a case comes in with its worst row
        found.setdefault(row.case_id, []).append(row)
    made = [CaseChanges(case_id, tuple(rows)) for case_id, rows in found.items()]
    return tuple(
        sorted(made, key=lambda case: case.worst is not CaseChange.REGRESSED or case.only_checks)
    )


class ChangeLines:
    """The cases of one comparison.

    Args:
        cases: All of them, in order.
        glyphs: Signs to draw with.
        show: Which ones are listed.
        equal: Cases in which nothing changed are listed as well.
    """

    def __init__(
        self,
        cases: Sequence[CaseChanges],
        *,
        glyphs: Glyphs,
        show: ShowCases = ShowCases.ALL,
        equal: bool = False,
    ) -> None:
        self._glyphs = glyphs
        self.show = show
        self._cases = [case for case in cases if _is_shown(case, show, equal=equal)]
        self.hidden = len(cases) - len(self._cases)
        names = [cell_len(clean(case.case_id)) for case in self._cases[:_LOOKED_AT]]
        name = max(_SHORTEST_NAME, min(max(names, default=0), _LONGEST_NAME))
        self.columns = (
            TableColumn("case", name, shrinks=True),
            TableColumn("outcome", _OUTCOME),
            TableColumn("change", _CHANGE, optional=True),
            TableColumn("checks", 8, grow=1, optional=True),
        )

    def __len__(self) -> int:
        return len(self._cases)

    def key(self, index: int) -> str:
        """Return the case's id."""
        return self._cases[index].case_id

    def case(self, index: int) -> CaseChanges | None:
        """Return the case of a line, None when there is no such line."""
        return self._cases[index] if 0 <= index < len(self._cases) else None

    def cells(self, index: int) -> Sequence[Cell]:
        """Return name, outcome in both runs, what became of it, and the checks that changed."""
        case, arrow = self._cases[index], "->" if self._glyphs.ascii_only else "→"
        outcome, worst = case.outcome, case.worst
        role = CHANGE_ROLES[worst]
        told = ""
        if outcome is not None:
            before, after = self.value(outcome.baseline), self.value(outcome.candidate)
            told = before if before == after else f"{before} {arrow} {after}"
        changed = not case.only_checks
        word = worst.value if changed else _CHECK_WORDS.get(worst, worst.value)
        return (
            Cell(clean(case.case_id), "quiet" if worst is CaseChange.SAME else "text"),
            Cell(told, role if changed else "text"),
            Cell(f"{CHANGE_SIGNS[worst]} {word}", role),
            Cell(self._checks(case, arrow), "quiet"),
        )

    def next_regression(self, start: int, step: int) -> int | None:
        """Return the next line after `start` whose case got worse, going round, or None."""
        count = len(self._cases)
        for away in range(1, count + 1):
            index = (start + away * step) % count
            if self._cases[index].has(CaseChange.REGRESSED):
                return index
        return None

    def value(self, value: float | str | None) -> str:
        """Return an outcome, a check or a score as it is written."""
        return change_value(value, self._glyphs.missing)

    def _checks(self, case: CaseChanges, arrow: str) -> str:
        parts: list[str] = []
        for row in case.rows:
            if row.check == STATUS or row.change is CaseChange.SAME:
                continue
            if len(parts) == _CHECKS_NAMED:
                parts.append(self._glyphs.ellipsis)
                break
            moved = f"{self.value(row.baseline)}{arrow}{self.value(row.candidate)}"
            sign = CHANGE_SIGNS[row.change].strip()
            parts.append(f"{clean(row.check, limit=60)} {moved}{sign}")
        return "  ".join(parts)


def change_value(value: float | str | None, missing: str) -> str:
    """Return an outcome, a check or a score as it is written."""
    if value is None:
        return missing
    return clean(value, limit=60) if isinstance(value, str) else f"{value:.4g}"


def _is_shown(case: CaseChanges, show: ShowCases, *, equal: bool) -> bool:
    if show is ShowCases.ALL:
        return equal or any(row.change is not CaseChange.SAME for row in case.rows)
    return case.has(CaseChange(show.value))
