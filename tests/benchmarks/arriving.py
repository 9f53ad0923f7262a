"""Measures the way of a report: its file, its row on the screen, its run in the store.

    python tests/benchmarks/arriving.py [--reports 30] [--json OUT.json]

Every report is renamed into the watched directory while the screen rests, so that it counts as
complete at once. The row is looked for on the screen that a terminal would show; the run counts as
logged when the store says that it is finished. Nothing here is part of the test suite.
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import NO_TARGET, Figure, options_of, report, scratch  # noqa: E402 - beside this file
from programs import EVALTUI, SIZE, own_environment  # noqa: E402
from pty_session import PtySession  # noqa: E402 - tests are no package

_WARM_UP = 3  # mlflow is imported for the first one
_LOOK_S = 0.002
_QUIET_S = 0.1
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


def document(number: int) -> bytes:
    """Return a report of 10 KB with ten metrics and 40 cases."""
    rng = random.Random(number)
    told = {
        "schema": "evaltui.report/1",
        "name": f"arrival-{number:03d}",
        "mode": "mcp",
        "metrics": [{"name": f"score_{at}", "value": rng.random()} for at in range(10)],
        "cases": [
            {"id": f"case-{at}", "status": "pass", "output": "x" * 160, "scores": {"a": 1.0}}
            for at in range(40)
        ],
    }
    return json.dumps(told).encode()


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


def painted_at(program: PtySession, text: str) -> float:
    """Return when the bytes came that put a text on the screen, in seconds of the counter.

    They are drawn when nothing more comes: drawing takes longer than the program, and would be in
    its way.
    """
    came: list[tuple[float, int]] = []
    end = time.perf_counter() + _MOST_S
    while time.perf_counter() < end:
        while program.pump(_QUIET_S):
            came.append((time.perf_counter(), len(program.data)))
        for at, size in came:
            if text in program.text_at(size):
                return at
        came.clear()
    raise RuntimeError(f"{text} did not come in {_MOST_S:g} s")


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
            written.write_bytes(document(at))
            store = Store(place / "data" / "mlflow.db", name)
            began = time.perf_counter()
            written.rename(reports / f"{name}.json")
            row_s = painted_at(program, name) - began
            logged_s = store.wait() - began
            if at >= _WARM_UP:
                found.append(Arrival(row_s, logged_s))
            program.until_quiet(0.5)
        program.send("q")  # says what goes unwatched
        program.until_quiet(0.5)
        program.send("q")
        program.wait()
    return found


def figures(place: Path, number: int) -> Iterator[Figure]:
    """Yield the medians and the 95th percentiles."""
    found = arrivals(place, number)
    for what, values, most in (
        ("report on disk → row on the screen", [it.row_s for it in found], (NO_TARGET, 50)),
        ("report on disk → logged", [it.logged_s for it in found], (500, NO_TARGET)),
    ):
        p95 = statistics.quantiles(values, n=20)[-1]
        yield Figure(what, statistics.median(values) * 1000, "ms p50", most[0])
        yield Figure(what, p95 * 1000, "ms p95", most[1])


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    options = options_of(
        __doc__, more=lambda parser: parser.add_argument("--reports", type=int, default=30)
    )
    with scratch() as place:
        return report([figures(place, options.reports)], options.json)


if __name__ == "__main__":
    sys.exit(main())
