"""The statistics behind one metric's verdict, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator

from textual.content import Content

from evaltui.domain.amounts import amount_text, counted, p_text
from evaltui.domain.comparison import Comparison, MetricDelta, MetricTest
from evaltui.domain.metric import Direction, Unit
from evaltui.domain.significance import EffectKind, Method
from evaltui.domain.text import clean
from evaltui.ui.format import value_text
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.verdicts import Scale, difference_text, interval_text, sign_of, spec_of

LABEL = 13
"""Cells of the labels."""

_PERCENT = 100
_DIRECTIONS = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.NEUTRAL: "neither way is better",
}
_UNITS = {Unit.RATE: "rate", Unit.PERCENT: "percent", Unit.USD: "US dollars", Unit.RAW: "number"}
_CORRECTIONS = {"bh": "Benjamini-Hochberg", "holm": "Holm", "none": "no correction"}
_TESTS = {
    Method.MCNEMAR: "looks at the cases that passed in one run only, and asks how often a fair "
    "coin would fall as one-sided as that",
    Method.SIGN_FLIP: "turns the sign of each case's difference at random, and asks how often the "
    "mean gets as far from 0 as it is",
    Method.SIGN_FLIP_LOG: "the same on the logarithm of candidate / baseline of each case, so that "
    "twice and half weigh the same",
    Method.FISHER: "compares two rates whose cases are not known to be the same",
    Method.WELCH: "compares the means of two groups of runs",
    Method.MANN_WHITNEY: "compares the ranks of two groups of runs",
}


def statistics_lines(comparison: Comparison, delta: MetricDelta, glyphs: Glyphs) -> list[Content]:
    """Return what there is to know about the verdict on a metric.

    Args:
        comparison: Whose metric it is.
        delta: The metric.
        glyphs: Signs to draw with.
    """
    lines = [*_about_values(comparison, delta, glyphs)]
    if delta.detail is None:
        lines.append(_line("test", "none was made"))
    else:
        lines += _about_test(comparison, delta, delta.detail, glyphs)
    lines.append(Content(""))
    lines += [
        _line("remark", clean(remark.reason, limit=400)) for remark in comparison.comparability
    ]
    lines.append(
        _line("run", f"{comparison.verdict.value}: {clean(comparison.reason, limit=400)}".strip())
    )
    if comparison.primaries:
        names = ", ".join(clean(name, limit=60) for name in comparison.primaries)
        lines.append(_line("primary", f"the run's verdict goes by {names}"))
    return lines


def _about_values(comparison: Comparison, delta: MetricDelta, glyphs: Glyphs) -> Iterator[Content]:
    spec, missing = spec_of(delta), glyphs.missing
    unit = _UNITS.get(delta.unit, delta.unit.value)
    yield Content.styled(f"{_DIRECTIONS[delta.direction]} · {unit}", "$quiet")
    yield Content("")
    for letter, run, value in (
        ("A", comparison.baseline, delta.baseline),
        ("B", comparison.candidate, delta.candidate),
    ):
        text = value_text(value, spec, missing=missing)
        name = clean(run.name, limit=80) or clean(run.run_id)
        yield Content.assemble((f"{letter:<{LABEL}}", "bold $accent"), f"{text:<12}", name)
    moved = difference_text(delta, Scale.POINTS, missing=missing)
    relative = difference_text(delta, Scale.RELATIVE, missing=missing)
    yield _line("difference", f"{moved} ({relative})")
    role = sign_of(delta, tested=True)[1]
    style = {"bad": "bold $worse", "worse": "$worse", "better": "bold $better"}.get(role, "bold")
    reason = clean(delta.reason, limit=400)
    yield Content.assemble(
        (f"{'verdict':<{LABEL}}", "$quiet"), (delta.verdict.value, style), f": {reason}"
    )
    yield Content("")


def _about_test(
    comparison: Comparison, delta: MetricDelta, detail: MetricTest, glyphs: Glyphs
) -> Iterator[Content]:
    n = delta.n or 0
    pairs = f"{counted(n, 'case')} of both runs" if detail.paired else counted(n, "case")
    joined = "paired" if detail.paired else "not paired"
    yield _line("test", f"{delta.test}, {joined}, n = {pairs}")
    explained = _TESTS.get(Method(delta.test)) if delta.test in set(Method) else None
    if explained:
        yield _line("", explained, quiet=True)
    if detail.only_baseline is not None and detail.only_candidate is not None:
        yield _line(
            "cases",
            f"passed in both {detail.both}, only in A (b) {detail.only_baseline}, "
            f"only in B (c) {detail.only_candidate}, in neither {detail.neither}",
        )
    elif detail.paired:
        yield _line("cases", f"{detail.differing} of {n} pairs differ")
    yield from _about_p(comparison, delta, detail)
    yield from _about_effect(comparison, delta, detail, glyphs)
    yield _line("power", clean(detail.power, limit=300))
    if detail.needed:
        what = "discordant" if detail.both is not None else "differing"
        yield _line(
            "needed",
            f"{detail.needed} {what} cases, all one way, are the fewest that can reach "
            f"p < {_plain(comparison.alpha)}; here are {detail.differing}",
        )


def _about_p(comparison: Comparison, delta: MetricDelta, detail: MetricTest) -> Iterator[Content]:
    if delta.p_value is None:
        return
    mid = f"; mid-p {p_text(detail.p_mid)}" if detail.p_mid is not None else ""
    yield _line("p", f"{p_text(delta.p_value)}, two-sided{mid}")
    if delta.p_adjusted is not None:
        how = _CORRECTIONS.get(comparison.correction, clean(comparison.correction))
        tests = (
            f" over {counted(comparison.tests, 'test')}" if comparison.correction != "none" else ""
        )
        yield _line(
            "p adjusted",
            f"{p_text(delta.p_adjusted)} ({how}{tests}); "
            f"real below alpha = {_plain(comparison.alpha)}",
        )


def _about_effect(
    comparison: Comparison, delta: MetricDelta, detail: MetricTest, glyphs: Glyphs
) -> Iterator[Content]:
    level = f"{_PERCENT * (1 - comparison.alpha):g} % CI"
    is_ratio = detail.kind == EffectKind.RATIO
    effect = f"x{detail.effect:.3g}" if is_ratio else _amount(detail.effect, delta.unit)
    interval = interval_text(delta, Scale.POINTS, glyphs)
    yield _line("effect", f"{effect}, {level} {interval}" if interval else f"{effect}, no interval")
    if detail.median is not None:
        median = f"x{detail.median:.3g}" if is_ratio else _amount(detail.median, delta.unit)
        what = "ratio" if is_ratio else "difference"
        yield _line("median", f"{median} {what} of a case")
    if detail.tolerance:
        size = (
            f"{_PERCENT * math.expm1(detail.tolerance):.3g} %"
            if is_ratio
            else amount_text(detail.tolerance, delta.unit)
        )
        yield _line("tolerance", f"{size}: a smaller change does not count")
    else:
        yield _line("tolerance", "none: every change that is real counts")


def _amount(value: float, unit: Unit) -> str:
    return ("+" if value > 0 else "-" if value < 0 else "") + amount_text(value, unit)


def _plain(alpha: float) -> str:
    return f"{alpha:g}".replace("0.", ".")


def _line(label: str, text: str, *, quiet: bool = False) -> Content:
    return Content.assemble(
        (f"{label:<{LABEL}}", "$quiet"), (text, "$quiet" if quiet else "$foreground")
    )
