"""Measures how often verdicts are wrong, and how often they find what is there, by simulation.

    python tests/benchmarks/simulate.py [--draws 4000] [--seed 1] [--json OUT.json] [--only WORD]

False alarms are counted where nothing differs; they must not exceed alpha = .05 by more than three
standard errors of the simulation. Power is counted where the truth is a known drop, and shown
beside theory. A bounded version of this is part of the test suite (test_error_rates.py).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from simulated_cases import COST_SD, PASS_RATE, World, draw, draw_arms, draw_family
from theoretical_power import (
    fisher_power,
    joint_rates,
    mcnemar_power,
    rank_power,
    t_power,
    welch_power,
)

from evaltui.domain.significance import Finding, weigh_counts, weigh_pairs
from evaltui.stats.multiplicity import benjamini_hochberg, holm
from evaltui.stats.paired import mcnemar_midp
from evaltui.stats.unpaired import mann_whitney_exact, welch

ALPHA = 0.05
SIZES = (10, 20, 50, 200)
CORRELATIONS = (0.0, 0.8)
ARMS = (4, 5, 10, 20, 50, 200)
_SEEDS = 4
"""Draws of the tests themselves change with every trial, in turn."""

_CORRECTIONS = {"Holm": holm, "Benjamini-Hochberg": benjamini_hochberg}

Trial = Callable[[np.random.Generator, int], float]
"""One simulated comparison: 1 where it happened, 0 where not, or a share."""


@dataclass(frozen=True)
class Cell:
    """One figure.

    Attributes:
        what: `false alarms`, `power`, `missed truth` (interval without it) or `false stable`.
        rate: How often it happened.
        error: Standard error of the rate.
        limit: What it must not exceed, or None.
        theory: What it should be near, or None.
    """

    what: str
    test: str
    n: int
    correlation: float | None
    effect: str
    draws: int
    rate: float
    error: float
    limit: float | None = None
    theory: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the limit is kept, within three standard errors of the limit itself."""
        if self.limit is None:
            return True
        return self.rate <= self.limit + 3 * math.sqrt(self.limit * (1 - self.limit) / self.draws)


@dataclass(frozen=True)
class Study:
    """What all figures of one call share."""

    draws: int
    seed: int
    only: str = ""

    def cell(
        self,
        what: str,
        test: str,
        trial: Trial,
        world: World,
        *,
        effect: str = "none",
        limit: float | None = None,
        theory: float | None = None,
        paired: bool = True,
    ) -> Iterator[Cell]:
        """Run the trials of one figure, unless it is left out."""
        if self.only and self.only not in f"{what} {test}":
            return
        random = np.random.default_rng([self.seed, *f"{what} {test} {world} {effect}".encode()])
        outcomes = np.array([trial(random, number % _SEEDS) for number in range(self.draws)])
        yield Cell(
            what,
            test,
            world.n,
            world.correlation if paired else None,
            effect,
            self.draws,
            float(outcomes.mean()),
            float(outcomes.std() / math.sqrt(self.draws)),
            limit,
            theory,
        )


def _weigh(random: np.random.Generator, seed: int, world: World, kind: str) -> Finding:
    before, after = draw(random, world, kind)
    found = weigh_pairs(before, after, is_expense=kind == "cost", alpha=ALPHA, seed=seed)
    assert found is not None
    return found


def pair_trial(world: World, kind: str) -> Trial:
    """Return a trial of McNemar's test (check) or the sign flip of differences or log ratios."""
    return lambda random, seed: float(_weigh(random, seed, world, kind).p < ALPHA)


def midp_trial(world: World) -> Trial:
    """Return a trial of McNemar's mid-p."""

    def trial(random: np.random.Generator, seed: int) -> float:
        counts = _weigh(random, seed, world, "check").counts
        assert counts is not None
        return float(mcnemar_midp(counts.only_baseline, counts.only_candidate) < ALPHA)

    return trial


def _weigh_as_counts(random: np.random.Generator, world: World) -> Finding:
    before, after = draw(random, world, "check")
    passed = int(before.sum()), int(after.sum())
    found = weigh_counts(passed[0], world.n, passed[1], world.n, alpha=ALPHA)
    assert found is not None
    return found


def fisher_trial(world: World) -> Trial:
    """Return a trial of Fisher's test, which does not know that the cases are the same."""
    return lambda random, _: float(_weigh_as_counts(random, world).p < ALPHA)


def arms_trial(size: int, test: str, *, shift: float = 0.0, spread: float = 1.0) -> Trial:
    """Return a trial of Welch's or the rank-sum test of runs in two groups."""

    def trial(random: np.random.Generator, _: int) -> float:
        x, y = draw_arms(random, size, shift=shift, spread=spread)
        if test == "Mann-Whitney":
            return float(mann_whitney_exact(x, y) < ALPHA)
        found = welch(x, y, alpha=ALPHA)
        return float(found is not None and found.p < ALPHA)

    return trial


def family_trial(world: World, test: str, *, true: int = 0, found: bool = False) -> Trial:
    """Return a trial of eight metrics corrected together.

    It counts any false alarm; with true effects and Benjamini-Hochberg the share of false ones
    among the alarms, which is what it bounds; with `found` whether the first effect was found.
    """

    def trial(random: np.random.Generator, seed: int) -> float:
        pairs = draw_family(random, world, true=true)
        weighed = [
            weigh_pairs(*pair, is_expense=index >= 6, alpha=ALPHA, seed=seed)
            for index, pair in enumerate(pairs)
        ]
        adjusted = _CORRECTIONS[test]([one.p if one is not None else None for one in weighed])
        alarms = [p is not None and p < ALPHA for p in adjusted]
        if found:
            return float(alarms[0])
        false = sum(alarms[true:])
        return false / max(1, sum(alarms)) if test != "Holm" else float(false > 0)

    return trial


def false_alarms(study: Study, sizes: tuple[int, ...] = SIZES) -> Iterator[Cell]:
    """Count significant results where nothing differs."""
    for n in sizes:
        for correlation in CORRELATIONS:
            world = World(n, correlation)
            real = World(n, correlation, drop=0.3, shift=1.0)
            for test, trial in (
                ("McNemar exact", pair_trial(world, "check")),
                ("McNemar mid-p", midp_trial(world)),
                ("Fisher", fisher_trial(world)),
                ("sign flip", pair_trial(world, "grade")),
                ("log-ratio sign flip", pair_trial(world, "cost")),
                ("Holm", family_trial(world, "Holm")),
                ("Benjamini-Hochberg", family_trial(world, "Benjamini-Hochberg")),
            ):
                yield from study.cell("false alarms", test, trial, world, limit=ALPHA)
            for test in _CORRECTIONS:
                trial = family_trial(real, test, true=3)
                yield from study.cell(
                    "false alarms", test, trial, real, effect="3 of 8 differ", limit=ALPHA
                )


def false_alarms_of_groups(study: Study, sizes: tuple[int, ...] = ARMS) -> Iterator[Cell]:
    """Count significant results between groups of runs that do not differ."""
    for size in sizes:
        for test, spread in (("Welch", 1.0), ("Welch", 2.0), ("Mann-Whitney", 1.0)):
            yield from study.cell(
                "false alarms",
                test,
                arms_trial(size, test, spread=spread),
                World(size, 0.0),
                effect="none" if spread == 1.0 else "unequal noise",
                limit=ALPHA,
                paired=False,
            )


def power(study: Study) -> Iterator[Cell]:
    """Count how often a true drop is found, beside theory."""
    for n, drop, correlation in ((100, 0.1, 0.8), (100, 0.1, 0.0), (20, 0.2, 0.8), (50, 0.2, 0.8)):
        world, after = World(n, correlation, drop=drop), PASS_RATE - drop
        rates = joint_rates(PASS_RATE, after, correlation)
        effect = f"-{drop * 100:.0f} pp"
        exact, midp = (mcnemar_power(n, rates, ALPHA, midp=midp) for midp in (False, True))
        fisher = fisher_power(n, PASS_RATE, after, ALPHA) if correlation == 0.0 else None
        for test, trial, theory in (
            ("McNemar exact", pair_trial(world, "check"), exact),
            ("McNemar mid-p", midp_trial(world), midp),
            ("Fisher", fisher_trial(world), fisher),
        ):
            yield from study.cell("power", test, trial, world, effect=effect, theory=theory)
    for n, shift in ((20, 0.25), (100, 0.1)):
        world = World(n, 0.8, shift=shift)
        error = COST_SD * math.sqrt(2 * (1 - 0.8) / n)
        yield from study.cell(
            "power",
            "log-ratio sign flip",
            pair_trial(world, "cost"),
            world,
            effect=f"x{math.exp(shift):.2f}",
            theory=t_power(shift, error, n - 1, ALPHA),
        )
    for size, test, theory in (
        (5, "Welch", welch_power(5, 2.0, 1.0, ALPHA)),
        (10, "Welch", welch_power(10, 1.5, 1.0, ALPHA)),
        (10, "Mann-Whitney", rank_power(10, 1.5, ALPHA)),
    ):
        shift = 2.0 if size == 5 else 1.5
        trial = arms_trial(size, test, shift=shift)
        yield from study.cell(
            "power",
            test,
            trial,
            World(size, 0.0),
            effect=f"{shift:.1f} sd",
            theory=theory,
            paired=False,
        )


def power_of_families(study: Study) -> Iterator[Cell]:
    """Count how often the one metric that differs is found among eight."""
    world = World(100, 0.8, drop=0.2)
    rates = joint_rates(PASS_RATE, PASS_RATE - world.drop, world.correlation)
    for test in _CORRECTIONS:
        yield from study.cell(
            "power",
            test,
            family_trial(world, test, true=1, found=True),
            world,
            effect="-20 pp, 1 of 8",
            theory=mcnemar_power(world.n, rates, ALPHA / 8),
        )


def missed_truth(study: Study, sizes: tuple[int, ...] = SIZES) -> Iterator[Cell]:
    """Count intervals without the true difference: 0, or no change of the ratio."""
    for n in sizes:
        for correlation in CORRELATIONS:
            world = World(n, correlation)
            for test, kind, truth in (
                ("Newcombe paired", "check", 0.0),
                ("BCa mean", "grade", 0.0),
                ("BCa log ratio", "cost", 1.0),
            ):
                yield from study.cell("missed truth", test, _miss(world, kind, truth), world)
        yield from study.cell("missed truth", "Newcombe", _miss_of_counts(n), World(n, 0.0))


def _miss(world: World, kind: str, truth: float) -> Trial:
    def trial(random: np.random.Generator, seed: int) -> float:
        found = _weigh(random, seed, world, kind)
        assert found.low is not None
        assert found.high is not None
        return float(not found.low <= truth <= found.high)

    return trial


def _miss_of_counts(n: int) -> Trial:
    def trial(random: np.random.Generator, _: int) -> float:
        found = _weigh_as_counts(random, World(n, 0.0))
        assert found.low is not None
        assert found.high is not None
        return float(not found.low <= 0.0 <= found.high)

    return trial


def false_stable(study: Study, sizes: tuple[int, ...] = (200, 1_000)) -> Iterator[Cell]:
    """Count intervals inside the tolerance where the truth lies on its edge: 5 % more cost."""
    edge = math.log(1.05)
    for n in sizes:
        world = World(n, 0.98, shift=edge)

        def trial(random: np.random.Generator, seed: int, world: World = world) -> float:
            found = _weigh(random, seed, world, "cost")
            assert found.low is not None
            assert found.high is not None
            return float(-edge <= math.log(found.low) and math.log(found.high) <= edge)

        yield from study.cell(
            "false stable", "BCa log ratio", trial, world, effect="x1.05", limit=ALPHA / 2
        )


def everything(study: Study) -> Iterator[Cell]:
    """Yield all figures."""
    yield from false_alarms(study)
    yield from false_alarms_of_groups(study)
    yield from power(study)
    yield from power_of_families(study)
    yield from missed_truth(study)
    yield from false_stable(study)


def line(cell: Cell) -> str:
    """Return a figure as a line of the table."""
    correlation = "-" if cell.correlation is None else f"{cell.correlation:.2f}"
    theory = "" if cell.theory is None else f"theory {cell.theory:6.3f}"
    limit = "" if cell.limit is None else f"at most {cell.limit:.3f}"
    return (
        f"{cell.what:13} {cell.test:20} n {cell.n:5} corr {correlation:>5} {cell.effect:15}"
        f" {cell.rate:6.3f} +- {cell.error:.3f}  {theory}{limit}{'' if cell.holds else '  BROKEN'}"
    )


def main() -> int:
    """Print the table; exit 1 if a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--draws", type=int, default=4_000, help="simulated comparisons per figure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--only", default="", help="only figures whose name contains this")
    arguments = parser.parse_args()
    cells = []
    for cell in everything(Study(arguments.draws, arguments.seed, arguments.only)):
        cells.append(cell)
        print(line(cell), flush=True)
    if arguments.json is not None:
        figures = [{**asdict(cell), "holds": cell.holds} for cell in cells]
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0 if all(cell.holds for cell in cells) else 1


if __name__ == "__main__":
    sys.exit(main())
