"""The policy of a gate: which metrics count, how far each may move, and what fails."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from evaltui.domain.catalogue import Tolerance
from evaltui.domain.metric import Direction
from evaltui.domain.terms import ALPHA, CORRECTIONS
from evaltui.domain.verdict import Verdict
from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass

MIN_CASES = 10
"""Paired cases below which a gate without a policy does not judge."""

PASS, FAIL, INSUFFICIENT = "pass", "fail", "insufficient"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a gate goes by.

    Attributes:
        metrics: Primary metrics; () for the reader's headline metric.
        margins: Tolerance per metric, instead of the catalogue's.
        directions: Which way metrics get better; they win over configuration and experiment.
        alpha: Two-sided error rate.
        correction: `holm` over the primary metrics, `bh` over all of them, or `none`.
        min_cases: Paired cases that each primary metric needs; 0 takes rates of other cases, too.
        fail_on: Verdicts of a primary metric that fail.
        on_undecided: `pass` or `fail`.
        on_incomparable: `insufficient` (exit code 3), `fail` or `pass`.
        seed: Seed of every draw.
    """

    metrics: tuple[str, ...] = ()
    margins: Mapping[str, Tolerance] = field(default_factory=dict)
    directions: Mapping[str, Direction] = field(default_factory=dict)
    alpha: float = ALPHA
    correction: str = "holm"
    min_cases: int = MIN_CASES
    fail_on: tuple[Verdict, ...] = (Verdict.REGRESSED,)
    on_undecided: str = PASS
    on_incomparable: str = INSUFFICIENT
    seed: int = 0

    def to_json(self) -> dict[str, object]:
        """Return the policy as a gate prints it."""
        return {
            "metrics": list(self.metrics),
            "margins": {
                name: f"{margin.amount * 100:g}%" if margin.relative else margin.amount
                for name, margin in self.margins.items()
            },
            "directions": {name: way.value for name, way in self.directions.items()},
            "alpha": self.alpha,
            "correction": self.correction,
            "min_cases": self.min_cases,
            "fail_on": [verdict.value for verdict in self.fail_on],
            "on_undecided": self.on_undecided,
            "on_incomparable": self.on_incomparable,
            "seed": self.seed,
        }


TEMPLATE = """\
# Policy of `evaltui gate --policy FILE`. Every key is optional; these are the defaults.

# Metrics that decide; without any: the report's headline metric.
#metrics = ["tests_pass_rate", "generation_cost_usd"]

# Verdicts of those metrics that fail: regressed, soft (worse, but inside the margin).
#fail_on = ["regressed"]
# Too few cases to say: pass or fail.
#on_undecided = "pass"
# A metric that one run lacks or that changed its meaning: insufficient (exit code 3), fail, pass.
#on_incomparable = "insufficient"

# Paired cases that each metric needs, else exit code 3; 0 takes rates of unpaired cases, too.
#min_cases = 10
# Error rate, two-sided, and its correction for several metrics: holm (over those that decide),
# bh (Benjamini-Hochberg, over all), none.
#alpha = 0.05
#correction = "holm"
# Seed of the permutations and bootstrap samples.
#seed = 0

# How far a metric may get worse: in its unit (0.02 of a rate is 2 points), or in percent.
#[margins]
#tests_pass_rate = 0.02
#generation_cost_usd = "5%"

# Which way a metric gets better: higher, lower or neutral.
#[directions]
#my_score = "higher"
"""


def read_policy(text: str, place: str) -> Policy:
    """Return the policy that a TOML text states.

    Args:
        text: The text.
        place: Where it stands, for messages.

    Raises:
        ConfigError: It is no TOML, a key is unknown, or a value is not what the key takes.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{place}: not TOML: {error}", hint="texts need quotes") from error
    known = list(Policy.__dataclass_fields__)
    for name in raw:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise ConfigError(f"{place}: unknown key {name}", hint=hint)
    values = {name: _READERS[name](value, f"{place}: {name}") for name, value in raw.items()}
    return Policy(**values)


def _wrong(place: str, value: object, allowed: str) -> ConfigError:
    return ConfigError(f"{place}: {value!r} is not allowed", hint=f"allowed: {allowed}")


def _names(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong(place, value, "a list of metric names, at least one")
    if not all(isinstance(name, str) and name for name in value):
        raise _wrong(place, value, "a list of metric names")
    return tuple(dict.fromkeys(value))


def _table(value: Any, place: str) -> dict[str, Any]:
    """Flatten nested tables: a name with dots needs no quotes."""
    if not isinstance(value, Mapping):
        raise _wrong(place, value, "a table by metric")
    flat: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, Mapping):
            flat.update((f"{name}.{key}", inner) for key, inner in _table(item, place).items())
        else:
            flat[name] = item
    return flat


def _margins(value: Any, place: str) -> dict[str, Tolerance]:
    return {name: _margin(item, f"{place}.{name}") for name, item in _table(value, place).items()}


def _margin(value: Any, place: str) -> Tolerance:
    is_share = isinstance(value, str) and value.strip().endswith("%")
    try:
        amount = float(value.strip().removesuffix("%")) / 100 if is_share else value
    except ValueError:
        amount = None
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise _wrong(place, value, 'a number in the metric\'s unit, or a share such as "5%"')
    if not (math.isfinite(amount) and amount >= 0):
        raise _wrong(place, value, "0 or more")
    return Tolerance(float(amount), relative=is_share)


def _directions(value: Any, place: str) -> dict[str, Direction]:
    words = [way.value for way in Direction]
    return {
        name: Direction(_word(item, f"{place}.{name}", words))
        for name, item in _table(value, place).items()
    }


def _word(value: Any, place: str, words: Iterable[str]) -> str:
    allowed = list(words)
    if not isinstance(value, str) or value not in allowed:
        raise _wrong(place, value, "one of " + ", ".join(allowed))
    return value


def _alpha(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise _wrong(place, value, "a number between 0 and 1, such as 0.05")
    return float(value)


def _count(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(place, value, "a whole number, 0 or more")
    return value


_FAILING = (Verdict.REGRESSED.value, Verdict.SOFT.value)


def _verdicts(value: Any, place: str) -> tuple[Verdict, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong(place, value, "a list of " + ", ".join(_FAILING))
    return tuple(Verdict(_word(item, place, _FAILING)) for item in value)


_READERS: Mapping[str, Any] = {
    "metrics": _names,
    "margins": _margins,
    "directions": _directions,
    "alpha": _alpha,
    "correction": lambda value, place: _word(value, place, CORRECTIONS),
    "min_cases": _count,
    "fail_on": _verdicts,
    "on_undecided": lambda value, place: _word(value, place, (PASS, FAIL)),
    "on_incomparable": lambda value, place: _word(value, place, (INSUFFICIENT, FAIL, PASS)),
    "seed": _count,
}
