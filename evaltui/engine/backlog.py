"""The reports that are there already: which are left out, in what order the rest is worked off."""

from __future__ import annotations

import heapq
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from evaltui.domain.stamp import FileStamp
from evaltui.errors import ConfigError
from evaltui.late_dataclass import dataclass

_AGE = re.compile(r"(\d+)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RATE_WINDOW_S = 30.0
_RATE_LEAST_S = 2.0


@dataclass(frozen=True, slots=True)
class BacklogRule:
    """Which of the reports that are there at the start are logged.

    Attributes:
        oldest_s: Epoch seconds; files last changed before are left out. None leaves none out,
            infinity all.
    """

    oldest_s: float | None = None

    @classmethod
    def parse(cls, text: str, now_s: float) -> BacklogRule:
        """Read the setting: `log`, `skip`, `since=2026-11-01` (local time) or `since=2d`.

        Args:
            text: The setting.
            now_s: Epoch seconds that ages count back from.

        Raises:
            ConfigError: It is none of these.
        """
        if text == "log":
            return cls()
        if text == "skip":
            return cls(float("inf"))
        word = text.removeprefix("since=")
        age = _AGE.fullmatch(word)
        try:
            if word != text and age is not None:
                return cls(now_s - int(age[1]) * _SECONDS[age[2]])
            if word != text:
                return cls(datetime.fromisoformat(word).astimezone().timestamp())
        except (ValueError, OverflowError):
            pass
        raise ConfigError(
            f"backlog: {text!r} is not allowed",
            hint="allowed: log, skip, since=YYYY-MM-DD or since=2d (s, m, h, d, w)",
        )

    def leaves_out(self, stamp: FileStamp) -> bool:
        """Return whether a report that was there at the start is left out."""
        return self.oldest_s is not None and stamp.mtime_ns < self.oldest_s * 1e9


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file version that nobody has looked into yet.

    Attributes:
        stamp: The version.
        placed: It was complete when it got its name (renamed, copied with its times).
        old: It was there when the watch of its root began.
        late: It waits until everything else was looked at (bulk files of the backlog).
        asked: A person asked for it: nothing leaves it out.
    """

    stamp: FileStamp
    placed: bool = False
    old: bool = False
    late: bool = False
    asked: bool = False


class CandidateQueue:
    """Candidates in the order they are looked at: new ones, old ones, late ones; newest first.

    There is one per path: a newer version takes the place of an older one.
    """

    def __init__(self) -> None:
        self._of: dict[Path, Candidate] = {}
        self._heap: list[tuple[bool, bool, int, int, Candidate]] = []
        self._number = 0
        self.old = 0
        """How many of them were there at the start."""

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(tuple(self._of.values()))

    def put(self, candidate: Candidate) -> None:
        """Add a candidate, or replace the one of the same path."""
        self.drop(candidate.stamp.path)
        self._of[candidate.stamp.path] = candidate
        self.old += candidate.old
        self._number += 1
        heapq.heappush(
            self._heap,
            (
                candidate.late,
                candidate.old,
                -candidate.stamp.mtime_ns,
                self._number,
                candidate,
            ),
        )

    def first(self) -> Candidate | None:
        """Return the candidate to look at next, or None; it stays until it is dropped."""
        while self._heap:
            candidate = self._heap[0][4]
            if self._of.get(candidate.stamp.path) is candidate:
                return candidate
            heapq.heappop(self._heap)
        return None

    def finish(self, candidate: Candidate) -> None:
        """Take a candidate out, unless another version has taken its place."""
        if self._of.get(candidate.stamp.path) is candidate:
            self.drop(candidate.stamp.path)

    def drop(self, path: Path) -> None:
        """Take out the candidate of a path, if there is one."""
        found = self._of.pop(path, None)
        if found is not None:
            self.old -= found.old


class WorkRate:
    """How fast a number falls, from what it was over the last half minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, left: int, now_s: float) -> None:
        """Note what is left; nothing left begins the count anew."""
        if left == 0:
            self._seen.clear()
            return
        if self._seen and left > self._seen[-1][1]:
            self._seen.clear()  # more work came: what was measured is about other work
        self._seen.append((now_s, left))
        while self._seen[0][0] < now_s - _RATE_WINDOW_S:
            self._seen.popleft()

    def per_second(self) -> float | None:
        """Return the rate, or None while too little was seen to tell."""
        if not self._seen:
            return None
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        if end - start < _RATE_LEAST_S or before <= after:
            return None
        return (before - after) / (end - start)
