"""Who is held against whom, and what is known of it so far: values at once, verdicts later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from evaltui.domain.catalogue import spec_for
from evaltui.domain.comparability import remarks
from evaltui.domain.comparison import Comparison, MetricDelta, RunRef, change_of
from evaltui.domain.differences import finite_value, param_deltas
from evaltui.domain.metric import Direction
from evaltui.domain.run import Run, Tag
from evaltui.domain.stated import agreed_directions
from evaltui.late_dataclass import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_CANDIDATES = 19


@dataclass(slots=True, eq=False)
class Difference:
    """What the diff shows.

    Attributes:
        baseline: The run that is compared with, or None.
        why: Why it is that one, or why there is none; may be foreign.
        candidates: The runs held against it; empty when the baseline itself is looked at.
        directions: Directions that people set, by metric.
        tested: What the engine found, one per candidate, or None before it answered.
        testing: The engine is at it.
        problem: Why there is no verdict, in one line (foreign text), or "".
    """

    baseline: Run | None
    why: str
    candidates: tuple[Run, ...] = ()
    directions: Mapping[str, Direction] = field(default_factory=dict)
    tested: tuple[Comparison, ...] | None = None
    testing: bool = False
    problem: str = ""
    _plain: tuple[Comparison, ...] | None = None

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return what is known of every candidate; none without a baseline."""
        if self.baseline is None:
            return ()
        if self.tested is not None:
            return self.tested
        if self._plain is None:
            baseline, directions = self.baseline, self.directions
            self._plain = tuple(
                untested(baseline, run, directions) for run in self.candidates[:MOST_CANDIDATES]
            )
        return self._plain


def untested(
    baseline: Run, candidate: Run, directions: Mapping[str, Direction] | None = None
) -> Comparison:
    """Say what differs between two runs, without a test and without a verdict.

    Args:
        baseline: The run to compare with.
        candidate: The run in question.
        directions: Directions that people set, by metric.
    """
    stated = agreed_directions(baseline.tags, candidate.tags)
    specs = [
        spec_for(name, overrides=directions, stated=stated.get(name))
        for name in baseline.metrics.keys() | candidate.metrics.keys()
    ]
    headlines = [run.tags.get(Tag.HEADLINE) for run in (baseline, candidate)]
    specs.sort(key=lambda spec: (spec.name not in headlines, spec.rank, spec.name))
    deltas = []
    for spec in specs:
        before, after = (finite_value(run.metrics, spec.name) for run in (baseline, candidate))
        delta, relative, change = change_of(spec.direction, before, after)
        values = (spec.name, spec.direction, spec.unit, before, after, delta, relative, change)
        deltas.append(MetricDelta(*values))
    return Comparison(
        baseline=RunRef(baseline.run_id, baseline.name),
        candidate=RunRef(candidate.run_id, candidate.name),
        metrics=tuple(deltas),
        params=tuple(param_deltas(baseline.params, candidate.params)),
        comparability=remarks(baseline, candidate),
    )
