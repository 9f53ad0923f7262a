"""One case in two runs: its outcome and checks, and what the reports say, or how that differs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from evaltui.domain.cases import STATUS
from evaltui.domain.text import clean, clean_lines
from evaltui.engine.link import Reply
from evaltui.ui.change_lines import CHANGE_ROLES, CHANGE_SIGNS, CaseChanges, change_value
from evaltui.ui.fitting import shorten
from evaltui.ui.glyphs import Glyphs
from evaltui.ui.keys import CASE_KEYS, LIST_KEYS, bindings
from evaltui.ui.screens.text_view import TextView
from evaltui.ui.text_diff import text_diff

AskCase = Callable[[], Awaitable[Reply | None]]
"""Asks the engine for the case in both runs."""

MOST_LINES = 300
"""Lines of one text that are shown."""

_NAME = 36
_VALUE = 12
_STYLES = {"bad": "bold $worse", "worse": "$worse", "better": "bold $better", "quiet": "$quiet"}
_DIFF_STYLES = {"-": "$worse", "+": "$better", "@": "$quiet", " ": "$foreground"}


class CaseView(TextView):
    """Shows a case at once, and its texts when the engine has read them.

    Args:
        case: What became of it.
        names: Names of baseline and candidate, cleaned.
        ask: Asks for the case's texts.
        glyphs: Signs to draw with.
        letter: Letter of the candidate.
        differ: Begin with what differs in the texts.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(LIST_KEYS),
        *bindings(CASE_KEYS),
        Binding("escape,q", "leave", "close", id="case.leave"),
    ]

    def __init__(
        self,
        case: CaseChanges,
        names: tuple[str, str],
        ask: AskCase,
        *,
        glyphs: Glyphs,
        letter: str = "B",
        differ: bool = False,
    ) -> None:
        self._case = case
        self._names = names
        self._letters = ("A", letter)
        self._glyphs = glyphs
        self._ask = ask
        self._differ = differ
        self._told: tuple[_Told, _Told] | None = None
        self._waiting = "asking for the texts …"
        super().__init__(case.case_id, self._page([]))

    def on_mount(self) -> None:
        """Ask for the texts."""
        super().on_mount()
        self.run_worker(self._fetch(), group="case")

    async def _fetch(self) -> None:
        reply = await self._ask()
        if reply is None:
            self._waiting = "the engine is not there"
        elif reply.error:
            self._waiting = clean(f"{reply.error}; {reply.hint}" if reply.hint else reply.error)
        else:
            self._told = _told(reply.payload)
        await self._draw()

    async def action_toggle_diff(self) -> None:
        """Show what differs in the texts, or the texts."""
        self._differ = not self._differ
        await self._draw()

    async def _draw(self) -> None:
        told = self._told
        if told is None:
            texts = [Content.styled(self._waiting, "$quiet")]
        elif self._differ:  # the work is bounded, and still too long for the event loop
            texts = await asyncio.to_thread(lambda: list(self._differences(*told)))
        else:
            texts = [*self._texts(told[0], 0), *self._texts(told[1], 1)]
        if self.is_mounted:
            self.query_one("#text-body", Static).update(Content("\n").join(self._page(texts)))

    # -- lines -----------------------------------------------------------------------------------

    def _page(self, texts: Sequence[Content]) -> list[Content]:
        lines = [
            Content.assemble((f"{letter}  ", "bold $accent"), name)
            for letter, name in zip(self._letters, self._names, strict=True)
        ]
        return [*lines, Content(""), *self._checks(), Content(""), *texts]

    def _checks(self) -> Iterator[Content]:
        rows = sorted(self._case.rows, key=lambda row: row.check != STATUS)
        width = min(_NAME, max((cell_len(clean(row.check)) for row in rows), default=1))
        for row in rows:
            name = shorten(clean(row.check), width)
            name += " " * (width - cell_len(name))
            values = [
                change_value(value, self._glyphs.missing) for value in (row.baseline, row.candidate)
            ]
            cells = "  ".join(f"{shorten(value, _VALUE):<{_VALUE}}" for value in values)
            word = f"{CHANGE_SIGNS[row.change]} {row.change.value}"
            style = _STYLES.get(CHANGE_ROLES[row.change], "$foreground")
            yield Content.assemble((f"{name}  ", "$quiet"), cells, (word, style))

    def _texts(self, told: _Told, at: int) -> Iterator[Content]:
        letter, name = self._letters[at], self._names[at]
        yield Content.assemble((f"{letter}  ", "bold $accent"), (name, "bold"))
        if told.note:
            yield Content.styled(clean(told.note, limit=400), "$quiet")
        if not told.texts and not told.note:
            yield Content.styled("the report has no text about this case", "$quiet")
        for label, text in told.texts.items():
            lines = clean_lines(text)
            if len(lines) == 1:
                yield Content.assemble((f"{clean(label)}  ", "$quiet"), lines[0])
                continue
            yield Content.styled(clean(label), "$quiet")
            yield from (Content(f"  {line}") for line in lines[:MOST_LINES])
            if len(lines) > MOST_LINES:
                yield Content.styled(f"  {len(lines) - MOST_LINES:,} more lines", "$quiet")
        yield Content("")

    def _differences(self, before: _Told, after: _Told) -> Iterator[Content]:
        same = []
        for label in dict.fromkeys([*before.texts, *after.texts]):
            lines = text_diff(before.texts.get(label, ""), after.texts.get(label, ""))
            if not lines:
                same.append(clean(label, limit=60))
                continue
            yield Content.styled(clean(label), "bold")
            for line in lines:
                yield Content.styled(f"{line.sign} {line.text}", _DIFF_STYLES[line.sign])
            yield Content("")
        if same:
            yield Content.styled(f"the same in both: {', '.join(same)}", "$quiet")
        elif not before.texts and not after.texts:
            yield Content.styled("neither report has a text about this case", "$quiet")


class _Told:
    """What one run's report says of the case.

    Attributes:
        texts: Texts by name; of repetitions one after the other.
        note: Why there is none, or "".
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.note = str(fields.get("note") or "")
        self.texts: dict[str, str] = {}
        cases = fields.get("cases") or ()
        for number, case in enumerate(cases, 1):
            suffix = f" ({number} of {len(cases)})" if len(cases) > 1 else ""
            for name, text in _case_texts(case):
                self.texts[name + suffix] = text


def _told(payload: Mapping[str, Any]) -> tuple[_Told, _Told]:
    runs = [*(payload.get("runs") or ()), {}, {}]
    return _Told(runs[0]), _Told(runs[1])


def _case_texts(case: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    facts = {name: case.get(name) for name in ("group", "duration_s", "cost_usd")}
    told = [f"{name} {value}" for name, value in facts.items() if value is not None]
    told += [
        f"{name} {value}"
        for name, value in (case.get("columns") or {}).items()
        if value is not None
    ]
    if told:
        yield "facts", "\n".join(told)
    for name in ("reason", "output"):
        if case.get(name):
            yield name, str(case[name])
    for name, text in (case.get("details") or {}).items():
        if text:
            yield str(name), str(text)
