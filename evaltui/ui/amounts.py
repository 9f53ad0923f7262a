"""Sizes and moments as people read them."""

from __future__ import annotations

import time

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size_text(size_bytes: int) -> str:
    """Return a size in at most three digits and its unit."""
    value = float(size_bytes)
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:  # noqa: PLR2004 - rounds to four digits from here
            break
        value /= 1000
    tenths = unit != "B" and value < 99.95  # noqa: PLR2004 - likewise three
    return f"{value:.1f} {unit}" if tenths else f"{value:.0f} {unit}"


def local_time(milliseconds: int | None) -> str:
    """Return local date and time, or "" for None and for what no calendar holds."""
    if milliseconds is None:
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000))
    except (OverflowError, ValueError, OSError):
        return ""
