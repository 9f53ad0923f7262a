"""1,000 kill -9 of `evaltui watch` at random moments, one at every step: none lost, none doubled.

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

from fault_proxy import THIRTEEN, each
from kill_campaign import embedded_place, kill_campaign, server_place


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("embedded", "server"), default="embedded")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=20_260_301)
    parser.add_argument(
        "--chance", type=float, default=0.0, help="of each fault per request, with a server"
    )
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--folder", type=Path, help="kept when named, and gone on with")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    with tempfile.TemporaryDirectory(prefix="evaltui-kills-") as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"seed {options.seed}, {options.store}, in {folder}", flush=True)
        rules = each(THIRTEEN, options.chance) if options.chance else ()
        store = (
            embedded_place(folder)
            if options.store == "embedded"
            else server_place(folder, rules=rules, seed=options.seed)
        )
        with store as place:
            figures = kill_campaign(
                folder,
                place,
                kills=options.kills,
                seed=options.seed,
                stop_after_s=options.minutes * 60,
                tell=lambda line: print(line, flush=True),
            )
    print(figures)
    return 0 if figures.audit.exact else 1


if __name__ == "__main__":
    sys.exit(main())
