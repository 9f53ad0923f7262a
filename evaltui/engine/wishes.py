"""What other threads want of the poller, kept until its next step."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import NamedTuple


class Asked(NamedTuple):
    """What a step is asked for.

    Attributes:
        paused: No polls.
        refresh: Poll and sweep now.
        hurry: Runs that were asked for wait to be fetched.
    """

    paused: bool
    refresh: bool
    hurry: bool


class Wishes:
    """Wishes of any thread, taken by the one that polls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paused = False
        self._refresh = False
        self._hurry = False
        self._included: dict[str, None] = {}
        self._found: dict[str, str] = {}

    # -- from any thread -------------------------------------------------------------------------

    def refresh(self) -> None:
        """Wish for a poll and a sweep."""
        with self._lock:
            self._refresh = True

    def pause(self, *, on: bool) -> None:
        """Wish for no polls, or for one at once."""
        with self._lock:
            self._paused = on
            self._refresh = self._refresh or not on

    def include(self, run_ids: Iterable[str]) -> None:
        """Wish for these runs."""
        with self._lock:
            self._included.update(dict.fromkeys(filter(None, run_ids)))
            self._hurry = bool(self._included)

    def note(self, **found: str) -> None:
        """Wish for something to be told."""
        with self._lock:
            self._found.update(found)

    # -- from the thread that polls --------------------------------------------------------------

    def none(self) -> bool:
        """Return whether there is nothing to heed."""
        with self._lock:
            return not (self._refresh or self._hurry or self._paused or self._found)

    def due_in(self, *, busy: bool) -> float | None:
        """Return the seconds until a wish is due, infinite while paused; None: as scheduled.

        Args:
            busy: The store asked for patience: runs that were asked for wait.
        """
        with self._lock:
            if self._refresh or self._found:
                return 0.0
            if self._paused:
                return math.inf
            return 0.0 if self._hurry and not busy else None

    def take(self) -> Asked:
        """Return what is asked for; a wish to refresh is heeded once."""
        with self._lock:
            asked = Asked(self._paused, self._refresh, self._hurry)
            self._refresh = False
            return asked

    def take_found(self) -> dict[str, str]:
        """Return what is to be told, once."""
        with self._lock:
            found, self._found = self._found, {}
            return found

    def take_included(self) -> dict[str, None]:
        """Return the runs that are asked for, once."""
        with self._lock:
            wanted, self._included, self._hurry = self._included, {}, False
            return wanted

    def put_back(self, wanted: dict[str, None]) -> None:
        """Ask for runs again, with the next poll and not at once."""
        with self._lock:
            self._included = wanted | self._included
