"""Measures a comparison from the key to the screen, and where its time goes.

    python tests/benchmarks/comparing.py [--cases 100] [--metrics 40] [--runs 8] [--rounds 9]
                                         [--json OUT.json]

Reports are logged into a store of their own and compared by the real program in a pseudo-terminal,
from a state directory that keeps their cases already: the program is started anew for every round,
so that nothing is kept in its memory. The parts are measured in this process, as processor time.
Nothing here is part of the test suite.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import NO_TARGET, Figure, options_of, report, scratch  # noqa: E402 - beside this file
from programs import EVALTUI, cpu_s, tree  # noqa: E402
from pty_session import PtySession  # noqa: E402 - tests are no package
from stores import EXPERIMENT, new_store, quiet_environ  # noqa: E402

from evaltui.domain.cases import from_cases  # noqa: E402
from evaltui.domain.comparison import Comparison, Terms  # noqa: E402
from evaltui.domain.comparison_json import from_document, to_document  # noqa: E402
from evaltui.domain.report import Report, Source  # noqa: E402
from evaltui.domain.run import Run, RunStatus  # noqa: E402
from evaltui.engine.case_reading import CasesRead  # noqa: E402
from evaltui.engine.comparing import compare_read  # noqa: E402
from evaltui.engine.comparison_desk import MAX_ROWS  # noqa: E402
from evaltui.engine.link import Reply, encode  # noqa: E402
from evaltui.readers import read_reports  # noqa: E402
from evaltui.ui.change_lines import by_case  # noqa: E402
from evaltui.ui.diff_lines import DiffLines  # noqa: E402
from evaltui.ui.glyphs import BLOCK  # noqa: E402

SIZE = (160, 50)
_BASE_S = 1_764_000_000
_FRAME_BYTES = 1_000
_VERDICTS = ("regressed", "improved", "stable", "undecided")


def document(number: int, *, cases: int, metrics: int, seed: int = 1) -> dict[str, Any]:
    """Return a report: a third of the metrics are checks, a third scores, a third costs."""
    own, shared = random.Random(seed * 1_000 + number), random.Random(seed)
    rows = []
    for at in range(cases):
        scores: dict[str, float] = {}
        for metric in range(metrics):
            level = shared.random()
            value = level + own.gauss(0, 0.15) - number / 40
            if metric % 3 == 0:
                scores[f"check_{metric:02d}"] = float(value > 0.3)
            elif metric % 3 == 1:
                scores[f"quality_{metric:02d}_score"] = round(5 * min(1.0, max(0.0, value)), 2)
            else:
                scores[f"step_{metric:02d}_cost_usd"] = round(0.1 + abs(value), 4)
        rows.append(
            {
                "id": f"case-{at:05d}",
                "status": "pass" if scores["check_00"] else "fail",
                "scores": scores,
                "output": f"answer {number} of case {at}\n" * 3,
            }
        )
    return {
        "schema": "evaltui.report/1",
        "id": f"measured-{number}",
        "name": f"measured-{number}",
        "mode": "mcp",
        "started_at": _BASE_S + number * 3_600,
        "params": {"number": number},
        "cases": rows,
    }


def key_to_screen(
    place: Path, *, cases: int, metrics: int, runs: int, rounds: int
) -> list[tuple[float, ...]]:
    """Return for each round the seconds from the key to the values and to the verdicts.

    After those come the seconds of processor time that screen and engine took.
    """
    store = new_store(place / "store.db")
    env = quiet_environ(
        EVALTUI_STATE_DIR=str(place / "state"),
        EVALTUI_CONFIG=str(place / "none.toml"),
        EVALTUI_TRACKING_URI=f"sqlite:///{store}",
        EVALTUI_EXPERIMENT=EXPERIMENT,
        HOME=str(place),
    )
    files = []
    for number in range(runs):
        path = place / f"report-{number}.json"
        path.write_text(json.dumps(document(number, cases=cases, metrics=metrics)))
        files.append(str(path))
    (place / "none.toml").touch()
    subprocess.run([EVALTUI, "log", *files], env=env, check=True, capture_output=True)
    names = [f"measured-{number}" for number in range(runs)]
    subprocess.run([EVALTUI, "compare", *names], env=env, check=True, capture_output=True)
    return [_round(env, runs) for _ in range(rounds + 1)][1:]


def _round(env: dict[str, str], runs: int) -> tuple[float, ...]:
    with PtySession([EVALTUI], size=SIZE, env=env) as program:
        program.until_text("measured-0")
        program.until_quiet(1.0)
        program.send("gvGv")
        program.until_text(f"{runs} marked")
        program.until_quiet(1.0)
        screen, engine = tree(program.process.pid)[:2]
        spent, before = (cpu_s(screen), cpu_s(engine)), len(program.data)
        values = 0.0
        began = time.perf_counter()
        program.send("c")
        while True:
            program.pump(5)
            fresh, now = bytes(program.data[before:]), time.perf_counter() - began
            values = values or (now if len(fresh) > _FRAME_BYTES else 0.0)
            if any(f" {word}".encode() in fresh for word in _VERDICTS):
                break
        while program.pump(0.03):
            now = time.perf_counter() - began
        program.until_quiet(0.5)
        taken = (cpu_s(screen) - spent[0], cpu_s(engine) - spent[1])
        program.send("q")
        program.send("q")
        program.wait()
    return values, now, *taken


def parts(*, cases: int, metrics: int, runs: int, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield what a comparison is made of, in milliseconds of processor time."""
    read = [
        _as_run(read_reports(json.dumps(made).encode(), _source())[0], number)
        for number in range(runs)
        for made in [document(number, cases=cases, metrics=metrics)]
    ]
    rows = max(300, MAX_ROWS // (runs - 1))
    found: list[Comparison] = []

    def judge() -> None:
        found[:] = compare_read(read[0], read[1:], Terms(), max_rows=rows)

    yield "judge (engine)", _cpu_ms(judge, rounds)
    payload = {**to_document(found), "gone": []}
    yield "to a document (engine)", _cpu_ms(lambda: to_document(found), rounds)
    yield "to a frame (engine)", _cpu_ms(lambda: encode(Reply(1, payload)), rounds)
    text = json.dumps(payload)
    yield "of a frame (screen)", _cpu_ms(lambda: json.loads(text), rounds)
    yield "of a document (screen, beside its loop)", _cpu_ms(lambda: from_document(payload), rounds)
    yield "lines (screen)", _cpu_ms(lambda: _draw(found), rounds)


def _draw(found: list[Comparison]) -> None:
    lines = DiffLines(found, glyphs=BLOCK, width=SIZE[0], tested=True)
    for index in range(min(SIZE[1], len(lines))):
        lines.cells(index)
    if found[0].cases is not None:
        by_case(found[0].cases)


def _source() -> Source:
    return Source(Path("report.json"), 0, datetime.now(UTC))


def _as_run(report: Report, number: int) -> tuple[Run, CasesRead]:
    run = Run(
        run_id=f"{number:032x}",
        experiment_id="1",
        name=f"measured-{number}",
        status=RunStatus.FINISHED,
        started_ms=_BASE_S * 1_000 + number,
        ended_ms=None,
        metrics={
            metric.name: metric.value for metric in report.metrics if metric.value is not None
        },
        params=dict(report.params),
        tags={},
    )
    return run, CasesRead(from_cases(report.cases))


def _cpu_ms(work: Callable[[], object], rounds: int) -> float:
    work()
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median(times) * 1_000


def figures(place: Path, **size: int) -> Iterator[Figure]:
    """Yield the parts of a comparison, then what it takes from the key on."""
    about = "{runs} runs of {cases:,} cases x {metrics} metrics: ".format(**size)
    for what, took_ms in parts(**size):
        yield Figure(f"{about}{what}", took_ms, "ms of the processor", NO_TARGET)
    most = 150 if size["cases"] <= 100 else 1_000
    told = (
        ("key to values", "ms", NO_TARGET),
        ("key to verdicts", "ms", most),
        ("processor time of the screen", "ms", NO_TARGET),
        ("processor time of the engine", "ms", NO_TARGET),
    )
    columns = zip(*key_to_screen(place, **size), strict=True)
    for (what, unit, target), times in zip(told, columns, strict=True):
        note = f"median; slowest {max(times) * 1_000:.0f} ms"
        yield Figure(f"{about}{what}", statistics.median(times) * 1_000, unit, target, note)


def main() -> int:
    """Print the figures; return 1 when a target is missed."""

    def sizes(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--cases", type=int, default=100)
        parser.add_argument("--metrics", type=int, default=40)
        parser.add_argument("--runs", type=int, default=8)

    options = options_of(__doc__, more=sizes, rounds=9)
    size = {name: getattr(options, name) for name in ("cases", "metrics", "runs", "rounds")}
    with scratch() as place:
        return report([figures(place, **size)], options.json)


if __name__ == "__main__":
    sys.exit(main())
