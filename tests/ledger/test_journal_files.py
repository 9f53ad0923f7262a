from __future__ import annotations

from pathlib import Path

import pytest
from journal_kit import new_entry, stamp

from evaltui.domain.events import FileRole, FileState
from evaltui.ledger import files
from evaltui.ledger.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "j", clock=lambda: 50.0)


def test_a_recorded_file_is_read_back_as_it_was_written(journal: Journal) -> None:
    file_id = journal.record(
        stamp("/r/a.json"),
        root="/r",
        state=FileState.QUARANTINED,
        reason="broken",
        hint="mend it",
        fmt="app_eval_k1",
        role=FileRole.REPORT,
        sha256="ab",
        run_ids=("r1", "r2"),
        progress="1 of 2",
        retry_at=60.5,
    )
    row = journal.file("/r/a.json")
    assert row is not None
    assert (row.file_id, row.path, row.state) == (file_id, "/r/a.json", FileState.QUARANTINED)
    assert (row.reason, row.hint, row.format) == ("broken", "mend it", "app_eval_k1")
    assert (row.role, row.run_ids, row.progress) == (FileRole.REPORT, ("r1", "r2"), "1 of 2")
    assert (row.retry_at_s, row.updated_at_s) == (60.5, 50.0)
    assert journal.file_sha256("/r/a.json") == "ab"


def test_what_is_not_there_is_told_as_missing(journal: Journal) -> None:
    assert journal.file("/r/a.json") is None
    assert journal.file_sha256("/r/a.json") == ""
    assert journal.parts("/r/a.json") == ()
    assert journal.last_seq() == 0


def test_recording_the_same_again_writes_nothing(journal: Journal) -> None:
    first = journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN, parts=("c1",))
    seq = journal.last_seq()
    assert journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN, parts=("c1",)) == first
    assert journal.last_seq() == seq


def test_a_new_version_keeps_the_row_and_takes_the_next_number(journal: Journal) -> None:
    first = journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    seq = journal.last_seq()
    assert journal.record(stamp("/r/a", size=2), root="/r", state=FileState.SEEN) == first
    assert journal.last_seq() == seq + 1


def test_other_parts_alone_are_a_change(journal: Journal) -> None:
    journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN, parts=("c1", "c2"))
    journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN, parts=("c3",))
    assert journal.parts("/r/a") == ("c3",)


def test_stamps_come_back_as_they_went_in_with_state_and_backlog(journal: Journal) -> None:
    journal.record(stamp("/r/a", size=2**40), root="/r", state=FileState.FINISHED)
    journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN, skipped=True)
    journal.record(stamp("/r", ino=0), root="/r", state=FileState.SEEN, role=FileRole.CASE)
    assert journal.stamps() == [
        (stamp("/r/a", size=2**40), FileState.FINISHED, False),
        (stamp("/r/b"), FileState.SEEN, True),
    ]


def test_marking_changes_the_state_and_keeps_the_runs_unless_told(journal: Journal) -> None:
    journal.record(stamp("/r/a"), root="/r", state=FileState.FINISHED, run_ids=("r1",))
    journal.mark("/r/a", FileState.DELETED, reason="gone", hint="h", retry_at=3.0)
    row = journal.file("/r/a")
    assert row is not None
    assert (row.state, row.reason, row.hint) == (FileState.DELETED, "gone", "h")
    assert (row.run_ids, row.retry_at_s) == (("r1",), 3.0)
    journal.mark("/r/a", FileState.FINISHED, run_ids=("r2",))
    changed = journal.file("/r/a")
    assert changed is not None
    assert changed.run_ids == ("r2",)
    journal.mark("/r/unknown", FileState.SEEN)
    assert journal.file("/r/unknown") is None


def test_a_viewer_gets_what_changed_since_it_looked_and_what_is_gone(journal: Journal) -> None:
    first = journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN)
    seen = journal.last_seq()
    assert [row.path for row in journal.rows_since(0)] == ["/r/a", "/r/b"]
    third = journal.record(stamp("/r/c"), root="/r", state=FileState.SEEN)
    journal.mark("/r/b", FileState.FINISHED)
    assert [row.path for row in journal.rows_since(seen)] == ["/r/c", "/r/b"]
    journal.forget("/r/a")
    journal.record(stamp("/r/c"), root="/r", state=FileState.IGNORED, listed=False)
    assert sorted(journal.gone_since(seen)) == [first, third]
    assert [row.path for row in journal.rows_since(0)] == ["/r/b"]
    assert journal.gone_since(journal.last_seq()) == []


def test_the_id_of_a_removed_row_is_not_given_to_another(journal: Journal) -> None:
    first = journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    journal.forget("/r/a")
    assert journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN) != first


def test_forgetting_what_is_not_there_is_no_change(journal: Journal) -> None:
    journal.forget("/r/a")
    assert journal.last_seq() == 0


def test_ids_of_removed_rows_are_kept_for_a_while_only(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_GONE_ROWS", 2)
    for number in range(5):
        journal.record(stamp(f"/r/{number}"), root="/r", state=FileState.SEEN)
        journal.forget(f"/r/{number}")
    assert len(journal.gone_since(0)) == 2


def test_a_row_follows_its_renamed_file_with_its_entries_and_parts(journal: Journal) -> None:
    entry = journal.begin(new_entry("c"))
    assert entry is not None
    file_id = journal.record(stamp("/r/a.json"), root="/r", state=FileState.PARSED, parts=("c",))
    assert journal.rename("/r/a.json", stamp("/r/b.json"))
    row = journal.file("/r/b.json")
    assert row is not None
    assert row.file_id == file_id
    assert journal.file("/r/a.json") is None
    assert journal.parts("/r/b.json") == ("c",)
    assert [found.entry_id for found in journal.entries_of("/r/b.json")] == [entry.entry_id]


def test_a_rename_onto_a_known_path_or_of_an_unknown_one_is_refused(journal: Journal) -> None:
    journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN)
    journal.record(stamp("/r/b"), root="/r", state=FileState.SEEN)
    assert not journal.rename("/r/a", stamp("/r/b"))
    assert not journal.rename("/r/x", stamp("/r/y"))
    assert journal.file("/r/a") is not None


def test_counts_are_by_what_the_screen_says(journal: Journal) -> None:
    for number, state in enumerate(FileState):
        journal.record(
            stamp(f"/r/{number}"), root="/r", state=state, role=FileRole.REPORT
        )  # fmt: skip
    journal.record(stamp("/r/case"), root="/r", state=FileState.IGNORED, role=FileRole.CASE)
    journal.record(stamp("/r/named"), root="/r", state=FileState.FINISHED, role=FileRole.CASE)
    journal.record(stamp("/r/md"), root="/r", state=FileState.FINISHED, role=FileRole.COMPANION)
    journal.record(stamp("/r/old"), root="/r", state=FileState.SEEN, skipped=True)
    assert journal.counts() == {
        "logged": 4, "pending": 9, "failed": 1, "ignored": 1, "skipped": 1,
    }  # fmt: skip


def test_only_the_newest_unlisted_rows_are_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_IGNORED_ROWS", 3)
    journal.record(stamp("/r/listed"), root="/r", state=FileState.IGNORED)
    for number in range(6):
        journal.record(stamp(f"/r/{number}"), root="/r", state=FileState.IGNORED, listed=False)
    journal.trim_ignored()
    kept = sorted(str(found.path) for found, _, _ in journal.stamps())
    assert kept == ["/r/3", "/r/4", "/r/5", "/r/listed"]


def test_a_name_that_is_no_utf8_comes_back_as_it_was(journal: Journal) -> None:
    name = b"/r/\xff\xfe \xe9.json".decode("utf-8", "surrogateescape")
    journal.record(stamp(name), root="/r", state=FileState.SEEN, reason=f"about {name}")
    row = journal.file(name)
    assert row is not None
    assert (row.path, row.reason) == (name, f"about {name}")
    assert [str(found.path) for found, _, _ in journal.stamps()] == [name]


def test_text_with_other_lone_surrogates_is_kept_readable(journal: Journal) -> None:
    journal.record(stamp("/r/a"), root="/r", state=FileState.SEEN, reason="x\ud800y")
    row = journal.file("/r/a")
    assert row is not None
    assert row.reason == "x?y"
