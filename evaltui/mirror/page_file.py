"""The first page of a run list, kept beside the mirror of the same store and experiment."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from evaltui.domain.list_page import LARGEST_BYTES, ListPage, decode, encode
from evaltui.mirror import places

_log = logging.getLogger(__name__)


class PageFile:
    """The page of one target and experiment.

    Args:
        key: Identity of store and experiment, as `Target.key`.
        directory: Where mirrors lie; default: below the XDG cache.
    """

    def __init__(self, key: str, directory: Path | None = None) -> None:
        self._key = key
        self.path = places.path_of(key, places.PAGE, directory)
        self._mirror = places.path_of(key, places.MIRROR, directory)

    @property
    def has_list(self) -> bool:
        """Whether a mirror lies beside it, of use or not."""
        try:
            return self._mirror.is_file()
        except OSError:
            return False

    def read(self) -> ListPage | None:
        """Return the page; None where there is none of use, or no mirror that would follow it."""
        try:
            if not self.has_list:
                return None
            handle, size = places.open_ours(self.path, largest=LARGEST_BYTES)
            with os.fdopen(handle, "rb") as file:
                return decode(file.read(size), self._key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            _log.info("the page %s is not shown: %s", self.path.name, error)
            return None

    def write(self, page: ListPage) -> bool:
        """Put a new page in place of the old one; False, with a line in the log, if it failed."""
        try:
            places.replace(self.path, [encode(page, self._key)])
        except OSError as error:
            _log.info("no page of the run list: %s", error)
            return False
        return True
