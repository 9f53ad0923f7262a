"""1,000 files, 30 % of them copies, four watchers, one server on PostgreSQL: one run per report.

Run it with the Python of the development environment. It ends with status 1 when the account is
not exact.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from postgres import why_not
from postgres_campaign import postgres_campaign


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=20_260_301)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    if why_not():
        print(why_not())
        return 2
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="evaltui-postgres-") as scratch:
        figures = postgres_campaign(Path(scratch), files=options.files, seed=options.seed)
    print(figures)
    return 0 if figures.audit.exact else 1


if __name__ == "__main__":
    sys.exit(main())
