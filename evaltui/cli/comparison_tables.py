"""Comparisons as tables for people, and as rows of a CSV file."""

from __future__ import annotations

from evaltui.cli.output import Column, Table, Value, number_text
from evaltui.domain.amounts import p_text
from evaltui.domain.case_changes import CaseChange
from evaltui.domain.catalogue import SpecSource, spec_for
from evaltui.domain.comparison import CaseComparison, Comparison, MetricDelta, Verdict
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.significance import EffectKind

MOST_CASES = 40
"""Changed cases that a table lists."""

TONES = {
    Verdict.REGRESSED: "worse",
    Verdict.SOFT: "worse",
    Verdict.IMPROVED: "better",
}
_COUNTS = range(110, 170)  # ranks of the counts behind the rates of checks
_AUXILIARY = 170  # ranks from here on that the catalogue knows: sizes, spreads, standard errors
_RIGHT = frozenset({"baseline", "candidate", "delta", "relative", "p"})
_CASE_TONES = {CaseChange.REGRESSED: "worse", CaseChange.FIXED: "better"}


def metric_table(result: Comparison, *, precision: int | None, supporting: bool) -> Table:
    """Return the metrics of one comparison for people; the title is the verdict on the run.

    Args:
        result: The comparison.
        precision: Decimals of differences, or None for as few as needed.
        supporting: List counts, spreads and standard errors behind other metrics, too.
    """
    shown = [delta for delta in result.metrics if supporting or not is_supporting(delta)]
    rows = tuple(
        (
            delta.name,
            delta.baseline,
            delta.candidate,
            delta_text(delta, precision),
            relative_text(delta),
            delta.change.value,
            interval_text(delta, precision),
            p_cell(delta.p_adjusted),
            delta.verdict.value,
            delta.reason,
        )
        for delta in shown
    )
    names = ("metric", "baseline", "candidate", "delta", "relative", "change", "ci", "p")
    return Table(
        tuple(Column(name, right=name in _RIGHT) for name in (*names, "verdict", "reason")),
        rows,
        tones=tuple(TONES.get(delta.verdict, "") for delta in shown),
        title=title(result),
    )


def metric_rows(results: list[Comparison]) -> Table:
    """Return every metric of every comparison as one table of raw numbers, for CSV."""
    names = ("candidate_id", "metric", "baseline", "candidate", "delta", "relative", "change")
    tested = ("ci_low", "ci_high", "p_value", "p_adjusted", "test", "n", "verdict", "reason")
    rows = tuple(_raw_row(result, delta) for result in results for delta in result.metrics)
    return Table(tuple(Column(name) for name in (*names, *tested)), rows)


def _raw_row(result: Comparison, delta: MetricDelta) -> tuple[Value, ...]:
    low, high = delta.ci or (None, None)
    return (
        result.candidate.run_id,
        *(delta.name, delta.baseline, delta.candidate, delta.delta, delta.relative),
        *(delta.change.value, low, high, delta.p_value, delta.p_adjusted, delta.test, delta.n),
        *(delta.verdict.value, delta.reason),
    )


def title(result: Comparison) -> str:
    """Return who is compared with whom, and the verdict on the run."""
    verdict = f"{result.verdict.value} ({result.reason})"
    return f"{result.candidate.name} against {result.baseline.name}: {verdict}"


def is_supporting(delta: MetricDelta) -> bool:
    """Return whether a metric only counts or spreads what stands behind another one.

    Errors are shown where there are any.
    """
    spec = spec_for(delta.name)
    if spec.rank in _COUNTS:
        return not (delta.name.endswith("_error") and (delta.baseline or delta.candidate))
    known = spec.source is SpecSource.CATALOGUE
    return known and delta.direction is Direction.NEUTRAL and spec.rank >= _AUXILIARY


def p_cell(p: float | None) -> str | None:
    """Return a p-value as a cell of a column that is called p."""
    return None if p is None else p_text(p).removeprefix("p ").removeprefix("= ")


def case_table(cases: CaseComparison) -> Table:
    """Return the cases that changed, the worse ones first."""
    changed = [row for row in cases.rows if row.change is not CaseChange.SAME][:MOST_CASES]
    rows = tuple(
        (row.case_id, row.check, row.baseline, row.candidate, row.change.value) for row in changed
    )
    columns = ("case", "check", "baseline", "candidate", "change")
    return Table(
        tuple(Column(name) for name in columns),
        rows,
        tones=tuple(_CASE_TONES.get(row.change, "") for row in changed),
        title=case_title(cases),
    )


def case_title(cases: CaseComparison) -> str:
    """Return the cases in figures, with the test on their outcomes."""
    told = [
        f"{cases.paired} paired",
        f"{len(cases.fixed)} fixed",
        f"{len(cases.regressed)} regressed",
        f"{cases.same} same",
        *([f"{cases.missing} missing"] if cases.missing else []),
        *([f"{cases.error} in error"] if cases.error else []),
    ]
    outcome = cases.outcome
    test = f"; {outcome.method.value} {p_text(outcome.p)}" if outcome is not None else ""
    return f"cases: {', '.join(told)}{test}"


def left_out(cases: CaseComparison) -> int:
    """Return how many changed rows the table of cases does not list."""
    changed = sum(t.fixed + t.regressed + t.missing + t.error for t in cases.tallies)
    alone = cases.only_baseline + cases.only_candidate
    return max(0, changed + alone - MOST_CASES)


def delta_text(delta: MetricDelta, precision: int | None) -> str | None:
    """Return the difference with its sign: percentage points for rates, else the number."""
    return None if delta.delta is None else _signed(delta.delta, delta.unit, precision)


def relative_text(delta: MetricDelta) -> str | None:
    """Return the relative change in percent; None when the baseline is 0 or missing."""
    return None if delta.relative is None else f"{delta.relative * 100:+.1f}%"


def interval_text(delta: MetricDelta, precision: int | None) -> str | None:
    """Return the interval of the effect, of ratios with the effect: `x1.05 [1.01, 1.09]`."""
    if delta.ci is None or delta.detail is None:
        return None
    low, high = delta.ci
    if delta.detail.kind == EffectKind.RATIO:
        digits = 2 if precision is None else precision
        return f"x{delta.detail.effect:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
    ends = (_signed(end, delta.unit, precision) for end in (low, high))
    return f"[{', '.join(ends)}]"


def _signed(value: float, unit: Unit, precision: int | None) -> str:
    if unit in {Unit.RATE, Unit.PERCENT}:
        points = value * (100 if unit is Unit.RATE else 1)
        return f"{points:+.{1 if precision is None else precision}f}pp"
    text = number_text(value, precision)
    return text if text.startswith("-") else "+" + text
