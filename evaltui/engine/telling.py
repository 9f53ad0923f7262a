"""When the feed tells: at once when this process wrote, within a second when another one did."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from evaltui.engine.feed import Feed
from evaltui.engine.loop import Bell
from evaltui.errors import JournalError

TELL_S = 1.0
"""How often the journal is looked at for what other processes wrote."""

_SELDOM_S = 5.0
"""How often its own thread looks while the polls look as well: one of them may hang."""

_GAP_S = 0.03
"""Shortest time between two looks: what a backlog brings is told in pages."""


class Telling:
    """What the tell thread does, and how others make it.

    Args:
        feed: Tells what it has not told yet.
        others_wrote: Called when the journal had changed.
        told: Called after every turn.
        stop: Ends waits.
        polls_often: Whether `glance` is called oftener than the journal has to be looked at.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        others_wrote: Callable[[], None],
        told: Callable[[], None],
        stop: threading.Event,
        polls_often: bool,
    ) -> None:
        self._feed = feed
        self._others_wrote = others_wrote
        self._after = told
        self._stop = stop
        self._polls_often = polls_often
        self._glanced_at = -math.inf
        self._bell = Bell()
        self._told = threading.Event()

    # -- from any thread -------------------------------------------------------------------------

    def wake(self) -> None:
        """Let a turn come now."""
        self._bell.ring()

    def tell(self, patience_s: float) -> None:
        """Let a turn come now, and wait so long for it."""
        told = self._told = threading.Event()  # a turn that has looked already sets another one
        self._bell.ring()
        if patience_s:
            told.wait(patience_s)

    def glance(self) -> None:
        """Look whether there is something to tell, if it is time to; for the thread that polls.

        That thread is awake anyway, and a wake costs ten times as much as this.
        """
        now = time.monotonic()
        if not self._polls_often or now < self._glanced_at + TELL_S:
            return
        self._glanced_at = now
        try:
            behind = self._feed.is_behind()
        except JournalError:
            behind = True  # the turn fails too, and says why
        if behind:
            self._bell.ring()

    # -- the tell thread -------------------------------------------------------------------------

    def turn(self) -> float:
        """Tell what there is to tell; return the seconds until the next look."""
        told = self._told
        changed = self._feed.step()
        if changed:
            self._others_wrote()
        told.set()
        self._after()
        if changed:
            self._stop.wait(_GAP_S)
        return _SELDOM_S if time.monotonic() < self._glanced_at + 2 * TELL_S else TELL_S

    def wait(self, seconds: float) -> None:
        """Wait so long, or until woken."""
        self._bell.wait(seconds)
