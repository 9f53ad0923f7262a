"""10,000 reports through thirteen faults at one per cent each: nothing lost, nothing doubled.

Run it with the Python of the development environment. It ends with status 1 when the account is
not exact. With --minutes it feeds no more reports after that time and says how many it reached.
With the --folder of a run that was broken off it goes on with that one.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fault_campaign import fault_campaign, open_stage
from fault_proxy import THIRTEEN, each

_SWEPT_PER_S = 20
"""What a watcher re-reads of the store to find twins that its polls cannot see: 200 in 10 s."""


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20_260_301)
    parser.add_argument("--chance", type=float, default=0.01, help="of each fault per request")
    parser.add_argument("--watchers", type=int, default=2, help="machines that share the work")
    parser.add_argument("--hurry", type=float, default=20.0, help="divides the waits between tries")
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--poll", type=float, help="seconds between the polls of a watcher")
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--folder", type=Path, help="kept when named, and gone on with")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    with tempfile.TemporaryDirectory(prefix="evaltui-faults-") as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"seed {options.seed}, in {folder}", flush=True)
        with open_stage(folder, seed=options.seed, workers=options.workers) as stage:
            figures = fault_campaign(
                stage,
                reports=options.reports,
                seed=options.seed,
                rules=each(THIRTEEN, options.chance),
                machines=options.watchers,
                hurry=options.hurry,
                poll_s=options.poll,
                stop_after_s=options.minutes * 60,
                settle_s=420 + options.reports / _SWEPT_PER_S * 2,
                tell=lambda line: print(line, flush=True),
            )
    print(figures)
    return 0 if figures.audit.exact else 1


if __name__ == "__main__":
    sys.exit(main())
