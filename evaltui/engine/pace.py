"""How often a store is asked: slower while it says that it is asked too often, then as before."""

from __future__ import annotations

from dataclasses import replace

from evaltui.late_dataclass import dataclass

SLOWEST_S = 300.0
"""Longest time between two looks that somebody's 429 can bring about."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between polls, now and in quiet times.

    A refusal doubles the time, so that everybody who shares the limit soon leaves room; each
    answer takes one quiet interval off it, so that nobody is back at once.

    Attributes:
        usual_s: The interval in quiet times.
        interval_s: The interval now, at least `usual_s`.
    """

    usual_s: float
    interval_s: float

    @classmethod
    def quiet(cls, usual_s: float) -> Pace:
        """Return the pace of a store that never refused."""
        return cls(usual_s, usual_s)

    @property
    def slowdown(self) -> float:
        """How many times longer than usual the interval is, at least 1."""
        return self.interval_s / self.usual_s if self.usual_s > 0 else 1.0

    def refused(self) -> Pace:
        """Return the pace after a 429."""
        longest = max(SLOWEST_S, self.usual_s)
        return replace(self, interval_s=min(longest, self.interval_s * 2))

    def answered(self) -> Pace:
        """Return the pace after an answer."""
        return replace(self, interval_s=max(self.usual_s, self.interval_s - self.usual_s))

    def wait_s(self, asked_s: float | None, *, jitter_ratio: float, chance: float) -> float:
        """Return the seconds until the next look after a 429.

        Args:
            asked_s: What the store asked for (Retry-After), or None; honoured up to `SLOWEST_S`.
            jitter_ratio: Most of the wait by which it is longer: never shorter than was asked.
            chance: Random number in [0, 1).
        """
        asked = min(max(asked_s or 0.0, 0.0), SLOWEST_S)
        return max(asked, self.interval_s) * (1 + jitter_ratio * chance)
