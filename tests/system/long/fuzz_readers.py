"""200,000 inputs for every reader: a report or a ReportError, never anything else.

Run it with the Python of the development environment; EVALTUI_SAMPLES may name a folder of real
reports. It ends with status 1 when an input raised something else, or memory was not bounded.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fuzz_campaign import fuzz_campaign, sample_folder

MOST_GROWN_MB = 50.0


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=20_260_301)
    parser.add_argument("--keep", type=Path, help="folder for inputs that fail")
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    figures = fuzz_campaign(
        options.inputs,
        seed=options.seed,
        samples=sample_folder(),
        keep=options.keep,
        tell=lambda line: print(line, flush=True),
    )
    print(figures)
    return 1 if figures.failures or figures.grown_mb > MOST_GROWN_MB else 0


if __name__ == "__main__":
    sys.exit(main())
