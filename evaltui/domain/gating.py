"""Whether a comparison passes a policy."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from evaltui.domain.amounts import counted
from evaltui.domain.comparison import Comparison, MetricDelta, Verdict
from evaltui.domain.policy import FAIL, INSUFFICIENT, Policy
from evaltui.late_dataclass import dataclass


class Ruling(StrEnum):
    """What a gate says, of a metric or of everything."""

    PASSED = "passed"
    FAILED = "failed"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class MetricRuling:
    """Why a primary metric of a candidate fails or cannot be judged, or what is said beside it.

    Attributes:
        candidate: Id of the run.
        metric: Name of the metric, or "" where none is in common.
        verdict: Its verdict.
        ruling: What follows from it.
        reason: Why, in words.
    """

    candidate: str
    metric: str
    verdict: Verdict
    ruling: Ruling
    reason: str


def rule(comparison: Comparison, policy: Policy) -> list[MetricRuling]:
    """Return what a policy says about every primary metric of a comparison.

    Too few cases come first: what cannot be judged is no regression.
    """
    run_id = comparison.candidate.run_id
    if not comparison.primaries:
        return [
            MetricRuling(
                run_id, "", Verdict.INCOMPARABLE, Ruling.INSUFFICIENT, "no primary metric in common"
            )
        ]
    known = {delta.name: delta for delta in comparison.metrics}
    findings = []
    for name in comparison.primaries:
        delta = known.get(name)
        if delta is None:
            verdict, why = Verdict.INCOMPARABLE, "neither run has it"
            ruling = _of_incomparable(policy)
        else:
            verdict, (ruling, why) = delta.verdict, _of_metric(delta, policy)
        findings.append(MetricRuling(run_id, name, verdict, ruling, why))
    return findings


def overall(findings: Iterable[MetricRuling]) -> Ruling:
    """Return the ruling on everything: a failure, else what cannot be judged, else passed."""
    rulings = {finding.ruling for finding in findings}
    for ruling in (Ruling.FAILED, Ruling.INSUFFICIENT):
        if ruling in rulings:
            return ruling
    return Ruling.PASSED


def _of_metric(delta: MetricDelta, policy: Policy) -> tuple[Ruling, str]:
    if delta.verdict is Verdict.INCOMPARABLE:
        return _of_incomparable(policy), delta.reason
    paired = delta.n or 0
    if delta.detail is None or not delta.detail.paired:
        paired = 0
    if paired < policy.min_cases:
        cases = counted(paired, "paired case")
        return Ruling.INSUFFICIENT, f"{cases}, {policy.min_cases} needed ({delta.reason})"
    failing = delta.verdict in policy.fail_on
    if delta.verdict is Verdict.UNDECIDED:
        failing = policy.on_undecided == FAIL
    return Ruling.FAILED if failing else Ruling.PASSED, delta.reason


def _of_incomparable(policy: Policy) -> Ruling:
    if policy.on_incomparable == INSUFFICIENT:
        return Ruling.INSUFFICIENT
    return Ruling.FAILED if policy.on_incomparable == FAIL else Ruling.PASSED
