"""The main screen as it asks whether the missing folder of an experiment shall be made."""

from __future__ import annotations

from asyncio import TimerHandle

from evaltui.domain.text import clean
from evaltui.engine.link import Verb
from evaltui.ui.delayed import call_after
from evaltui.ui.main_pages import BrowsingView
from evaltui.ui.screens.confirm import ConfirmScreen
from evaltui.ui.widgets.filter_bar import FilterBar

_AGAIN_S = 0.5
_GUARD_S = 0.5
"""How long a question that comes by itself takes no answer: keys on their way mean others."""


class FolderView(BrowsingView):
    """Adds the question; the other keys are in `MainScreen`."""

    _asked_about: frozenset[str] = frozenset()
    _asking: TimerHandle | None = None

    def ask_about_folder(self) -> None:
        """Ask once a session about each folder, as soon as nothing else has the keys."""
        missing = self._missing_folder
        if not missing or missing in self._asked_about or self._is_read_only:
            return
        if self.app.screen is not self or self.query_one(FilterBar).display:
            if self._asking is None:
                self._asking = call_after(self, _AGAIN_S, self._ask_again)
            return
        self._ask(missing, guard_s=_GUARD_S)

    def action_make_folder(self) -> None:
        """Ask again about the missing folder."""
        missing = self._missing_folder
        if not missing:
            self.say("no folder is missing")
        elif self._is_read_only:
            self.say("read-only: no folder is made", level="warning")
        else:
            self._ask(missing, guard_s=0.0)

    @property
    def _missing_folder(self) -> str:
        store = self.session.bench.store
        return store.missing_folder if store is not None else ""

    @property
    def _is_read_only(self) -> bool:
        store = self.session.bench.store
        return store is not None and store.read_only

    def _ask_again(self) -> None:
        self._asking = None
        self.ask_about_folder()

    def _ask(self, folder: str, *, guard_s: float) -> None:
        self._asked_about |= {folder}
        store = self.session.bench.store
        assert store is not None
        lines = (
            f"Folder {folder} does not exist. Create it?",
            f"The experiment {store.experiment} needs it, in {store.target}.",
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.later(self._make(folder), "folder")
            else:
                self.say(f"{clean(folder)} is not made; M asks again", level="warning")

        question = ConfirmScreen(lines, yes="create it", no="not now", guard_s=guard_s)
        self.app.push_screen(question, answered)

    async def _make(self, folder: str) -> None:
        reply = await self.session.ask(Verb.FOLDER, {"path": folder}, "")
        if reply is None:
            self.say("the engine is not there", level="warning")
        elif reply.error:
            hint = f"; {reply.hint}" if reply.hint else ""
            self.say(f"{reply.error}{hint}", level="error")
        else:
            self.say(f"made {clean(folder)}; the reports that waited are logged now")
