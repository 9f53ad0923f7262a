"""When a file version counts as settled, and how long one that does not is waited for.

Pure: no file is touched here, and time is what the injected clock says, so nothing has to sleep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from evaltui.domain.stamp import FileStamp
from evaltui.late_dataclass import dataclass

QUIET_S = 0.2
"""Seconds without a change after which a format that shows its end (JSON, XML, zip) is taken."""
SLOW_QUIET_S = 1.0
"""The same for formats whose every beginning is a document (YAML, JSON lines)."""
OLD_S = 60.0
"""A file that was not changed for so many seconds before it was found is not waited for."""
RESTAT_S = 0.25
"""Seconds between two looks at what settles; nothing is looked at when nothing does."""
PATIENCE_S = 300.0
"""Seconds without a change after which an incomplete file is given up."""
UNREADABLE_PATIENCE_S = 600.0
"""Seconds after which a file that cannot be opened or read is given up."""
_LONGEST_WAIT_S = 30.0
_STUCK_TRIES = 3  # over three seconds


@dataclass(slots=True)
class Settling:
    """One file version on its way to being taken.

    Attributes:
        stamp: The version.
        wait_s: Seconds without a change that it is left alone for.
        changed_at: Time of the last change, on the clock of the queue.
        found_at: Time the path was first waited for.
        due_at: Time it is to be looked at next.
        tries: Times it was found incomplete or unreadable since the last change.
    """

    stamp: FileStamp
    wait_s: float
    changed_at: float
    found_at: float
    due_at: float
    tries: int = 0


class SettleQueue:
    """Which versions settle, and which of them have settled.

    Args:
        monotonic: Seconds that never go back.
        patience_s: Longest wait for a file that stays incomplete or unreadable; the two limits
            above hold where they are shorter.
    """

    def __init__(
        self, monotonic: Callable[[], float], *, patience_s: float = UNREADABLE_PATIENCE_S
    ) -> None:
        self._now = monotonic
        self._patience_s = patience_s
        self._waiting: dict[Path, Settling] = {}
        self._restat_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, path: object) -> bool:
        return path in self._waiting

    def __iter__(self) -> Iterator[Path]:
        return iter(tuple(self._waiting))

    @property
    def stuck(self) -> bool:
        """Whether all that is waited for was found incomplete or unreadable for seconds.

        Only a change helps then, and nobody knows of one; also true when nothing is waited for.
        """
        return all(item.tries >= _STUCK_TRIES for item in self._waiting.values())

    def get(self, path: Path) -> FileStamp | None:
        """Return the version of a path that is waited for, or None."""
        found = self._waiting.get(path)
        return None if found is None else found.stamp

    def put(self, stamp: FileStamp, *, wait_s: float, quiet_s: float = 0.0) -> None:
        """Wait for a new version; the same version again changes nothing.

        Args:
            stamp: The version; it takes the place of an older one of its path.
            wait_s: Seconds without a change after which it has settled, 0 for at once.
            quiet_s: Seconds it had not changed for when it was found.
        """
        now = self._now()
        before = self._waiting.get(stamp.path)
        if before is not None and before.stamp == stamp:
            return
        if not self._waiting:
            self._restat_at = now + RESTAT_S
        self._waiting[stamp.path] = Settling(
            stamp=stamp,
            wait_s=wait_s,
            changed_at=now - quiet_s,
            found_at=now if before is None else before.found_at,
            due_at=max(now, now - quiet_s + wait_s),
        )

    def changed(self, stamp: FileStamp) -> bool:
        """Begin the wait of a path anew for another version; False when it is not waited for.

        Whatever was put in place whole is written to now, and waited for like others.
        """
        before = self._waiting.get(stamp.path)
        if before is None:
            return False
        self.put(stamp, wait_s=max(before.wait_s, QUIET_S))
        return True

    def drop(self, path: Path) -> None:
        """Wait no longer: it was taken, is gone, or was given up."""
        self._waiting.pop(path, None)

    def due(self) -> list[FileStamp]:
        """Return the versions to be taken now, longest due first; they stay until dropped."""
        now = self._now()
        found = sorted(
            (item for item in self._waiting.values() if item.due_at <= now),
            key=lambda item: item.due_at,
        )
        return [item.stamp for item in found]

    def incomplete(self, path: Path) -> float | None:
        """Put a version off whose text ends too early.

        Returns:
            Seconds to the next try, or None when it has not changed for too long; it is dropped
            then.
        """
        item = self._waiting[path]
        return self._put_off(item, item.changed_at + min(PATIENCE_S, self._patience_s))

    def unreadable(self, path: Path) -> float | None:
        """Put a version off that could not be opened or read; otherwise as `incomplete`."""
        item = self._waiting[path]
        return self._put_off(item, item.found_at + min(UNREADABLE_PATIENCE_S, self._patience_s))

    def restat_due(self) -> bool:
        """Return whether it is time to look whether what settles has changed."""
        if not self._waiting or self._now() < self._restat_at:
            return False
        self._restat_at = self._now() + RESTAT_S
        return True

    def next_due(self) -> float | None:
        """Return when something is to be done next, on the injected clock, or None."""
        if not self._waiting:
            return None
        return min(self._restat_at, *(item.due_at for item in self._waiting.values()))

    def _put_off(self, item: Settling, give_up_at: float) -> float | None:
        now = self._now()
        if now >= give_up_at:
            self.drop(item.stamp.path)
            return None
        wait = min(_LONGEST_WAIT_S, 2.0**item.tries, give_up_at - now)
        item.tries += 1
        item.due_at = now + wait
        return wait
