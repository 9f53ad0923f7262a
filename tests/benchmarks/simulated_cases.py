"""Cases and runs drawn from worlds whose truth is known.

Two runs of one case are drawn from a normal pair of the given correlation, which then becomes a
check (a threshold), a grade from 0 to 5 (rounded) or a cost (its exponential). The correlation says
how much the case, and not the run, decides: .8 is common when the same tasks are repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Pair = tuple[Floats, Floats]

PASS_RATE = 0.8
GRADE_MEAN, GRADE_SD, GRADE_TOP = 3.4, 1.2, 5.0
COST_SD = 0.8
KINDS = ("check", "check", "check", "check", "grade", "grade", "cost", "cost")
"""The metrics of a family that is corrected together."""

_SHARED = 0.5
"""Correlation between the metrics of one case."""


@dataclass(frozen=True)
class World:
    """How two runs relate.

    Attributes:
        n: Cases.
        correlation: Of the two runs of a case.
        drop: How much the second run's pass rate is lower, in [0, .8].
        shift: How much its grades are lower, and its log costs higher.
    """

    n: int
    correlation: float
    drop: float = 0.0
    shift: float = 0.0


def draw(random: np.random.Generator, world: World, kind: str) -> Pair:
    """Return one metric of the same cases in two runs."""
    return _as_metric(_latent(random, world, random.standard_normal(world.n)), world, kind)


def draw_family(random: np.random.Generator, world: World, *, true: int = 0) -> list[Pair]:
    """Return the metrics of one family; only the first `true` of them really differ."""
    shared = random.standard_normal(world.n)
    same = World(world.n, world.correlation)
    pairs = []
    for index, kind in enumerate(KINDS):
        own = random.standard_normal(world.n)
        case = np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own
        truth = world if index < true else same
        pairs.append(_as_metric(_latent(random, truth, case), truth, kind))
    return pairs


def draw_arms(
    random: np.random.Generator, size: int, *, shift: float = 0.0, spread: float = 1.0
) -> Pair:
    """Return one number per run of two groups of runs; the second has `spread` times the noise."""
    return random.standard_normal(size), shift + spread * random.standard_normal(size)


def _latent(random: np.random.Generator, world: World, case: Floats) -> Pair:
    weight, rest = np.sqrt(world.correlation), np.sqrt(1 - world.correlation)
    noise = random.standard_normal((2, world.n))
    return weight * case + rest * noise[0], weight * case + rest * noise[1]


def _as_metric(latent: Pair, world: World, kind: str) -> Pair:
    first, second = latent
    if kind == "check":
        rates = PASS_RATE, PASS_RATE - world.drop
        before, after = (NormalDist().inv_cdf(rate) for rate in rates)
        return (first < before).astype(float), (second < after).astype(float)
    if kind == "grade":
        return _grade(first), _grade(second - world.shift / GRADE_SD)
    return np.exp(COST_SD * first), np.exp(COST_SD * second + world.shift)


def _grade(latent: Floats) -> Floats:
    return np.clip(np.rint(GRADE_MEAN + GRADE_SD * latent), 0, GRADE_TOP)
