"""What is known about metrics by name: which way is better, what they count, how they are shown.

The direction of a metric is decided in this order: what people set, what the report states, this
catalogue, inference from the name, neutral.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache

from evaltui.domain.inference import inferred_direction, inferred_unit
from evaltui.domain.metric import Direction, Unit
from evaltui.late_dataclass import dataclass

HEADLINE_CANDIDATES = ("overall_quality_score", "avg_appeval_100", "avg_local_runability_score")
"""Primary metrics of the app-evaluation family, best first."""

CHECKS = (
    "build_success",
    "runtime_success",
    "tests_pass",
    "databricks_connectivity",
    "type_safety",
    "data_returned",
    "ui_renders",
    "agent_build_success",
    "agent_run_success",
    "agent_test_success",
    "agent_deploy_success",
    "local_runability_pass",
    "deployability_pass",
)
"""Pass/fail checks of an app, in the order they are shown."""

ALIASES: Mapping[str, str] = {
    "avg_runability_score": "avg_local_runability_score",
    "local_runability_avg": "avg_local_runability_score",
    "deployability_avg": "avg_deployability_score",
    "gen_avg_turns": "avg_turns_per_app",
    "gen_total_cost_usd": "generation_cost_usd",
    **{f"{check}_mean": f"{check}_rate" for check in CHECKS},
}
"""Names of older trackers and what they are called now; values have the same meaning."""


def aliases_of(name: str) -> tuple[str, ...]:
    """Return the other names that values of the same meaning have, the present one first."""
    known = ALIASES.get(name, name)
    return tuple(other for other in (known, *_OLDER.get(known, ())) if other != name)


_OLDER: Mapping[str, tuple[str, ...]] = {
    known: tuple(old for old, now in ALIASES.items() if now == known)
    for known in dict.fromkeys(ALIASES.values())
}


class SpecSource(StrEnum):
    """Where the direction of a metric comes from, in falling order of trust."""

    OVERRIDE = "override"
    REPORT = "report"
    CATALOGUE = "catalogue"
    INFERRED = "inferred"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a metric may move before the move counts, at least 0.

    Attributes:
        amount: In the metric's unit, or a share of the baseline's magnitude when `relative`.
        relative: Whether `amount` is a share (0.05 is 5 %).
    """

    amount: float = 0.0
    relative: bool = False

    def around(self, baseline: float) -> float:
        """Return the tolerance in the metric's unit at a baseline value."""
        return self.amount * abs(baseline) if self.relative else self.amount


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a metric means.

    Attributes:
        direction: Which way is better; NEUTRAL metrics only differ.
        precision: Decimals to show, 0 to 6.
        tolerance: Default tolerance of a verdict.
        source: Where `direction` comes from.
        rank: Display priority, lower is shown earlier; UNRANKED for what is not catalogued.
    """

    name: str
    direction: Direction
    unit: Unit
    precision: int
    tolerance: Tolerance
    source: SpecSource
    rank: int


UNRANKED = 1_000
"""Rank of metrics the catalogue does not know."""


@dataclass(frozen=True, slots=True)
class _Entry:
    direction: Direction
    unit: Unit
    rank: int
    top: float = 0.0  # upper end of a score's scale
    precision: int | None = None


_H, _L, _N = Direction.HIGHER, Direction.LOWER, Direction.NEUTRAL

_ENTRIES: Mapping[str, _Entry] = {
    "overall_quality_score": _Entry(_H, Unit.RATE, 0),
    "avg_appeval_100": _Entry(_H, Unit.SCORE, 1, top=100, precision=1),
    "avg_local_runability_score": _Entry(_H, Unit.SCORE, 40, top=5),
    "avg_deployability_score": _Entry(_H, Unit.SCORE, 41, top=5),
    "avg_eff_units": _Entry(_L, Unit.RAW, 42, precision=1),
    "generation_cost_usd": _Entry(_L, Unit.USD, 50),
    "total_cost_usd": _Entry(_L, Unit.USD, 51),
    "avg_cost_usd": _Entry(_L, Unit.USD, 52),
    "apps_per_dollar": _Entry(_H, Unit.RAW, 53, precision=2),
    "avg_turns_per_app": _Entry(_L, Unit.RAW, 54, precision=1),
    "avg_turns": _Entry(_L, Unit.RAW, 55, precision=1),
    "total_output_tokens": _Entry(_L, Unit.TOKENS, 56),
    "total_input_tokens": _Entry(_L, Unit.TOKENS, 57),
    "total_tokens": _Entry(_L, Unit.TOKENS, 58),
    "avg_output_tokens": _Entry(_L, Unit.TOKENS, 59),
    "avg_input_tokens": _Entry(_L, Unit.TOKENS, 60),
    "avg_tokens": _Entry(_L, Unit.TOKENS, 61),
    "avg_tokens_per_turn": _Entry(_L, Unit.TOKENS, 62),
    "tokens_used": _Entry(_L, Unit.TOKENS, 63),
    "agent_turns": _Entry(_L, Unit.RAW, 64, precision=1),
    "avg_build_time": _Entry(_L, Unit.SECONDS, 70),
    "avg_startup_time": _Entry(_L, Unit.SECONDS, 71),
    "build_time_sec": _Entry(_L, Unit.SECONDS, 72),
    "startup_time_sec": _Entry(_L, Unit.SECONDS, 73),
    "generation_time_sec": _Entry(_L, Unit.SECONDS, 74),
    "avg_coverage": _Entry(_H, Unit.PERCENT, 75),
    "test_coverage_pct": _Entry(_H, Unit.PERCENT, 76),
    "success_rate": _Entry(_H, Unit.RATE, 77),
    "successful_apps": _Entry(_H, Unit.COUNT, 78),
    "failed_apps": _Entry(_L, Unit.COUNT, 79),
    "total_apps": _Entry(_N, Unit.COUNT, 80),
    "evaluated": _Entry(_N, Unit.COUNT, 81),
    "local_runability_score": _Entry(_H, Unit.SCORE, 90, top=5),
    "runability_score": _Entry(_H, Unit.SCORE, 91, top=5),
    "deployability_score": _Entry(_H, Unit.SCORE, 92, top=5),
    "data_validity_score": _Entry(_H, Unit.SCORE, 93, top=5),
    "ui_functional_score": _Entry(_H, Unit.SCORE, 94, top=5),
    "appeval_100": _Entry(_H, Unit.SCORE, 95, top=100, precision=1),
    "eff_units": _Entry(_L, Unit.RAW, 96, precision=1),
    "cost_usd": _Entry(_L, Unit.USD, 97),
    "input_tokens": _Entry(_L, Unit.TOKENS, 98),
    "output_tokens": _Entry(_L, Unit.TOKENS, 99),
    "turns": _Entry(_L, Unit.RAW, 100, precision=1),
    "issue_count": _Entry(_L, Unit.COUNT, 101),
    "total_loc": _Entry(_N, Unit.COUNT, 102),
    "avg_loc_per_app": _Entry(_N, Unit.RAW, 103, precision=1),
    "has_dockerfile": _Entry(_H, Unit.RATE, 104),
    "has_tests": _Entry(_H, Unit.RATE, 105),
}

_CHECK_PART = re.compile(rf"({'|'.join(CHECKS)})(?:_(rate|pass|fail|error|n|na))?\Z")
_PARTS: Mapping[str, tuple[Direction, Unit, int]] = {
    "rate": (_H, Unit.RATE, 10),
    "": (_H, Unit.COUNT, 110),
    "pass": (_H, Unit.COUNT, 110),
    "fail": (_L, Unit.COUNT, 130),
    "error": (_L, Unit.COUNT, 150),
    "n": (_N, Unit.COUNT, 170),
    "na": (_N, Unit.COUNT, 190),
}
_TEMPLATE = re.compile(r"template_.+_count\Z")
_STATISTIC = re.compile(r"(?P<base>.+)_(?P<kind>mean|median|min|max|stderr|std|n|na)\Z")
_PRECISION: Mapping[Unit, int] = {
    Unit.RATE: 2,
    Unit.PERCENT: 1,
    Unit.SCORE: 2,
    Unit.COUNT: 0,
    Unit.SECONDS: 1,
    Unit.USD: 2,
    Unit.TOKENS: 0,
    Unit.RAW: 3,
}
_RATE_POINTS = 0.02
_SCORE_SHARE = 0.02
_EXPENSE_SHARE = 0.05


def spec_for(
    name: str,
    *,
    overrides: Mapping[str, Direction] | None = None,
    stated: Direction | None = None,
) -> MetricSpec:
    """Return what is known about the metric `name`.

    Args:
        name: Name as it is logged.
        overrides: Directions that people set, the user's own before the experiment's.
        stated: Direction the report itself states, or None.
    """
    spec = _known(name)
    if overrides is not None and name in overrides:
        return replace(spec, direction=overrides[name], source=SpecSource.OVERRIDE)
    if stated is not None:
        return replace(spec, direction=stated, source=SpecSource.REPORT)
    return spec


def default_columns(names: Iterable[str], headline: str | None) -> list[str]:
    """Choose the metrics worth a column of the run list, in order of display.

    The main rates come first, then the primary metric, then cost. A store without any of those
    gets its primary metric and its other metrics in order of rank, then name.

    Args:
        names: Metrics that some run has.
        headline: The primary metric, or None.
    """
    known = set(names)
    rates = [f"{check}_rate" for check in CHECKS[:4] if f"{check}_rate" in known]
    cost = next((name for name in _COST_COLUMNS if name in known), None)
    chosen = [*rates, headline if headline in known else None, cost]
    columns = list(dict.fromkeys(name for name in chosen if name is not None))
    if rates:
        return columns
    others = (name for name in known - set(columns) if not _is_auxiliary(name))
    return columns + sorted(others, key=lambda name: (spec_for(name).rank, name))[:_MOST_OTHERS]


_COST_COLUMNS = ("generation_cost_usd", "gen_total_cost_usd", "total_cost_usd", "cost_usd")
_MOST_OTHERS = 8


def short_title(name: str) -> str:
    """Return a head of at most 6 characters for a column of the run list.

    The name is foreign text: clean the result before it is shown.
    """
    name = ALIASES.get(name, name)
    if name in _TITLES:
        return _TITLES[name]
    words = [word for word in re.split(r"[\W_]+", name.rstrip("/").rpartition("/")[2]) if word]
    telling = [word for word in words if word.lower() not in _NOISE and not word.isdigit()]
    telling = telling or words or [name]
    return "_".join(telling)[:_TITLE_LENGTH]


_TITLE_LENGTH = 6
_NOISE = frozenset({"avg", "mean", "total", "rate", "score", "success", "usd", "pass", "gen"})
_TITLES: Mapping[str, str] = {
    "build_success_rate": "build",
    "runtime_success_rate": "runtm",
    "type_safety_rate": "types",
    "tests_pass_rate": "tests",
    "databricks_connectivity_rate": "db",
    "data_returned_rate": "data",
    "ui_renders_rate": "ui",
    "overall_quality_score": "score",
    "avg_appeval_100": "appev",
    "avg_eff_units": "eff",
    "avg_local_runability_score": "runab",
    "avg_deployability_score": "deploy",
    "generation_cost_usd": "cost$",
    "total_cost_usd": "cost$",
    "cost_usd": "cost$",
    "total_output_tokens": "outtok",
    "total_input_tokens": "intok",
    "avg_turns_per_app": "turns",
    "apps_per_dollar": "app/$",
}


@lru_cache(maxsize=8_192)
def _known(name: str) -> MetricSpec:
    entry = _catalogued(name)
    if entry is not None:
        return _spec(name, entry, SpecSource.CATALOGUE)
    statistic = _STATISTIC.match(name)
    if statistic is not None:
        return _spec_of_statistic(name, statistic["base"], statistic["kind"])
    direction, unit = inferred_direction(name), inferred_unit(name)
    source = SpecSource.DEFAULT if direction is None else SpecSource.INFERRED
    return _spec(name, _Entry(direction or _N, unit, UNRANKED), source)


def _catalogued(name: str) -> _Entry | None:
    name = ALIASES.get(name, name)
    if name.startswith(("gen_", "generation/")):
        bare = name.removeprefix("gen_").removeprefix("generation/")
        name = bare if bare in _ENTRIES else name
    if name in _ENTRIES:
        return _ENTRIES[name]
    check = _CHECK_PART.match(name)
    if check is not None:
        direction, unit, rank = _PARTS[check[2] or ""]
        return _Entry(direction, unit, rank + CHECKS.index(check[1]))
    return _Entry(_N, Unit.COUNT, 210) if _TEMPLATE.match(name) else None


def _spec_of_statistic(name: str, base: str, kind: str) -> MetricSpec:
    of = _known(base)
    if kind in {"n", "na"}:
        return _spec(name, _Entry(_N, Unit.COUNT, max(of.rank, 170)), SpecSource.CATALOGUE)
    if kind in {"std", "stderr"}:
        entry = _Entry(_N, of.unit, max(of.rank, 170), precision=of.precision)
        return _spec(name, entry, SpecSource.CATALOGUE)
    if of.unit is Unit.COUNT:  # a mean of counts is no count any more
        entry = _Entry(of.direction, Unit.RAW, of.rank, precision=2)
        return _spec(name, entry, of.source)
    return replace(of, name=name)


def _spec(name: str, entry: _Entry, source: SpecSource) -> MetricSpec:
    precision = _PRECISION[entry.unit] if entry.precision is None else entry.precision
    return MetricSpec(
        name=name,
        direction=entry.direction,
        unit=entry.unit,
        precision=precision,
        tolerance=_tolerance(entry),
        source=source,
        rank=entry.rank,
    )


def _tolerance(entry: _Entry) -> Tolerance:
    if entry.unit is Unit.RATE:
        return Tolerance(_RATE_POINTS)
    if entry.unit is Unit.PERCENT:
        return Tolerance(_RATE_POINTS * 100)
    if entry.unit is Unit.SCORE:
        if entry.top:
            return Tolerance(_SCORE_SHARE * entry.top)
        return Tolerance(_SCORE_SHARE, relative=True)  # the scale is not known
    if entry.unit is Unit.COUNT:
        return Tolerance()
    return Tolerance(_EXPENSE_SHARE, relative=True)


def _is_auxiliary(name: str) -> bool:
    spec = spec_for(name)
    return spec.direction is _N and spec.source is SpecSource.CATALOGUE
