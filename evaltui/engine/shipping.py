"""Taking due entries through their steps, and what happens when the store fails."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection

from evaltui.domain.events import FileState
from evaltui.engine.steps.backoff import GIVE_UP_S, delay_s
from evaltui.engine.steps.faults import (
    NotShownError,
    RunDeletedError,
    TakenAwayError,
    TargetRefusedError,
    WaitingError,
)
from evaltui.engine.steps.machine import Machine
from evaltui.errors import (
    StoreAuthError,
    StoreError,
    StoreRejectedError,
    StoreUnreachableError,
)
from evaltui.late_dataclass import dataclass
from evaltui.ledger.journal import Action, Entry, Journal
from evaltui.ledger.lookups import LONGEST_WAIT_S

WAIT_FOR_REPORT_S = 2.0
_SLOW_TRIES = 6  # a refused credential is tried again at the longest pace at once
_NOT_SHOWN_TRIES = 5
_FEWEST_TRIES = 10  # a machine that slept for a week has not tried for a week


@dataclass(slots=True)
class _Breaker:
    """Keeps everybody off the store for a while after a failure."""

    failures: int = 0
    until: float = 0.0


class Shipping:
    """Ships due entries one after another.

    Args:
        journal: The journal.
        machine: Takes the steps of one entry.
        clock: Epoch seconds.
        read_only: Ship nothing.
        rng: Source of the jitter.
    """

    def __init__(
        self,
        journal: Journal,
        machine: Machine,
        clock: Callable[[], float],
        *,
        read_only: bool,
        rng: random.Random | None = None,
    ) -> None:
        self._journal = journal
        self._machine = machine
        self._clock = clock
        self._read_only = read_only
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._breaker = _Breaker()
        self.refusal = ("", "")

    def ship(self, *, limit: int, only: Collection[str] | None) -> list[Entry]:
        """Work on due entries, newest evaluation first, and return them.

        The first failure that has to do with the store itself ends the batch.
        """
        if self._read_only or (only is None and self._is_left_alone()):
            return []
        worked_on: list[Entry] = []
        for due in self._journal.due(self._clock(), limit=limit, only=only):
            if not self._journal.claim(due.entry_id):
                continue
            entry = self._journal.entry(due.entry_id)  # as it is since it is ours
            if entry is None or not entry.is_open:
                continue
            worked_on.append(entry)
            if not self._ship_one(entry):
                break
        return worked_on

    def hurry(self) -> None:
        """Make everything due now."""
        self._journal.hurry()
        self._breaker.until = 0.0

    def next_due(self) -> float | None:
        """Return the epoch second when there is something to ship, or None."""
        due = None if self._read_only else self._journal.next_due()
        if due is None or not self._is_left_alone():
            return due
        return max(due, self._breaker.until)

    def _is_left_alone(self) -> bool:
        """Whether the store is not to be asked yet; a clock that was set back ends it."""
        now = self._clock()
        return now < self._breaker.until <= now + LONGEST_WAIT_S

    def _ship_one(self, entry: Entry) -> bool:
        """Ship one entry; return whether the store is good for another."""
        try:
            self._machine.run(entry)
        except TakenAwayError:
            pass  # whoever took it goes on with it
        except WaitingError as waiting:
            retry_at = self._clock() + WAIT_FOR_REPORT_S
            self._journal.postpone(
                entry.entry_id, error=waiting.reason, hint="", retry_at=retry_at, failed=False
            )
        except RunDeletedError:
            self._give_up_deleted(entry)
        except StoreRejectedError as error:
            self._journal.fail(entry.entry_id, error=error.message, hint=error.hint or "")
        except NotShownError as error:
            self._not_shown(entry, error)
        except (StoreUnreachableError, StoreAuthError, TargetRefusedError) as error:
            self._back_off(entry, error)
            return False
        else:
            self._breaker.failures = 0
            self.refusal = ("", "")
        return True

    def _give_up_deleted(self, entry: Entry) -> None:
        if entry.action is Action.ATTACH:
            self._journal.deactivate(entry.entry_id, FileState.DELETED)
        else:
            self._journal.mark_entry(entry.entry_id, FileState.DELETED)

    def _not_shown(self, entry: Entry, error: NotShownError) -> None:
        if entry.attempts + 1 >= _NOT_SHOWN_TRIES:
            self._journal.fail(entry.entry_id, error=error.message, hint=error.hint or "")
        else:
            self._postpone(entry, error, delay_s(entry.attempts + 1, None, self._rng))

    def _back_off(self, entry: Entry, error: StoreError) -> None:
        """Let the entry wait by its own failures, and everything by those in a row."""
        patient = isinstance(error, StoreUnreachableError)
        waited_s = self._clock() - entry.created_at
        if patient and waited_s > GIVE_UP_S and entry.attempts >= _FEWEST_TRIES:
            self._journal.fail(
                entry.entry_id,
                error=f"given up after 7 days: {error.message}",
                hint=error.hint or "retry the file when the store answers again",
            )
            return
        self._breaker.failures += 1
        self.refusal = ("", "") if patient else (error.message, error.hint or "")
        asked = error.retry_after_s if isinstance(error, StoreUnreachableError) else None
        pace = self._breaker.failures if patient else max(self._breaker.failures, _SLOW_TRIES)
        self._breaker.until = self._clock() + delay_s(pace, asked, self._rng)
        own = delay_s(max(entry.attempts + 1, 1), asked, self._rng)
        self._postpone(entry, error, max(own, self._breaker.until - self._clock()))

    def _postpone(self, entry: Entry, error: StoreError, wait_s: float) -> None:
        self._journal.postpone(
            entry.entry_id,
            error=error.message,
            hint=error.hint or "",
            retry_at=self._clock() + wait_s,
        )
