"""The diff in one line, for small screens: the telling metrics first, as many as fit."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from evaltui.domain.catalogue import default_columns
from evaltui.domain.comparison import Comparison, MetricDelta
from evaltui.domain.text import clean
from evaltui.ui.columns import title_of
from evaltui.ui.difference import Difference
from evaltui.ui.format import beyond_tolerance, delta_text
from evaltui.ui.row_text import SIGNS
from evaltui.ui.verdicts import VERDICT_SIGNS, VERDICT_STYLES, spec_of

_NAME_LIMIT = 40


class DiffStrip(Widget):
    """One line: what moved beyond tolerance, then the rest."""

    DEFAULT_CSS = """
    DiffStrip { height: 1; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._pieces: tuple[tuple[str, str], ...] = ()
        self.title = ""

    def show(self, difference: Difference | None) -> None:
        """Show a comparison; of several candidates the last one."""
        pieces, title = strip_pieces(difference), strip_title(difference)
        if title != self.title:
            self.title = title
            self.border_title = Content(title)
        if pieces != self._pieces:
            self._pieces = pieces
            self.refresh()

    def render(self) -> Content:
        """Draw the pieces that fit."""
        room = self.content_size.width
        parts: list[Content] = []
        for text, style in self._pieces:
            cells = cell_len(text) + (2 if parts else 0)
            if cells > room and parts:
                break
            parts.append(Content.styled(text, style))
            room -= cells
        return Content("  ").join(parts)


def strip_title(difference: Difference | None) -> str:
    """Return who is compared with whom."""
    if difference is None or difference.baseline is None or not difference.candidates:
        return "Diff"
    before = clean(difference.baseline.name, limit=_NAME_LIMIT)
    after = clean(difference.candidates[-1].name, limit=_NAME_LIMIT)
    return f"{after} vs {before} ({clean(difference.why, limit=_NAME_LIMIT)})"


def strip_pieces(difference: Difference | None) -> tuple[tuple[str, str], ...]:
    """Return the words of the strip with their styles, the telling ones first."""
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


def _metric_pieces(comparison: Comparison) -> tuple[tuple[str, str], ...]:
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
