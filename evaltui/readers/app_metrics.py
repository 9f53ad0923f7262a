"""Metrics of an app evaluation, worked out from its apps.

A rate is passed / (passed + failed): what was not evaluated and what erred is counted beside it,
never in it. A mean is over the apps that have the value. What nobody has is not there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from evaltui.domain.catalogue import CHECKS
from evaltui.domain.metric import Unit
from evaltui.domain.report import MetricValue
from evaltui.late_dataclass import dataclass
from evaltui.readers.apps import App

AVERAGES: Mapping[str, str] = {
    "local_runability_score": "avg_local_runability_score",
    "deployability_score": "avg_deployability_score",
    "appeval_100": "avg_appeval_100",
    "eff_units": "avg_eff_units",
    "test_coverage_pct": "avg_coverage",
    "build_time_sec": "avg_build_time",
    "startup_time_sec": "avg_startup_time",
    "total_loc": "avg_loc_per_app",
    "turns": "avg_turns_per_app",
}
"""Metric that the mean of a number over the apps is logged as, beside `<number>_mean`."""

TOTALS: Mapping[str, str] = {
    "total_loc": "total_loc",
    "input_tokens": "total_input_tokens",
    "output_tokens": "total_output_tokens",
    "cost_usd": "generation_cost_usd",
}
"""Metric that the sum of a number over the apps is logged as."""

QUALITY_CHECKS = ("build_success", "runtime_success", "tests_pass", "databricks_connectivity")
QUALITY = "overall_quality_score"
QUALITY_VERSION = "3"


@dataclass(frozen=True, slots=True)
class Tally:
    """Outcomes of one check: counts of apps, at least 0."""

    passed: int = 0
    failed: int = 0
    na: int = 0
    errors: int = 0

    @property
    def n(self) -> int:
        """Number of apps in the denominator."""
        return self.passed + self.failed

    @property
    def rate(self) -> float | None:
        """Share of the evaluated apps that passed, or None when none was evaluated."""
        return self.passed / self.n if self.n else None


@dataclass(slots=True)
class Stated:
    """What the report itself says about all its apps.

    Attributes:
        total_apps: Number of apps, or None.
        tallies: Outcomes per check.
        values: Value by metric name and by how much rounding may have moved it.
    """

    total_apps: int | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)
    values: dict[str, tuple[float, float]] = field(default_factory=dict)

    def rates(self) -> dict[str, tuple[float, float]]:
        """Return all values by metric name, those of the checks as rates."""
        rates = {
            f"{check}_rate": (tally.rate, 0.0)
            for check, tally in self.tallies.items()
            if tally.rate is not None
        }
        return rates | self.values


def metrics_of_apps(apps: Sequence[App], stated: Stated) -> list[MetricValue]:
    """Return the metrics of the apps; no apps give no metrics.

    Args:
        apps: The apps.
        stated: What the report says itself: it counts for checks that no app has.
    """
    tallies = _tallies(apps, stated.tallies)
    metrics = metrics_of_tallies(tallies)
    for name, values in _numbers(apps).items():
        metrics += number_metrics(name, values)
    cost = [app.cost_usd for app in apps if app.cost_usd is not None]
    metrics += number_metrics("cost_usd", cost)
    metrics += apps_per_dollar(cost)
    return [*metrics, *_templates(apps)]


def metrics_of_statement(stated: Stated) -> list[MetricValue]:
    """Return the metrics of a report that does not hold its apps."""
    if not stated.total_apps and not any(tally.n for tally in stated.tallies.values()):
        return []
    metrics = metrics_of_tallies(stated.tallies)
    return metrics + [MetricValue(name, value) for name, (value, _) in stated.values.items()]


def metrics_of_tallies(tallies: Mapping[str, Tally]) -> list[MetricValue]:
    """Return rate and counts of each check, and the overall score where all its parts are there."""
    metrics: list[MetricValue] = []
    for check, tally in tallies.items():
        if tally.rate is not None:
            metrics.append(MetricValue(f"{check}_rate", tally.rate, unit=Unit.RATE, n=tally.n))
            metrics.append(_count(f"{check}_pass", tally.passed))
            metrics.append(_count(f"{check}_fail", tally.failed))
        metrics.append(_count(f"{check}_n", tally.n))
        metrics.append(_count(f"{check}_na", tally.na))
        metrics.append(_count(f"{check}_error", tally.errors))
    rates = [tallies[check].rate for check in QUALITY_CHECKS if check in tallies]
    known = [rate for rate in rates if rate is not None]
    if len(known) == len(QUALITY_CHECKS):
        metrics.append(MetricValue(QUALITY, math.fsum(known) / len(known), unit=Unit.RATE))
    return metrics


def number_metrics(name: str, values: Sequence[float]) -> list[MetricValue]:
    """Return mean, standard error (of at least 2 values), average and total of a number."""
    if not values:
        return []
    mean = _finite(lambda: math.fsum(values) / len(values))
    if mean is None:
        return []
    metrics = [MetricValue(f"{name}_mean", mean)]
    stderr = standard_error(values)
    if stderr is not None:
        metrics.append(MetricValue(f"{name}_stderr", stderr))
    if name in AVERAGES:
        metrics.append(MetricValue(AVERAGES[name], mean))
    total = _finite(lambda: math.fsum(values))
    if name in TOTALS and total is not None:
        metrics.append(MetricValue(TOTALS[name], total))
    return metrics


def standard_error(values: Sequence[float]) -> float | None:
    """Return sd/sqrt(n) with the sample's standard deviation, or None for fewer than 2 values."""
    n = len(values)
    if n < 2:  # noqa: PLR2004 - one value has no spread
        return None

    def compute() -> float:
        mean = math.fsum(values) / n
        return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)

    return _finite(compute)


def apps_per_dollar(costs: Sequence[float]) -> list[MetricValue]:
    """Return how many of the apps with a known cost one dollar buys; no cost buys none."""
    ratio = _finite(lambda: len(costs) / math.fsum(costs))
    return [MetricValue("apps_per_dollar", ratio)] if ratio is not None and ratio > 0 else []


def _finite(compute: Callable[[], float]) -> float | None:
    """Return what `compute` gives, or None where the numbers are too large for it."""
    try:
        value = compute()
    except (OverflowError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) else None


def _tallies(apps: Sequence[App], stated: Mapping[str, Tally]) -> dict[str, Tally]:
    present = {check for app in apps for check in app.checks}
    if all(app.errored for app in apps):
        present |= set(stated)
    tallies = {check: _tally(apps, check) for check in CHECKS if check in present}
    return tallies | {check: tally for check, tally in stated.items() if check not in tallies}


def _tally(apps: Iterable[App], check: str) -> Tally:
    counts: Counter[str] = Counter()
    for app in apps:
        result = app.checks.get(check)
        if app.errored:
            counts["errors"] += 1
        elif result is None:
            counts["na"] += 1
        else:
            counts["passed" if result else "failed"] += 1
    return Tally(**counts)


def _numbers(apps: Iterable[App]) -> dict[str, list[float]]:
    numbers: dict[str, list[float]] = {}
    for app in apps:
        for name, value in (app.scores | app.numbers).items():
            if value is not None:
                numbers.setdefault(name, []).append(value)
    return numbers


def _templates(apps: Iterable[App]) -> list[MetricValue]:
    counts = Counter(app.template for app in apps if app.template)
    return [_count(f"template_{name}_count", count) for name, count in sorted(counts.items())]


def _count(name: str, value: int) -> MetricValue:
    return MetricValue(name, float(value), unit=Unit.COUNT)
