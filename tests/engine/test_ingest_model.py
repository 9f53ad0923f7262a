"""Histories of reports, faults, crashes and lost writes: each report is logged once in the end."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ingest_kit
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from ingest_kit import Kit, report
from tiny_store import EMPTY, HALF, LATE, LOST, REFUSED, TinyStore

from evaltui.domain.events import BY_HAND, FileState
from evaltui.domain.run import Tag
from evaltui.engine.audit import audit
from evaltui.engine.steps.machine import STEPS
from evaltui.ledger.journal import Journal

FAULTS = (REFUSED, LOST, EMPTY, HALF, LATE)
METRIC_MS = 1_772_366_400_000


class Killed(BaseException):
    """The process ends here."""


class NotedJournal(Journal):
    """Remembers how long the log was after the last write that must survive a loss of power."""

    safe_bytes = 0

    @contextmanager
    def _write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        with super()._write(durable=durable) as db:
            yield db
        if durable:
            self.safe_bytes = self.log_bytes()

    def log_bytes(self) -> int:
        path = Path(f"{self.path}-wal")
        return path.stat().st_size if path.exists() else 0


class ReportsAreLoggedOnce(RuleBasedStateMachine):
    """Whatever happens meanwhile, the store ends with one complete run per report."""

    def __init__(self) -> None:
        super().__init__()
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self.scratch.name)
        self.store = TinyStore(fault=self._fault)
        self.values: dict[str, float] = {}  # file name to the value that stands in it
        self.taken: set[float] = set()
        self.ignored: set[str] = set()
        self.deleted: set[float] = set()
        self.faults: list[str] = []
        self.die_at = ""
        self.number = 0
        self.now = ingest_kit.START

    def teardown(self) -> None:
        try:
            self._settle()
            self._check()
        finally:
            self.kit.journal.close()
            self.scratch.cleanup()

    @initialize()
    def start(self) -> None:
        self._start(self.folder / "j0")

    # -- files -----------------------------------------------------------------------------------

    @rule(name=st.sampled_from("abc"))
    def write(self, name: str) -> None:
        """Write another report; what the file held before is another evaluation and stays."""
        self.number += 1
        self.values[name] = self.number / 1_000
        self.kit.write(f"{name}.json", report(self.values[name]))
        self._take(name)

    @precondition(lambda self: self.values)
    @rule(data=st.data(), name=st.sampled_from("cde"))
    def copy(self, data: st.DataObject, name: str) -> None:
        self.copy_of(data.draw(st.sampled_from(sorted(self.values))), name)

    def copy_of(self, other: str, name: str) -> None:
        self.values[name] = self.values[other]
        self.kit.write(f"{name}.json", report(self.values[name]))
        self._take(name)

    def _take(self, name: str) -> None:
        if self.kit.journal.is_given_up(str(self.kit.root / f"{name}.json")):
            return  # as the watcher does
        self.kit.take(self.kit.root / f"{name}.json")
        self.taken.add(self.values[name])

    # -- the store -------------------------------------------------------------------------------

    @rule(faults=st.lists(st.sampled_from(("", "", *FAULTS)), max_size=6))
    def log(self, faults: list[str]) -> None:
        self.faults = list(faults)
        self._log()

    @rule(step=st.sampled_from(STEPS), faults=st.lists(st.sampled_from(("", LOST)), max_size=3))
    def log_and_die(self, step: str, faults: list[str]) -> None:
        self.faults, self.die_at = list(faults), step
        try:
            self._log()
        except Killed:
            self.faults = []
            self._restart(self.kit.journal.log_bytes())
        self.die_at = ""

    @rule()
    def late_work_is_done(self) -> None:
        self.store.do_late_work()

    @rule()
    def look_for_twins(self) -> None:
        self.faults = []
        self.kit.ingestor.reconcile()

    def look_for_late_twins(self) -> None:
        self.store.do_late_work()
        self.look_for_twins()

    def _log(self) -> None:
        self.now += 100
        self.kit.clock.now = self.now
        self.kit.ingestor.hurry()
        self.kit.ingestor.log_due(limit=3)
        self.faults = []

    def _fault(self, _call: str) -> str:
        return self.faults.pop(0) if self.faults else ""

    # -- people ----------------------------------------------------------------------------------

    @precondition(lambda self: self._finished())
    @rule(data=st.data())
    def a_person_deletes_a_run(self, data: st.DataObject) -> None:
        value, run_id = data.draw(st.sampled_from(self._finished()))
        # A create call that lands after that would leave a run that no journal knows any more.
        self.look_for_late_twins()
        self.store.delete_run(run_id)
        self.kit.ingestor.note_deleted([run_id])
        self.deleted.add(value)

    @precondition(lambda self: self.values)
    @rule(data=st.data())
    def a_person_ignores_a_file(self, data: st.DataObject) -> None:
        self.give_up(data.draw(st.sampled_from(sorted(self.values))))

    def give_up(self, name: str) -> None:
        path = str(self.kit.root / f"{name}.json")
        entries = {entry.entry_id for entry in self.kit.journal.entries_of(path)}
        gone = {
            entry.plan.metrics["accuracy"]
            for entry in self.kit.journal.entries_of(path)
            if entry.is_open or entry.state is FileState.QUARANTINED
        }
        if self.kit.ingestor.ignore(path) == "":
            self.ignored.add(name)
            left = {entry.entry_id for entry in self.kit.journal.entries_of(path)}
            if entries != left:
                self.taken -= gone & {self.values[name]}

    @precondition(lambda self: self.ignored)
    @rule(data=st.data())
    def a_person_retries_it(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.ignored)))
        path = str(self.kit.root / f"{name}.json")
        self.ignored.discard(name)
        self.kit.ingestor.retry(path)
        self.kit.journal.heed(path)
        self._take(name)

    def _finished(self) -> list[tuple[float, str]]:
        return sorted(
            (entry.plan.metrics["accuracy"], entry.run_id)
            for entry in self.kit.journal.all_entries()
            if entry.active and entry.state is FileState.FINISHED
        )

    # -- machines --------------------------------------------------------------------------------

    @rule()
    def restart(self) -> None:
        self._restart(self.kit.journal.log_bytes())

    @rule(share=st.floats(0, 1))
    def lose_power(self, share: float) -> None:
        """Lose any part of what was not to survive it."""
        journal = self.kit.journal
        safe, all_of_it = journal.safe_bytes, journal.log_bytes()
        self._restart(safe + round(share * (all_of_it - safe)))

    def _restart(self, cut: int) -> None:
        self.number += 1
        old, folder = self.kit.journal.path, self.folder / f"j{self.number}"
        folder.mkdir()
        shutil.copyfile(old, folder / old.name)
        shutil.copyfile(f"{old}-wal", folder / f"{old.name}-wal")
        with (folder / f"{old.name}-wal").open("r+b") as file:
            file.truncate(cut)
        self.kit.journal.close()
        self._start(folder)
        for name in self.values:  # the scan of a new watch: rows may be lost, files are not
            self._take(name)

    def _start(self, folder: Path) -> None:
        ingest_kit.Journal = NotedJournal  # type: ignore[misc]
        try:
            self.kit = Kit(
                self.folder, store=self.store, journal_dir=folder, crash_at=self._crash_at
            )
        finally:
            ingest_kit.Journal = Journal  # type: ignore[misc]
        self.kit.journal._db.execute("PRAGMA wal_autocheckpoint=0")
        self.kit.journal.safe_bytes = self.kit.journal.log_bytes()
        self.kit.clock.now = self.now
        self.kit.ingestor.recover()
        self.ignored = {name for name in self.values if self._is_given_up(name)}

    def _is_given_up(self, name: str) -> bool:
        """Whether a person gave this very file up; a copy of it follows what becomes of others."""
        path = str(self.kit.root / f"{name}.json")
        return self.kit.journal.is_given_up(path) and not self.kit.journal.parts(path)

    def _crash_at(self, step: str) -> None:
        if step == self.die_at:
            raise Killed

    # -- the end ---------------------------------------------------------------------------------

    def _settle(self) -> None:
        self.faults, self.die_at = [], ""
        self.kit.log_all()
        for entry in list(self.kit.journal.all_entries()):
            if entry.active and entry.state is FileState.QUARANTINED:
                self.kit.journal.reopen(entry.entry_id)  # given up for a store that did not show it
        self.kit.log_all()
        self.store.do_late_work()
        for _ in range(2):
            self.kit.ingestor.reconcile()
            self.kit.clock.now += 1_000

    def _check(self) -> None:
        wanted = sorted(self.taken - self.deleted)
        runs = self.kit.counting()
        assert sorted(run.metrics["accuracy"] for run in runs) == wanted
        for run in runs:
            assert run.tags[Tag.STATE] == "complete"
            assert run.status.value == "FINISHED"
            (point,) = self.store.points(run.run_id)
            assert point == ["accuracy", METRIC_MS, run.metrics["accuracy"]]
            assert self.store.artifacts(run.run_id)
        assert audit(self.kit.journal, self.store).differences == ()
        for name in self.ignored:
            row = self.kit.journal.file(str(self.kit.root / f"{name}.json"))
            assert row is not None
            assert (row.state, row.reason) == (FileState.IGNORED, BY_HAND)


TestReportsAreLoggedOnce = ReportsAreLoggedOnce.TestCase
TestReportsAreLoggedOnce.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_a_file_that_was_given_up_stays_so_after_a_loss_of_power() -> None:
    history = ReportsAreLoggedOnce()
    history.start()
    history.write(name="a")
    history.give_up("a")
    history.lose_power(share=0.0)
    history.copy_of("a", "c")
    history.teardown()


def test_the_copy_of_a_file_that_was_given_up_follows_the_next_copy() -> None:
    history = ReportsAreLoggedOnce()
    history.start()
    history.write(name="a")
    history.copy_of("a", "c")
    history.give_up("a")
    history.restart()
    history.copy_of("a", "d")
    history.teardown()
