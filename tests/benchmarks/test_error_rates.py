"""The bounded, seeded version of simulate.py: error rates hold, and power is what theory says."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import simulate
from simulate import Cell, Study, false_alarms, false_alarms_of_groups, power
from simulated_cases import World, draw, draw_family
from theoretical_power import fisher_power, joint_rates, mcnemar_power, welch_power

SIMULATE = Path(simulate.__file__)


@pytest.mark.parametrize("n", [10, 50])
def test_false_alarms_stay_at_the_nominal_rate(n: int) -> None:
    cells = list(false_alarms(Study(draws=120, seed=5), sizes=(n,)))
    assert {cell.test for cell in cells} == {
        "McNemar exact",
        "McNemar mid-p",
        "Fisher",
        "sign flip",
        "log-ratio sign flip",
        "Holm",
        "Benjamini-Hochberg",
    }
    assert [simulate.line(cell) for cell in cells if not cell.holds] == []


def test_false_alarms_between_groups_of_runs_stay_at_the_nominal_rate() -> None:
    cells = list(false_alarms_of_groups(Study(draws=400, seed=5), sizes=(4, 10)))
    assert {cell.test for cell in cells} == {"Welch", "Mann-Whitney"}
    assert [simulate.line(cell) for cell in cells if not cell.holds] == []


def test_power_is_what_theory_says() -> None:
    cells = [cell for cell in power(Study(draws=200, seed=5)) if cell.theory is not None]
    assert len(cells) >= 12
    for cell in cells:
        assert cell.theory is not None
        # Theory is approximate for ranks, permutations and Welch's degrees of freedom.
        slack = 0.03 if cell.test.startswith(("McNemar", "Fisher")) else 0.12
        noise = math.sqrt(cell.theory * (1 - cell.theory) / cell.draws)
        assert cell.rate == pytest.approx(cell.theory, abs=3 * noise + slack), simulate.line(cell)


def test_a_test_that_alarms_too_often_is_noticed() -> None:
    honest = Cell("false alarms", "any", 10, 0.0, "none", 1_000, 0.055, 0.007, limit=0.05)
    broken = Cell("false alarms", "any", 10, 0.0, "none", 1_000, 0.09, 0.009, limit=0.05)
    assert honest.holds
    assert not broken.holds
    assert "BROKEN" in simulate.line(broken)


def test_the_simulated_worlds_are_what_they_say() -> None:
    import numpy as np

    random = np.random.default_rng(0)
    before, after = draw(random, World(200_000, 0.8, drop=0.1), "check")
    assert before.mean() == pytest.approx(0.8, abs=0.005)
    assert after.mean() == pytest.approx(0.7, abs=0.005)
    broken, fixed = joint_rates(0.8, 0.7, 0.8)
    assert ((before == 1) & (after == 0)).mean() == pytest.approx(broken, abs=0.004)
    assert ((before == 0) & (after == 1)).mean() == pytest.approx(fixed, abs=0.004)
    before, after = draw(random, World(200_000, 0.8, shift=0.1), "cost")
    assert np.corrcoef(np.log(before), np.log(after))[0, 1] == pytest.approx(0.8, abs=0.01)
    assert np.median(after / before) == pytest.approx(math.exp(0.1), rel=0.01)
    family = draw_family(random, World(50_000, 0.8, drop=0.3), true=1)
    drops = [first.mean() - second.mean() for first, second in family[:4]]
    assert drops == pytest.approx([0.3, 0, 0, 0], abs=0.01)
    assert np.corrcoef(family[4][0], family[5][0])[0, 1] > 0.3


def test_theory_gives_the_known_powers() -> None:
    # Of a drop from 80 to 70 %, the runs correlated .8: McNemar 60 % with 100 cases; 20 % with 20.
    assert mcnemar_power(100, joint_rates(0.8, 0.7, 0.8), 0.05) == pytest.approx(0.60, abs=0.01)
    assert mcnemar_power(20, joint_rates(0.8, 0.6, 0.8), 0.05) == pytest.approx(0.20, abs=0.01)
    assert fisher_power(50, 0.5, 0.5, 0.05) < 0.05
    assert welch_power(50, 0.0, 2.0, 0.05) == pytest.approx(0.05, abs=1e-6)


def test_the_same_seed_prints_the_same_figures(tmp_path: Path) -> None:
    outputs = []
    for name in ("one.json", "two.json"):
        command = [sys.executable, str(SIMULATE), "--draws", "20", "--only", "Welch"]
        printed = subprocess.run(
            [*command, "--json", str(tmp_path / name)], check=True, capture_output=True, text=True
        )
        outputs.append(printed.stdout)
    assert outputs[0] == outputs[1]
    figures = json.loads((tmp_path / "one.json").read_text())
    assert len(figures) == len(outputs[0].splitlines()) > 10
    assert all(figure["holds"] and figure["draws"] == 20 for figure in figures)
