"""What holds for the statistics as a whole: cheap to import, deterministic, ready for size."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from evaltui.stats.intervals import newcombe, newcombe_paired, wilson
from evaltui.stats.multiplicity import benjamini_hochberg, holm
from evaltui.stats.paired import bca_mean, mcnemar_exact, mcnemar_midp, sign_flip
from evaltui.stats.power import (
    fewest_discordant,
    mde_paired_mean,
    mde_paired_rate,
    mde_unpaired_rate,
)
from evaltui.stats.unpaired import fisher_exact, welch

MODULES = ["intervals", "multiplicity", "paired", "power", "unpaired"]


def _loaded_after(code: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(printed.stdout.split())


def test_the_package_needs_nothing_but_numpy_and_the_standard_library() -> None:
    imports = "\n".join(f"import evaltui.stats.{name}" for name in MODULES)
    new = _loaded_after(imports) - _loaded_after("import numpy, statistics")
    foreign = {name.partition(".")[0] for name in new} - {"evaltui", "numpy"}
    assert not {name for name in foreign if name not in sys.stdlib_module_names}


def test_no_call_draws_in_an_oracle() -> None:
    calls = (
        "from evaltui.stats import paired, unpaired\n"
        "values = [0.1 * i - 1 for i in range(30)]\n"
        "paired.sign_flip(values), paired.bca_mean(values), paired.mcnemar_exact(3, 9)\n"
        "unpaired.welch(values, values[3:]), unpaired.mann_whitney_exact(values, values[3:])"
    )
    assert not {"scipy", "statsmodels", "pandas"} & _loaded_after(calls)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 1.5, float("nan")])
@pytest.mark.parametrize(
    "call",
    [
        lambda alpha: wilson(1, 2, alpha=alpha),
        lambda alpha: newcombe(1, 2, 1, 2, alpha=alpha),
        lambda alpha: newcombe_paired(1, 2, 1, 2, alpha=alpha),
        lambda alpha: bca_mean([1, 2, 3], alpha=alpha),
        lambda alpha: welch([1, 2], [2, 4], alpha=alpha),
        lambda alpha: mde_paired_rate(20, 0.2, alpha=alpha),
        lambda alpha: mde_paired_mean(20, 0.2, alpha=alpha),
        lambda alpha: mde_unpaired_rate(20, 20, 0.2, alpha=alpha),
        lambda alpha: mde_paired_rate(20, 0.2, power=alpha),
        fewest_discordant,
    ],
)
def test_an_error_rate_outside_0_and_1_is_refused(
    call: Callable[[float], object], alpha: float
) -> None:
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        call(alpha)


@pytest.mark.parametrize(
    "call",
    [
        lambda: wilson(3, 2),
        lambda: wilson(-1, 2),
        lambda: newcombe(3, 2, 0, 1),
        lambda: newcombe_paired(1, -1, 0, 0),
        lambda: mcnemar_exact(-1, 2),
        lambda: mcnemar_midp(2, -1),
        lambda: fisher_exact(1, 1, 2, 1),
        lambda: sign_flip([1.0], draws=0),
        lambda: bca_mean([1.0, 2.0], draws=0),
        lambda: holm([0.5, 1.1]),
        lambda: benjamini_hochberg([-0.1]),
        lambda: mde_paired_rate(-1, 0.1),
        lambda: mde_paired_rate(10, 1.1),
        lambda: mde_paired_mean(10, -0.1),
        lambda: mde_paired_mean(10, float("nan")),
        lambda: mde_unpaired_rate(10, 10, -0.1),
        lambda: mde_unpaired_rate(10, -1, 0.5),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"cannot be|must|outside"):
        call()


def test_a_hundred_thousand_cases_give_the_answers_of_large_sample_theory() -> None:
    n = 100_000
    random = np.random.default_rng(11)
    differences = random.gamma(2.0, size=n) - 2.0 + 0.008
    error = differences.std() / np.sqrt(n)
    z = differences.mean() / error

    p = sign_flip(differences)
    interval = bca_mean(differences)

    from scipy import stats

    theory = 2 * stats.norm.sf(abs(z))
    assert abs(p - theory) < 5 * np.sqrt(theory / 10_000)
    assert interval is not None
    assert interval.low == pytest.approx(differences.mean() - 1.96 * error, abs=0.15 * error)
    assert interval.high == pytest.approx(differences.mean() + 1.96 * error, abs=0.15 * error)
    assert mcnemar_exact(20_000, 20_400) == pytest.approx(
        stats.binomtest(20_000, 40_400).pvalue, abs=1e-9
    )
    assert fisher_exact(80_000, n, 80_400, n) == pytest.approx(
        stats.fisher_exact([[80_000, 20_000], [80_400, 19_600]]).pvalue, abs=1e-9
    )


def test_the_global_random_state_is_neither_used_nor_moved() -> None:
    np.random.seed(1)  # noqa: NPY002 - the state that must stay untouched
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - see above
    values = np.linspace(-1, 1.3, 40)
    first = sign_flip(values, seed=3), bca_mean(values, seed=3)
    np.random.seed(2)  # noqa: NPY002 - see above
    second = sign_flip(values, seed=3), bca_mean(values, seed=3)
    np.random.seed(1)  # noqa: NPY002 - see above
    assert first == second
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 - see above
