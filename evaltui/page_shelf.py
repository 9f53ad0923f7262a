"""The page of the list that a start shows first: found without numpy, in its first frame.

So is whether there is a whole listing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evaltui.errors import EvaltuiError
from evaltui.mirror.places import anything_kept
from evaltui.settings import Settings

if TYPE_CHECKING:
    from evaltui.domain.list_page import ListPage
    from evaltui.mirror.page_file import PageFile


class PageShelf:
    """Takes the page of the last session and puts the one of this. Implements `ui.pages.Shelf`.

    Both read the disk and may block: not for an event loop.

    Args:
        settings: The settings.
        environ: Environment variables.

    Attributes:
        has_list: Whether a listing of the wanted target and experiment was kept, which may be
            damaged; known when the page was taken.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._file: PageFile | None = None
        self.has_list = False

    def take(self) -> ListPage | None:
        """Return the page of the last session, or None."""
        if not (self._settings.mirror and anything_kept()):
            return None  # sooner told than which file it would be
        file = self._found()
        if file is None:
            return None
        self.has_list = file.has_list
        return file.read()

    def put(self, page: ListPage) -> None:
        """Keep a page for the next start, where it is to be kept."""
        file = self._found()
        if file is not None:
            file.write(page)

    def _found(self) -> PageFile | None:
        """Return where the page of the wanted target lies; the engine says why there is none."""
        if self._file is None and self._settings.mirror:
            from evaltui.mirror.page_file import PageFile  # noqa: PLC0415 - not on a first start
            from evaltui.tracking.target import resolve_target  # noqa: PLC0415

            try:
                self._file = PageFile(resolve_target(self._settings, self._environ).key)
            except EvaltuiError:
                return None
        return self._file
