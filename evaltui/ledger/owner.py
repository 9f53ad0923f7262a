"""Which process works on an entry: a name that a dead process cannot keep."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """Return `pid:start`, unique to this process even when its pid is used again later."""
    pid = os.getpid()
    return f"{pid}:{_start_time(pid)}"


def is_alive(owner: str) -> bool:
    """Return whether the process that called `this_process` to get `owner` still runs.

    One that has ended and was not waited for by its parent does not run any more.
    """
    pid_text, _, start = owner.partition(":")
    if not pid_text.isdigit():
        return False
    pid = int(pid_text)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    state, now = _state(pid)
    return state not in _ENDED and (not start or not now or start == now)


_ENDED = frozenset("ZXx")


def _start_time(pid: int) -> str:
    return _state(pid)[1]


def _state(pid: int) -> tuple[str, str]:
    """Return state letter and start time; "" where there is no procfs: the pid has to do then."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "", ""
    fields = stat.rpartition(")")[2].split()
    return fields[0], fields[19]
