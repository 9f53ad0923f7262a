"""A watch that is killed again and again while reports come in, and the account at the end."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from batch_reports import Audit, BatchReport, audit, make_report
from fault_campaign import Machine, complete_keys, open_stage, wait_for_account
from fault_proxy import Rule
from nursery import Life, Nursery
from second_look import StoredRun, all_runs
from stores import new_store

from evaltui.engine.steps.machine import STEPS

AHEAD = 12
"""Reports that are open at any time, so that a kill finds the ingest at work."""

_LAST_LIFE_S = 420.0
_STEP_S = 180.0
_SLOW = 4
"""A life that has less than this part of a processor goes on for so many times as long."""


@dataclass
class Place:
    """A store, how a second client counts in it, and how long the longest life is."""

    url: str
    runs: Callable[[], list[StoredRun]]
    longest_life_s: float


@dataclass
class KillFigures:
    """What came out of a campaign."""

    seed: int
    kills: int
    killed_at_steps: list[str]
    audit: Audit
    seconds: float
    last_status: int

    def __str__(self) -> str:
        steps = len(set(self.killed_at_steps))
        return (
            f"seed {self.seed}: {self.kills} kills, {len(self.killed_at_steps)} of them at"
            f" {steps} named steps, in {self.seconds:.0f} s\n{self.audit}"
        )


@contextmanager
def embedded_place(folder: Path) -> Iterator[Place]:
    """Give a SQLite store that the watch writes to itself."""
    database = folder / "mlflow.db"
    if not database.exists():
        new_store(database)
    yield Place(f"sqlite:///{database}", lambda: all_runs(database), 1.5)


@contextmanager
def server_place(folder: Path, *, rules: Sequence[Rule] = (), seed: int = 0) -> Iterator[Place]:
    """Give a server behind a proxy with these faults."""
    with open_stage(folder, seed=seed) as stage:
        stage.proxy.rules = list(rules)
        yield Place(stage.proxy.url, stage.runs, 4.0)


def kill_campaign(
    folder: Path,
    place: Place,
    *,
    kills: int,
    seed: int,
    steps: Sequence[str] = STEPS,
    hurry: float = 20.0,
    stop_after_s: float = 1e9,
    tell: Callable[[str], None] = lambda _: None,
) -> KillFigures:
    """Kill one watch after the other, then let a last one finish; return the account.

    What is in a folder that was used before is gone on with.

    Args:
        folder: For everything.
        place: The store.
        kills: Kills at random moments, beside one at every step.
        seed: Of reports and moments.
        steps: Steps of the ingest at which a life ends by itself.
        hurry: By how much the waiting between tries is shortened.
        stop_after_s: Begin no more lives after this time, but the last.
        tell: Takes lines about how far it is.
    """
    rng = random.Random(seed)
    began = time.monotonic()
    fed: list[BatchReport] = []
    machine = Machine(folder, 0)
    argv = machine.argv
    environ = machine.environ(place.url)

    def feed() -> None:
        done = len(complete_keys(place.runs()))
        while len(fed) < done + AHEAD:
            report = make_report(seed, len(fed))
            if not (machine.reports / f"{report.key}.json").exists():
                report.write(machine.reports)
            fed.append(report)

    with ExitStack() as stack:
        nursery = stack.enter_context(Nursery(folder / "lives"))
        at_steps: list[str] = []
        for step in steps:
            feed()
            life = nursery.start(argv, environ, crash_at=(step, rng.randrange(1, 4)), hurry=hurry)
            at_steps += [step] if _end(life, _STEP_S) else []
        note = folder / "kills"
        killed = int(note.read_text()) if note.exists() else 0
        while killed < kills and time.monotonic() - began < stop_after_s:
            feed()
            seconds = rng.uniform(0, place.longest_life_s)
            _end(nursery.start(argv, environ, hurry=hurry), seconds, busy=True)
            killed += 1
            note.write_text(str(killed))
            if killed % 50 == 0:
                tell(f"{killed} kills, {len(fed)} reports, {time.monotonic() - began:.0f} s")
        feed()  # so that the last has something to log before it is asked to end
        last = nursery.start(argv, environ, hurry=hurry)
        wait_for_account(lambda: audit(place.runs(), fed), _LAST_LIFE_S)
        status = last.stop()
    found = audit(place.runs(), fed)
    seconds = time.monotonic() - began
    return KillFigures(seed, killed + len(at_steps), at_steps, found, seconds, status)


def _end(life: Life, seconds: float, *, busy: bool = False) -> bool:
    """Let a life go on for some time, then kill it; return whether it had killed itself.

    Args:
        life: The life.
        seconds: How long.
        busy: Give it more where others keep the processors from it, or every life would end
            before it has done anything.

    Raises:
        AssertionError: It ended in another way.
    """
    begun = time.monotonic()
    while life.status is None:
        lived_s = time.monotonic() - begun
        slow = busy and lived_s < _SLOW * seconds and _worked_s(life.pid) < seconds / _SLOW
        if lived_s >= seconds and not slow:
            break
        time.sleep(0.002)  # between two looks
    by_itself = life.status is not None
    life.kill()
    assert life.status == -9, f"it ended by itself with {life.status}: {life.text}"
    life.output.unlink(missing_ok=True)
    return by_itself


def _worked_s(pid: int) -> float:
    """Return the processor time of a process, endless when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.inf
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
