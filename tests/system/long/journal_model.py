"""2,000 histories of up to 50 changes of the journal, with its log cut anywhere, against a model.

Run it with the Python of the development environment.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

sys.path.extend(
    str(Path(__file__).resolve().parents[2] / name) for name in (".", "engine", "ledger")
)

from test_ingest_model import ReportsAreLoggedOnce
from test_journal_model import JournalAgreesWithTheModel


def main() -> int:
    """Run both machines; the first history that fails is printed and ends it with status 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    for machine in (JournalAgreesWithTheModel, ReportsAreLoggedOnce):
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            machine,
            settings=settings(
                max_examples=options.histories,
                stateful_step_count=options.steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        print(f"{machine.__name__}: {options.histories} histories agree", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
