"""Measures evaltui beside `wandb leet`, W&B's terminal program, start by start and key by key.

    python tests/benchmarks/beside_leet.py [--wandb PATH] [--rounds 10] [--keys 120] [--runs 1000]
                                           [--many 100000] [--place DIR] [--json OUT.json]

`wandb` is looked for on PATH, and is no part of this project: `pip install wandb` into an
environment of its own. Without it nothing is measured, and nothing is written.

W&B's SDK writes --runs runs of 30 metrics for it, offline; evaltui gets stores of as many runs and
of --many. Starts take turns. For the keys both programs stand open, and each key goes to one, then
to the other. The answer to a key is what comes before 20 ms of silence: of evaltui that is the
list, of LEET the list and its overview. evaltui's panes follow when the cursor rests, and are told
apart. Nothing here is part of the test suite.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import NO_TARGET, Figure, options_of, report, scratch  # noqa: E402 - beside this file
from programs import (  # noqa: E402
    EVALTUI,
    FRAME_CELLS,
    SIZE,
    cpu_s,
    drawn_cells,
    memory_mb,
    own_environment,
    store_uri,
    tree,
)
from pty_session import PtySession  # noqa: E402 - tests are no package

_OURS, _THEIRS = b"run-", b"offline-run-"
"""Begin the names of the runs in the lists."""
_START, _KEY = 0.5, 0.6
"""Most of its time, as shares of LEET's."""
_BURST_S = 0.02
_PANES_S = 0.6
_REST_S = 2.0
_IDLE_S = 10.0
_UP, _DOWN = "\x1b[A", "\x1b[B"
_PAGE = 12
"""Keys one way before they turn round: neither list scrolls."""
_CORE = "import wandb.util; print(wandb.util.get_core_path())"


@dataclass(frozen=True)
class Leet:
    """W&B's program and the runs it shows.

    Attributes:
        wandb: The command.
        home: Directory of its settings, caches and runs.
    """

    wandb: Path
    home: Path

    @property
    def folder(self) -> Path:
        """Where the run files are."""
        return self.home / "wandb"

    @property
    def env(self) -> dict[str, str]:
        """Variables that keep it to itself: no server, no reports, no other settings."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("WANDB")}
        return kept | {
            "HOME": str(self.home),
            "TERM": "xterm-256color",
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_MODE": "offline",
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
        }

    @property
    def command(self) -> list[str]:
        """What a person starts."""
        return [str(self.wandb), "leet", str(self.folder)]

    def core_command(self) -> list[str]:
        """Return what that starts in turn: the program in Go, without its command in Python."""
        core = subprocess.run(
            [self._python, "-c", _CORE], check=True, capture_output=True, text=True, env=self.env
        ).stdout.strip()
        return [core, "leet", "run", "--no-observability", str(self.folder)]

    def make_runs(self, count: int) -> None:
        """Let W&B's SDK write runs, unless they are there."""
        made = self.home / f"made-{count}"
        if made.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.home.mkdir(parents=True, exist_ok=True)
        command = [self._python, str(HERE / "wandb_runs.py"), str(self.home), str(count)]
        subprocess.run(command, check=True, env=self.env, stdout=subprocess.DEVNULL)
        made.touch()

    @property
    def _python(self) -> str:
        return str(self.wandb.resolve().parent / "python")


@dataclass
class Starts:
    """How soon one program was there.

    Attributes:
        command: The program.
        env: Its variables.
        mark: What the name of a run in its list begins with.
        frame_s: Seconds from exec to a thousand drawn cells.
        runs_s: Seconds to the first run on screen.
    """

    command: list[str]
    env: Mapping[str, str]
    mark: bytes
    frame_s: list[float] = field(default_factory=list)
    runs_s: list[float] = field(default_factory=list)

    def again(self, *, keep: bool) -> None:
        """Start it once more, and end it."""
        began = time.perf_counter()
        with PtySession(self.command, size=SIZE, env=self.env) as program:
            program.until(lambda: drawn_cells(bytes(program.data)) >= FRAME_CELLS, "a frame")
            frame_s = time.perf_counter() - began
            program.until(lambda: self.mark in program.data, "runs")
            runs_s = time.perf_counter() - began
            program.until_quiet(0.5)
            program.send("q")
            program.wait()
        if keep:
            self.frame_s.append(frame_s)
            self.runs_s.append(runs_s)


@dataclass
class Answers:
    """What one program did with the keys.

    Attributes:
        list_s: Seconds from each key to the last byte of what it set off at once.
        all_s: Seconds to the last byte of all that followed.
        sent: Bytes of all that.
    """

    list_s: list[float] = field(default_factory=list)
    all_s: list[float] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def take(self, program: PtySession, key: str) -> None:
        """Type a key, and note what comes."""
        before = len(program.data)
        began = time.perf_counter()
        program.send(key)
        program.until(lambda: len(program.data) > before, "an answer to a key")
        last = time.perf_counter()
        while program.pump(_BURST_S):
            last = time.perf_counter()
        self.list_s.append(last - began)
        while program.pump(_PANES_S):
            last = time.perf_counter()
        self.all_s.append(last - began)
        self.sent.append(len(program.data) - before)


def starts(leet: Leet, env: Mapping[str, str], runs: int, rounds: int) -> Iterator[Figure]:
    """Compare starts with as many runs on both sides, the shortest of each kind."""
    warm(env, runs)
    trio = (
        Starts([EVALTUI], env, _OURS),
        Starts(leet.command, leet.env, _THEIRS),
        Starts(leet.core_command(), leet.env, _THEIRS),
    )
    for number in range(rounds + 1):
        for one in random.Random(number).sample(trio, len(trio)):
            one.again(keep=number > 0)  # the first round warms up
    ours, theirs, core = trio
    about = f"{runs:,} runs: exec → "
    yield beside(f"{about}first frame", ours.frame_s, theirs.frame_s, _START)
    yield beside(f"{about}runs on screen", ours.runs_s, theirs.runs_s, _START)
    alone = beside(f"{about}runs on screen", ours.runs_s, core.runs_s, NO_TARGET)
    yield replace(alone, unit="x LEET's core alone, without the command that starts it")


def warm(env: Mapping[str, str], runs: int) -> None:
    """Let evaltui see all runs once, and keep them and the page on show for its next start."""
    cache = Path(env["XDG_CACHE_HOME"])
    with opened(env, runs) as program:
        program.until(lambda: "LIVE" in program.text, "confirmation")
        for kept in ("*.mirror", "*.page"):
            program.until(lambda kept=kept: list(cache.rglob(kept)), kept)
        program.until_quiet(_REST_S)
        program.send("q")
        program.wait()


def opened(env: Mapping[str, str], runs: int) -> PtySession:
    """Start evaltui and return it with all its runs listed."""
    program = PtySession([EVALTUI], size=SIZE, env=env)
    program.until(lambda: program.pump(0.3) == 0 and f"Runs {runs:,}  by" in program.text, "runs")
    return program


def at_work(
    leet: Leet, env: Mapping[str, str], sizes: tuple[int, int], keys: int
) -> Iterator[Figure]:
    """Compare keys, bytes, memory and rest, with so many runs in evaltui, so many in LEET."""
    many, few = sizes
    about = f"{many:,} runs beside {few:,}" if many != few else f"{few:,} runs"
    warm(env, many)
    with ExitStack() as stack:
        ours = stack.enter_context(opened(env, many))
        theirs = stack.enter_context(PtySession(leet.command, size=SIZE, env=leet.env))
        theirs.until_text(f"of {few}]")
        for program in (ours, theirs):
            program.until_quiet(_REST_S)
        yield from keys_of(ours, theirs, keys, about)
        yield from memory(ours, theirs, about)
        yield from rest(ours, theirs, about)
        for program in (ours, theirs):
            program.send("q")
            program.wait()


def keys_of(ours: PtySession, theirs: PtySession, keys: int, about: str) -> Iterator[Figure]:
    """Type cursor keys, each to one and then to the other."""
    answers = (Answers(), Answers())
    for number in range(keys):
        key = _DOWN if number // _PAGE % 2 == 0 else _UP
        both = list(zip(answers, (ours, theirs), strict=True))
        for answer, program in random.Random(number).sample(both, len(both)):
            answer.take(program, key)
    mine, leets = answers
    what = f"{about}: cursor key, write → last byte"
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        yield beside_at(f"{what}, {name}", mine.list_s, leets.list_s, share, _KEY)
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        all_of = f"{what} of all, panes that follow included, {name}"
        yield beside_at(all_of, mine.all_s, leets.all_s, share, NO_TARGET)
    sent = [statistics.median(answer.sent) for answer in answers]
    note = f"{sent[0]:g} bytes beside {sent[1]:g}"
    what = f"{about}: bytes of a cursor key, all that follows included"
    yield Figure(what, sent[0] / sent[1], "x wandb leet", NO_TARGET, note)


def memory(ours: PtySession, theirs: PtySession, about: str) -> Iterator[Figure]:
    """Compare the memory of all processes of both."""
    sizes = [sum(map(memory_mb, tree(one.process.pid))) for one in (ours, theirs)]
    note = f"{sizes[0]:.0f} MB beside {sizes[1]:.0f} MB"
    what = f"{about}: memory, all processes"
    yield Figure(what, sizes[0] / sizes[1], "x wandb leet", NO_TARGET, note)


def rest(ours: PtySession, theirs: PtySession, about: str) -> Iterator[Figure]:
    """Compare ten idle seconds, in which both look for what is new."""
    pair = (ours, theirs)
    before = [(used(one), len(one.data)) for one in pair]
    end = time.monotonic() + _IDLE_S
    while time.monotonic() < end:
        for one in pair:
            one.pump(0.1)
    spent = [used(one) - was for one, (was, _) in zip(pair, before, strict=True)]
    sent = [len(one.data) - was for one, (_, was) in zip(pair, before, strict=True)]
    note = f"{spent[0] * 1000:.0f} ms beside {spent[1] * 1000:.0f} ms in {_IDLE_S:g} s"
    what = f"{about}: idle, processor time of all processes"
    yield Figure(what, spent[0] / spent[1], "x wandb leet", NO_TARGET, note)
    yield Figure(f"{about}: idle", sent[0], "bytes", 0, f"beside {sent[1]} bytes")


def used(program: PtySession) -> float:
    """Return the processor seconds of a program and of what it started."""
    return sum(map(cpu_s, tree(program.process.pid)))


def beside(what: str, ours: Sequence[float], theirs: Sequence[float], target: float) -> Figure:
    """Hold the shortest times against each other: others work on this machine."""
    mine, leets = min(ours), min(theirs)
    middle = statistics.median(ours) / statistics.median(theirs)
    note = f"{mine * 1000:.0f} ms beside {leets * 1000:.0f} ms; of the medians {middle:.2g}"
    return Figure(what, mine / leets, "x wandb leet", target, note)


def beside_at(
    what: str, ours: Sequence[float], theirs: Sequence[float], share: float, target: float
) -> Figure:
    """Hold the times against each other below which a share of them lies."""
    mine, leets = (sorted(times)[int(len(times) * share)] for times in (ours, theirs))
    note = f"{mine * 1000:.1f} ms beside {leets * 1000:.1f} ms"
    return Figure(what, mine / leets, "x wandb leet", target, note)


def main() -> int:
    """Measure everything; return 1 when a target is missed, 0 without the other program."""

    def own(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--wandb", help="the command of W&B; else the one on PATH")
        parser.add_argument("--runs", type=int, default=1_000)
        parser.add_argument("--many", type=int, default=100_000)
        parser.add_argument("--keys", type=int, default=120)

    options = options_of(__doc__, more=own, rounds=10, place=True)
    found = shutil.which(options.wandb or "wandb")
    if found is None:
        print(f"not installed: {options.wandb or 'wandb'}; nothing was measured", file=sys.stderr)
        return 0
    with scratch() as place:
        stores = options.place or place
        leet = Leet(Path(found).absolute(), stores / "leet")
        leet.make_runs(options.runs)
        few, many = (
            own_environment(place / str(runs)) | {"EVALTUI_TRACKING_URI": store_uri(stores, runs)}
            for runs in (options.runs, options.many)
        )
        parts = (
            starts(leet, few, options.runs, options.rounds),
            at_work(leet, few, (options.runs, options.runs), options.keys // 2),
            at_work(leet, many, (options.many, options.runs), options.keys),
        )
        return report(parts, options.json)


if __name__ == "__main__":
    sys.exit(main())
