"""Measures starts, keys, memory and rest with 1,000 to 100,000 runs of 30 metrics.

    python tests/benchmarks/many_runs.py [--runs 1000 10000 100000] [--rounds 5]
                                         [--place DIR] [--json OUT.json]

Every time stands beside its own baseline of the same round: an empty Textual program, or plain SQL
that reads the same rows. Stores are made by this program and kept in --place. Nothing here is part
of the test suite.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
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
from programs import (  # noqa: E402
    EMPTY,
    EVALTUI,
    SIZE,
    children,
    cpu_s,
    first_frame_s,
    memory_mb,
    own_environment,
    store_uri,
)
from pty_session import PtySession  # noqa: E402 - tests are no package
from stores import EXPERIMENT  # noqa: E402
from watched_session import WatchedSession  # noqa: E402

_ROW = "run-"
_OF_THE_LIST = ("· syncing", "LIVE", "CONNECTING")
"""What the header says from the moment that the list itself is on screen."""
_REST_S = 2.0
_QUIET_S = 0.4
_PATIENCE_S = 600.0
_IDLE_S = 10.0
_SOON_LISTED = 10_000
"""Runs up to which a first start is measured in every round."""


@dataclass(frozen=True)
class Start:
    """One start.

    Attributes:
        rows_s: Seconds from exec to the first run on screen.
        all_s: Seconds to the count of all runs in the title.
        answers_s: Seconds until the list itself stands and answers keys, which on a second start
            comes after its first page as it was left.
    """

    rows_s: float
    all_s: float
    answers_s: float


def start(env: Mapping[str, str], runs: int) -> tuple[PtySession, Start]:
    """Start the program; return it with all runs listed."""
    began = time.perf_counter()
    program = WatchedSession([EVALTUI], size=SIZE, env=env)
    conditions: tuple[Callable[[str], bool], ...] = (
        lambda text: _ROW in text,
        lambda text: f"Runs {runs:,}  by" in text,
        lambda text: any(words in text for words in _OF_THE_LIST),
    )
    program.rest_with(
        lambda text: all(holds(text) for holds in conditions), quiet_s=_QUIET_S, most_s=_PATIENCE_S
    )
    return program, Start(*(at - began for at in program.shown_at(*conditions)))


def leave(program: PtySession) -> None:
    """End a program."""
    program.send("q")
    program.wait()
    program.__exit__(None, None, None)


def confirmed(program: PtySession) -> None:
    """Wait until the store has confirmed the list and everything rests."""
    program.until(lambda: "LIVE" in program.text, "confirmation")
    program.until_quiet(_REST_S)


def starts(place: Path, uri: str, runs: int, rounds: int) -> Iterator[Figure]:
    """Compare first starts and second ones with the empty program, start by start in turn.

    Others work on this machine, so the shortest of each kind are held against each other.
    """
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": uri}
    cache = Path(env["XDG_CACHE_HOME"])
    empty: list[float] = []
    first: list[Start] = []
    second: list[Start] = []
    for number in range(rounds):
        blank = first_frame_s(EMPTY, env)
        if not number or runs <= _SOON_LISTED:
            shutil.rmtree(cache, ignore_errors=True)
            program, fresh = start(env, runs)
            confirmed(program)
            for kept in ("*.mirror", "*.page"):
                program.until(lambda kept=kept: list(cache.rglob(kept)), kept)
            leave(program)
            first.append(fresh)
        program, again = start(env, runs)
        program.until_quiet(_REST_S)
        leave(program)
        empty.append(blank)
        second.append(again)

    def figure(what: str, seconds: list[float], target: float) -> Figure:
        took, base = min(seconds), min(empty)
        middle = statistics.median(seconds) / statistics.median(empty)
        note = f"{took * 1000:.0f} ms beside {base * 1000:.0f} ms; of the medians {middle:.2g}"
        return Figure(f"{runs:,} runs: {what}", took / base, "x the empty program", target, note)

    listed = {1_000: 2.0, 10_000: 2.0, 100_000: 3.0}.get(runs, NO_TARGET)
    page = 2.5 if runs <= 10_000 else NO_TARGET
    whole = 5.0 if runs <= 10_000 else NO_TARGET
    yield figure("second start, exec to its first page", [one.all_s for one in second], listed)
    took = [max(one.all_s, one.answers_s) for one in second]
    yield figure("second start, exec to the whole list, which answers keys", took, listed)
    yield figure("first start, exec to the first page", [one.rows_s for one in first], page)
    yield figure("first start, exec to all metrics", [one.all_s for one in first], whole)


def sync(uri: str, runs: int, rounds: int) -> Iterator[Figure]:
    """Compare the reading of a listing with plain SQL that reads the same rows; processor time."""
    path = Path(uri.removeprefix("sqlite:///"))
    plain: list[float] = []
    ours: list[float] = []
    for number in range(rounds):
        pair = [(plain, plain_sql_s), (ours, listing_s)]
        random.Random(number).shuffle(pair)
        for times, measure in pair:
            times.append(measure(path))
    note = f"{statistics.median(ours):.2f} s beside {statistics.median(plain):.2f} s"
    yield Figure(
        f"{runs:,} runs: first listing, all metrics",
        statistics.median(ours) / statistics.median(plain),
        "x plain SQL",
        3.0 if runs <= 10_000 else NO_TARGET,
        note,
    )


def plain_sql_s(path: Path) -> float:
    """Return the processor seconds that plain SQL takes for runs, metrics, params and tags."""
    began = time.process_time()
    with closing(sqlite3.connect(path)) as link:
        for table in ("runs", "latest_metrics", "params", "tags"):
            link.execute(f"SELECT * FROM {table}").fetchall()
    return time.process_time() - began


def listing_s(path: Path) -> float:
    """Return the processor seconds that the engine's reader takes for a whole table."""
    from evaltui.domain.table import RunDelta, RunTable
    from evaltui.tracking.sqlite_source import SqliteSource

    began = time.process_time()
    source, table = SqliteSource(path, EXPERIMENT), RunTable()
    for batch in source.changes():
        table.apply(RunDelta.from_runs(batch.runs, complete=batch.complete, total=batch.total))
    source.close()
    return time.process_time() - began


def at_work(place: Path, uri: str, runs: int) -> Iterator[Figure]:
    """Measure keys, memory and rest in one session that began from the mirror."""
    env = own_environment(place) | {"EVALTUI_TRACKING_URI": uri}
    program, _ = start(env, runs)
    confirmed(program)
    screen = program.process.pid
    (engine,) = children(screen)
    bound = 60.0 if runs >= 100_000 else NO_TARGET
    for what, keys in (
        ("sort by a metric the other way", ["[", "]", "[", "]", "[", "]"]),
        ("a letter of a filter", ["9", "8", "\x7f", "\x7f", "7", "\x7f"]),
        ("compare with the baseline", ["j", "k", "j", "k", "j", "k"]),
    ):
        if what.startswith("a letter"):
            program.send("/")
            program.until_quiet(_QUIET_S)
        elif what.startswith("sort"):
            program.send("s")
            program.until_quiet(_QUIET_S)
            program.send("tests_pass")
            program.until_quiet(_QUIET_S)
            program.send("\r")
            program.until_quiet(1.0)
        times = [paint_s(program, key) for key in keys]
        if what.startswith("a letter"):
            program.send("\x1b")
            program.until_quiet(1.0)
        took = statistics.median(times) * 1000
        yield Figure(f"{runs:,} runs: {what}, key to painted", took, "ms", bound)
    program.until_quiet(_REST_S)
    limit = {10_000: 60.0, 100_000: 90.0}.get(runs, NO_TARGET)
    yield Figure(f"{runs:,} runs: memory of the screen", memory_mb(screen), "MB", limit)
    yield Figure(f"{runs:,} runs: memory of the engine", memory_mb(engine), "MB", 45.0)
    yield from rest(program, env, runs)
    leave(program)


def paint_s(program: PtySession, key: str) -> float:
    """Return the seconds from a key to the last byte before the program falls silent."""
    program.until_quiet(_QUIET_S)
    began = last = time.perf_counter()
    program.send(key)
    while program.pump(_QUIET_S):
        last = time.perf_counter()
    return last - began


def rest(program: PtySession, env: Mapping[str, str], runs: int) -> Iterator[Figure]:
    """Compare ten idle seconds, polling live, with those of the empty program."""
    with PtySession(EMPTY, size=SIZE, env=env) as blank:
        blank.until_quiet(_REST_S)
        tree = [program.process.pid, *children(program.process.pid)]
        before = sum(map(cpu_s, tree)), cpu_s(blank.process.pid), len(program.data)
        end = time.monotonic() + _IDLE_S
        while time.monotonic() < end:
            program.pump(0.5)
        ours = sum(map(cpu_s, tree)) - before[0]
        empty = cpu_s(blank.process.pid) - before[1]
        blank.send("q")
        blank.wait()
    note = f"{ours * 1000:.0f} ms beside {empty * 1000:.0f} ms in {_IDLE_S:g} s"
    ratio = ours / empty
    yield Figure(f"{runs:,} runs: idle, screen and engine", ratio, "x the empty program", 1.5, note)
    yield Figure(f"{runs:,} runs: idle", len(program.data) - before[2], "bytes", 0)


def main() -> int:
    """Measure everything; return 1 when a target is missed."""
    options = options_of(
        __doc__,
        more=lambda parser: parser.add_argument(
            "--runs", type=int, nargs="+", default=[1_000, 10_000, 100_000]
        ),
        rounds=5,
        place=True,
    )
    with scratch() as place:
        stores = options.place or place
        parts = (
            part
            for runs in options.runs
            for uri in [store_uri(stores, runs)]
            for part in (
                starts(place, uri, runs, options.rounds),
                sync(uri, runs, 2 if runs <= _SOON_LISTED else 1),
                at_work(place, uri, runs),
            )
        )
        return report(parts, options.json)


if __name__ == "__main__":
    sys.exit(main())
