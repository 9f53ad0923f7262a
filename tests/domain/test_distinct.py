from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.distinct import distinct


@given(st.lists(st.integers(-5, 5) | st.integers(-(2**62), 2**62)))
def test_it_agrees_with_numpy(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.int64)
    assert distinct(array).tolist() == np.unique(array).tolist()


def test_listing_and_merging_runs_does_without_masked_arrays() -> None:
    script = """
import sys
from evaltui.domain.run import Run, RunStatus
from evaltui.domain.table import RunDelta, RunTable
from evaltui.domain.trend import eligible_order
run = Run("r", "1", "name", RunStatus.FINISHED, 1, 2, metrics={"m": 1.0}, params={}, tags={})
table = RunTable()
assert table.apply(RunDelta.from_runs([run])).tolist() == [0]
print([name for name in sys.modules if name.startswith("numpy.ma.")])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
