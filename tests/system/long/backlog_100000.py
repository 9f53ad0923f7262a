"""100,000 old reports at the start: each logged once, newest first, in short steps.

Run it with the Python of the development environment. It ends with status 1 when a report has not
its one run; reports that the time did not suffice for are counted apart.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from backlog_campaign import backlog_campaign


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=1e6)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves nothing behind
    with tempfile.TemporaryDirectory(prefix="evaltui-backlog-") as scratch:
        figures = backlog_campaign(
            Path(scratch),
            options.reports,
            stop_after_s=options.minutes * 60,
            tell=lambda line: print(line, flush=True),
        )
        print(figures, flush=True)  # before the folder goes, which takes a while
    return 0 if figures.exact else 1


if __name__ == "__main__":
    sys.exit(main())
