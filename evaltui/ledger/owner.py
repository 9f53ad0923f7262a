"""Which process works on an entry: a name that a dead process cannot keep."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """Return `pid:start`, unique to this process even when its pid is used again later."""
    pid = os.getpid()
    return f"{pid}:{_start_time(pid)}"


def is_alive(owner: str) -> bool:
    """Return whether the process that called `this_process` to get `owner` still runs."""
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
    now = _start_time(pid)
    return not start or not now or start == now


def _start_time(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""  # no procfs (macOS): the pid alone has to do
    return stat.rpartition(")")[2].split()[19]
