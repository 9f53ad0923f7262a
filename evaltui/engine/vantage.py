"""From where changes are seen: which roots there are, whether events tell of them, why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from evaltui.engine.doorbell import watched_folders
from evaltui.engine.events import LIMIT_REACHED, FileEvents
from evaltui.engine.roots import WatchRoot
from evaltui.mounts import network_type

LOOK_S = 1.0
"""Seconds between two looks whether a root is still the directory it was."""
REARM_S = 60.0
"""Seconds until events are tried again after they failed."""

_SHORT_TWICE = 2  # a folder of this moment may not be listened to yet
_Identity = tuple[int, int] | None


class Vantage:
    """Keeps the listener on the directories that are there.

    Args:
        events: The listener.
        monotonic: Seconds that never go back.
        use_events: `off` to never listen.
        watched_folders: Tells how many folders the kernel tells of, None where nobody knows.
    """

    def __init__(
        self,
        events: FileEvents,
        monotonic: Callable[[], float],
        *,
        use_events: str = "auto",
        watched_folders: Callable[[], int | None] = watched_folders,
    ) -> None:
        self.events = events
        self._now = monotonic
        self._off = use_events == "off"
        self._watched_folders = watched_folders
        self._identity: dict[Path, _Identity] = {}
        self._network: dict[Path, str] = {}
        self._leaks: tuple[Path, ...] = ()
        self._to_arm = True
        self._look_at = 0.0
        self._armed_at = 0.0
        self._short = 0
        self._alarmed = 0
        self.next_at: float | None = None
        """When the next look is due, on the monotonic clock; None before the first."""

    @property
    def hears(self) -> bool:
        """Whether every root that is there is listened to."""
        return not self._why()

    def moved(self, directories: Sequence[Path]) -> bool:
        """Return whether a directory is another one than at the last look, gone, or back.

        Looks at most once a second, unless other directories are given. The listener is armed
        anew after the next scan where it has to be.
        """
        now = self._now()
        if self._identity.keys() == set(directories) and now < self._look_at:
            return False
        self._look_at = self.next_at = now + LOOK_S
        found = {path: _identity(path) for path in directories}
        moved = found != self._identity
        self._identity = found
        failed = bool(self.events.problem) and now - self._armed_at >= REARM_S
        self._to_arm = self._to_arm or moved or failed
        return moved

    def scanned(self, leaks: Sequence[Path], folders: int = 0) -> None:
        """Arm the listener, where it has to be, with what a scan has seen.

        Args:
            leaks: Links to directories outside of what is watched. The listener would follow
                them, through a whole disk if need be.
            folders: Folders that the scan has seen. When the kernel tells of fewer, twice in a
                row, its limit was reached by a folder made later, which nobody says.
        """
        if self._to_arm or tuple(leaks) != self._leaks:
            self._leaks = tuple(leaks)
            self._short = 0
            self._arm()
        elif self.hears:
            told = self._watched_folders() if folders > self._alarmed else None
            self._short = self._short + 1 if told is not None and told < folders else 0
            if self._short >= _SHORT_TWICE:
                self._alarmed = folders  # arming anew tells whether it was so
                self.events.disarm(LIMIT_REACHED)

    def describe(self, interval_s: float, others: Mapping[WatchRoot, int | None]) -> str:
        """Return one line: "events", or "polling every 1 s (inotify limit reached)".

        Args:
            interval_s: Seconds between scans.
            others: Roots that other processes watch, with their ids where known.
        """
        why = self._why()
        parts = [f"polling every {interval_s:.2g} s ({why})" if why else "events"]
        parts += [f"{path} is not there yet" for path, seen in self._identity.items() if not seen]
        parts += [
            f"{root} is watched by " + (f"pid {pid}" if pid else "another process")
            for root, pid in others.items()
        ]
        return "; ".join(parts)

    def close(self) -> None:
        """Stop listening."""
        self.events.disarm("closed")

    def _arm(self) -> None:
        self._armed_at = self._now()
        self._to_arm = False
        there = [path for path, identity in self._identity.items() if identity is not None]
        self._network = {} if self._off else {path: network_type(path) for path in there}
        local = [
            path
            for path in there
            if not self._network.get(path)
            and not any(leak.is_relative_to(path) for leak in self._leaks)
        ]
        self.events.arm([] if self._off else _outermost(local))

    def _why(self) -> str:
        if self._off:
            return "events are switched off"
        network = next(filter(None, self._network.values()), "")
        if network:
            return f"network file system {network}"
        if self._leaks:
            return f"the link {self._leaks[0]} leads out"
        return self.events.problem


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _outermost(paths: Sequence[Path]) -> list[Path]:
    return [p for p in paths if not any(p != q and p.is_relative_to(q) for q in paths)]
