"""What changed between a baseline and a candidate, whether it is real, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evaltui.domain.amounts import counted
from evaltui.domain.case_changes import (
    MAX_ROWS,
    CaseChange,
    CaseComparison,
    CaseRow,
    CheckTally,
    compare_cases,
)
from evaltui.domain.cases import CaseTable
from evaltui.domain.catalogue import HEADLINE_CANDIDATES, spec_for
from evaltui.domain.comparability import Remark, remarks
from evaltui.domain.differences import (
    Change,
    Comparison,
    MetricDelta,
    MetricTest,
    ParamDelta,
    RunRef,
    change_of,
    param_deltas,
)
from evaltui.domain.metric import Direction
from evaltui.domain.pairing import pair
from evaltui.domain.run import Run, Tag
from evaltui.domain.terms import Terms
from evaltui.domain.trial import Trial
from evaltui.domain.verdict import Verdict, worst

__all__ = [
    "CaseChange",
    "CaseComparison",
    "CaseRow",
    "Change",
    "CheckTally",
    "Comparison",
    "MetricDelta",
    "MetricTest",
    "ParamDelta",
    "Remark",
    "RunRef",
    "Terms",
    "Verdict",
    "change_of",
    "compare",
]


def compare(
    baseline: Run,
    candidate: Run,
    *,
    baseline_cases: CaseTable | None = None,
    candidate_cases: CaseTable | None = None,
    overrides: Mapping[str, Direction] | None = None,
    terms: Terms | None = None,
    notes: Iterable[str] = (),
    max_rows: int = MAX_ROWS,
) -> Comparison:
    """Say what changed from one run to another, and whether it is real.

    Args:
        baseline: The run to compare with.
        candidate: The run in question.
        baseline_cases: Its cases, or None where they are not known.
        candidate_cases: Those of the candidate.
        overrides: Directions that people set, by metric name; they win over those of `terms`.
        terms: On what terms; default: Benjamini-Hochberg at .05, the headline metric decides.
        notes: Why cases are not known, one line each.
        max_rows: Rows of cases to list at most; changed ones come first.
    """
    terms = terms or Terms()
    if overrides:
        terms = replace(terms, overrides={**terms.overrides, **overrides})
    tables = None
    if baseline_cases is not None and candidate_cases is not None:
        tables = (baseline_cases, candidate_cases)
    cases = pair(*tables) if tables is not None else None
    trial = Trial((baseline, candidate), tables, cases, terms)
    primaries = choose_primaries(baseline, candidate, terms)
    metrics = trial.metrics(primaries)
    verdict, reason = _verdict_of_run(metrics, primaries)
    compared = None
    if cases is not None:
        compared = compare_cases(
            cases,
            directions=terms.overrides,
            alpha=terms.alpha,
            seed=terms.seed,
            max_rows=max_rows,
        )
    return Comparison(
        baseline=RunRef(baseline.run_id, baseline.name),
        candidate=RunRef(candidate.run_id, candidate.name),
        metrics=tuple(metrics),
        params=tuple(param_deltas(baseline.params, candidate.params)),
        comparability=remarks(baseline, candidate, cases, notes),
        cases=compared,
        primaries=primaries,
        verdict=verdict,
        reason=reason,
        alpha=terms.alpha,
        correction=terms.correction,
        tests=trial.tests,
    )


def choose_primaries(baseline: Run, candidate: Run, terms: Terms) -> tuple[str, ...]:
    """Return the metrics that the verdict of a run goes by: declared ones, else one headline.

    That is the reader's headline metric, then the score of the app-evaluation family that both
    runs have, then the first metric of both that has a better way. None when there is none.
    """
    if terms.primaries is not None:
        return tuple(dict.fromkeys(terms.primaries))
    common = baseline.metrics.keys() & candidate.metrics.keys()
    tagged = (run.tags.get(Tag.HEADLINE, "") for run in (candidate, baseline))
    for name in (*tagged, *HEADLINE_CANDIDATES):
        if name in common:
            return (name,)
    specs = (spec_for(name, overrides=terms.overrides) for name in common)
    telling = [spec for spec in specs if spec.direction is not Direction.NEUTRAL]
    best = min(
        telling,
        key=lambda spec: (spec.direction is not Direction.HIGHER, spec.rank, spec.name),
        default=None,
    )
    return () if best is None else (best.name,)


def _verdict_of_run(
    metrics: Sequence[MetricDelta], primaries: Sequence[str]
) -> tuple[Verdict, str]:
    """Return the worst verdict of the primary metrics, and which one that is and why."""
    known = {delta.name: delta for delta in metrics}
    absent = [name for name in primaries if name not in known]
    if not primaries:
        return Verdict.INCOMPARABLE, "the runs have no metric in common that has a better way"
    found = [known[name] for name in primaries if name in known]
    verdicts = [delta.verdict for delta in found] + [Verdict.INCOMPARABLE] * len(absent)
    verdict = worst(verdicts)
    assert verdict is not None
    telling = [delta for delta in found if delta.verdict is verdict]
    if not telling:
        return verdict, f"{absent[0]}: neither run has it"
    more = f", and {counted(len(telling) - 1, 'other')}" if len(telling) > 1 else ""
    return verdict, f"{telling[0].name}: {telling[0].reason}{more}"
