"""How the store is: a state machine without threads or network, driven by the poller."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from evaltui.domain.events import StoreState, StoreStatus
from evaltui.domain.run import Experiment, Tag
from evaltui.domain.stated import shared_directions
from evaltui.engine.pace import Pace
from evaltui.errors import StoreBusyError, StoreError, StoreUnreachableError

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
LONGEST_ASKED_S = 300.0
"""A server may ask for this much patience (Retry-After), not for more."""

REFUSED_RETRY_S = 30.0
"""Somebody has to act first: a credential, a permission, a restored experiment."""


class Connection:
    """The state of the link to one store, and when it is to be asked next.

    Args:
        status: What is known before the first answer.
        tell: Called with the status whenever something visible in it changed. The age of the data
            alone is not told: it would be told with every poll.
        jitter_ratio: Polls come at the interval ± this share of it (shared rate limits).
        clock: Epoch seconds.
        chance: Random number in [0, 1).
    """

    def __init__(
        self,
        status: StoreStatus,
        *,
        tell: Callable[[StoreStatus], None],
        jitter_ratio: float = 0.0,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.status = replace(status, since_s=clock())
        self._tell = tell
        self._jitter = jitter_ratio
        self._clock = clock
        self._chance = chance
        self._pace = Pace.quiet(status.poll_interval_s)
        self._failures = 0
        self._paused = False
        self._still_s: float | None = None
        self._told: StoreStatus | None = None
        self._seen: StoreStatus | None = None

    @property
    def slowdown(self) -> float:
        """How many times longer than usual the time between polls is, at least 1."""
        return self._pace.slowdown

    def announce(self) -> None:
        """Tell the status as it is, if it was not told yet."""
        if self.status is self._seen:
            return
        self._seen = self.status
        comparable = replace(self.status, data_at_s=None)
        if comparable != self._told:
            self._told = comparable
            self._tell(self.status)

    def looked(self, experiment: Experiment | None) -> None:
        """Note that the store answered; None means there is no such experiment yet."""
        self._failures = 0
        tags = experiment.tags if experiment is not None else {}
        self._enter(
            StoreState.LIVE,
            experiment_id=experiment.experiment_id if experiment is not None else "",
            experiment=(experiment.name or self.status.experiment)
            if experiment is not None
            else self.status.experiment,
            baseline_run_id=tags.get(Tag.BASELINE, ""),
            directions={name: way.value for name, way in shared_directions(tags).items()},
        )

    def fresh(self) -> None:
        """Note that the data on show is what the store has now."""
        self._failures, self._still_s = 0, None
        if self.status.state is StoreState.LIVE and self._pace.slowdown <= 1:
            told = self.status is self._seen
            self.status = replace(self.status, data_at_s=self._clock())
            if told:
                self._seen = self.status  # nothing that is told of has changed
            return
        self._pace = self._pace.answered()
        self._enter(StoreState.LIVE, data_at_s=self._clock())

    def still(self) -> None:
        """Note, at next to no cost, what `fresh` notes of a store that was live before too."""
        self._still_s = self._clock()

    def confirmed(self) -> None:
        """Note that nothing on show is older than the store's word."""
        if self.status.unconfirmed_s is not None:
            self.status = replace(self.status, unconfirmed_s=None)
            self.announce()

    def note(self, **found: str) -> None:
        """Note what others found out: `user`, `missing_folder`, `write_error`, `write_hint`."""
        self._catch_up()
        self.status = replace(self.status, **found)  # type: ignore[arg-type]  # all of them texts
        self.announce()

    def failed(self, error: StoreError) -> float:
        """Note a failure; return the seconds until the next try."""
        self._failures += 1
        if isinstance(error, StoreBusyError):
            self._pace = self._pace.refused()
            delay = self._pace.wait_s(
                error.retry_after_s, jitter_ratio=self._jitter, chance=self._chance()
            )
            state, next_try = StoreState.BUSY, self._clock() + delay
        elif isinstance(error, StoreUnreachableError):
            delay = self._back_off(error.retry_after_s)
            state, next_try = StoreState.OFFLINE, self._clock() + delay
        else:
            delay = REFUSED_RETRY_S * (1 + self._jitter * self._chance())
            state, next_try = StoreState.REFUSED, None
        self._enter(state, next_try_s=next_try, error=error.message, hint=error.hint or "")
        return delay

    def pause(self, *, on: bool) -> None:
        """Show that no polls come, or that they come again; answers meanwhile do not show."""
        if on != self._paused:
            self._paused = on
            self._enter(StoreState.CONNECTING)

    def interval_s(self) -> float:
        """Return the seconds until the next poll of a store that answers."""
        return self._pace.interval_s * (1 + self._jitter * (2 * self._chance() - 1))

    def _enter(
        self,
        state: StoreState,
        *,
        next_try_s: float | None = None,
        error: str = "",
        hint: str = "",
        **changes: str | float | Mapping[str, str],
    ) -> None:
        self._catch_up()
        if self._paused:
            state, next_try_s = StoreState.PAUSED, None
        since = self.status.since_s if state is self.status.state else self._clock()
        self.status = replace(
            self.status,
            state=state,
            since_s=since,
            next_try_s=next_try_s,
            poll_interval_s=self._pace.interval_s,
            error=error,
            hint=hint,
            **changes,  # type: ignore[arg-type]  # fields of the status, typed at the callers
        )
        self.announce()

    def _catch_up(self) -> None:
        """Put into the status when the store was last known to be as it was."""
        at_s, self._still_s = self._still_s, None
        if at_s is not None:
            self.status = replace(self.status, data_at_s=at_s)

    def _back_off(self, asked_s: float | None) -> float:
        if asked_s is not None:
            return min(max(asked_s, FIRST_RETRY_S), LONGEST_ASKED_S)
        longest: float = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10))
        return longest * (0.5 + 0.5 * self._chance())
