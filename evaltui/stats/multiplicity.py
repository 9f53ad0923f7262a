"""Corrections of p-values for the number of metrics that were looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def holm(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return p-values adjusted so that the chance of any false alarm stays below alpha.

    Args:
        ps: P-values; None or NaN where a metric could not be tested.

    Returns:
        The adjusted values in the order given, each at least its p-value; None stays None and does
        not count as a test.

    Raises:
        ValueError: If a p-value is outside [0, 1].

    Source: Holm 1979, Scand. J. Stat. 6, 65-70 (step-down, adjusted p-values).
    """
    tested, order = _ordered(ps)
    factors = np.arange(len(order), 0, -1)
    adjusted = np.maximum.accumulate(tested[order] * factors)
    return _restored(ps, order, adjusted)


def benjamini_hochberg(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return p-values adjusted so that the expected share of false alarms stays below alpha.

    Args:
        ps: P-values; None or NaN where a metric could not be tested.

    Returns:
        The adjusted values in the order given, each at least its p-value; None stays None and does
        not count as a test.

    Raises:
        ValueError: If a p-value is outside [0, 1].

    Source: Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289-300 (step-up, adjusted p-values).
    """
    tested, order = _ordered(ps)
    factors = len(order) / np.arange(1, len(order) + 1)
    adjusted = np.minimum.accumulate((tested[order] * factors)[::-1])[::-1]
    return _restored(ps, order, adjusted)


def _is_missing(p: float | None) -> bool:
    return p is None or math.isnan(p)


def _ordered(ps: Sequence[float | None]) -> tuple[np.ndarray, np.ndarray]:
    tested = np.array([p for p in ps if p is not None and not math.isnan(p)], dtype=np.float64)
    if ((tested < 0.0) | (tested > 1.0)).any():
        raise ValueError("a p-value lies outside [0, 1]")
    return tested, np.argsort(tested, kind="stable")


def _restored(
    ps: Sequence[float | None], order: np.ndarray, adjusted: np.ndarray
) -> tuple[float | None, ...]:
    places = np.empty(len(order))
    places[order] = np.minimum(adjusted, 1.0)
    values = iter(places.tolist())
    return tuple(None if _is_missing(p) else next(values) for p in ps)
