"""Logs reports into SQLite and tells how much the largest part of the memory grew meanwhile.

    python tests/benchmarks/big_report_child.py DIRECTORY SMALL BIG [MAX_REPORT_MB]

The small report comes first, so that what every report needs is there before the big one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from evaltui.memory import give_back
from evaltui.settings import Settings
from evaltui.submit import Desk, Wish, log_taken, one_shot, take_named


def main(directory: Path, small: Path, big: Path, max_mb: int) -> dict[str, object]:
    """Return what became of the big report, in how many seconds, and megabytes above the base."""
    settings = Settings(
        tracking_uri=f"sqlite:///{directory / 'mlflow.db'}",
        experiment="bench",
        state_dir=directory / "state",
        data_dir=directory / "data",
        max_report_mb=max_mb,
    )
    with one_shot(settings, {}) as desk:
        _log(desk, small, max_mb)
        give_back()
        base = memory_mb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak
        began = time.perf_counter()
        state, run_id = _log(desk, big, max_mb)
        took = time.perf_counter() - began
    return {
        "state": state,
        "run_id": run_id,
        "seconds": took,
        "base_mb": base,
        "grown_mb": memory_mb("VmHWM") - base,
    }


def memory_mb(name: str) -> float:
    """Return a line of /proc/self/status in megabytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise KeyError(name)


def _log(desk: Desk, path: Path, max_mb: int) -> tuple[str, str]:
    taken = take_named(desk.ingestor, Wish(path), max_held=max_mb * 1_000_000)
    (outcome,) = log_taken(desk.ingestor, [taken])
    if not outcome.run_ids:
        raise RuntimeError(outcome)
    return outcome.state.value, outcome.run_ids[0]


if __name__ == "__main__":
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    found = main(*map(Path, sys.argv[1:4]), int((*sys.argv, "64")[4]))
    print(json.dumps(found))
