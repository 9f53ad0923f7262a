"""How much older a baseline is than what is compared with it."""

from __future__ import annotations

from evaltui.domain.amounts import counted

_DAY_MS = 86_400_000
_OLD_DAYS = 30


def older_text(baseline_ms: int | None, other_ms: int | None, *, is_shared: bool) -> str:
    """Return in words how much older a baseline is, "" below a day or where it is not known.

    Args:
        baseline_ms: Its start in epoch milliseconds, or None.
        other_ms: That of the run compared with it, or now.
        is_shared: Whether people set it: one of more than 30 days is then asked about.
    """
    if baseline_ms is None or other_ms is None:
        return ""
    days = (other_ms - baseline_ms) / _DAY_MS
    if days < 1:
        return ""
    doubt = "; is it still the right one?" if is_shared and days > _OLD_DAYS else ""
    return f"{counted(round(days), 'day')} older{doubt}"
