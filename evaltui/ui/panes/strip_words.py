"""What the diff strip says: the telling metrics of a comparison in a few words."""

from __future__ import annotations

from evaltui.domain.catalogue import default_columns
from evaltui.domain.comparison import Comparison, MetricDelta
from evaltui.domain.text import clean
from evaltui.ui.columns import title_of
from evaltui.ui.difference import Difference
from evaltui.ui.format import beyond_tolerance, delta_text
from evaltui.ui.panes.diff_strip import Pieces
from evaltui.ui.row_text import SIGNS
from evaltui.ui.verdicts import VERDICT_SIGNS, VERDICT_STYLES, spec_of

_NAME_LIMIT = 40


def strip_title(difference: Difference | None) -> str:
    """Return who is compared with whom."""
    if difference is None or difference.baseline is None or not difference.candidates:
        return "Diff"
    before = clean(difference.baseline.name, limit=_NAME_LIMIT)
    after = clean(difference.candidates[-1].name, limit=_NAME_LIMIT)
    return f"{after} vs {before} ({clean(difference.why, limit=_NAME_LIMIT)})"


def strip_pieces(difference: Difference | None) -> Pieces:
    """Return the words of the strip; of several candidates the last one is meant."""
    if difference is None:
        return (("no run to compare", "$quiet"),)
    if difference.baseline is None:
        return ((f"no baseline: {clean(difference.why)}", "$quiet"), ("b sets one", "$quiet"))
    comparisons = difference.comparisons()
    if not comparisons:
        return (("this run is the baseline", "$quiet"),)
    pieces = _metric_pieces(comparisons[-1]) or (("no metric differs", "$quiet"),)
    return pieces if difference.tested is None else (_verdict(comparisons[-1]), *pieces)


def _verdict(comparison: Comparison) -> tuple[str, str]:
    verdict = comparison.verdict
    word = f"{VERDICT_SIGNS[verdict]} {verdict.value}".strip()
    return word, VERDICT_STYLES.get(verdict, "bold")


def _metric_pieces(comparison: Comparison) -> Pieces:
    names = [delta.name for delta in comparison.metrics]
    wanted = default_columns(names, names[0] if names else None)
    first = dict.fromkeys([*names[:1], *wanted])
    ranks = {name: rank for rank, name in enumerate(first)}
    moved = [delta for delta in comparison.metrics if delta.delta]
    moved.sort(
        key=lambda delta: (
            not beyond_tolerance(spec_of(delta), delta.baseline, delta.candidate),
            ranks.get(delta.name, len(ranks)),
        )
    )
    remarks = [("! not fully comparable", "$worse")] if _limited(comparison) else []
    return (*remarks, *(_piece(delta) for delta in moved))


def _piece(delta: MetricDelta) -> tuple[str, str]:
    spec = spec_of(delta)
    change = beyond_tolerance(spec, delta.baseline, delta.candidate)
    text = f"{title_of(delta.name)} {delta_text(delta.delta, spec, missing='')}{SIGNS[change]}"
    return text.rstrip(), f"${change}" if change else "$quiet"


def _limited(comparison: Comparison) -> bool:
    return any(remark.level == "warning" for remark in comparison.comparability)
