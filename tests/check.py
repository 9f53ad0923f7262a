"""The one check of the project: format, lint, types, import contracts, tests.

Run it with the Python of the environment that the development extras are installed in. It goes on
after a failed step, so that one run shows everything, and fails when any step did.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
WORKERS = str((os.cpu_count() or 1) + 1)
"""Processes that run tests: much of their time they wait for servers and terminals."""

STEPS: tuple[tuple[str, list[str]], ...] = (
    ("format", [str(BIN / "ruff"), "format", "--check", "."]),
    ("lint", [str(BIN / "ruff"), "check", "."]),
    ("types", [str(BIN / "mypy")]),
    ("imports", [str(BIN / "lint-imports")]),
    ("tests", [str(BIN / "python"), "-m", "pytest", "-n", WORKERS, "--dist", "loadgroup"]),
)


def main(arguments: list[str]) -> int:
    """Run all steps, or those whose names are given; return 1 when one failed."""
    failed = []
    for name, command in STEPS:
        if arguments and name not in arguments:
            continue
        started = time.monotonic()
        print(f"== {name}: {' '.join(Path(part).name for part in command[:3])}", flush=True)
        status = subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode
        print(f"   {'ok' if not status else 'FAILED'} in {time.monotonic() - started:.0f} s")
        if status:
            failed.append(name)
    print("all checks passed" if not failed else f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _environment() -> dict[str, str]:
    """Return the environment without what would point the tests at somebody's store."""
    foreign = ("MLFLOW_", "DATABRICKS_", "EVALTUI_")
    kept = {"EVALTUI_SAMPLES"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or not name.startswith(foreign)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
