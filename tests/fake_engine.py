"""An engine without store and directories: a script that speaks frames over its pipes.

    python fake_engine.py serve [--runs N] [--files N] [--cases N] [--payload TEXT] [--every S]
                                [--noisy N]
    python fake_engine.py {die,hang,nonsense,deaf,orphan,mute,refuse,slow,echo,late-nonsense}

`serve` feeds a whole screen and answers every request. The other words are ways of an engine to
fail; `echo` answers each request with what was asked.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":  # started with -P or not: the package is the one beside this folder
    here = Path(__file__).resolve().parent
    sys.path[:0] = [str(here.parent), str(here)]

from fake_comparison import compared, told_of_case

from evaltui.domain.events import (
    FileRole,
    FileRow,
    FileState,
    Notice,
    StoreState,
    StoreStatus,
    WatchRole,
    WatchStatus,
)
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.domain.table import RunDelta
from evaltui.engine.link import (
    Event,
    FilesChanged,
    FrameReader,
    Noticed,
    Reply,
    Request,
    RunsChanged,
    StoreChanged,
    Verb,
    WatchChanged,
    encode,
)

NOON_MS = 1_763_985_600_000
"""2025-11-24 12:00 UTC: the fake runs end there."""

_sending = threading.Lock()


def command(*words: str) -> list[str]:
    """Return the command line of a fake engine."""
    return [sys.executable, str(Path(__file__).resolve()), *words]


def make_runs(count: int, payload: str = "") -> list[Run]:
    """Return believable runs, oldest first; `payload` goes into every text there is."""
    runs = []
    for at in range(count):
        swing = math.sin(at / 3)
        failed = at % 9 == 4
        runs.append(
            Run(
                run_id=f"{at:032x}",
                experiment_id="1",
                name=f"eval_mcp_{at:04d}{payload}",
                status=RunStatus.FAILED if failed else RunStatus.FINISHED,
                started_ms=NOON_MS - (count - at) * 3_600_000,
                ended_ms=NOON_MS - (count - at) * 3_600_000 + 600_000,
                metrics={
                    "build_success_rate": 0.9 + swing / 20,
                    "runtime_success_rate": 0.85 + swing / 20,
                    "type_safety_rate": 0.8 + swing / 20,
                    "tests_pass_rate": 0.75 + swing / 20,
                    "overall_quality_score": 0.8 + swing / 10,
                    "generation_cost_usd": 4 + swing,
                    **({f"own{payload}": float(at)} if payload else {}),
                },
                params={
                    "mode": "mcp",
                    "total_apps": "20",
                    f"model_version{payload}": f"m{payload}",
                },
                tags={
                    Tag.MODE: "mcp" if at % 3 else f"vanilla{payload}",
                    "framework": "klaudbiusz",
                },
            )
        )
    return runs


def noisy_run(at: int, metrics: int) -> Run:
    """Return a finished run, all of one mode, whose metrics each go their own way."""
    rng = random.Random(at)
    return Run(
        run_id=f"{at:032x}",
        experiment_id="1",
        name=f"eval_mcp_{at:04d}",
        status=RunStatus.FINISHED,
        started_ms=NOON_MS + at * 60_000,
        ended_ms=NOON_MS + at * 60_000 + 30_000,
        metrics={f"noise_{number:02d}_rate": rng.uniform(0.5, 1) for number in range(metrics)},
        params={},
        tags={Tag.MODE: "mcp"},
    )


def make_files(count: int, payload: str = "") -> tuple[FileRow, ...]:
    """Return files in every state, with all that a row can say."""
    states = list(FileState)
    rows = []
    for at in range(count):
        state = states[at % len(states)]
        waiting = state in {FileState.PARSED, FileState.INTENT}
        failed = state is FileState.QUARANTINED
        rows.append(
            FileRow(
                file_id=at,
                seq=at,
                path=f"/data/evaluations/run_{at:04d}{payload}/evaluation_report.json",
                state=state,
                reason=f"results[3].passed: expected true or false{payload}" if failed else "",
                hint=f"repair the file; it is tried again{payload}" if failed else "",
                run_ids=(f"{at:032x}",) if state is FileState.FINISHED else (),
                format="app_eval_k1",
                role=FileRole.REPORT,
                retry_at_s=NOON_MS / 1000 if waiting else None,
                updated_at_s=NOON_MS / 1000 + at,
            )
        )
    if count:
        rows.append(
            FileRow(
                file_id=count,
                seq=count,
                path=f"/data/evaluations/under_way{payload}",
                state=FileState.SEEN,
                role=FileRole.CASE,
                progress=f"14 of 20 evaluated{payload}",
            )
        )
    return tuple(rows)


def store_status(payload: str = "", **changes: object) -> StoreStatus:
    """Return the status of a store that answers."""
    fields: dict[str, object] = {
        "target": f"http://127.0.0.1:5000{payload}",
        "why": f"MLFLOW_TRACKING_URI{payload}",
        "experiment": f"/Shared/evaluations{payload}",
        "experiment_id": "1",
        "state": StoreState.LIVE,
        "since_s": NOON_MS / 1000,
        "data_at_s": NOON_MS / 1000,
        "baseline_run_id": f"{0:032x}",
        **changes,
    }
    return StoreStatus(**fields)  # type: ignore[arg-type]


def detail_fields(run_id: str, cases: int, payload: str = "") -> dict[str, object]:
    """Return the answer to DETAIL."""
    run = make_runs(int(run_id, 16) + 1, payload)[-1]
    return {
        "run_id": run_id,
        "params": list(run.params.items()),
        "tags": [*run.tags.items(), (f"tag{payload}", f"value{payload}")],
        "metrics": list(run.metrics.items()),
        "artifacts": [("app_metrics.json", 12_345), (f"logs/{payload or 'run'}.txt", None)],
        "case_columns": ["app_name", "build_success", "tests_pass", "reason", f"cost{payload}"],
        "case_rows": [
            [
                f"app-{at:03d}{payload}",
                float(at % 5 != 0),
                float(at % 3 != 0) if at % 7 else None,
                f"AssertionError: {at}{payload}" if at % 3 == 0 else None,
                at / 100,
            ]
            for at in range(cases)
        ],
        "cases_note": "",
        "link": f"http://127.0.0.1:5000/#/experiments/1/runs/{run_id}{payload}",
        "link_note": f"note{payload}",
        "extra": [f"3 values were not numbers{payload}"],
    }


# -- the script ----------------------------------------------------------------------------------


def send(message: Event) -> None:
    """Write one frame."""
    with _sending:
        data = encode(message)
        while data:
            data = data[os.write(1, data) :]


def requests() -> Iterator[Request]:
    """Yield what the screen asks until it closes the pipe."""
    reader = FrameReader()
    while data := os.read(0, 65_536):
        for message in reader.feed(data):
            assert isinstance(message, Request)
            yield message


def about_runs(request: Request, args: argparse.Namespace, payload: str) -> dict[str, object]:
    """Return the answer to a question about several runs."""
    if request.verb is Verb.CASE:
        return told_of_case(request.args, payload)
    if request.verb is Verb.DIRECTION:
        return {**request.args, "shared": True, "note": payload}
    runs = make_runs(args.runs, payload)
    return compared(request.args, lambda at: runs[at], cases=args.cases, payload=payload)


def serve(args: argparse.Namespace) -> None:
    """Feed a screen and answer it."""
    payload = args.payload.encode().decode("unicode_escape") if args.payload else ""
    paused, baseline = False, f"{0:032x}"
    for request in requests():
        match request.verb:
            case Verb.STOP:
                return
            case Verb.START:
                send(Reply(request.number))
                first_words(args, payload)
            case Verb.DETAIL:
                fields = detail_fields(str(request.args["run_id"]), args.cases, payload)
                send(Reply(request.number, fields))
            case Verb.BASELINE:
                before, baseline = baseline, str(request.args["run_id"] or "")
                answer = {"run_id": baseline, "shared": True, "previous": before, "note": ""}
                send(Reply(request.number, answer))
                send(StoreChanged(store_status(payload, baseline_run_id=baseline)))
            case Verb.SURVEY:
                path = str(request.args["path"])
                found = {"path": path, "reports": 3, "more": False, "env_file": ""}
                send(Reply(request.number, found))
            case Verb.PAUSE:
                paused = bool(request.args["on"])
                state = StoreState.PAUSED if paused else StoreState.LIVE
                send(Reply(request.number))
                send(StoreChanged(store_status(payload, state=state)))
            case Verb.COMPARE | Verb.CASE | Verb.DIRECTION:
                send(Reply(request.number, about_runs(request, args, payload)))
            case Verb.WATCH:
                path = str(request.args["path"])
                send(Reply(request.number, {"path": path}))
                send(WatchChanged(WatchStatus((path,), WatchRole.WATCHER, events="events")))
            case _:
                send(Reply(request.number))


def first_words(args: argparse.Namespace, payload: str) -> None:
    """Send everything a screen shows."""
    send(StoreChanged(store_status(payload, warning=payload)))
    if args.files:
        roots = (f"/data/evaluations{payload}",)
        counts = {"logged": 12, "pending": 2, "failed": 1, "ignored": 4}
        send(WatchChanged(WatchStatus(roots, WatchRole.WATCHER, events="events", **counts)))
        send(FilesChanged(make_files(args.files, payload)))
    runs = (
        [noisy_run(at, args.noisy) for at in range(args.runs)]
        if args.noisy
        else make_runs(args.runs, payload)
    )
    send(RunsChanged(RunDelta.from_runs(runs, total=len(runs)), reset=True))
    if payload:
        send(Noticed(Notice("warning", f"a notice{payload}", f"a hint{payload}")))
    if args.every:
        threading.Thread(target=keep_coming, args=(args, payload), daemon=True).start()


def keep_coming(args: argparse.Namespace, payload: str) -> None:
    """Send a new run now and then."""
    for count in range(args.runs + 1, args.runs + 10_000):
        time.sleep(args.every)  # what a feed does between its runs
        newest = noisy_run(count - 1, args.noisy) if args.noisy else make_runs(count, payload)[-1]
        send(RunsChanged(RunDelta.from_runs([newest])))


def echo(delay_s: float) -> None:
    """Answer each request with what was asked."""
    for request in requests():
        if request.verb is Verb.STOP:
            return
        time.sleep(delay_s if request.verb is not Verb.START else 0)  # it is a slow engine
        send(Reply(request.number, {"verb": request.verb.value, "args": dict(request.args)}))


def misbehave(word: str) -> None:
    """Fail in one of the ways an engine can fail."""
    if word == "die":
        next(requests())
        sys.exit(3)
    if word == "nonsense":
        os.write(1, b"Traceback (most recent call last):\n")
    if word == "late-nonsense":
        send(StoreChanged(store_status()))
        os.write(1, b"\0" * 64)
    if word == "refuse":
        send(Reply(next(requests()).number, error="the journal is locked", hint="unlock it"))
        sys.exit(2)
    if word == "orphan":  # what it started outlives it and holds the pipe
        subprocess.Popen(["sleep", "600"])
        next(requests())
        sys.exit(4)
    if word == "mute":
        next(requests())
        os.close(1)
    if word == "deaf":
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        subprocess.Popen(["sleep", "600"])
    time.sleep(600)  # until it is ended


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser()
    parser.add_argument("word")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--payload", default="")
    parser.add_argument("--every", type=float, default=0.0)
    parser.add_argument("--noisy", type=int, default=0, help="runs with so many noisy metrics")
    args = parser.parse_args()
    if args.word == "serve":
        serve(args)
    elif args.word in {"echo", "slow"}:
        echo(0.3 if args.word == "slow" else 0.0)
    else:
        misbehave(args.word)


if __name__ == "__main__":
    main()
