"""The diff: what changed from the baseline to the run under the cursor, or to the marked runs."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from evaltui.domain.run import Run
from evaltui.domain.text import clean
from evaltui.ui.diff_lines import LETTERS, Difference, DiffLines
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.keys import DIFF_KEYS, bindings
from evaltui.ui.widgets.line_table import LineTable, NoLines
from evaltui.ui.widgets.note import Note

_MOST_NAMED = 6
_MOST_REMARKS = 3


class DiffPane(Vertical):
    """Who is compared, what limits the comparison, and a table of what differs.

    Args:
        glyphs: Signs to draw with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DIFF_KEYS)]
    DEFAULT_CSS = """
    DiffPane { height: 1fr; }
    DiffPane #diff-head { max-height: 7; }
    DiffPane #diff-remarks { max-height: 4; }
    """

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._difference: Difference | None = None
        self._equal = False

    def compose(self) -> ComposeResult:
        """Lay out who is compared, the warnings and the table."""
        yield Note(id="diff-head")
        yield Note(id="diff-remarks")
        yield LineTable(glyphs=self._glyphs)

    @property
    def table(self) -> LineTable:
        """The table, which takes the focus."""
        return self.query_one(LineTable)

    def show(self, difference: Difference | None) -> None:
        """Show a comparison, or that there is nothing to compare."""
        self._difference = difference
        self._draw()

    def action_toggle_equal(self) -> None:
        """Show or hide the metrics that do not differ."""
        self._equal = not self._equal
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Word the head for the new width."""
        del event
        self._draw()

    def _draw(self) -> None:
        difference = self._difference
        if difference is None or difference.baseline is None or not difference.candidates:
            self._show_no_comparison(difference)
            return
        comparisons = difference.comparisons()
        lines = DiffLines(comparisons, glyphs=self._glyphs, equal=self._equal)
        self.query_one("#diff-head", Note).show([*_names(difference), self._counts(lines)])
        remarks = dict.fromkeys(remark for found in comparisons for remark in found.comparability)
        self.query_one("#diff-remarks", Note).show(
            [
                Content.styled(
                    f"! {clean(remark.reason)}",
                    "$worse" if remark.level == "warning" else "$quiet",
                )
                for remark in list(remarks)[:_MOST_REMARKS]
            ]
        )
        self.table.show(lines, lines.columns)

    def _counts(self, lines: DiffLines) -> Content:
        hidden = lines.metrics_total - lines.metrics_differ
        text = f"{lines.metrics_differ} of {lines.metrics_total} metrics differ"
        if lines.params_differ:
            text += f", {lines.params_differ} params"
        if hidden:
            text += f"   = {'hides' if self._equal else 'shows'} {hidden} equal"
        return Content.styled(text, "$quiet")

    def _show_no_comparison(self, difference: Difference | None) -> None:
        self.query_one("#diff-remarks", Note).show([])
        self.query_one("#diff-head", Note).show(_reasons(difference))
        self.table.show(NoLines(), ())


def _reasons(difference: Difference | None) -> list[Content]:
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


def _names(difference: Difference) -> list[Content]:
    assert difference.baseline is not None
    lines = [
        Content.assemble(
            ("A ", "bold $accent"),
            (_name(difference.baseline), "$foreground"),
            (f"  baseline: {clean(difference.why)}", "$quiet"),
        )
    ]
    shown = difference.candidates[:_MOST_NAMED]
    pieces = [
        Content.assemble((f"{letter} ", "bold $accent"), (_name(run), "bold"))
        for letter, run in zip(LETTERS[1:], shown, strict=False)
    ]
    if len(difference.candidates) > len(shown):
        more = len(difference.candidates) - len(shown)
        pieces.append(Content.styled(f"and {more} more", "$quiet"))
    lines.append(Content("   ").join(pieces))
    return lines


def _name(run: Run) -> str:
    return clean(run.name, limit=60) or clean(run.run_id)
