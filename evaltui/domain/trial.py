"""The metrics of two runs on their way to a verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from evaltui.domain.cases import CaseTable
from evaltui.domain.catalogue import MetricSpec, aliases_of, spec_for
from evaltui.domain.comparability import changed_meaning, obstacle
from evaltui.domain.differences import Change, MetricDelta, MetricTest, change_of, finite_value
from evaltui.domain.evidence import Adjusted, Evidence, Key, Laboratory
from evaltui.domain.judging import Rules, detectable_text, judge_finding
from evaltui.domain.metric import Direction
from evaltui.domain.pairing import Pairing
from evaltui.domain.run import Run, Tag
from evaltui.domain.significance import EffectKind, Finding
from evaltui.domain.stated import agreed_directions
from evaltui.domain.terms import Terms
from evaltui.domain.verdict import Verdict
from evaltui.stats.paired import mcnemar_midp

_COUNT_LIKE = "pass_rate"
"""Counts of passed and failed cases are judged as the rate they make up."""


class Trial:
    """Judges every metric of two runs.

    Args:
        runs: Baseline and candidate.
        tables: Their cases as they are, or None where those of one are not known.
        cases: The cases joined, or None.
        terms: On what terms.
    """

    def __init__(
        self,
        runs: tuple[Run, Run],
        tables: tuple[CaseTable, CaseTable] | None,
        cases: Pairing | None,
        terms: Terms,
    ) -> None:
        self._runs = runs
        self._terms = terms
        self._laboratory = Laboratory(runs, tables, cases, terms.alpha, terms.seed)
        self._obstacle = obstacle(*runs, paired=0 if cases is None else len(cases))
        stated = agreed_directions(*(run.tags for run in runs))
        self._specs = {
            name: spec_for(name, overrides=terms.overrides, stated=stated.get(name))
            for run in runs
            for name in run.metrics
        }

    @property
    def tests(self) -> int:
        """Number of tests made."""
        return len(self._laboratory.findings)

    def metrics(self, primaries: Collection[str]) -> list[MetricDelta]:
        """Return every metric with its verdict, in order of display.

        Args:
            primaries: Metrics that the verdict of the run goes by.
        """
        headlines = [run.tags.get(Tag.HEADLINE) for run in self._runs]
        specs = self._specs
        order = sorted(specs, key=lambda name: (name not in headlines, specs[name].rank, name))
        deltas = [self._delta(specs[name]) for name in order]
        hindrances = [self._hindrance(delta) for delta in deltas]
        evidence = [
            Evidence() if hindrance else self._examine(delta)
            for delta, hindrance in zip(deltas, hindrances, strict=True)
        ]
        adjusted = self._adjusted(deltas, evidence, primaries)
        return [
            replace(delta, verdict=Verdict.INCOMPARABLE, reason=hindrance)
            if hindrance
            else self._judged(delta, found, adjusted)
            for delta, hindrance, found in zip(deltas, hindrances, evidence, strict=True)
        ]

    def _delta(self, spec: MetricSpec) -> MetricDelta:
        before, after = (finite_value(run.metrics, spec.name) for run in self._runs)
        delta, relative, change = change_of(spec.direction, before, after)
        return MetricDelta(
            name=spec.name,
            direction=spec.direction,
            unit=spec.unit,
            baseline=before,
            candidate=after,
            delta=delta,
            relative=relative,
            change=change,
        )

    def _hindrance(self, delta: MetricDelta) -> str:
        """Return why a metric cannot be compared, or ""."""
        if delta.baseline is None and delta.candidate is None:
            return "neither run has a number"
        if delta.change is Change.MISSING:
            return self._one_sided(delta)
        return self._obstacle or changed_meaning(*self._runs, delta.name, delta.unit)

    def _one_sided(self, delta: MetricDelta) -> str:
        """Say which run has a metric, and under which older or newer name the other has it."""
        sides = ("baseline", "candidate")
        has = 0 if delta.candidate is None else 1
        other = self._runs[1 - has].metrics
        alias = next((name for name in aliases_of(delta.name) if name in other), "")
        told = f"; the {sides[1 - has]} has its alias {alias}" if alias else ""
        return f"only the {sides[has]} has it{told}"

    def _examine(self, delta: MetricDelta) -> Evidence:
        if delta.direction is Direction.NEUTRAL:
            return Evidence()
        return self._laboratory.examine(self._specs[delta.name], _values(delta))

    def _adjusted(
        self,
        deltas: Sequence[MetricDelta],
        evidence: Sequence[Evidence],
        primaries: Collection[str],
    ) -> Mapping[Key, Adjusted]:
        first = {
            found.key
            for delta, found in zip(deltas, evidence, strict=True)
            if delta.name in primaries and found.key is not None
        }
        return self._laboratory.adjusted(self._terms.correction, first)

    def _judged(
        self, delta: MetricDelta, evidence: Evidence, adjusted: Mapping[Key, Adjusted]
    ) -> MetricDelta:
        if delta.direction is Direction.NEUTRAL:
            verdict = Verdict.SAME if delta.change is Change.SAME else Verdict.CHANGED
            return replace(delta, verdict=verdict, reason="neither way is better")
        if evidence.key is None:
            equal = "equal, but " if delta.change is Change.SAME else ""
            return replace(delta, reason=f"{equal}{evidence.why}: no test")
        finding, corrected = self._laboratory.findings[evidence.key], adjusted[evidence.key]
        margin = self._terms.margins.get(delta.name)
        rules = Rules(self._terms.alpha, corrected.tests, margin)
        if evidence.counts_only:
            spec = replace(spec_for(_COUNT_LIKE), name=delta.name)
            found = judge_finding(finding, corrected.p, spec, (0.0, 1.0), rules)
            return replace(delta, verdict=found.verdict, reason=f"as its rate: {found.reason}")
        factor = evidence.factor
        found = judge_finding(
            finding, corrected.p, self._specs[delta.name], _values(delta), rules, factor=factor
        )
        return replace(
            delta,
            ci=_interval(finding, factor),
            p_value=finding.p,
            p_adjusted=corrected.p,
            test=finding.method.value,
            n=finding.n,
            verdict=found.verdict,
            reason=found.reason,
            detail=_detail(finding, delta, found.tolerance, factor),
        )


def _values(delta: MetricDelta) -> tuple[float, float]:
    assert delta.baseline is not None
    assert delta.candidate is not None
    return delta.baseline, delta.candidate


def _interval(finding: Finding, factor: float) -> tuple[float, float] | None:
    if finding.low is None or finding.high is None:
        return None
    scale = _scale(finding, factor)
    return finding.low * scale, finding.high * scale


def _scale(finding: Finding, factor: float) -> float:
    return 1.0 if finding.kind is EffectKind.RATIO else factor


def _detail(finding: Finding, delta: MetricDelta, tolerance: float, factor: float) -> MetricTest:
    counts, scale = finding.counts, _scale(finding, factor)
    return MetricTest(
        kind=finding.kind.value,
        effect=finding.effect * scale,
        paired=finding.paired,
        tolerance=tolerance,
        median=None if finding.median is None else finding.median * scale,
        both=None if counts is None else counts.both,
        only_baseline=None if counts is None else counts.only_baseline,
        only_candidate=None if counts is None else counts.only_candidate,
        neither=None if counts is None else counts.neither,
        differing=finding.differing,
        needed=finding.needed,
        p_mid=None if counts is None else mcnemar_midp(counts.only_baseline, counts.only_candidate),
        detectable=None if finding.detectable is None else finding.detectable * scale,
        power=detectable_text(finding, delta.unit, factor=factor),
    )
