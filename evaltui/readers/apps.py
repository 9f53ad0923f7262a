"""The apps of an app-evaluation report, whatever the format they were read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from evaltui.domain.catalogue import CHECKS
from evaltui.domain.report import Case, CaseStatus
from evaltui.late_dataclass import dataclass
from evaltui.readers import shape
from evaltui.readers.cases import CaseList, unique
from evaltui.readers.notes import Notes

MAX_TEXT = 20_000
"""Longest output or log text of a case, in characters."""

MAX_NAME = 500
_MOST_DETAILS = 40
REASON_LENGTH = 500
"""Longest reason of a case, in characters."""


GENERATION_NUMBERS = ("input_tokens", "output_tokens", "turns", "generation_time_sec")
"""Numbers of an app's generation beside its cost, as columns of the case table."""


@dataclass(slots=True)
class App:
    """One evaluated app.

    Attributes:
        name: As the report gives it; made unique later.
        checks: Result per check; None is not evaluated.
        scores: Scores that are averaged over apps; None is missing.
        numbers: Further numbers of the case table (times, tokens, turns, LOC); None is missing.
        columns: Further facts of the case table.
        errored: The evaluation itself failed: outside every denominator.
        stub: The evaluator had nothing to evaluate it with: every check is not evaluated.
        reason: One line why it failed or erred, or None.
        details: Texts for the case view by name.
        short: Of its issues and details only the beginnings are kept.
    """

    name: str
    checks: dict[str, bool | None] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)
    columns: dict[str, str | float | None] = field(default_factory=dict)
    issues: tuple[str, ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    group: str | None = None
    template: str | None = None
    reason: str | None = None
    cost_usd: float | None = None
    errored: bool = False
    stub: bool = False
    short: bool = False

    def exclude(self) -> None:
        """Take the app out of every rate and mean, keeping what generating it cost."""
        self.checks = dict.fromkeys(self.checks)
        self.scores = dict.fromkeys(self.scores)
        kept = set(GENERATION_NUMBERS)
        self.numbers = {key: value if key in kept else None for key, value in self.numbers.items()}

    def status(self) -> CaseStatus:
        """Return the outcome: an app passes when every check that was evaluated passed."""
        if self.errored:
            return CaseStatus.ERROR
        results = [result for result in self.checks.values() if result is not None]
        if not results:
            return CaseStatus.NA
        return CaseStatus.PASS if all(results) else CaseStatus.FAIL


def read_checks(metrics: dict[str, Any], at: str) -> dict[str, bool | None]:
    """Return the results of the checks that the metrics of an app name.

    Raises:
        ReportSchemaError: A result is neither true, false nor missing.
    """
    return {check: shape.flag(metrics, check, at) for check in CHECKS if check in metrics}


def read_numbers(metrics: dict[str, Any], names: Iterable[str], at: str) -> dict[str, float | None]:
    """Return the numbers of the given names that the metrics of an app have.

    Raises:
        ReportSchemaError: A value is neither a number nor missing.
    """
    return {name: shape.number(metrics, name, at) for name in names if name in metrics}


def read_issues(app: dict[str, Any], at: str) -> tuple[str, ...]:
    """Return the issue lines of an app.

    Raises:
        ReportSchemaError: `issues` is no list.
    """
    lines = shape.items(app, "issues", at)
    return tuple(
        line for item in lines[:_MOST_DETAILS] if (line := shape.plain(item, limit=MAX_TEXT))
    )


def read_details(details: Mapping[str, Any]) -> dict[str, str]:
    """Return the details of an app as texts: lists as lines, anything else as it reads."""
    texts: dict[str, str] = {}
    for name, value in list(details.items())[:_MOST_DETAILS]:
        if isinstance(value, list) and all(isinstance(line, str) for line in value):
            text: str | None = shape.cut("\n".join(value), MAX_TEXT)
        else:
            text = shape.plain(value, limit=MAX_TEXT)
        if text:
            texts[shape.cut(name, MAX_NAME)] = text
    return texts


def read_generation(app: App, generation: dict[str, Any], at: str) -> None:
    """Add what generating the app cost; all zeros stand for "not known".

    Raises:
        ReportSchemaError: A value is neither a number nor missing.
    """
    cost = shape.number(generation, "cost_usd", at)
    numbers = read_numbers(generation, GENERATION_NUMBERS, at)
    if not any((cost, *numbers.values())):
        return
    app.cost_usd = cost
    app.numbers.update(numbers)


def to_cases(apps: Sequence[App], notes: Notes) -> Sequence[Case]:
    """Return the apps as cases with unique ids."""
    cases = CaseList(packed=any(app.short for app in apps))
    for app in apps:
        cases.append(_to_case(app))
    return unique(cases, notes)


def _to_case(app: App) -> Case:
    status = app.status()
    reason = app.reason if status in {CaseStatus.FAIL, CaseStatus.ERROR, CaseStatus.NA} else None
    details = {} if app.short else dict(app.details)
    if app.issues and not app.short:
        details.setdefault("issues", shape.cut("\n".join(app.issues), MAX_TEXT))
    scores: dict[str, float | None] = {
        check: None if result is None else float(result) for check, result in app.checks.items()
    }
    return Case(
        case_id=app.name,
        status=status,
        scores=scores | app.scores,
        group=app.group,
        reason=None if reason is None else shape.cut(reason, REASON_LENGTH),
        details=details,
        cost_usd=app.cost_usd,
        columns={**app.numbers, **app.columns},
    )
