"""Amounts and p-values as the reasons of a verdict write them."""

from __future__ import annotations

from evaltui.domain.metric import Unit

_SMALLEST_P = 0.001
_ROUNDED_P = 0.9995
_UNITS = {Unit.SECONDS: " s", Unit.TOKENS: " tokens"}


def p_text(p: float) -> str:
    """Return a p-value such as `p = .012`; below .001 only that it is."""
    if p < _SMALLEST_P:
        return "p < .001"
    if p >= _ROUNDED_P:
        return "p = 1"
    return f"p = {p:.3f}".replace("0.", ".").rstrip("0")


def amount_text(value: float, unit: Unit, *, is_ratio: bool = False) -> str:
    """Return the size of a difference: `12 pp`, `5.1 %` for ratios, else the number and its unit.

    Args:
        value: The difference, or the ratio minus 1; its sign is left out.
        unit: Unit of the metric.
        is_ratio: Whether `value` is a share of the baseline's value.
    """
    size = abs(value)
    if is_ratio:
        return f"{_short(size * 100)} %"
    if unit in {Unit.RATE, Unit.PERCENT}:
        return f"{_short(size * (100 if unit is Unit.RATE else 1))} pp"
    if unit is Unit.USD:
        return f"${_short(size)}"
    return _short(size) + _UNITS.get(unit, "")


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural where it is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _short(size: float) -> str:
    return f"{size:.3g}" if size < 1_000 else f"{size:,.0f}"  # noqa: PLR2004 - no exponent above
