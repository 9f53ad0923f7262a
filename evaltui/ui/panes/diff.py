"""The diff: what changed from the baseline to the run under the cursor, or to the marked runs."""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from evaltui.domain.comparison import CaseComparison, Comparison, RunRef
from evaltui.ui.change_lines import CaseChanges, ChangeLines, ShowCases, by_case
from evaltui.ui.delayed import call_after
from evaltui.ui.diff_lines import METRIC, DiffLines, DiffView
from evaltui.ui.difference import LETTERS, Difference
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.keys import DIFF_KEYS, bindings
from evaltui.ui.panes.diff_words import (
    case_counts,
    counts,
    heads,
    line_words,
    param_words,
    reason_words,
    reasons,
    warnings,
)
from evaltui.ui.panes.wishes import CopyRequested, Said
from evaltui.ui.screens.text_view import TextView
from evaltui.ui.statistics import LABEL, statistics_lines
from evaltui.ui.verdicts import Scale, Show
from evaltui.ui.widgets.line_table import LineTable, NoLines
from evaltui.ui.widgets.note import Note

SHORT = 15
"""Lines below which metrics and cases take turns."""

TINY = 9
"""Lines below which the words around them shrink."""

TALL = 26
"""Lines from which the words take more room."""

REST_S = 0.08
"""The words about a line follow the cursor after this rest: a held key sends the cursor alone."""

_NO_METRICS = "no metric differs"
_Choice = TypeVar("_Choice", Scale, Show, ShowCases)


class DiffPane(Vertical):
    """Who is compared, what limits the comparison, the metrics that differ, and the cases.

    Args:
        glyphs: Signs to draw with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DIFF_KEYS)]
    DEFAULT_CSS = """
    DiffPane { height: 1fr; }
    DiffPane #diff-head { max-height: 9; }
    DiffPane #diff-remarks { max-height: 4; }
    DiffPane #diff-about { height: 1; }
    DiffPane #diff-metrics { height: 3fr; }
    DiffPane #diff-cases { height: 2fr; }
    DiffPane.-tall #diff-about { height: 2; }
    """

    class SwapRequested(Message):
        """A candidate is to stand as the baseline."""

        def __init__(self, run_id: str) -> None:
            super().__init__()
            self.run_id = run_id

    class DirectionRequested(Message):
        """Somebody wants to say which way a metric gets better."""

        def __init__(self, metric: str) -> None:
            super().__init__()
            self.metric = metric

    class CaseRequested(Message):
        """A case is to be shown in two runs."""

        def __init__(
            self, comparison: Comparison, case: CaseChanges, letter: str, *, differ: bool
        ) -> None:
            super().__init__()
            self.comparison = comparison
            self.case = case
            self.letter = letter
            self.differ = differ

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._difference: Difference | None = None
        self._view = DiffView()
        self._show_cases = ShowCases.ALL
        self._section = 0
        self._lines: DiffLines | None = None
        self._case_lines: ChangeLines | None = None
        self._cases_of: CaseComparison | None = None
        self._cases_told_by: tuple[RunRef, RunRef] | None = None
        self._all_cases: tuple[CaseChanges, ...] = ()
        self._timer: TimerHandle | None = None
        self._metrics_height: int | None = None

    def compose(self) -> ComposeResult:
        """Lay out who is compared, the warnings, metrics, cases, and the words about a line."""
        yield Note(id="diff-head")
        yield Note(id="diff-remarks")
        yield LineTable(glyphs=self._glyphs, id="diff-metrics")
        yield Note(id="diff-case-head")
        yield LineTable(glyphs=self._glyphs, id="diff-cases")
        yield Note(steady=True, id="diff-about")

    @property
    def table(self) -> LineTable:
        """The table of the current section, which takes the focus."""
        return self._cases if self._section and self._cases.display else self._metrics

    @property
    def _metrics(self) -> LineTable:
        return self.query_one("#diff-metrics", LineTable)

    @property
    def _cases(self) -> LineTable:
        return self.query_one("#diff-cases", LineTable)

    def show(self, difference: Difference | None) -> None:
        """Show a comparison, or that there is nothing to compare."""
        before, self._difference = self._difference, difference
        self._draw(top=_runs_of(before) != _runs_of(difference))

    def on_resize(self, event: events.Resize) -> None:
        """Word everything for the new size."""
        self.set_class(event.size.height >= TALL, "-tall")
        self.call_after_refresh(self._draw)  # a note that grows now would keep its old height

    # -- drawing ---------------------------------------------------------------------------------

    def _draw(self, *, top: bool = False) -> None:
        difference = self._difference
        if difference is None or difference.baseline is None or not difference.candidates:
            self._draw_nothing(difference)
            return
        comparisons = difference.comparisons()
        self._view = replace(self._view, chosen=min(self._view.chosen, len(comparisons) - 1))
        self._lines = DiffLines(
            comparisons,
            glyphs=self._glyphs,
            view=self._view,
            width=self.size.width,
            tested=difference.tested is not None,
            testing=difference.testing,
        )
        tiny = 0 < self.size.height < TINY
        self.query_one("#diff-remarks", Note).show(warnings(comparisons, short=tiny))
        self._metrics.show(self._lines, self._lines.columns, top=top)
        self._take_cases(comparisons[self._view.chosen], top=top)
        self._share_room()
        self._draw_words()

    def _draw_nothing(self, difference: Difference | None) -> None:
        self._lines = self._case_lines = self._cases_told_by = None
        self.query_one("#diff-head", Note).show(reasons(difference))
        for name in ("#diff-remarks", "#diff-case-head", "#diff-about"):
            self.query_one(name, Note).show([])
        self._metrics.show(NoLines(), ())
        self._metrics.display, self._cases.display = True, False
        self._metrics_height = self._metrics.styles.max_height = None

    def _take_cases(self, comparison: Comparison, *, top: bool) -> None:
        cases = comparison.cases
        told_by = (comparison.baseline, comparison.candidate)
        waiting = self._difference is not None and self._difference.testing
        if cases is None and waiting and told_by == self._cases_told_by:
            return  # tested anew: the answer is about the same cases, and so is the cursor
        self._cases_told_by = told_by
        if cases is not self._cases_of:
            self._cases_of = cases
            self._all_cases = by_case(cases) if cases is not None else ()
        if cases is None:
            self._case_lines = None
            self._cases.show(NoLines(), ())
        else:
            self._case_lines = ChangeLines(
                self._all_cases, glyphs=self._glyphs, show=self._show_cases, equal=self._view.equal
            )
            self._cases.show(self._case_lines, self._case_lines.columns, top=top)

    def _draw_words(self) -> None:
        """Say who is compared, what differs, what became of the cases, and where the cursor is."""
        difference, lines = self._difference, self._lines
        if difference is None or lines is None:
            return
        tiny = 0 < self.size.height < TINY
        head = heads(difference, short=tiny, width=self.size.width - 2)
        if not tiny:
            head.append(counts(lines, self._view, current=not self._section))
        self.query_one("#diff-head", Note).show(head)
        words = []
        if self._cases_of is not None and self._case_lines is not None:
            letter = LETTERS[self._view.chosen + 1] if self._many else ""
            current, found = bool(self._section), self._case_lines
            words = [case_counts(self._cases_of, found, self._view, letter, current=current)]
        elif difference.tested is not None:
            words = [Content.styled("cases  not known for both runs", "$quiet")]
        self.query_one("#diff-case-head", Note).show(words)
        self._draw_about()

    @property
    def _many(self) -> bool:
        return self._difference is not None and len(self._difference.candidates) > 1

    def _share_room(self) -> None:
        """Let metrics and cases stand one above the other, or take turns."""
        short = self.size.height < SHORT
        there = self._case_lines is not None
        if not there and self._section:
            self._go(0)
        cases = there and (not short or bool(self._section))
        self._metrics.display = not (short and cases)
        self._cases.display = cases
        height = len(self._lines or ()) + 1 if cases and not short else None
        if height != self._metrics_height:
            self._metrics_height = self._metrics.styles.max_height = height

    def _draw_about(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        difference, lines = self._difference, self._lines
        if difference is None or lines is None:
            return
        if self._section and self._case_lines is not None:
            case = self._case_lines.case(self._cases.cursor)
            words = line_words(case, self._glyphs)
        else:
            words = self._metric_words(difference, lines)
        self.query_one("#diff-about", Note).show([words])

    def _metric_words(self, difference: Difference, lines: DiffLines) -> Content:
        if not len(lines):
            return Content.styled(_NO_METRICS, "$quiet")
        deltas = lines.metric(self._metrics.cursor)
        if deltas is None:
            return param_words(lines.param(self._metrics.cursor))
        return reason_words(difference, deltas, self._view)

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Say what there is to say about the line the cursor rests on."""
        event.stop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = call_after(self, REST_S, self._draw_about)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Follow a click into the other table."""
        section = 1 if event.widget is self._cases else 0
        if section != self._section:
            self._section = section
            self._draw_words()

    # -- keys ------------------------------------------------------------------------------------

    def action_toggle_equal(self) -> None:
        """Show or hide what does not differ."""
        self._look(replace(self._view, equal=not self._view.equal))

    def action_next_scale(self) -> None:
        """Write differences in points, in percent, in units."""
        self._look(replace(self._view, scale=_after(self._view.scale, tuple(Scale))))

    def action_next_filter(self) -> None:
        """List all, then only what regressed, improved, is missing."""
        if self._section and self._case_lines is not None:
            self._show_cases = _after(self._show_cases, tuple(ShowCases))
            self._draw()
        else:
            self._look(replace(self._view, show=_after(self._view.show, tuple(Show))))

    def action_candidate(self, step: int) -> None:
        """Look closely at another candidate; wraps around."""
        count = len(self._difference.candidates) if self._difference is not None else 0
        if count > 1:
            self._look(replace(self._view, chosen=(self._view.chosen + step) % count))

    def _look(self, view: DiffView) -> None:
        self._view = view
        self._draw()

    def action_section(self, step: int) -> None:
        """Go to the cases, or back to the metrics."""
        if self._case_lines is None:
            self.post_message(Said("no cases of both runs are known"))
        else:
            self._go(1 if step > 0 else 0)

    def _go(self, section: int) -> None:
        if section == self._section:
            return
        focused = self.table.has_focus
        self._section = section
        self._share_room()
        if focused:
            self.screen.set_focus(self.table)  # at once: the next key may be here already
        self._draw_words()

    def action_regression(self, step: int) -> None:
        """Go to the next or previous line that got worse; wraps around."""
        table = self.table
        lines = self._case_lines if table is self._cases else self._lines
        found = lines.next_regression(table.cursor, step) if lines is not None else None
        if found is None:
            self.post_message(Said("nothing regressed here"))
        else:
            table.move_to(found)

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Open the case, or the statistics of the metric."""
        event.stop()
        if event.table is self._cases:
            self._open_case(differ=False)
        else:
            self.action_statistics()

    def action_texts(self) -> None:
        """Show what differs in the texts of the case under the cursor."""
        if self._section:
            self._open_case(differ=True)
        else:
            self.post_message(Said("go to the cases first (l)"))

    def _open_case(self, *, differ: bool) -> None:
        case = self._case_lines.case(self._cases.cursor) if self._case_lines is not None else None
        if case is not None and self._difference is not None:
            chosen = self._view.chosen
            comparison = self._difference.comparisons()[chosen]
            letter = LETTERS[chosen + 1]
            self.post_message(self.CaseRequested(comparison, case, letter, differ=differ))

    def action_statistics(self) -> None:
        """Show the statistics behind the verdict on the metric under the cursor."""
        difference, lines = self._difference, self._lines
        deltas = lines.metric(self._metrics.cursor) if lines is not None else None
        if difference is None or deltas is None:
            self.post_message(Said("put the cursor on a metric"))
        elif difference.tested is None:
            self.post_message(Said(difference.problem or "not tested yet: c asks for it"))
        else:
            delta = deltas[self._view.chosen]
            comparison = difference.tested[self._view.chosen]
            words = statistics_lines(comparison, delta, self._glyphs)
            self.app.push_screen(TextView(delta.name, words, label=LABEL))

    def action_swap(self) -> None:
        """Ask for the candidate to stand as the baseline, or no longer."""
        if self._difference is not None and self._difference.candidates:
            run = self._difference.candidates[self._view.chosen]
            self.post_message(self.SwapRequested(run.run_id))

    def action_direction(self) -> None:
        """Ask which way the metric under the cursor gets better."""
        at = self._metrics.cursor
        if self._lines is None or self._lines.metric(at) is None:
            self.post_message(Said("put the cursor on a metric"))
        else:
            self.post_message(self.DirectionRequested(self._lines.key(at).removeprefix(METRIC)))

    def action_copy_line(self) -> None:
        """Ask for the line under the cursor on the clipboard, as tab-separated values."""
        table = self.table
        lines: Sequence[object] | ChangeLines | DiffLines | None
        lines = self._case_lines if table is self._cases else self._lines
        if lines is None or not len(lines):
            self.post_message(Said("nothing to copy"))
            return
        assert isinstance(lines, (ChangeLines, DiffLines))
        cells = lines.cells(table.cursor)
        self.post_message(CopyRequested("\t".join(c.text.strip() for c in cells), "the line"))


def _runs_of(difference: Difference | None) -> tuple[str, ...]:
    if difference is None or difference.baseline is None:
        return ()
    return (difference.baseline.run_id, *(run.run_id for run in difference.candidates))


def _after(value: _Choice, values: Sequence[_Choice]) -> _Choice:
    return values[(values.index(value) + 1) % len(values)]
