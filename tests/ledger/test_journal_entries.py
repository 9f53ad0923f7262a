from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from journal_kit import new_entry, plan, stamp, with_artifacts

from evaltui.domain.events import FileState
from evaltui.domain.plan import ArtifactFile
from evaltui.errors import JournalError
from evaltui.ledger.journal import Action, Entry, Journal
from evaltui.ledger.lookups import OTHERS_LOOK_S
from evaltui.ledger.owner import is_alive


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Journal:
    return Journal(tmp_path / "j", clock=clock)


def begun(journal: Journal, content_id: str = "c", **fields: object) -> Entry:
    entry = journal.begin(new_entry(content_id, **fields))
    assert entry is not None
    return entry


def claimed(journal: Journal, content_id: str = "c", **fields: object) -> Entry:
    entry = begun(journal, content_id, **fields)
    assert journal.claim(entry.entry_id)
    return entry


def state(journal: Journal, path: str = "/r/a.json") -> tuple[FileState, str, tuple[str, ...]]:
    row = journal.file(path)
    assert row is not None
    return row.state, row.reason, row.run_ids


def dead_owner() -> str:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{process.pid}:1"


def test_an_entry_comes_back_with_its_whole_plan_and_its_bytes(journal: Journal) -> None:
    files = (
        ArtifactFile("a.json", data=b"\0\xff{}"),
        ArtifactFile("big.json", local_path=Path("/r/big.json")),
    )
    new = with_artifacts(*files)
    entry = journal.begin(new)
    assert entry is not None
    assert entry.plan == new.plan
    assert (entry.state, entry.active, entry.is_open) == (FileState.PARSED, True, True)
    assert (entry.action, entry.created_at, entry.finished_at) == (Action.LOG, 100.0, None)
    assert journal.entry(entry.entry_id) == entry
    assert journal.active_entry("c") == entry
    assert journal.plan(entry.entry_id) == plan("c")


def test_every_field_of_a_new_entry_is_kept(journal: Journal) -> None:
    entry = begun(
        journal, item=3, run_id="r", unclear=True, predecessors=(4, 5), joined="g",
        attached=("x y.md", "z"), action=Action.REFRESH, error="waits",
    )  # fmt: skip
    assert (entry.item, entry.run_id, entry.unclear) == (3, "r", True)
    assert (entry.predecessors, entry.joined) == ((4, 5), "g")
    assert (entry.attached, entry.action, entry.error) == (
        ("x y.md", "z"), Action.REFRESH, "waits",
    )  # fmt: skip


def test_one_content_has_one_active_entry(journal: Journal) -> None:
    first = begun(journal)
    assert journal.begin(new_entry()) is None
    second = journal.begin(new_entry(), replaces=first.entry_id)
    assert second is not None
    assert journal.begin(new_entry(), replaces=first.entry_id) is None
    old = journal.entry(first.entry_id)
    assert old is not None
    assert (old.active, old.state, old.plan.artifacts) == (False, FileState.SUPERSEDED, ())
    assert journal.latest_entry("c") == second


def test_two_journals_that_begin_at_once_begin_one_entry(tmp_path: Path) -> None:
    journals = [Journal(tmp_path / "j") for _ in range(4)]
    gate = threading.Barrier(4)
    found: list[Entry | None] = []

    def begin(journal: Journal) -> None:
        gate.wait()
        found.append(journal.begin(new_entry()))

    threads = [threading.Thread(target=begin, args=(journal,)) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([entry for entry in found if entry is not None]) == 1


def test_advancing_keeps_run_doubt_and_plan_and_needs_the_claim(journal: Journal) -> None:
    entry = begun(journal)
    assert not journal.advance(entry.entry_id, FileState.INTENT)
    assert journal.claim(entry.entry_id)
    assert journal.advance(entry.entry_id, FileState.INTENT, unclear=True, durable=True)
    changed = plan("c", params={"mode": "manual"})
    assert journal.advance(
        entry.entry_id, FileState.CREATED, run_id="r1", unclear=False, plan=changed
    )
    now = journal.entry(entry.entry_id)
    assert now is not None
    assert (now.state, now.run_id, now.unclear) == (FileState.CREATED, "r1", False)
    assert now.plan == changed
    assert journal.advance(entry.entry_id, FileState.LOGGED)
    later = journal.entry(entry.entry_id)
    assert later is not None
    assert (later.run_id, later.plan) == ("r1", changed)


def test_an_entry_whose_place_was_taken_cannot_be_advanced(journal: Journal) -> None:
    entry = claimed(journal)
    journal.begin(new_entry(), replaces=entry.entry_id)
    assert not journal.advance(entry.entry_id, FileState.CREATED, run_id="r1")
    old = journal.entry(entry.entry_id)
    assert old is not None
    assert old.run_id == ""


def test_a_finished_entry_gives_its_bytes_and_its_claim_away(
    journal: Journal, clock: Clock
) -> None:
    entry = journal.begin(with_artifacts(ArtifactFile("a.json", data=b"x")))
    assert entry is not None
    assert journal.claim(entry.entry_id)
    clock.now = 130.0
    assert journal.advance(entry.entry_id, FileState.FINISHED, run_id="r1")
    done = journal.entry(entry.entry_id)
    assert done is not None
    assert (done.is_open, done.finished_at, done.plan.artifacts) == (False, 130.0, ())
    assert done.plan.metrics == {"accuracy": 0.1}
    assert journal.entry_of_run("r1") == done
    assert journal.open_count() == 0
    assert journal.next_due() is None


def test_rows_follow_the_entries_of_their_reports(journal: Journal) -> None:
    first, second = claimed(journal, "c1"), claimed(journal, "c2")
    journal.record(
        stamp("/r/a.json"), root="/r", state=FileState.PARSED, parts=("c1", "c2")
    )  # fmt: skip
    journal.record(stamp("/r/copy.json"), root="/r", state=FileState.PARSED, parts=("c1",))
    journal.advance(first.entry_id, FileState.FINISHED, run_id="r1")
    assert state(journal) == (FileState.PARSED, "", ("r1",))
    assert state(journal, "/r/copy.json") == (
        FileState.DUPLICATE, "already logged as run r1", ("r1",),
    )  # fmt: skip
    journal.advance(second.entry_id, FileState.FINISHED, run_id="r2")
    assert state(journal) == (FileState.FINISHED, "", ("r1", "r2"))


def test_a_row_tells_why_and_until_when_it_waits(journal: Journal) -> None:
    entry = claimed(journal)
    journal.record(stamp("/r/a.json"), root="/r", state=FileState.PARSED, parts=("c",))
    journal.postpone(entry.entry_id, error="down", hint="start it", retry_at=140.0, unclear=True)
    row = journal.file("/r/a.json")
    assert row is not None
    assert (row.state, row.reason, row.hint, row.retry_at_s) == (
        FileState.PARSED, "down", "start it", 140.0,
    )  # fmt: skip
    waiting = journal.entry(entry.entry_id)
    assert waiting is not None
    assert (waiting.attempts, waiting.unclear, waiting.retry_at) == (1, True, 140.0)
    assert journal.claim(entry.entry_id)
    journal.advance(entry.entry_id, FileState.CREATED, run_id="r")
    assert state(journal) == (FileState.CREATED, "", ("r",))


def test_waiting_without_a_failure_is_not_counted_as_a_try(journal: Journal) -> None:
    entry = claimed(journal)
    journal.postpone(entry.entry_id, error="", hint="", retry_at=1.0, failed=False)
    waiting = journal.entry(entry.entry_id)
    assert waiting is not None
    assert (waiting.attempts, waiting.unclear) == (0, False)


def test_a_note_says_why_without_making_it_wait(journal: Journal) -> None:
    entry = begun(journal)
    journal.record(stamp("/r/a.json"), root="/r", state=FileState.PARSED, parts=("c",))
    journal.note(entry.entry_id, "read-only")
    assert state(journal)[1] == "read-only"
    assert len(journal.due(100.0)) == 1


def test_a_failed_entry_keeps_its_bytes_until_it_is_reopened(journal: Journal) -> None:
    entry = journal.begin(with_artifacts(ArtifactFile("a.json", data=b"x")))
    assert entry is not None
    journal.record(stamp("/r/a.json"), root="/r", state=FileState.PARSED, parts=("c",))
    journal.fail(entry.entry_id, error="bad value", hint="change it")
    assert state(journal) == (FileState.QUARANTINED, "bad value", ())
    assert journal.open_count() == 0
    journal.reopen(entry.entry_id)
    again = journal.entry(entry.entry_id)
    assert again is not None
    assert (again.state, again.unclear, again.attempts) == (FileState.PARSED, True, 0)
    assert again.plan.artifacts == (ArtifactFile("a.json", data=b"x"),)
    assert state(journal) == (FileState.PARSED, "", ())
    journal.advance(entry.entry_id, FileState.FINISHED)
    journal.reopen(entry.entry_id)  # only what was quarantined
    assert state(journal)[0] is FileState.PARSED


def test_one_artifact_can_be_dropped(journal: Journal) -> None:
    entry = journal.begin(with_artifacts(ArtifactFile("a", data=b"x"), ArtifactFile("b", b"y")))
    assert entry is not None
    journal.drop_artifact(entry.entry_id, "a")
    left = journal.entry(entry.entry_id)
    assert left is not None
    assert [file.path for file in left.plan.artifacts] == ["b"]


def test_a_deactivated_entry_makes_room_for_another(journal: Journal) -> None:
    entry = begun(journal)
    journal.record(stamp("/r/a.json"), root="/r", state=FileState.PARSED, parts=("c",))
    journal.deactivate(entry.entry_id, FileState.DELETED)
    assert journal.active_entry("c") is None
    assert state(journal)[0] is FileState.DELETED
    assert journal.begin(new_entry()) is not None
    assert state(journal)[0] is FileState.PARSED


def test_a_bulk_file_stands_where_the_evaluation_stands_that_it_joined(journal: Journal) -> None:
    evaluation = claimed(journal, "c", joined="g", path="/r/report.json")
    journal.record(stamp("/r/bulk.json"), root="/r", state=FileState.PARSED, parts=("g",))
    assert journal.joined_entry("g") == evaluation
    journal.advance(evaluation.entry_id, FileState.FINISHED, run_id="r")
    assert state(journal, "/r/bulk.json") == (
        FileState.FINISHED, "part of an evaluation's run", ("r",),
    )  # fmt: skip


def test_successors_are_the_active_entries_that_name_an_entry(journal: Journal) -> None:
    first = begun(journal, "c1")
    second = begun(journal, "c2", predecessors=(first.entry_id,))
    begun(journal, "c3", predecessors=(first.entry_id * 10, 11))
    assert [entry.entry_id for entry in journal.successors(first.entry_id)] == [second.entry_id]


def test_reports_of_one_folder_are_found_without_those_below(journal: Journal) -> None:
    begun(journal, "c1", path="/r/a.json")
    begun(journal, "c2", path="/r/x/a.json")
    begun(journal, "c3", path="/rr/a.json")
    begun(journal, "c4", path="/r/b.md", action=Action.ATTACH)
    assert [entry.content_id for entry in journal.neighbours_of("/r")] == ["c1"]
    assert [entry.content_id for entry in journal.neighbours_of("/r/x")] == ["c2"]


# -- what is due ---------------------------------------------------------------------------------


def test_due_entries_come_newest_evaluation_first_when_their_time_has_come(
    journal: Journal,
) -> None:
    for content_id, started_ms in (("old", 1), ("new", 9), ("mid", 5)):
        begun(journal, content_id, started_ms=started_ms)
    waiting = begun(journal, "later", started_ms=99)
    journal.postpone(waiting.entry_id, error="", hint="", retry_at=200.0)
    assert [entry.content_id for entry in journal.due(100.0)] == ["new", "mid", "old"]
    assert [entry.content_id for entry in journal.due(100.0, limit=1)] == ["new"]
    assert [entry.content_id for entry in journal.due(200.0, limit=1)] == ["later"]
    asked = journal.due(100.0, only=("later", "old", "unknown"))
    assert [entry.content_id for entry in asked] == ["later", "old"]
    assert journal.open_ids()[0] == waiting.entry_id
    assert journal.open_count() == 4


def test_the_next_due_time_is_the_earliest(journal: Journal) -> None:
    assert journal.next_due() is None
    first, second = begun(journal, "c1"), begun(journal, "c2")
    journal.postpone(first.entry_id, error="", hint="", retry_at=300.0)
    journal.postpone(second.entry_id, error="", hint="", retry_at=200.0)
    assert journal.next_due() == 200.0
    journal.hurry("/r/none.json")
    assert journal.next_due() == 200.0
    journal.hurry("/r/a.json")
    assert journal.next_due() == 0.0


def test_hurry_makes_all_due(journal: Journal) -> None:
    entry = begun(journal)
    journal.postpone(entry.entry_id, error="", hint="", retry_at=300.0)
    journal.hurry()
    assert [found.entry_id for found in journal.due(100.0)] == [entry.entry_id]


# -- claims --------------------------------------------------------------------------------------


def own_by(journal: Journal, entry: Entry, owner: str) -> None:
    with journal._write() as db:
        db.execute("UPDATE entries SET owner=? WHERE id=?", (owner, entry.entry_id))


def test_what_a_living_process_works_on_is_left_to_it(journal: Journal) -> None:
    entry = begun(journal)
    own_by(journal, entry, f"{os.getppid()}:")
    assert not journal.claim(entry.entry_id)
    assert journal.due(100.0) == []
    assert journal.due(100.0, only=("c",)) == []
    assert journal.next_due() == 100.0 + OTHERS_LOOK_S
    assert journal.release_dead() == 0


def test_what_a_dead_process_left_is_taken_over(journal: Journal) -> None:
    entry = begun(journal)
    own_by(journal, entry, dead_owner())
    assert [found.entry_id for found in journal.due(100.0)] == [entry.entry_id]
    assert journal.claim(entry.entry_id)


def test_claims_of_dead_processes_are_freed_at_the_start(journal: Journal) -> None:
    for content_id in ("c1", "c2"):
        own_by(journal, begun(journal, content_id), dead_owner())
    assert journal.release_dead() == 2
    assert journal.release_dead() == 0


def test_a_released_claim_is_free_for_others(journal: Journal) -> None:
    entry = claimed(journal)
    journal.release(entry.entry_id)
    assert not journal.advance(entry.entry_id, FileState.INTENT)


def test_an_entry_that_is_not_active_cannot_be_claimed(journal: Journal) -> None:
    entry = begun(journal)
    journal.deactivate(entry.entry_id, FileState.SUPERSEDED)
    assert not journal.claim(entry.entry_id)
    assert not journal.claim(999)


def test_a_damaged_plan_is_told_as_such(journal: Journal) -> None:
    entry = begun(journal)
    with journal._write() as db:
        db.execute("UPDATE entries SET plan=? WHERE id=?", (b"garbage", entry.entry_id))
    with pytest.raises(JournalError, match="damaged plan"):
        journal.entry(entry.entry_id)


def test_a_process_that_ended_and_was_not_waited_for_keeps_no_claim() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(str(child.pid))
    child.kill()
    deadline = time.monotonic() + 90
    while is_alive(str(child.pid)) and time.monotonic() < deadline:
        time.sleep(0.01)  # between two looks
    assert child.returncode is None  # nobody has waited for it yet
    assert not is_alive(str(child.pid))
    child.wait()
