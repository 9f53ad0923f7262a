"""Measures evaltui beside an empty Textual program and bare MLflow calls, in one run.

    python tests/benchmarks/run.py [--rounds 5] [--json OUT.json]

All figures are ratios or counts against something measured in the same run, because wall times on a
shared machine say little. Nothing here is part of the test suite.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pty_session import PtySession  # noqa: E402 - tests are no package
from stores import EXPERIMENT, RawStore, new_store, quiet_environ  # noqa: E402

from evaltui.cli.demo_reports import Step, history  # noqa: E402
from evaltui.cli.demo_reports import live as live_reports  # noqa: E402

EVALTUI = str(Path(sys.executable).parent / "evaltui")
SIZE = (120, 40)
_ESCAPES = re.compile(rb"\x1b\[[0-9;?:<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
_FRAME_CELLS = 1_000


@dataclass(frozen=True)
class Figure:
    """One line of the result."""

    what: str
    value: float
    unit: str
    target: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target


def first_frame_s(command: list[str], env: Mapping[str, str]) -> float:
    """Return seconds from exec to a thousand drawn cells."""
    began = time.perf_counter()
    with PtySession(command, size=SIZE, env=env) as program:
        cells = 0
        while cells < _FRAME_CELLS:
            size = program.pump(5)
            if not size:
                raise RuntimeError(f"no frame of {command}")
            cells = drawn_cells(bytes(program.data))
        took = time.perf_counter() - began
        program.send("q")
        program.send("q")
        program.wait()
    return took


def drawn_cells(data: bytes) -> int:
    """Return how many cells were drawn, those included that were erased instead of printed."""
    erased = sum(int(found) for found in re.findall(rb"\x1b\[(\d+)X", data))
    cleared = data.count(b"\x1b[K") * SIZE[0] // 2  # from somewhere on to the edge
    return len(_ESCAPES.sub(b"", data).decode(errors="ignore")) + erased + cleared


def start_up(place: Path, rounds: int) -> Iterator[Figure]:
    """Compare the first painted frame, start by start in turn."""
    env = own_environment(place)
    empty: list[float] = []
    ours: list[float] = []
    for number in range(rounds + 1):
        pair = [
            (empty, [sys.executable, str(HERE / "empty_app.py")]),
            (ours, [EVALTUI]),
        ]
        random.Random(number).shuffle(pair)
        for times, command in pair:
            took = first_frame_s(command, env)
            if number:
                times.append(took)
    yield Figure(
        "exec → first painted frame",
        statistics.median(ours) / statistics.median(empty),
        "x the empty Textual program",
        1.5,
        f"{statistics.median(ours) * 1000:.0f} ms beside {statistics.median(empty) * 1000:.0f} ms",
    )


def idle(place: Path, runs: int) -> Iterator[Figure]:
    """Count what is sent while nothing happens but polls."""
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": store_uri(place, runs)}
    with PtySession([EVALTUI], size=SIZE, env=env) as program:
        program.until_text("run-")
        program.until_quiet(1.5)
        before, end = len(program.data), time.monotonic() + 10
        while time.monotonic() < end:
            program.pump(0.5)
        sent = len(program.data) - before
        program.send("q")
        program.wait()
    yield Figure("idle for 10 s, polling live", sent, "bytes", 0)


def stalls(place: Path, runs: int) -> Iterator[Figure]:
    """Find the longest stall of the event loop while runs are listed and reports logged."""
    reports = place / "stall-reports"
    reports.mkdir()
    out = place / "stalls.json"
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": store_uri(place, runs)}
    command = [
        sys.executable,
        str(HERE / "measured_screen.py"),
        str(out),
        "--watch",
        f"mcp={reports}",
    ]
    with PtySession(command, size=SIZE, env=env) as program:
        program.until_text("run-")
        now = datetime.now(tz=UTC)
        for step in history(now):
            drop(reports, step)
            program.pump(0.2)
        program.until_text("eval_mcp")
        for number, step in enumerate(live_reports(now + timedelta(hours=1))):
            if number > 25:
                break
            drop(reports, step)
            program.send("j" if number % 2 else "k")
            end = time.monotonic() + 0.2
            while time.monotonic() < end:
                program.pump(0.05)
        logged = re.compile(r"watch (\d+)/")
        program.until(lambda: int((logged.search(program.text) or [0, 0])[1]) >= 9, "logged files")
        program.send("q")
        program.pump(0.5)
        program.send("q")
        program.wait()
    facts = json.loads(out.read_text(encoding="utf-8"))
    late = [ms for at, ms in facts["late_ms"] if at > facts["engine_s"]]
    before = [ms for at, ms in facts["late_ms"] if at <= facts["engine_s"]]
    yield Figure(
        "longest stall while the screen is built, before there is an engine",
        max(before, default=0.0),
        "ms",
        float("inf"),
        "reported",
    )
    yield Figure(
        f"longest stall of the screen: {runs:,} runs listed, mlflow imported, reports logged",
        max(late, default=0.0),
        "ms",
        50,
        f"{len(late)} of {facts['beats']} beats later than 16 ms; at {facts['late_ms'][:6]}",
    )
    yield Figure("mlflow and the like imported by the screen", len(facts["forbidden"]), "", 0)


def quitting(place: Path) -> Iterator[Figure]:
    """Quit while the server takes connections and never answers."""
    with hanging_server() as port:
        env = own_environment(place) | {"EVALTUI_TRACKING_URI": f"http://127.0.0.1:{port}"}
        with PtySession([EVALTUI], size=SIZE, env=env) as program:
            program.until_text("evaltui")
            program.until_quiet(1.0)
            began = time.perf_counter()
            program.send("q")
            program.wait()
            took = time.perf_counter() - began
    yield Figure("quit while the server hangs", took, "s", 0.5)


def logging_cost(place: Path, rounds: int) -> Iterator[Figure]:
    """Compare one report logged with the same bare MLflow calls."""
    folder = place / "logging"
    folder.mkdir()
    command = [sys.executable, str(HERE / "logging_cost.py"), str(folder), str(rounds * 4)]
    answer = subprocess.run(
        command, check=True, capture_output=True, text=True, env=quiet_environ(), timeout=900
    )
    times = json.loads(answer.stdout)
    bare = statistics.median(times["bare"])
    for name, target, what in (
        ("writer", 1.3, "one report by evaltui's writer"),
        ("ingest", 1.6, "one report with journal, fsync and read-back"),
    ):
        took = statistics.median(times[name])
        note = f"{took * 1000:.0f} ms beside {bare * 1000:.0f} ms"
        yield Figure(what, took / bare, "x the bare MLflow calls", target, note)


# -- surroundings --------------------------------------------------------------------------------


def own_environment(place: Path) -> dict[str, str]:
    """Return variables that keep everything below `place`."""
    return quiet_environ(
        EVALTUI_STATE_DIR=str(place / "state"),
        EVALTUI_DATA_DIR=str(place / "data"),
        XDG_CONFIG_HOME=str(place / "config"),
        XDG_CACHE_HOME=str(place / "cache"),
        TERM="xterm-256color",
    )


def store_uri(place: Path, runs: int) -> str:
    """Return the URI of a store of so many runs with 30 metrics each; made once."""
    path = place / f"store-{runs}.db"
    if not path.exists():
        store = RawStore(new_store(path))
        rng = random.Random(runs)
        experiment = store.experiment(EXPERIMENT)
        names = [f"metric_{number}_rate" for number in range(27)]
        names += ["overall_quality_score", "tests_pass_rate", "generation_cost_usd"]
        for number in range(runs):
            store.run(
                experiment,
                number,
                metrics={name: rng.random() for name in names},
                params={"mode": "mcp", "model_version": "m"},
                tags={"mode": "mcp", "framework": "klaudbiusz"},
            )
        store.close()
    return f"sqlite:///{path}"


def drop(folder: Path, step: Step) -> None:
    """Write one file of the demo."""
    path = folder / step.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(step.data)


@contextmanager
def hanging_server() -> Iterator[int]:
    """Listen, take every connection, answer none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()
        taken: list[socket.socket] = []

        def take() -> None:
            while not stop.is_set():
                if select.select([listener], [], [], 0.1)[0]:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join()
            for connection in taken:
                connection.close()


def print_figure(figure: Figure) -> None:
    """Print one line."""
    mark = "ok  " if figure.holds else "MISS"
    bound = "" if figure.target == float("inf") else f"(≤ {figure.target:g})"
    print(
        f"{mark} {figure.what}: {figure.value:.3g} {figure.unit} {bound} {figure.note}", flush=True
    )


def main() -> int:
    """Measure everything; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="evaltui-bench-"))
    figures: list[Figure] = []
    try:
        for part in (
            start_up(place, options.rounds),
            idle(place, 1_000),
            stalls(place, options.runs),
            quitting(place),
            logging_cost(place, options.rounds),
        ):
            for figure in part:
                figures.append(figure)
                print_figure(figure)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if options.json:
        rows = [vars(figure) | {"holds": figure.holds} for figure in figures]
        options.json.write_text(json.dumps(rows, indent=1, default=str), encoding="utf-8")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(main())
