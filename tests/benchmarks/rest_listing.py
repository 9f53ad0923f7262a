"""Measures how a server's runs are listed, beside a bare loop of the same searches.

    python tests/benchmarks/rest_listing.py [--runs 10000] [--rounds 5] [--json OUT.json]

A real `mlflow server` with one worker, over SQLite with runs of 30 metrics. The server's own time
is what a bare loop takes that asks for page after page on one kept connection, reads the bodies
and throws them away; it runs in turn with evaltui's listing, in one run. Nothing here is part of
the test suite.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import NO_TARGET, Figure, options_of, report, scratch  # noqa: E402 - beside this file
from many_runs import Start, confirmed, leave, start  # noqa: E402
from programs import EVALTUI, SIZE, children, own_environment, store_uri  # noqa: E402
from pty_session import PtySession  # noqa: E402 - tests are no package
from servers import MlflowServer  # noqa: E402
from stores import EXPERIMENT  # noqa: E402

from evaltui.domain.table import RunDelta, RunTable  # noqa: E402
from evaltui.settings import Settings  # noqa: E402
from evaltui.tracking.rest_source import RestSource  # noqa: E402
from evaltui.tracking.target import resolve_target  # noqa: E402

SEARCH = "/api/2.0/mlflow/runs/search"
LARGEST_PAGE = 1_000
_TOKEN = re.compile(rb'"next_page_token"\s*:\s*"([^"]*)"')
_TAIL = 2_000
_SECOND_S = 20.0
_PAGE = re.compile(r"POST " + re.escape(SEARCH))


class BareLoop:
    """The same searches with nothing around them.

    Args:
        server: Who is asked.
        experiment_id: The experiment.
    """

    def __init__(self, server: MlflowServer, experiment_id: str) -> None:
        self._port = server.port
        self._experiment_id = experiment_id

    def seconds(self, sizes: Sequence[int]) -> float:
        """Return how long pages of these sizes take; the last size is that of all that follow."""
        began = time.perf_counter()
        link = http.client.HTTPConnection("127.0.0.1", self._port)
        left, token = list(sizes), b""
        while True:
            size = left.pop(0) if len(left) > 1 else left[0]
            body: dict[str, object] = {
                "experiment_ids": [self._experiment_id],
                "filter": "",
                "run_view_type": "ACTIVE_ONLY",
                "max_results": size,
                "order_by": ["attributes.start_time DESC"],
            }
            if token:
                body["page_token"] = token.decode()
            link.request("POST", SEARCH, json.dumps(body), {"Content-Type": "application/json"})
            data = link.getresponse().read()
            found = _TOKEN.search(data, max(0, len(data) - _TAIL))
            if found is None:
                break
            token = found[1]
        link.close()
        return time.perf_counter() - began


def listing(server: MlflowServer) -> tuple[float, float, list[int]]:
    """List by the engine's reader, into a table.

    Returns:
        Seconds to the first page in the table, seconds to all of them, and the sizes of the pages.
    """
    settings = Settings(tracking_uri=server.url, experiment=EXPERIMENT)
    target = resolve_target(settings, {"HOME": str(server.directory)})
    source, table = RestSource(target, EXPERIMENT), RunTable()
    sizes: list[int] = []
    began = time.perf_counter()
    first_s = 0.0
    for batch in source.changes():
        table.apply(RunDelta.from_runs(batch.runs, complete=batch.complete, total=batch.total))
        first_s = first_s or time.perf_counter() - began
        sizes.append(len(batch.runs))
    took = time.perf_counter() - began
    source.close()
    return first_s, took, sizes


def reading(server: MlflowServer, experiment_id: str, runs: int, rounds: int) -> Iterator[Figure]:
    """Compare the listing with the bare loop, in the same pages and in the largest ones."""
    bare = BareLoop(server, experiment_id)
    sizes = listing(server)[2]
    assert sum(sizes) == runs, f"{sum(sizes)} of {runs} runs listed"
    same: list[float] = []
    largest: list[float] = []
    ours: list[float] = []
    first: list[float] = []

    def measure_ours() -> None:
        first_s, took, found = listing(server)
        assert sum(found) == runs
        sizes[:] = found
        ours.append(took)
        first.append(first_s)

    measures: list[Callable[[], None]] = [
        lambda: same.append(bare.seconds(sizes)),
        lambda: largest.append(bare.seconds([LARGEST_PAGE])),
        measure_ours,
    ]
    for number in range(rounds):
        random.Random(number).shuffle(measures)
        for measure in measures:
            measure()
    took = statistics.median(ours)
    for what, times in (
        ("the same pages", same),
        (f"pages of {LARGEST_PAGE:,}", largest),
    ):
        base = statistics.median(times)
        note = f"{took:.2f} s beside {base:.2f} s; of the shortest {min(ours) / min(times):.3g}"
        yield Figure(
            f"{runs:,} runs: listing of a server", took / base, f"x {what}, read only", 1.2, note
        )
    yield Figure(
        f"{runs:,} runs: first page in the table",
        statistics.median(first) * 1000,
        "ms",
        NO_TARGET,
        f"{len(sizes)} pages: {sizes}",
    )


def starts(
    place: Path, server: MlflowServer, experiment_id: str, runs: int, rounds: int
) -> Iterator[Figure]:
    """Measure whole starts: exec to the first rows, with the pages asked for by then, and to all.

    The first page is what the screen waits for: its own time is measured in the same round.
    """
    env = own_environment(place) | {
        "EVALTUI_TRACKING_URI": server.url,
        "EVALTUI_EXPERIMENT": EXPERIMENT,
    }
    cache = Path(env["XDG_CACHE_HOME"])
    bare = BareLoop(server, experiment_id)
    fresh: list[Start] = []
    again: list[Start] = []
    alone: list[float] = []
    pages: list[int] = []
    searches: list[int] = []
    cpu: list[float] = []
    listing_cpu: list[float] = []
    alone_cpu: list[float] = []
    own_cpu: list[float] = []
    for _ in range(rounds):
        shutil.rmtree(cache, ignore_errors=True)
        pages.append(answered_at_first_rows(server, env))
        shutil.rmtree(cache, ignore_errors=True)
        busy_s = server_cpu_s(server)
        program, found = start(env, runs)
        fresh.append(found)
        listing_cpu.append(server_cpu_s(server) - busy_s)
        own_cpu.append(tree_cpu_s(program.process.pid))
        confirmed(program)
        program.until(lambda: list(cache.rglob("*.mirror")), "mirror")
        leave(program)
        before, busy_s = searched(server), server_cpu_s(server)
        program, found = start(env, runs)
        again.append(found)
        end = time.monotonic() + _SECOND_S
        while time.monotonic() < end:
            program.pump(0.5)
        searches.append(searched(server) - before)
        cpu.append(server_cpu_s(server) - busy_s)
        leave(program)
        busy_s = server_cpu_s(server)
        alone.append(bare.seconds([LARGEST_PAGE]))
        alone_cpu.append(server_cpu_s(server) - busy_s)
    rows_s = statistics.median(one.rows_s for one in fresh)
    yield Figure(f"{runs:,} runs: exec to the first rows", rows_s * 1000, "ms", NO_TARGET)
    yield Figure(
        f"{runs:,} runs: pages the server had answered when the first rows stood",
        max(pages),
        "pages",
        2,
        f"each start: {pages}; the next page is asked for while the first is drawn",
    )
    rest_s = statistics.median(one.all_s - one.rows_s for one in fresh)
    base = statistics.median(alone)
    yield Figure(
        f"{runs:,} runs: first rows to all rows on the screen",
        rest_s / base,
        f"x pages of {LARGEST_PAGE:,}, read only",
        1.2,
        f"{rest_s:.2f} s beside {base:.2f} s",
    )
    ours, base_cpu = statistics.median(listing_cpu), statistics.median(alone_cpu)
    yield Figure(
        f"{runs:,} runs: first listing on the screen, processor time of the server",
        ours / base_cpu,
        f"x pages of {LARGEST_PAGE:,}, read only",
        1.2,
        f"{ours:.1f} s beside {base_cpu:.1f} s; screen and engine, their start included:"
        f" {statistics.median(own_cpu):.1f} s",
    )
    all_s = statistics.median(one.all_s for one in again)
    yield Figure(f"{runs:,} runs: second start, exec to all rows", all_s * 1000, "ms", NO_TARGET)
    within = f"within {_SECOND_S:g} s of the whole list, polls and sweeps included"
    yield Figure(
        f"{runs:,} runs: second start, searches {within}",
        max(searches),
        "searches",
        NO_TARGET,
        f"each start: {searches}",
    )
    yield Figure(
        f"{runs:,} runs: second start, processor time of the server {within}",
        statistics.median(cpu),
        "s",
        NO_TARGET,
        f"listing in full: {base_cpu:.1f} s",
    )


def answered_at_first_rows(server: MlflowServer, env: Mapping[str, str]) -> int:
    """Start the program, end it when it shows runs; return how many searches were answered."""
    before = searched(server)
    with PtySession([EVALTUI], size=SIZE, env=env) as program:
        program.until(lambda: b"run-" in program.data, "first rows")
        answered = searched(server) - before
        program.send("q")
        program.wait()
    return answered


def server_cpu_s(server: MlflowServer) -> float:
    """Return the processor seconds that a server and its workers have used."""
    return tree_cpu_s(server.pid)


def tree_cpu_s(pid: int) -> float:
    """Return the processor seconds of a process and those it started, ended threads included."""
    waiting, ticks = [pid], 0
    while waiting:
        pid = waiting.pop()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        waiting += children(pid)
    return ticks / os.sysconf("SC_CLK_TCK")


def searched(server: MlflowServer) -> int:
    """Return how many searches the server has answered, by its log."""
    text = (server.directory / "server.log").read_text(encoding="utf-8", errors="replace")
    return len(_PAGE.findall(text))


def main() -> int:
    """Measure everything; return 1 when a target is missed."""

    def own(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--runs", type=int, default=10_000)
        parser.add_argument("--only", choices=["reading", "starts"], help="measure only this")

    options = options_of(__doc__, more=own, rounds=5, place=True)
    with scratch() as place:
        uri = store_uri(options.place or place, options.runs)
        database = Path(uri.removeprefix("sqlite:///"))
        with MlflowServer(place / "server", database=database) as server:
            parts = {
                "reading": reading(server, "1", options.runs, options.rounds),
                "starts": starts(place, server, "1", options.runs, options.rounds),
            }
            chosen = [part for name, part in parts.items() if options.only in {None, name}]
            return report(chosen, options.json)


if __name__ == "__main__":
    sys.exit(main())
