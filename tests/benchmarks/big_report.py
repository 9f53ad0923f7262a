"""Measures reports of 100 MB: their first row beside reading a small report, and the memory.

    python tests/benchmarks/big_report.py [--megabytes 100] [--rounds 30]

Two kinds: evaltui's own report with a kilobyte a case, and the app evaluation with four an app.
Each is logged into SQLite by a process of its own that logged a small report before.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from big_documents import write_report  # noqa: E402 - tests are no package
from figures import Figure, options_of, report, scratch  # noqa: E402 - beside this file
from stores import quiet_environ  # noqa: E402

from evaltui.domain.report import Source  # noqa: E402
from evaltui.engine.filebytes import read_file, read_head  # noqa: E402
from evaltui.readers import HEAD_BYTES, preview, read_reports, recognise  # noqa: E402

MEMORY_MB = 50
_SMALL = 64_000
_NAMES = {"own": "evaltui.report/1", "apps": "app evaluation"}


def first_row(place: Path, kind: str, big: Path, rounds: int) -> Iterator[Figure]:
    """Compare what the first row of a big report takes with reading a report of 64 KB."""
    small = place / f"{kind}-64k.json"
    write_report(small, kind, _SMALL)

    def start() -> None:
        head = read_head(big, HEAD_BYTES)
        assert recognise(head, big.name).format
        found = preview(head, _source(big))
        assert found is not None
        assert found.metrics

    def whole() -> None:
        file = read_file(small, max_bytes=1_000_000)
        assert recognise(file.head, small.name).format
        (found,) = read_reports(file.data, _source(small))
        assert found.cases

    times = {start: [0.0], whole: [0.0]}
    for _ in range(rounds + 1):
        for work, taken in times.items():
            taken.append(_seconds(work))
    first, read = (statistics.median(taken[2:]) for taken in times.values())
    yield Figure(
        f"first row of a big report ({_NAMES[kind]})",
        first / read,
        "x reading one of 64 KB",
        2,
        f"{first * 1000:.1f} ms beside {read * 1000:.1f} ms",
    )


def memory(place: Path, kind: str, big: Path, cases: int) -> Iterator[Figure]:
    """Log a big report and tell how much the process grew meanwhile."""
    small = place / f"{kind}-small.json"
    write_report(small, kind, 20_000)
    folder = place / f"store-{kind}"
    folder.mkdir()
    child = [sys.executable, str(HERE / "big_report_child.py"), str(folder), str(small), str(big)]
    answer = subprocess.run(
        child, check=True, capture_output=True, text=True, env=quiet_environ(), timeout=900
    )
    told = json.loads(answer.stdout)
    assert told["state"] == "finished", told
    size = big.stat().st_size / 1e6
    yield Figure(
        f"logging {size:.0f} MB ({_NAMES[kind]}, {cases:,} cases): memory",
        told["grown_mb"],
        "MB above the base",
        MEMORY_MB,
        f"{told['seconds']:.0f} s, base {told['base_mb']:.0f} MB",
    )


def _source(path: Path) -> Source:
    return Source(path, path.stat().st_size, datetime.now(UTC))


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def figures(place: Path, megabytes: int, rounds: int) -> Iterator[Figure]:
    """Yield the figures of both kinds of report."""
    for kind in _NAMES:
        big = place / f"{kind}.json"
        cases = write_report(big, kind, megabytes * 1_000_000)
        yield from first_row(place, kind, big, rounds)
        yield from memory(place, kind, big, cases)
        big.unlink()


def main() -> int:
    """Measure everything; return 1 when a target is missed."""

    def size(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--megabytes", type=int, default=100)

    options = options_of(__doc__, more=size, rounds=30)
    with scratch() as place:
        return report([figures(place, options.megabytes, options.rounds)], options.json)


if __name__ == "__main__":
    sys.exit(main())
