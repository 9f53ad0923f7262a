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
    from evaltui.tracking.target import Target


class PageShelf:
    """Takes the page of the last session and puts the one of this. Implements `ui.pages.Shelf`.

    Both read the disk and may block: not for an event loop.

    Args:
        settings: The settings.
        environ: Environment variables.

    Attributes:
        listed: The wanted target and experiment if a listing of it was kept, which may be damaged;
            else None. Known when the page was taken.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._file: PageFile | None = None
        self.listed: Target | None = None

    def take(self) -> ListPage | None:
        """Return the page of the last session, or None."""
        if not (self._settings.mirror and anything_kept()):
            return None  # sooner told than which file it would be
        target = self._find()
        if target is None or self._file is None or not self._file.has_list:
            return None
        self.listed = target
        return self._file.read()

    def put(self, page: ListPage) -> None:
        """Keep a page for the next start, where it is to be kept."""
        if self._file is None and self._settings.mirror:
            self._find()
        if self._file is not None:
            self._file.write(page)

    def _find(self) -> Target | None:
        """Find out where the page of the wanted target lies; the engine says why there is none."""
        from evaltui.mirror.page_file import PageFile  # noqa: PLC0415 - not before a first frame
        from evaltui.tracking.target import resolve_target  # noqa: PLC0415

        try:
            target = resolve_target(self._settings, self._environ)
        except EvaltuiError:
            return None
        self._file = PageFile(target.key)
        return target
