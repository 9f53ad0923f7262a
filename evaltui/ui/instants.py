"""Instants and lengths of time as the screen writes them."""

from __future__ import annotations

import math
import time

_HOUR_S = 3_600
_DAY_S = 24 * _HOUR_S
START_NEEDS = 12
"""Cells of a date with its time of day."""


def start_text(started_ms: float | None, now_s: float, width: int) -> str:
    """Return when a run started, in local time: the time today, else the date.

    Args:
        started_ms: Epoch milliseconds; None or NaN is missing.
        now_s: Epoch seconds of now.
        width: 6 cells give the time or the date, 12 and more both.
    """
    if started_ms is None or not math.isfinite(started_ms):
        return ""
    try:
        then, now = time.localtime(started_ms / 1000), time.localtime(now_s)
    except (OverflowError, OSError, ValueError):
        return "?"
    if then[:3] == now[:3]:
        return time.strftime("%H:%M", then)
    if then.tm_year == now.tm_year:
        return time.strftime("%b %d %H:%M" if width >= START_NEEDS else "%b %d", then)
    return time.strftime("%Y-%m-%d" if width >= START_NEEDS else "%b'%y", then)


def clock_text(seconds: float | None) -> str:
    """Return the local time of day, or "" for None and 0."""
    return time.strftime("%H:%M", time.localtime(seconds)) if seconds else ""


def duration_text(seconds: float) -> str:
    """Return a length of time in two units at most: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds tenths are worth a look
        return f"{seconds:.1f} s"
    if seconds < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if seconds < _HOUR_S:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if seconds < _DAY_S:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
