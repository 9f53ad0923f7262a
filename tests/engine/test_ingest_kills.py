"""Processes that are killed at every step, and processes that race."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ingest_kit import Kit, report
from test_ingest_faults import check_exactly_once
from tiny_store import TinyStore

from evaltui.engine.steps.machine import STEPS

ADOPTED = {("create_sent", "lost")}
PROGRAM = Path(__file__).parent / "ingest_process.py"
PATIENCE_S = 300


def start(
    folder: Path, *names: str, step: str = "-", fault: str = "-", journal: str = "journal"
) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(PROGRAM), str(folder), journal, step, fault, *names]
    path = os.pathsep.join([str(PROGRAM.parent), *sys.path])
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})


def write(folder: Path, values: dict[str, float]) -> None:
    (folder / "reports").mkdir()
    for name, value in values.items():
        (folder / "reports" / name).write_bytes(report(value))


def settled(folder: Path) -> Kit:
    """What a new process sees, after it has cleared what was left behind."""
    kit = Kit(folder, store=TinyStore(folder / "store.db"))
    kit.log_all()
    kit.ingestor.reconcile()
    return kit


@pytest.mark.parametrize(
    ("step", "fault"),
    # A run whose create call lost its answer is adopted: that call is not made again.
    [(step, fault) for step in STEPS for fault in ("-", "lost") if (step, fault) not in ADOPTED],
)
def test_a_process_killed_at_any_step_loses_and_doubles_nothing(
    tmp_path: Path, step: str, fault: str
) -> None:
    write(tmp_path, {"a.json": 0.5})
    killed = start(tmp_path, "a.json", step=step, fault=fault)
    assert killed.wait(PATIENCE_S) == -9
    assert start(tmp_path, "a.json").wait(PATIENCE_S) == 0
    kit = settled(tmp_path)
    check_exactly_once(kit, {"a.json": 0.5})
    assert len(kit.store.active_runs()) == 1


def test_a_process_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a.json": 0.5, "b.json": 0.6})
    for step in STEPS:
        assert start(tmp_path, "a.json", "b.json", step=step).wait(PATIENCE_S) in (-9, 0)
    assert start(tmp_path, "a.json", "b.json").wait(PATIENCE_S) == 0
    check_exactly_once(settled(tmp_path), {"a.json": 0.5, "b.json": 0.6})


def test_processes_that_race_for_the_same_files_make_one_run_of_each(tmp_path: Path) -> None:
    values = {f"{number}.json": number / 100 for number in range(12)}
    write(tmp_path, values)
    racing = [start(tmp_path, *values) for _ in range(3)]
    assert [process.wait(PATIENCE_S) for process in racing] == [0, 0, 0]
    kit = Kit(tmp_path, store=TinyStore(tmp_path / "store.db"))
    check_exactly_once(kit, values)
    assert len(kit.store.all_runs()) == len(values)


def test_a_racing_process_that_is_killed_leaves_its_work_to_the_others(tmp_path: Path) -> None:
    values = {f"{number}.json": number / 100 for number in range(6)}
    write(tmp_path, values)
    racing = [start(tmp_path, *values), start(tmp_path, *values, step="created")]
    assert racing[0].wait(PATIENCE_S) == 0
    assert racing[1].wait(PATIENCE_S) in (-9, 0)
    kit = settled(tmp_path)
    check_exactly_once(kit, values)
    assert len(kit.store.active_runs()) == len(values)


def test_two_journals_that_race_agree_after_reconciling(tmp_path: Path) -> None:
    values = {f"{number}.json": number / 100 for number in range(6)}
    write(tmp_path, values)
    racing = [start(tmp_path, *values, journal=name) for name in ("journal", "other")]
    assert [process.wait(PATIENCE_S) for process in racing] == [0, 0]
    kit = settled(tmp_path)
    kit.ingestor.note_deleted([run.run_id for run in kit.store.all_runs() if not run.active])
    check_exactly_once(kit, values)
    assert len(kit.store.active_runs()) == len(values)
