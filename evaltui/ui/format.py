"""Numbers and differences as the screen writes them."""

from __future__ import annotations

import math

from evaltui.domain.catalogue import MetricSpec
from evaltui.domain.metric import Direction, Unit

_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_COMPACT_FROM = 10_000
_BIG_RATIO = 9.995


def value_text(value: float | None, spec: MetricSpec, *, missing: str, width: int = 12) -> str:
    """Return a metric's value in its unit's precision, never longer than `width`.

    A number that does not fit loses decimals, then gets a suffix or an exponent: digits are never
    cut off, which would be another number.

    Args:
        value: The value; None or NaN is missing.
        spec: What is known about the metric.
        missing: Text for a missing value.
        width: Cells available, at least 6.
    """
    if value is None or not math.isfinite(value):
        return missing
    compact = spec.unit in {Unit.TOKENS, Unit.COUNT} and abs(value) >= _COMPACT_FROM
    return number_text(value, 1 if compact else spec.precision, width=width, compact=compact)


def number_text(value: float, precision: int, *, width: int = 12, compact: bool = False) -> str:
    """Return a finite number with `precision` decimals in at most `width` cells (at least 6)."""
    plain = "" if compact else f"{value:.{precision}f}"
    if 0 < len(plain) <= width and plain.strip("-0."):
        return plain  # as nearly always, and a screen full of numbers is made at once
    tries = [] if compact else [f"{value:.{digits}f}" for digits in range(precision, -1, -1)]
    if tries and value and not tries[0].strip("-0."):  # it would read as zero
        finer = (f"{value:.{digits}f}" for digits in range(precision + 1, precision + 4))
        tries = [text for text in finer if text.strip("-0.")][:1]
    size = abs(value)
    for limit, suffix in _SUFFIXES:
        if size >= limit:
            tries += [f"{value / limit:.{digits}f}{suffix}" for digits in (1, 0)]
            break
    tries += [f"{value:.1e}", f"{value:.0e}"]
    text = next((text for text in tries if len(text) <= width), tries[-1])
    return text.removeprefix("-") if not text.strip("-0.") else text


def delta_text(delta: float | None, spec: MetricSpec, *, missing: str, width: int = 10) -> str:
    """Return a difference with its sign; rates and percentages in percentage points."""
    if delta is None:
        return missing
    if spec.unit in {Unit.RATE, Unit.PERCENT}:
        points = delta * 100 if spec.unit is Unit.RATE else delta
        return _signed(points, 1, width - 2) + "pp"
    compact = spec.unit in {Unit.TOKENS, Unit.COUNT} and abs(delta) >= _COMPACT_FROM
    return _signed(delta, 1 if compact else spec.precision, width, compact=compact)


def relative_text(relative: float | None, *, missing: str) -> str:
    """Return a relative difference in percent, at most 7 cells."""
    if relative is None:
        return missing
    if abs(relative) >= _BIG_RATIO:
        return f"{'+' if relative > 0 else '-'}>999%"
    return _signed(relative * 100, 1, 6) + "%"


def tolerance_text(spec: MetricSpec, *, missing: str) -> str:
    """Return how far the metric may move before it counts, such as `2pp`, `5%` or `0.1`."""
    tolerance = spec.tolerance
    if not tolerance.amount:
        return missing
    if tolerance.relative:
        return f"{tolerance.amount * 100:g}%"
    if spec.unit in {Unit.RATE, Unit.PERCENT}:
        return f"{tolerance.amount * (100 if spec.unit is Unit.RATE else 1):g}pp"
    return f"{tolerance.amount:g}"


def beyond_tolerance(spec: MetricSpec, baseline: float | None, value: float | None) -> str:
    """Return "better" or "worse" for a move that counts, else "".

    Args:
        spec: What is known about the metric; a neutral one is never better or worse.
        baseline: The value to compare with, or None.
        value: The value, or None.
    """
    if baseline is None or value is None or spec.direction is Direction.NEUTRAL:
        return ""
    delta = value - baseline
    slack = 1e-9 * max(abs(value), abs(baseline))
    if abs(delta) <= spec.tolerance.around(baseline) + slack:
        return ""
    return "better" if (delta > 0) is (spec.direction is Direction.HIGHER) else "worse"


def _signed(value: float, precision: int, width: int, *, compact: bool = False) -> str:
    text = number_text(value, precision, width=width - 1, compact=compact)
    return text if text.startswith("-") or not value else f"+{text}"
