"""20,000 reports and 2,000 polls: the memory of screen and engine stays what it is.

Run it with the Python of the development environment. It ends with status 1 when either grows by
half a megabyte per 1,000 reports or more.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from soak_campaign import soak_campaign

LIMIT_MB = 0.5


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=1e6)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    with tempfile.TemporaryDirectory(prefix="evaltui-soak-") as scratch:
        figures = soak_campaign(
            Path(scratch),
            reports=options.reports,
            stop_after_s=options.minutes * 60,
            tell=lambda line: print(line, flush=True),
        )
        print(figures, flush=True)  # before the folder goes, which takes a while
    slopes = figures.slope(lambda s: s.engine_mb), figures.slope(lambda s: s.screen_mb)
    return 0 if all(slope - 2 * error < LIMIT_MB for slope, error in slopes) else 1


if __name__ == "__main__":
    sys.exit(main())
