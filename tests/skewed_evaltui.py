"""`evaltui` on a machine whose clock is wrong: `skewed_evaltui.py SECONDS ARGUMENT…`."""

from __future__ import annotations

import sys
import time


def main() -> int:
    """Set the clock of this process, then be the program."""
    offset = float(sys.argv[1])
    true_time, true_time_ns = time.time, time.time_ns
    vars(time).update(
        time=lambda: true_time() + offset, time_ns=lambda: true_time_ns() + int(offset * 1e9)
    )
    from evaltui.cli.main import main as evaltui

    return evaltui(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
