"""What can stop an entry's steps besides the store's own errors."""

from __future__ import annotations

from evaltui.errors import StoreError


class TargetRefusedError(StoreError):
    """The store refuses the experiment itself: no report is to blame, a person must act."""


class NotShownError(StoreError):
    """The store said yes and does not show what was written."""


class WaitingError(Exception):
    """The entry waits for another one; nothing failed.

    Args:
        reason: One line.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TakenAwayError(Exception):
    """Another entry, or another process, has taken the entry's place: leave it alone."""


class RunDeletedError(Exception):
    """Somebody deleted the run that was to be renewed; it is not made again."""
