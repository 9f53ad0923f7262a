"""Groups of runs against each other (A/B): means, spread, and the test that fits few or many runs.

One run is one value: cases inside a run are not counted as independent of each other here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaltui.domain.amounts import amount_text, counted, p_text
from evaltui.domain.catalogue import MetricSpec, spec_for
from evaltui.domain.comparability import changed_meaning, obstacle
from evaltui.domain.groups import Grouping
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.run import Run, Tag
from evaltui.domain.select import eligible
from evaltui.domain.significance import Method
from evaltui.domain.table import FloatArray, IntArray, RunTable
from evaltui.domain.terms import Terms
from evaltui.domain.verdict import Verdict, judge
from evaltui.late_dataclass import dataclass
from evaltui.stats.distributions import t_quantile
from evaltui.stats.multiplicity import benjamini_hochberg
from evaltui.stats.unpaired import mann_whitney_exact, welch

WELCH_FROM = 5
"""Fewest runs of either group that Welch's test is used for; below, ranks are counted out."""

_MOST_KINDS = 50
_MADE_BY = (
    "score_scale",
    "overall_quality_score.version",
    "appeval_100.version",
    "total_loc.version",
    "backend",
)
"""Params that tell in which way metrics were made."""
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class GroupValue:
    """A metric over the runs of one group.

    Attributes:
        group: Name of the group, or None for the runs without one.
        n: Runs that have the metric, at least 1.
        sd: Standard deviation between runs, or None for one run.
        low: Lower end of the interval of the mean, or None for one run.
        high: Upper end of it.
    """

    group: str | None
    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class GroupDelta:
    """One metric of a group against the reference group.

    Attributes:
        delta: Mean of the group minus mean of the reference.
        relative: The same over |mean of the reference|, or None where that is 0.
        ci: Interval of `delta` (Welch), or None.
        p_value: Two-sided, None without a test.
        p_adjusted: Corrected for the number of metrics (Benjamini-Hochberg).
    """

    metric: str
    direction: Direction
    unit: Unit
    reference: GroupValue
    group: GroupValue
    delta: float
    relative: float | None
    ci: tuple[float, float] | None
    p_value: float | None
    p_adjusted: float | None
    test: str | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """Groups of runs.

    Attributes:
        reference: Group that the others are held against.
        sizes: Number of eligible runs by group, by name, runs without one last.
        deltas: Per group and metric, in order of groups and display; metrics that only one of the
            two groups has are absent.
    """

    reference: str | None
    sizes: Mapping[str | None, int]
    deltas: tuple[GroupDelta, ...]


def contrast(
    table: RunTable,
    grouping: Grouping,
    terms: Terms,
    *,
    reference: str | None = None,
    baseline_row: int | None = None,
) -> GroupComparison | None:
    """Hold groups of finished runs against one of them, None where there are fewer than two.

    Args:
        table: The runs.
        grouping: What makes the groups.
        terms: On what terms; the correction is always Benjamini-Hochberg per group.
        reference: Name of the reference group; None: the group of the baseline, else the largest.
        baseline_row: Row of the shared baseline, or None.
    """
    members = _members(table, grouping)
    if len(members) < 2:  # noqa: PLR2004 - a group needs another one
        return None
    first = reference if reference in members else _reference(members, baseline_row)
    names = [name for name in table.metric_names() if table.metric(name) is not None]
    specs = sorted(
        (spec_for(name, overrides=terms.overrides) for name in names),
        key=lambda spec: (spec.rank, spec.name),
    )
    deltas: list[GroupDelta] = []
    for name, rows in members.items():
        if name != first:
            deltas += _against(table, (first, members[first]), (name, rows), specs, terms)
    sizes = {name: len(rows) for name, rows in members.items()}
    return GroupComparison(first, sizes, tuple(deltas))


def _members(table: RunTable, grouping: Grouping) -> dict[str | None, IntArray]:
    codes, names = grouping.codes(table)
    good = eligible(table)
    found: dict[str | None, IntArray] = {}
    for code in np.unique(codes[good]):
        rows = np.flatnonzero(good & (codes == code))
        found[names[code] if code >= 0 else None] = rows
    return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0] or "")))


def _reference(members: Mapping[str | None, IntArray], baseline_row: int | None) -> str | None:
    for name, rows in members.items():
        if baseline_row is not None and baseline_row in rows:
            return name
    return max(members, key=lambda name: (name is not None, len(members[name])))


_Group = tuple[str | None, IntArray]


def _against(
    table: RunTable, first: _Group, second: _Group, specs: Iterable[MetricSpec], terms: Terms
) -> list[GroupDelta]:
    kinds = _kinds(table, np.concatenate((first[1], second[1])))
    found = []
    for spec in specs:
        column = table.metric(spec.name)
        assert column is not None
        x, y = (_values(column, rows) for _, rows in (first, second))
        if len(x) and len(y):
            found.append(
                _delta(spec, (first[0], x), (second[0], y), _hindrance(kinds, spec), terms)
            )
    adjusted = benjamini_hochberg([item.p_value for item in found])
    return [
        _judged(item, p, terms) if p is not None else item
        for item, p in zip(found, adjusted, strict=True)
    ]


def _values(column: FloatArray, rows: IntArray) -> FloatArray:
    values = column[rows]
    return np.asarray(values[~np.isnan(values)])


def _kinds(table: RunTable, rows: IntArray) -> list[Run]:
    """Return one run for each way in which metrics were made: format, versions, backend."""
    columns = [table.tag_column(Tag.FORMAT), *map(table.param_column, _MADE_BY)]
    codes = [column.codes[rows] for column in columns if column is not None]
    if not codes:
        return [table.run(int(rows[0]))]
    _, first = np.unique(np.vstack(codes), axis=1, return_index=True)
    return [table.run(rows[place]) for place in np.sort(first)[:_MOST_KINDS].tolist()]


def _hindrance(kinds: Sequence[Run], spec: MetricSpec) -> str:
    for other in kinds[1:]:
        why = obstacle(kinds[0], other, paired=1)
        why = why or changed_meaning(kinds[0], other, spec.name, spec.unit)
        if why:
            return why
    return ""


def _value(group: str | None, values: FloatArray, alpha: float) -> GroupValue:
    n, mean = len(values), float(values.mean())
    if n == 1:
        return GroupValue(group, n, mean, None, None, None)
    sd = float(values.std(ddof=1))
    half = t_quantile(alpha, n - 1) * sd / math.sqrt(n)
    return GroupValue(group, n, mean, sd, mean - half, mean + half)


def _delta(
    spec: MetricSpec,
    first: tuple[str | None, FloatArray],
    second: tuple[str | None, FloatArray],
    hindrance: str,
    terms: Terms,
) -> GroupDelta:
    """Return a difference with its test, before the correction and the verdict."""
    (_, x), (_, y) = first, second
    reference, group = (_value(*item, terms.alpha) for item in (first, second))
    delta = group.mean - reference.mean
    found = GroupDelta(
        metric=spec.name,
        direction=spec.direction,
        unit=spec.unit,
        reference=reference,
        group=group,
        delta=delta,
        relative=None if reference.mean == 0 else delta / abs(reference.mean),
        ci=None,
        p_value=None,
        p_adjusted=None,
        test=None,
        verdict=Verdict.UNDECIDED,
        reason="",
    )
    if hindrance:
        return replace(found, verdict=Verdict.INCOMPARABLE, reason=hindrance)
    if spec.direction is Direction.NEUTRAL:
        same = math.isclose(group.mean, reference.mean, rel_tol=_SAME)
        verdict = Verdict.SAME if same else Verdict.CHANGED
        return replace(found, verdict=verdict, reason="neither way is better")
    if min(len(x), len(y)) == 1:
        return replace(found, reason=f"{_sizes(found)} runs: one run has no spread, no test")
    interval = welch(x, y, alpha=terms.alpha)
    ci = None if interval is None else (interval.low, interval.high)
    if min(len(x), len(y)) >= WELCH_FROM and interval is not None:
        return replace(found, ci=ci, p_value=interval.p, test=Method.WELCH.value)
    p = mann_whitney_exact(x, y)
    return replace(found, ci=ci, p_value=p, test=Method.MANN_WHITNEY.value)


def _judged(found: GroupDelta, p_adjusted: float, terms: Terms) -> GroupDelta:
    assert found.p_value is not None
    sign = -1.0 if found.direction is Direction.LOWER else 1.0
    ends = None if found.ci is None else sorted(end * sign for end in found.ci)
    means = (found.reference.mean, found.group.mean)
    tolerance = terms.margins.get(found.metric) or spec_for(found.metric).tolerance
    allowed = tolerance.around(max(map(abs, means)))
    spreads = (found.reference.sd, found.group.sd)
    verdict = judge(
        p_adjusted,
        found.delta * sign,
        None if ends is None else (ends[0], ends[1]),
        tolerance=allowed,
        alpha=terms.alpha,
        all_equal=found.delta == 0 and not any(spreads),
    )
    reason = _reason(found, verdict, p_adjusted, allowed, terms.alpha)
    return replace(found, p_adjusted=p_adjusted, verdict=verdict, reason=reason)


def _reason(
    found: GroupDelta, verdict: Verdict, p_adjusted: float, allowed: float, alpha: float
) -> str:
    moved, p = amount_text(found.delta, found.unit), p_text(p_adjusted)
    inside = f"inside the tolerance of {amount_text(allowed, found.unit)}"
    if verdict in {Verdict.REGRESSED, Verdict.SOFT}:
        return f"worse by {moved}, {p}" + (f", {inside}" if verdict is Verdict.SOFT else "")
    if verdict is Verdict.IMPROVED:
        return f"better by {moved}, {p}"
    if verdict is Verdict.STABLE:
        return f"{inside} either way" if found.ci else "all runs are equal"
    floor = lowest_p(found.reference.n, found.group.n)
    if found.test == Method.MANN_WHITNEY and floor >= alpha:
        return f"{_sizes(found)} runs cannot go below {p_text(floor)}"
    runs = counted(found.reference.n + found.group.n, "run")
    return f"{p} with {runs}"


def lowest_p(first: int, second: int) -> float:
    """Return the smallest p-value that counting out the ranks of two groups can give."""
    return min(1.0, 2.0 / math.comb(first + second, first))


def _sizes(found: GroupDelta) -> str:
    return f"{found.reference.n} v {found.group.n}"
