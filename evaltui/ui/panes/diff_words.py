"""The words around the tables of the diff."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from evaltui.domain.ages import older_text
from evaltui.domain.amounts import counted, p_text
from evaltui.domain.comparison import (
    CaseComparison,
    Comparison,
    MetricDelta,
    ParamDelta,
    Verdict,
)
from evaltui.domain.run import Run
from evaltui.domain.text import clean
from evaltui.ui.change_lines import CaseChanges, ChangeLines, ShowCases
from evaltui.ui.diff_lines import DiffLines, DiffView
from evaltui.ui.difference import LETTERS, Difference
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.verdicts import VERDICT_SIGNS, VERDICT_STYLES, Scale, Show, word_of

_MOST_NAMED = 8
_GAP = 3
_CURRENT = "bold $primary"
_MOST_REMARKS = 3
_SCALES = {Scale.POINTS: "points", Scale.RELATIVE: "percent", Scale.ABSOLUTE: "units"}


def reasons(difference: Difference | None) -> list[Content]:
    """Say why nothing is compared, and what to do."""
    if difference is None:
        return [Content.styled("no run to compare", "$quiet")]
    if difference.baseline is None:
        return [
            Content(f"no baseline: {clean(difference.why)}"),
            Content.styled("b makes the run under the cursor the baseline, B picks one", "$quiet"),
        ]
    name = _name(difference.baseline)
    return [
        Content.assemble((name, "bold"), f" is the baseline ({clean(difference.why)})"),
        Content.styled("move to another run to compare it, or mark several with space", "$quiet"),
    ]


def heads(difference: Difference, *, short: bool, width: int) -> list[Content]:
    """Say who is compared, and the verdict on each candidate with its reason.

    Args:
        difference: What is shown.
        short: The candidates only.
        width: Cells of a line; several candidates share one, none is cut in two.
    """
    assert difference.baseline is not None
    first = Content.assemble(
        ("A ", "bold $accent"),
        (_name(difference.baseline), "$foreground"),
        (f"  baseline: {clean(difference.why)}{_age(difference)}", "$quiet"),
    )
    shown = difference.candidates[:_MOST_NAMED]
    found = difference.tested or (None,) * len(shown)
    pieces = [
        Content.assemble(
            (f"{letter} ", "bold $accent"),
            (_name(run), "bold"),
            *_verdict(comparison, difference, reason=len(shown) == 1),
        )
        for letter, run, comparison in zip(LETTERS[1:], shown, found, strict=False)
    ]
    if len(difference.candidates) > len(shown):
        more = len(difference.candidates) - len(shown)
        pieces.append(Content.styled(f"and {more} more", "$quiet"))
    rest = _packed(pieces, width)
    return rest if short else [first, *rest]


def _age(difference: Difference) -> str:
    """Return how much older the baseline is than the newest candidate, after a comma."""
    assert difference.baseline is not None
    starts = [run.started_ms for run in difference.candidates if run.started_ms is not None]
    shared = difference.why.startswith("shared")
    text = older_text(difference.baseline.started_ms, max(starts, default=None), is_shared=shared)
    return f", {text}" if text else ""


def _packed(pieces: Sequence[Content], width: int) -> list[Content]:
    lines: list[Content] = []
    for piece in pieces:
        if lines and lines[-1].cell_length + _GAP + piece.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], " " * _GAP, piece)
        else:
            lines.append(piece)
    return lines


def _verdict(
    comparison: Comparison | None, difference: Difference, *, reason: bool
) -> list[tuple[str, str]]:
    if comparison is None:
        word = "testing…" if difference.testing else clean(difference.problem)
        return [(f"  {word}", "$quiet")] if word and reason else []
    verdict = comparison.verdict
    word = f"{VERDICT_SIGNS[verdict]} {verdict.value}".strip()
    pieces = [(f"  {word}", VERDICT_STYLES.get(verdict, "bold"))]
    if reason and comparison.reason:
        pieces.append((f"  {clean(comparison.reason, limit=300)}", "$quiet"))
    return pieces


def title_of_diff(difference: Difference | None) -> str:
    """Return the title of the pane: the verdict on the run, or on each of several."""
    if difference is None or difference.baseline is None or not difference.candidates:
        return "Diff"
    if difference.tested is None:
        return "Diff  testing…" if difference.testing else "Diff"
    if len(difference.tested) == 1:
        name = clean(difference.candidates[0].name, limit=40)
        return f"Diff  {name} {difference.tested[0].verdict.value}"
    told = [
        f"{letter} {found.verdict.value}"
        for letter, found in zip(LETTERS[1:], difference.tested, strict=False)
    ]
    worse = sum(found.verdict is Verdict.REGRESSED for found in difference.tested)
    if len(told) > _MOST_NAMED // 2:
        return f"Diff  {worse} of {counted(len(told), 'run')} regressed"
    return f"Diff  {'  '.join(told)}"


def warnings(comparisons: Sequence[Comparison], *, short: bool) -> list[Content]:
    """Return the strip of what limits the comparison, warnings first, and how many more."""
    found = dict.fromkeys(remark for one in comparisons for remark in one.comparability)
    remarks = sorted(found, key=lambda remark: remark.level != "warning")
    most = 1 if short else _MOST_REMARKS
    lines = [
        Content.styled(
            f"{'!' if remark.level == 'warning' else '·'} {clean(remark.reason)}",
            "$worse" if remark.level == "warning" else "$quiet",
        )
        for remark in remarks[:most]
    ]
    if short and lines and remarks[0].level != "warning":
        return []
    if len(remarks) > most:
        lines[-1] = Content.assemble(lines[-1], (f"  and {len(remarks) - most} more (S)", "$quiet"))
    return lines


def counts(lines: DiffLines, view: DiffView, *, current: bool) -> Content:
    """Say how much differs, and how it is looked at; `current` tells where the cursor is."""
    hidden = lines.metrics_total - lines.metrics_differ
    text = f"{lines.metrics_differ} of {lines.metrics_total} differ"
    if lines.params_differ:
        text += f", {counted(lines.params_differ, 'param')}"
    pieces = [("metrics", _CURRENT if current else "$quiet"), (f"  {text}", "$quiet")]
    if hidden:
        pieces.append((f"  = {'hides' if view.equal else 'shows'} {hidden} equal", "$quiet"))
    if view.show is not Show.ALL:
        pieces.append((f"  f only {view.show.value}", "bold $accent"))
    if view.scale is not Scale.POINTS:
        pieces.append((f"  % {_SCALES[view.scale]}", "bold $accent"))
    return Content.assemble(*pieces)


def case_counts(
    cases: CaseComparison, lines: ChangeLines, view: DiffView, letter: str, *, current: bool
) -> Content:
    """Say what became of the cases, and which ones are listed; `current`: the cursor is there."""
    who = f"cases of {letter}" if letter else "cases"
    pieces = [(who, _CURRENT if current else "$quiet"), (f"  {cases.paired:,} paired", "bold")]
    told = [
        (len(cases.regressed), "regressed", "$worse"),
        (len(cases.fixed), "fixed", "$better"),
        (cases.same, "same", "$quiet"),
        (cases.missing + cases.only_baseline + cases.only_candidate, "missing", "$quiet"),
        (cases.error, "in error", "$quiet"),
    ]
    pieces += [(f"  {count:,} {word}", style) for count, word, style in told if count]
    if cases.outcome is not None and cases.outcome.paired:
        outcome = cases.outcome
        pieces.append((f"  {outcome.method.value} {p_text(outcome.p)}", "$quiet"))
    if lines.show is not ShowCases.ALL:
        pieces.append((f"  f only {lines.show.value}", "bold $accent"))
    elif lines.hidden and not view.equal:
        pieces.append((f"  = shows {lines.hidden:,} equal", "$quiet"))
    if cases.rows_left_out:
        pieces.append((f"  {cases.rows_left_out:,} checks are not listed", "$quiet"))
    return Content.assemble(*pieces)


def line_words(case: CaseChanges | None, glyphs: Glyphs) -> Content:
    """Say what there is to say about a case in one line."""
    if case is None:
        return Content.styled("no case is listed; = shows those that are equal", "$quiet")
    lines = ChangeLines((case,), glyphs=glyphs, equal=True)
    name, outcome, change, checks = lines.cells(0)
    told = "  ".join(cell.text for cell in (outcome, change, checks) if cell.text)
    return Content.assemble((f"{name.text}  ", "bold"), told)


def param_words(deltas: Sequence[ParamDelta | None]) -> Content:
    """Return a param in full, one value per run."""
    known = next((delta for delta in deltas if delta is not None), None)
    if known is None:
        return Content.styled("params that differ", "$quiet")
    values = [known.baseline, *(known.baseline if d is None else d.candidate for d in deltas)]
    pieces: list[tuple[str, str]] = [(f"{clean(known.name)} ", "bold")]
    for letter, value in zip(LETTERS, values, strict=False):
        pieces.append((f" {letter} ", "$accent"))
        pieces.append(("(none)" if value is None else clean(value), "$foreground"))
    return Content.assemble(*pieces)


def reason_words(difference: Difference, deltas: Sequence[MetricDelta], view: DiffView) -> Content:
    """Say why the verdict on a metric is what it is."""
    delta = deltas[view.chosen]
    letter = LETTERS[view.chosen + 1]
    lead = f"{letter} " if len(deltas) > 1 else ""
    if difference.tested is None:
        word = "testing…" if difference.testing else clean(difference.problem) or "c tests it"
        return Content.assemble((clean(delta.name), "bold"), (f"  {word}", "$quiet"))
    word = word_of(delta, tested=True, letter=letter)
    pieces = [
        (f"{lead}{word}", VERDICT_STYLES.get(delta.verdict, "bold")),
        (f": {clean(delta.reason, limit=400)}", "$foreground"),
    ]
    if delta.test is not None:
        adjusted = f", adjusted {p_text(delta.p_adjusted)}" if delta.p_adjusted is not None else ""
        p = f", {p_text(delta.p_value)}{adjusted}" if delta.p_value is not None else ""
        pieces.append((f"  {delta.test}, n = {delta.n}{p}  S more", "$quiet"))
    return Content.assemble(*pieces)


def _name(run: Run) -> str:
    return clean(run.name, limit=60) or clean(run.run_id)
