"""Measures evaltui beside an empty Textual program and bare MLflow calls, in one run.

    python tests/benchmarks/run.py [--rounds 5] [--runs 10000] [--place DIR] [--json OUT.json]

All figures are ratios or counts against something measured in the same run, because wall times on a
shared machine say little. Nothing here is part of the test suite.
"""

from __future__ import annotations

import json
import random
import re
import select
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import (  # noqa: E402 - beside this file
    NO_TARGET,
    Figure,
    options_of,
    report,
    scratch,
)
from programs import EMPTY, EVALTUI, SIZE, first_frame_s, own_environment, store_uri  # noqa: E402
from pty_session import PtySession  # noqa: E402 - tests are no package
from stores import quiet_environ  # noqa: E402

from evaltui.cli.demo_reports import Step, history  # noqa: E402
from evaltui.cli.demo_reports import live as live_reports  # noqa: E402

NOTHING = "python -c pass"
_LONGEST_STALL_MS = 25.0
_LATE_MS = 16.0
_LOOK_S = 0.5
_PATIENCE_S = 120.0
FLOOR = [sys.executable, "-c", "pass"]
"""What every program in Python costs at least."""


def start_up(place: Path, rounds: int) -> Iterator[Figure]:
    """Compare the first painted frame, start by start in turn, and the bare interpreter's start."""
    env = own_environment(place)
    floor: list[float] = []
    empty: list[float] = []
    ours: list[float] = []
    for number in range(rounds + 1):
        trio = [(floor, FLOOR), (empty, EMPTY), (ours, [EVALTUI])]
        random.Random(number).shuffle(trio)
        for times, command in trio:
            took = whole_run_s(command, env) if command is FLOOR else first_frame_s(command, env)
            if number:
                times.append(took)
    for what, seconds, base, beside, target in (
        ("exec → first painted frame", ours, empty, "the empty Textual program", 1.2),
        ("exec → first painted frame", ours, floor, NOTHING, NO_TARGET),
        ("the empty Textual program's first frame", empty, floor, NOTHING, NO_TARGET),
    ):
        took, least = min(seconds), min(base)  # others work on this machine
        middle = statistics.median(seconds) / statistics.median(base)
        note = f"{took * 1000:.0f} ms beside {least * 1000:.0f} ms; of the medians {middle:.3g}"
        yield Figure(what, took / least, f"x {beside}", target, note)


def whole_run_s(command: list[str], env: dict[str, str]) -> float:
    """Return seconds from exec to the end of a program that asks nothing."""
    began = time.perf_counter()
    subprocess.run(command, env=env, check=True)
    return time.perf_counter() - began


def idle(place: Path, uri: str) -> Iterator[Figure]:
    """Count what is sent while nothing happens but polls."""
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": uri}
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


def stalls(place: Path, uri: str, runs: int) -> Iterator[Figure]:
    """Find the longest stall of the event loop while runs are listed and reports logged."""
    reports = place / "stall-reports"
    reports.mkdir()
    out = place / "stalls.json"
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": uri}
    command = [
        sys.executable,
        str(HERE / "measured_screen.py"),
        str(out),
        "--watch",
        f"mcp={reports}",
    ]
    with (
        bare_loop() as beside,
        PtySession(command, size=SIZE, env=env) as program,
    ):
        look_seldom(program, lambda: "run-" in program.text)
        now = datetime.now(tz=UTC)
        for step in history(now):
            drop(reports, step)
            program.pump(0.2)
        look_seldom(program, lambda: "eval_mcp" in program.text)
        for number, step in enumerate(live_reports(now + timedelta(hours=1))):
            if number > 25:
                break
            drop(reports, step)
            program.send("j" if number % 2 else "k")
            end = time.monotonic() + 0.2
            while time.monotonic() < end:
                program.pump(0.05)
        logged = re.compile(r"watch (\d+)/")
        look_seldom(program, lambda: int((logged.search(program.text) or [0, 0])[1]) >= 9)
        program.send("q")
        program.pump(0.5)
        program.send("q")
        program.wait()
    facts = json.loads(out.read_text(encoding="utf-8"))
    late = [tuple(rest) for at, *rest in facts["late_ms"] if at > facts["engine_s"]]
    before = [tuple(rest) for at, *rest in facts["late_ms"] if at <= facts["engine_s"]]
    yield Figure(
        "longest stall while the screen is built, before there is an engine",
        *worst(before),
    )
    yield Figure(
        f"longest stall of the screen: {runs:,} runs listed, mlflow imported, reports logged",
        *worst(late),
    )
    yield Figure(
        "the same, what the loop itself took of a processor",
        max((own for _, own, _ in (*before, *late)), default=0.0),
        "ms",
        _LONGEST_STALL_MS,
        f"{sum(ms > _LATE_MS for ms, *_ in (*before, *late))} of {facts['beats']} beats later than "
        f"{_LATE_MS:g} ms",
    )
    yield Figure(
        "longest stall of a bare event loop meanwhile, on the same processors",
        beside["latest_ms"],
        "ms",
        NO_TARGET,
        f"{beside['work_ms']:.2g} ms of always the same work took up to "
        f"{beside['longest_work_ms']:.2g} ms",
    )
    yield Figure("mlflow and the like imported by the screen", len(facts["forbidden"]), "", 0)


@contextmanager
def bare_loop() -> Iterator[dict[str, float]]:
    """Have an event loop beat in a process of its own; what it says is there at the end."""
    facts: dict[str, float] = {}
    command = [sys.executable, str(HERE / "bare_loop.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield facts
            process.terminate()
            facts.update(json.loads(process.stdout.read()))
        finally:
            process.kill()


def worst(late: list[tuple[float, ...]]) -> tuple[float, str, float, str]:
    """Return the longest stall as a figure has it, and what it was made of."""
    ms, own, queued = max(late, default=(0.0, 0.0, 0.0))
    made = f"{own:g} ms of a processor by the loop itself, {queued:g} ms while others had it"
    return ms, "ms", _LONGEST_STALL_MS, made


def look_seldom(program: PtySession, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; each look draws a screen, on a processor that is then missed.

    Raises:
        AssertionError: It does not come to hold.
    """
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end, program.text
        look = time.monotonic() + _LOOK_S
        while time.monotonic() < look:
            program.pump(0.1)


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


def main() -> int:
    """Measure everything; return 1 when a target is missed."""
    options = options_of(
        __doc__,
        more=lambda parser: parser.add_argument("--runs", type=int, default=10_000),
        rounds=5,
        place=True,
    )
    with scratch() as place:
        stores = options.place or place
        parts = (
            start_up(place, options.rounds),
            idle(place, store_uri(stores, 1_000)),
            # A store of its own: reports are logged to it, and those of --place stay as they are.
            stalls(place, store_uri(place, options.runs), options.runs),
            quitting(place),
            logging_cost(place, options.rounds),
        )
        return report(parts, options.json)


if __name__ == "__main__":
    sys.exit(main())
