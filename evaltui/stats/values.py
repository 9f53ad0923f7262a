"""What all functions of the package do first with what they are given."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Values = Sequence[float] | FloatArray

SMALLEST_P = sys.float_info.min
"""Stands for p-values too small for a float: no p-value is ever 0."""


def finite(values: Values) -> FloatArray:
    """Return the values that are neither NaN nor infinite, as a new array in the same order."""
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]


def as_p(value: float) -> float:
    """Return the value moved into (0, 1]: rounding may have carried it out."""
    return min(1.0, max(SMALLEST_P, float(value)))


def check_rate(name: str, value: float) -> None:
    """Raise ValueError unless the value lies strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must lie between 0 and 1, not {value!r}")


def check_counts(**counts: int) -> None:
    """Raise ValueError if a count is negative."""
    for name, count in counts.items():
        if count < 0:
            raise ValueError(f"{name} must not be negative, not {count!r}")


def check_successes(successes: int, n: int) -> None:
    """Raise ValueError unless 0 <= successes <= n."""
    if not 0 <= successes <= n:
        raise ValueError(f"{successes!r} successes of {n!r} cases cannot be")
