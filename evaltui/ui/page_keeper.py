"""Keeps the first page of the list for the next start, which shows it before it has the list."""

from __future__ import annotations

import threading
from asyncio import TimerHandle
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from evaltui.domain.events import StoreState
from evaltui.domain.list_page import ListPage
from evaltui.ui.delayed import call_after
from evaltui.ui.list_title import list_title
from evaltui.ui.order import Sort

if TYPE_CHECKING:
    from evaltui.ui.main_view import MainView
    from evaltui.ui.model import Workbench

REST_S = 3.0
"""A page is written at most once in so many seconds."""


class Shelf(Protocol):
    """Where a page lies between two sessions; both methods may block."""

    def take(self) -> ListPage | None:
        """Return the page of the last session, or None."""
        ...

    def put(self, page: ListPage) -> None:
        """Keep a page for the next session."""
        ...


class PageKeeper:
    """Writes the page of a main screen, in a thread nobody waits for.

    Args:
        main: The main screen.
        shelf: Where pages lie, or None.
    """

    def __init__(self, main: MainView, shelf: Shelf | None) -> None:
        self._main = main
        self._shelf = shelf
        self._timer: TimerHandle | None = None
        self._kept: ListPage | None = None
        self._thread: threading.Thread | None = None

    def keep_soon(self) -> None:
        """Keep the page in a moment: the list or the size of the screen changed."""
        if self._shelf is not None and self._timer is None:
            self._timer = call_after(self._main, REST_S, self._keep)

    def _keep(self) -> None:
        self._timer = None
        shelf = self._shelf
        if shelf is None:
            return
        if self._thread is not None and self._thread.is_alive():
            self.keep_soon()  # a disk that does not answer gets no second page
            return
        runs = self._main.run_list
        if self._main.pane == "runs" and runs.display and not runs.is_placed:
            self.keep_soon()
            return
        page = first_page(self._main)
        if page is None or (self._kept and replace(page, as_of_s=self._kept.as_of_s) == self._kept):
            return
        self._kept = page
        self._thread = threading.Thread(
            target=shelf.put, args=(page,), name="evaltui-page", daemon=True
        )
        self._thread.start()


def first_page(main: MainView) -> ListPage | None:
    """Return the page as the next start would draw it; None while something else is on show."""
    bench = main.session.bench
    if not _is_untouched(bench) or not main.run_list.display or not len(bench.order):
        return None
    if not main.run_list.is_placed:
        return None
    size = main.app.size
    return ListPage(
        size=(size.width, size.height),
        room=(main.run_list.size.width, main.run_list.size.height),
        glyphs=main.session.glyphs.name,
        title=list_title(bench),
        as_of_s=(bench.store and bench.store.as_of_s) or main.session.clock(),
        lines=main.run_list.first_lines(),
    )


def _is_untouched(bench: Workbench) -> bool:
    """Whether the list is confirmed, whole, and looked at as a start does."""
    live = bench.store is not None and bench.store.state is StoreState.LIVE
    asked = bench.filter_text or bench.marks or bench.session_baseline is not None or bench.follow
    confirmed = bench.as_of_s is None and not bench.loading
    return live and confirmed and not asked and bench.sort == Sort()
