"""The main screen as it leads to web pages: of a run, a comparison, an experiment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from evaltui.domain.text import clean
from evaltui.domain.web_page import WebPage
from evaltui.engine.link import Verb
from evaltui.ui.browser import no_browser, open_in_browser
from evaltui.ui.copying import copy
from evaltui.ui.main_compare import ComparingView
from evaltui.ui.screens.text_view import TextView

OF_ONE_RUN = frozenset({"cases", "artifacts"})
"""Panes that show one run."""

_LONGEST_SHOWN = 4_000


class BrowsingView(ComparingView):
    """Adds the way to web pages; the other keys are in `MainScreen`."""

    def action_open_page(self) -> None:
        """Open the web page of what is looked at: a run, or in the diff the comparison."""
        self.later(self._show_page(self._looked_at()), "page")

    def action_open_experiment(self) -> None:
        """Open the web page of the experiment."""
        self.later(self._show_page(()), "page")

    def _looked_at(self) -> tuple[str, ...]:
        """Return the ids of the runs that the current pane is about, none for the experiment."""
        run_id = self.session.bench.cursor_id
        if self.pane == "diff":
            difference = self.difference()
            if difference is None:
                return ()
            runs = (difference.baseline, *difference.candidates)
            return tuple(run.run_id for run in runs if run is not None)
        if self.pane in OF_ONE_RUN:
            run_id = self.opened_id
        elif self.pane == "watch" and self.following is not None:
            run_id = self.following.watched_run
        return (run_id,) if run_id else ()

    async def _show_page(self, run_ids: Sequence[str]) -> None:
        reply = await self.session.ask(Verb.PAGE, {"run_ids": list(run_ids)}, "page")
        if reply is None:
            self.say("the engine is not there", level="warning")
            return
        if reply.error:
            hint = f"; {reply.hint}" if reply.hint else ""
            self.say(f"{reply.error}{hint}", level="warning")
            return
        page = _page(reply.payload)
        why = no_browser(os.environ) if page.ready else page.note
        if page.ready and not why:
            if await open_in_browser(page.address, os.environ):
                self.say(f"opened in the browser: {clean(page.address)}")
                return
            why = "no browser took it"
        self._tell_page(page, why)

    def _tell_page(self, page: WebPage, why: str) -> None:
        """Show where the page is, in full, and put what is needed first on the clipboard."""
        if not page.address:
            self.say(page.note)
            return
        address = Content.styled(clean(page.address, limit=_LONGEST_SHOWN), "bold")
        lines = [Content(f"not opened here: {clean(why)}"), Content(""), address]
        copied, what = page.address, "link"
        if page.command:
            command = Content.styled(clean(page.command, limit=_LONGEST_SHOWN), "bold $primary")
            lines = [Content(clean(page.note)), Content(""), command, Content(""), address]
            copied, what = page.command, "command"
        lines += [Content(""), Content.styled(copy(self.app, copied, what), "$quiet")]
        self.app.push_screen(TextView("Web page", lines))


def _page(payload: Mapping[str, Any]) -> WebPage:
    names = ("address", "command", "note")
    return WebPage(**{name: str(payload.get(name) or "") for name in names})
