"""The journal against a model in memory, also after its write-ahead log was cut anywhere."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from journal_kit import new_entry, stamp

from evaltui.domain.events import BY_HAND, FileState
from evaltui.ledger.journal import OPEN_STATES, Journal

CONTENTS = ("c0", "c1", "c2")
PATHS = ("/r/a.json", "/r/b.json", "/r/d/c.json")
NEXT_STATES = (*OPEN_STATES[1:], FileState.FINISHED)


@dataclass
class ModelEntry:
    content: str
    path: str
    state: FileState = FileState.PARSED
    active: bool = True
    run_id: str = ""
    finished: bool = False
    error: str = ""

    @property
    def is_open(self) -> bool:
        return self.active and self.state in OPEN_STATES

    @property
    def was_replaced(self) -> bool:
        return not self.active and self.state is FileState.SUPERSEDED and self.finished


def _is_quarantined(entry: ModelEntry) -> bool:
    return entry.active and entry.state is FileState.QUARANTINED


def _is_unfinished(entry: ModelEntry) -> bool:
    return entry.is_open or _is_quarantined(entry)


def _is_finished(entry: ModelEntry) -> bool:
    return entry.active and entry.state is FileState.FINISHED


@dataclass
class ModelFile:
    state: FileState
    reason: str = ""
    parts: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()


@dataclass
class Model:
    """What the journal must hold."""

    entries: dict[int, ModelEntry] = field(default_factory=dict)
    files: dict[str, ModelFile] = field(default_factory=dict)

    def active(self, content: str) -> tuple[int, ModelEntry] | None:
        found = [(i, e) for i, e in self.entries.items() if e.content == content and e.active]
        assert len(found) <= 1
        return found[0] if found else None

    def standing(self, path: str, parts: Iterable[str]) -> ModelFile | None:
        """A file is as far as the report in it that is least far; a failed one comes first."""
        found = []
        for content in parts:
            of_content = [e for e in self.entries.values() if e.content == content]
            now = self.active(content)
            if now is not None:
                found.append(now[1])
            elif of_content:
                found.append(of_content[-1])
        if not found:
            return None
        order = [FileState.QUARANTINED, *OPEN_STATES, FileState.DELETED, FileState.FINISHED]
        worst = min(found, key=lambda e: order.index(e.state) if e.state in order else len(order))
        state, reason = worst.state, worst.error
        run_ids = tuple(dict.fromkeys(e.run_id for e in found if e.run_id))
        if state is FileState.DELETED:
            reason = "its run was deleted in the store"
        elif state is FileState.SUPERSEDED:
            reason = "a newer version of this evaluation was logged"
        elif state is FileState.IGNORED:
            reason = BY_HAND
        elif all(e.path != path for e in found):
            if state is FileState.FINISHED:
                state = FileState.DUPLICATE
                reason = f"already logged as run {', '.join(run_ids)}"
            else:
                reason = reason or f"the same report as {worst.path}"
        return ModelFile(state, reason, tuple(parts), run_ids)

    def follow(self, content: str) -> None:
        for path, file in self.files.items():
            if content in file.parts:
                whole = self.standing(path, file.parts)
                if whole is not None:
                    self.files[path] = whole


class JournalAgreesWithTheModel(RuleBasedStateMachine):
    """Every change, and every loss of the newest changes, leaves what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.scratch = tempfile.TemporaryDirectory()
        self.number = 0
        self.model = Model()
        self.history: list[tuple[int, Model]] = [(0, Model())]
        self.opened_at = 0

    def teardown(self) -> None:
        self.journal.close()
        self.scratch.cleanup()

    @initialize()
    def open_first(self) -> None:
        self._open(Path(self.scratch.name) / "j0")

    # -- changes ---------------------------------------------------------------------------------

    @rule(
        path=st.sampled_from(PATHS),
        parts=st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=2, unique=True),
    )
    def record(self, path: str, parts: list[str]) -> None:
        whole = self.journal.standing(path, parts)
        expected = self.model.standing(path, parts) or ModelFile(FileState.PARSED, "", tuple(parts))
        self.journal.record(
            stamp(path),
            root="/r",
            state=FileState.PARSED if whole is None else whole.state,
            reason="" if whole is None else whole.reason,
            run_ids=() if whole is None else whole.run_ids,
            parts=parts,
        )
        self.model.files[path] = expected
        self._done()

    @rule(content=st.sampled_from(CONTENTS), path=st.sampled_from(PATHS), replace=st.booleans())
    def begin(self, content: str, path: str, *, replace: bool) -> None:
        old = self.model.active(content)
        if replace and old is not None:
            entry = self.journal.begin(new_entry(content, path=path), replaces=old[0])
            old[1].active, old[1].state = False, FileState.SUPERSEDED
        else:
            entry = self.journal.begin(new_entry(content, path=path))
            assert (entry is None) is (old is not None)
            if old is not None:
                return
        assert entry is not None
        assert entry.entry_id not in self.model.entries
        self.model.entries[entry.entry_id] = ModelEntry(content, path)
        self._changed(self.model.entries[entry.entry_id])

    @precondition(lambda self: self._which(lambda entry: entry.is_open))
    @rule(data=st.data(), state=st.sampled_from(NEXT_STATES))
    def advance(self, data: st.DataObject, state: FileState) -> None:
        number, entry = self._one(data, lambda entry: entry.is_open)
        assert self.journal.claim(number)
        assert self.journal.advance(number, state, run_id=f"run{number}")
        entry.state, entry.run_id, entry.error = state, f"run{number}", ""
        entry.finished = entry.finished or state is FileState.FINISHED
        self._changed(entry)

    @precondition(lambda self: self._which(lambda entry: entry.is_open))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.advance(data, FileState.FINISHED)

    @precondition(lambda self: self._which(lambda entry: entry.is_open))
    @rule(data=st.data(), failed=st.booleans())
    def fail_or_postpone(self, data: st.DataObject, *, failed: bool) -> None:
        number, entry = self._one(data, lambda entry: entry.is_open)
        if failed:
            self.journal.fail(number, error="refused", hint="")
            entry.state = FileState.QUARANTINED
        else:
            self.journal.postpone(number, error="refused", hint="", retry_at=5.0)
        entry.error = "refused"
        self._changed(entry)

    @precondition(lambda self: self._which(_is_quarantined))
    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        number, entry = self._one(data, _is_quarantined)
        self.journal.reopen(number)
        entry.state, entry.error = FileState.PARSED, ""
        self._changed(entry)

    @precondition(lambda self: self._which(_is_unfinished))
    @rule(data=st.data(), path=st.sampled_from(PATHS))
    def give_up(self, data: st.DataObject, path: str) -> None:
        number, entry = self._one(data, _is_unfinished)
        assert self.journal.claim(number)
        self.journal.ignore(path, [number])
        entry.active, entry.state = False, FileState.IGNORED
        before = [
            other
            for i, other in self.model.entries.items()
            if other.content == entry.content and i < number and other.was_replaced
        ]
        if before:
            before[-1].active, before[-1].state = True, FileState.FINISHED
        self.model.follow(entry.content)
        self._leave_alone(path)

    @precondition(lambda self: self._which(_is_finished))
    @rule(data=st.data(), deleted=st.booleans())
    def run_is_gone(self, data: st.DataObject, *, deleted: bool) -> None:
        number, entry = self._one(data, _is_finished)
        if deleted:
            self.journal.mark_entry(number, FileState.DELETED)
            entry.state = FileState.DELETED
        else:
            self.journal.deactivate(number, FileState.SUPERSEDED)
            entry.active, entry.state = False, FileState.SUPERSEDED
        self._changed(entry)

    @precondition(lambda self: self.model.files)
    @rule(path=st.sampled_from(PATHS))
    def ignore(self, path: str) -> None:
        self.journal.ignore(path)
        self._leave_alone(path)

    def _leave_alone(self, path: str) -> None:
        file = self.model.files.get(path)
        if file is not None:
            self.model.files[path] = ModelFile(FileState.IGNORED, BY_HAND, (), file.run_ids)
        self._done()

    @precondition(lambda self: self.model.files)
    @rule(path=st.sampled_from(PATHS))
    def heed(self, path: str) -> None:
        file = self.model.files.get(path)
        by_hand = file is not None and (file.state, file.reason) == (FileState.IGNORED, BY_HAND)
        assert self.journal.heed(path) is by_hand
        if file is not None and by_hand:
            file.state, file.reason = FileState.SEEN, ""
        self._done()

    @precondition(lambda self: self.model.files)
    @rule(path=st.sampled_from(PATHS))
    def forget(self, path: str) -> None:
        self.journal.forget(path)
        self.model.files.pop(path, None)
        self._done()

    @precondition(lambda self: self.model.files)
    @rule(old=st.sampled_from(PATHS), new=st.sampled_from(PATHS))
    def rename(self, old: str, new: str) -> None:
        moved = self.journal.rename(old, stamp(new))
        assert moved is (old in self.model.files and new not in self.model.files)
        if new in self.model.files:
            return
        for entry in self.model.entries.values():
            if entry.path == old:
                entry.path = new
        if moved:
            self.model.files[new] = self.model.files.pop(old)
        self._done()

    # -- losses ----------------------------------------------------------------------------------

    @precondition(lambda self: len(self.history) - self.opened_at > 3)
    @rule()
    def restart(self) -> None:
        """End the process without closing anything."""
        self._reopen(self._log_size())

    @precondition(lambda self: len(self.history) - self.opened_at > 3)
    @rule(data=st.data())
    def lose_the_newest_writes(self, data: st.DataObject) -> None:
        """Cut the log anywhere, in the middle of a page or a transaction."""
        self._reopen(data.draw(st.integers(0, self._log_size())))

    def _reopen(self, cut: int) -> None:
        self.number += 1
        folder = Path(self.scratch.name) / f"j{self.number}"
        folder.mkdir()
        old = self.journal.path
        shutil.copyfile(old, folder / old.name)
        shutil.copyfile(f"{old}-wal", folder / f"{old.name}-wal")
        with (folder / f"{old.name}-wal").open("r+b") as file:
            file.truncate(cut)
        self.journal.close()
        self.history = [(size, model) for size, model in self.history if size <= cut]
        self.model = copy.deepcopy(self.history[-1][1])
        self._open(folder)

    def _open(self, folder: Path) -> None:
        self.journal = Journal(folder)
        self.journal._db.execute("PRAGMA wal_autocheckpoint=0")
        self.journal.release_dead()
        self._done()
        self.opened_at = len(self.history)

    def _which(self, wanted: Callable[[ModelEntry], bool]) -> list[int]:
        return [number for number, entry in self.model.entries.items() if wanted(entry)]

    def _one(
        self, data: st.DataObject, wanted: Callable[[ModelEntry], bool]
    ) -> tuple[int, ModelEntry]:
        number = data.draw(st.sampled_from(self._which(wanted)))
        return number, self.model.entries[number]

    def _changed(self, entry: ModelEntry) -> None:
        self.model.follow(entry.content)
        self._done()

    def _done(self) -> None:
        self.history.append((self._log_size(), copy.deepcopy(self.model)))

    def _log_size(self) -> int:
        """Bytes of the log that count; a shorter log written over an older one is longer."""
        path = Path(f"{self.journal.path}-wal")
        return path.stat().st_size if path.exists() else 0

    # -- agreement -------------------------------------------------------------------------------

    @invariant()
    def entries_agree(self) -> None:
        held = {entry.entry_id: entry for entry in self.journal.all_entries()}
        assert held.keys() == self.model.entries.keys()
        for number, entry in self.model.entries.items():
            other = held[number]
            assert (other.content_id, other.path, other.state, other.active, other.run_id) == (
                entry.content, entry.path, entry.state, entry.active, entry.run_id,
            )  # fmt: skip
        wanted = {number for number, entry in self.model.entries.items() if entry.is_open}
        assert self.journal.open_count() == len(wanted)
        assert {entry.entry_id for entry in self.journal.due(10.0, limit=50)} == wanted

    @invariant()
    def files_agree(self) -> None:
        held = {account.row.path: account.row for account in self.journal.accounts(unlisted=True)}
        assert held.keys() == self.model.files.keys()
        for path, file in self.model.files.items():
            row = held[path]
            assert (row.state, row.reason, row.run_ids) == (file.state, file.reason, file.run_ids)
            assert self.journal.parts(path) == file.parts


TestJournalAgreesWithTheModel = JournalAgreesWithTheModel.TestCase
TestJournalAgreesWithTheModel.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None
)
