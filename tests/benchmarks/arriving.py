"""Measures the way of a report: its file, its row on the screen, its run in the store.

    python tests/benchmarks/arriving.py [--reports 30] [--json OUT.json]

Every report is renamed into the watched directory while the screen rests, so that it counts as
complete at once. The row is looked for on the screen that a terminal would show; the run counts as
logged when the store says that it is finished. Nothing here is part of the test suite.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pty_session import PtySession  # noqa: E402 - tests are no package
from run import EVALTUI, SIZE, own_environment  # noqa: E402 - beside this file

_WARM_UP = 3  # mlflow is imported for the first one
_LOOK_S = 0.002
_MOST_S = 60.0


@dataclass(frozen=True)
class Arrival:
    """Seconds from the rename of one report.

    Attributes:
        row_s: To its row on the screen.
        logged_s: To its finished run in the store.
    """

    row_s: float
    logged_s: float


def report(number: int) -> bytes:
    """Return a report of 10 KB with ten metrics and 40 cases."""
    rng = random.Random(number)
    document = {
        "schema": "evaltui.report/1",
        "name": f"arrival-{number:03d}",
        "mode": "mcp",
        "metrics": [{"name": f"score_{at}", "value": rng.random()} for at in range(10)],
        "cases": [
            {"id": f"case-{at}", "status": "pass", "output": "x" * 160, "scores": {"a": 1.0}}
            for at in range(40)
        ],
    }
    return json.dumps(document).encode()


class Store:
    """Looks at the store from a thread, without any part of evaltui.

    Args:
        path: The SQLite file.
        name: Name of the run to wait for.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self.at = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        end = time.perf_counter() + _MOST_S
        while time.perf_counter() < end:
            if self._finished():
                self.at = time.perf_counter()
                return
            time.sleep(_LOOK_S)

    def _finished(self) -> bool:
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as db:
                sql = "SELECT 1 FROM runs WHERE name = ? AND status = 'FINISHED'"
                return db.execute(sql, (self._name,)).fetchone() is not None
        except sqlite3.OperationalError:  # there is no table yet
            return False

    def wait(self) -> float:
        """Return when the run was finished, in seconds of the performance counter."""
        self._thread.join()
        if not self.at:
            raise RuntimeError(f"{self._name} was not logged in {_MOST_S:g} s")
        return self.at


def arrivals(place: Path, number: int) -> list[Arrival]:
    """Let reports arrive one by one, and time each."""
    reports = place / "reports"
    reports.mkdir()
    env = own_environment(place)
    found: list[Arrival] = []
    with PtySession(
        [EVALTUI, "--watch", f"mcp={reports}", "--experiment", "arriving"], size=SIZE, env=env
    ) as program:
        program.until_text("watch")
        program.until_quiet(1.0)
        program.send("F")  # the newest row stays in sight
        for at in range(number + _WARM_UP):
            name = f"arrival-{at:03d}"
            written = place / "next.json"
            written.write_bytes(report(at))
            store = Store(place / "data" / "mlflow.db", name)
            began = time.perf_counter()
            written.rename(reports / f"{name}.json")
            program.until_text(name)
            row_s = time.perf_counter() - began
            logged_s = store.wait() - began
            if at >= _WARM_UP:
                found.append(Arrival(row_s, logged_s))
            program.until_quiet(0.5)
        program.send("q")  # says what goes unwatched
        program.until_quiet(0.5)
        program.send("q")
        program.wait()
    return found


def figures(found: Sequence[Arrival]) -> dict[str, float]:
    """Return the medians and the 95th percentiles, in milliseconds."""
    told: dict[str, float] = {}
    for name, values in (
        ("row", [arrival.row_s for arrival in found]),
        ("logged", [arrival.logged_s for arrival in found]),
    ):
        told[f"{name}_p50_ms"] = round(statistics.median(values) * 1000, 1)
        told[f"{name}_p95_ms"] = round(statistics.quantiles(values, n=20)[-1] * 1000, 1)
    return told


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--reports", type=int, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evaltui-bench-") as scratch:
        told = figures(arrivals(Path(scratch), options.reports))
    print(f"report on disk → row on the screen: p50 {told['row_p50_ms']:g} ms,", end=" ")
    print(f"p95 {told['row_p95_ms']:g} ms (≤ 50)")
    print(f"report on disk → logged: p50 {told['logged_p50_ms']:g} ms (≤ 500),", end=" ")
    print(f"p95 {told['logged_p95_ms']:g} ms")
    if options.json:
        options.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return 0 if told["row_p95_ms"] <= 50 and told["logged_p50_ms"] <= 500 else 1


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(main())
