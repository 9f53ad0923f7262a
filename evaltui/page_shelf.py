"""The page of the list that a start shows first: found without numpy, so it is there early.

So is whether there is a whole listing.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaltui.domain.list_page import ListPage
from evaltui.errors import EvaltuiError
from evaltui.mirror.page_file import PageFile
from evaltui.settings import Settings
from evaltui.tracking.target import resolve_target


def page_file(settings: Settings, environ: Mapping[str, str]) -> PageFile | None:
    """Return where the page of the wanted target and experiment lies.

    Args:
        settings: The settings.
        environ: Environment variables.

    Returns:
        None where nothing is to be kept, or the settings name no target (the engine says why).
    """
    if not settings.mirror:
        return None
    try:
        return PageFile(resolve_target(settings, environ).key)
    except EvaltuiError:
        return None


def has_mirror(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Return whether a listing of the wanted target and experiment was kept; it may be damaged."""
    found = page_file(settings, environ)
    return found is not None and found.has_list


class PageShelf:
    """Takes the page of the last session and puts the one of this. Implements `ui.pages.Shelf`.

    Both read the disk and may block: not for an event loop.

    Args:
        settings: The settings.
        environ: Environment variables.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._file: PageFile | None = None
        self.has_list = False

    def take(self) -> ListPage | None:
        """Return the page of the last session, or None."""
        self._file = page_file(self._settings, self._environ)
        if self._file is None:
            return None
        self.has_list = self._file.has_list
        return self._file.read()

    def put(self, page: ListPage) -> None:
        """Keep a page for the next start, where one was looked for before."""
        if self._file is not None:
            self._file.write(page)
