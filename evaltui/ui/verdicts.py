"""Signs, words and figures of a metric's verdict, as the diff writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from evaltui.domain.catalogue import MetricSpec, spec_for
from evaltui.domain.comparison import Change, MetricDelta, Verdict
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.significance import EffectKind
from evaltui.ui.format import (
    beyond_tolerance,
    delta_text,
    number_text,
    relative_text,
    tolerance_text,
)
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.row_text import SIGNS

VERDICT_SIGNS: Mapping[Verdict, str] = {
    Verdict.REGRESSED: "!",
    Verdict.SOFT: "!",
    Verdict.IMPROVED: "+",
    Verdict.STABLE: "=",
    Verdict.SAME: "=",
    Verdict.UNDECIDED: "?",
    Verdict.INCOMPARABLE: "#",
    Verdict.CHANGED: " ",
}
"""What stands behind a value that was tested: never colour alone."""

VERDICT_ROLES: Mapping[Verdict, str] = {
    Verdict.REGRESSED: "bad",
    Verdict.SOFT: "worse",
    Verdict.IMPROVED: "better",
    Verdict.UNDECIDED: "text",
    Verdict.INCOMPARABLE: "quiet",
    Verdict.STABLE: "quiet",
    Verdict.SAME: "quiet",
    Verdict.CHANGED: "text",
}
VERDICT_STYLES: Mapping[Verdict, str] = {
    Verdict.REGRESSED: "bold $worse",
    Verdict.SOFT: "$worse",
    Verdict.IMPROVED: "bold $better",
    Verdict.INCOMPARABLE: "$worse",
}
"""Style of a run's verdict in words; what is not named is plain."""

TESTING = "testing…"

_FIGURE = 6
_PERCENT = 100


class Scale(StrEnum):
    """How differences are written."""

    POINTS = "pp"  # rates in percentage points, all else in its unit
    RELATIVE = "rel"  # in percent of the baseline
    ABSOLUTE = "abs"  # everything in its unit


class Show(StrEnum):
    """Which lines are on show."""

    ALL = "all"
    REGRESSED = "regressed"
    IMPROVED = "improved"
    MISSING = "missing"


def spec_of(delta: MetricDelta) -> MetricSpec:
    """Return what is known about a metric, with the direction that the comparison went by."""
    spec = spec_for(delta.name)
    return spec if spec.direction is delta.direction else replace(spec, direction=delta.direction)


def kind_of(delta: MetricDelta, *, tested: bool) -> Show | None:
    """Return which of the filters a metric belongs to, None when to none."""
    if delta.change is Change.MISSING:
        absent = delta.baseline is None and delta.candidate is None
        return None if absent else Show.MISSING
    if tested:
        if delta.verdict in {Verdict.REGRESSED, Verdict.SOFT}:
            return Show.REGRESSED
        return Show.IMPROVED if delta.verdict is Verdict.IMPROVED else None
    moved = beyond_tolerance(spec_of(delta), delta.baseline, delta.candidate)
    return {"worse": Show.REGRESSED, "better": Show.IMPROVED}.get(moved)


def sign_of(delta: MetricDelta, *, tested: bool) -> tuple[str, str]:
    """Return the sign behind a candidate's value, and the role of both."""
    if delta.change is Change.MISSING:
        return " ", "quiet" if delta.candidate is None else "text"
    if tested:
        return VERDICT_SIGNS[delta.verdict], VERDICT_ROLES[delta.verdict]
    moved = beyond_tolerance(spec_of(delta), delta.baseline, delta.candidate)
    return SIGNS[moved], moved or "text"


def word_of(delta: MetricDelta, *, tested: bool, letter: str = "B") -> str:
    """Return in a word or two what became of a metric; `letter` is the candidate's."""
    if delta.change is Change.MISSING:
        if delta.baseline is None and delta.candidate is None:
            return "in neither"
        return f"only in {'A' if delta.candidate is None else letter}"
    if tested:
        return f"{VERDICT_SIGNS[delta.verdict]} {delta.verdict.value}".lstrip()
    if delta.change in {Change.SAME, Change.CHANGED}:
        return delta.change.value
    spec = spec_of(delta)
    moved = beyond_tolerance(spec, delta.baseline, delta.candidate)
    return moved or f"within {tolerance_text(spec, missing='noise')}"


def difference_text(delta: MetricDelta, scale: Scale, *, missing: str) -> str:
    """Return the difference of a metric on a scale, at most 9 cells."""
    if scale is Scale.RELATIVE:
        return relative_text(delta.relative, missing=missing)
    spec = spec_of(delta)
    if scale is Scale.ABSOLUTE and spec.unit is Unit.RATE:
        spec = replace(spec, unit=Unit.RAW, precision=3)
    return delta_text(delta.delta, spec, missing=missing, width=9)


def interval_text(delta: MetricDelta, scale: Scale, glyphs: Glyphs) -> str:
    """Return a confidence interval such as `[-10, +20]pp` or `x[1.01, 1.09]`, or "" without one.

    Costs, tokens and times have the ratio candidate / baseline of a case.
    """
    if delta.ci is None:
        return ""
    low, high = delta.ci
    if delta.detail is not None and delta.detail.kind == EffectKind.RATIO:
        return _ratio_text(low, high, scale)
    return _difference_interval(delta, low, high, scale, glyphs)


def _ratio_text(low: float, high: float, scale: Scale) -> str:
    if scale is Scale.RELATIVE:
        return _pair((low - 1) * _PERCENT, (high - 1) * _PERCENT, "%")
    return f"x[{_ratio(low)}, {_ratio(high)}]"


def _difference_interval(
    delta: MetricDelta, low: float, high: float, scale: Scale, glyphs: Glyphs
) -> str:
    if scale is Scale.RELATIVE:
        if not delta.baseline:
            return glyphs.missing
        share = _PERCENT / abs(delta.baseline)
        return _pair(low * share, high * share, "%")
    if delta.unit is Unit.RATE and scale is Scale.POINTS:
        return _pair(low * _PERCENT, high * _PERCENT, "pp")
    return _pair(low, high, "pp" if delta.unit is Unit.PERCENT and scale is Scale.POINTS else "")


def direction_glyph(direction: Direction, glyphs: Glyphs) -> str:
    """Return the arrow of a direction, a blank for none."""
    return {Direction.HIGHER: glyphs.up, Direction.LOWER: glyphs.down}.get(direction, " ")


def _pair(low: float, high: float, unit: str) -> str:
    return f"[{_figure(low)}, {_figure(high)}]{unit}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < _PERCENT else _figure(value).removeprefix("+")


def _figure(value: float) -> str:
    """Return a number in three significant digits, at most 6 cells."""
    size = abs(value)
    digits = 0 if size >= _PERCENT else 1 if size >= 10 else 2  # noqa: PLR2004 - three digits in all
    if 0 < size < 0.1:  # noqa: PLR2004 - a third decimal says more than a leading zero
        digits = 3
    if not math.isfinite(value):
        return "?"
    text = number_text(value, digits, width=_FIGURE - 1, compact=size >= 10_000)  # noqa: PLR2004
    if "." in text and "e" not in text and not text[-1].isalpha():
        text = text.rstrip("0").rstrip(".")
    return text if text.startswith("-") or not value else f"+{text}"
