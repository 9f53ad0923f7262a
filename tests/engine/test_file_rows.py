from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evaltui.domain.events import FileRole, FileState
from evaltui.domain.stamp import FileStamp
from evaltui.engine.file_rows import FileRows
from evaltui.engine.roots import WatchRoot
from evaltui.ledger.journal import Journal
from evaltui.readers import Recognition

ROOT = WatchRoot(Path("/w"), None, None)
PATH = Path("/w/r.json")
STAMP = FileStamp(PATH, 1, 2, 3, 4, 5)
REPORT = Recognition("evaltui_report", FileRole.REPORT)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "state")
    yield made
    made.close()


@pytest.fixture
def rows(journal: Journal) -> FileRows:
    return FileRows(journal)


def test_a_settling_row_keeps_the_runs_of_the_older_version(
    journal: Journal, rows: FileRows
) -> None:
    journal.record(STAMP, root="/w", state=FileState.FINISHED, run_ids=("run1",))
    rows.settling(replace(STAMP, size=2), ROOT, REPORT)
    row = journal.file(str(PATH))
    assert row is not None
    assert (row.state, row.run_ids, row.format) == (
        FileState.SETTLING,
        ("run1",),
        "evaltui_report",
    )


def test_a_waiting_row_says_why_and_until_when(journal: Journal, rows: FileRows) -> None:
    rows.settling(STAMP, ROOT, REPORT)
    rows.waits(PATH, "cut", 99.0)
    row = journal.file(str(PATH))
    assert row is not None
    assert (row.reason, row.retry_at_s, row.role) == ("cut", 99.0, FileRole.REPORT)


def test_ignored_and_left_out_files_are_counted_and_not_listed(
    journal: Journal, rows: FileRows
) -> None:
    rows.ignored(STAMP, ROOT, Recognition())
    rows.left_out(replace(STAMP, path=Path("/w/old.json")), ROOT, REPORT)
    counts = journal.counts()
    assert (counts["ignored"], counts["skipped"], counts["pending"]) == (1, 1, 0)
    assert journal.rows_since(0) == []


def test_ignored_files_beyond_the_limit_are_forgotten(
    journal: Journal, rows: FileRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaltui.ledger.files.MAX_IGNORED_ROWS", 10)
    for number in range(500):
        rows.ignored(replace(STAMP, path=Path(f"/w/{number}.txt")), ROOT, Recognition())
    assert journal.counts()["ignored"] == 10
    assert journal.file("/w/499.txt") is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FileState.SETTLING, FileState.VANISHED),
        (FileState.VANISHED, FileState.VANISHED),
        (FileState.PARSED, FileState.PARSED),
        (FileState.FINISHED, FileState.FINISHED),
        (FileState.DUPLICATE, FileState.DUPLICATE),
        (FileState.DELETED, FileState.DELETED),
        (FileState.QUARANTINED, None),
        (FileState.IGNORED, None),
        (FileState.SEEN, None),
    ],
)
def test_a_file_that_is_gone_leaves_what_still_tells_something(
    journal: Journal, rows: FileRows, before: FileState, after: FileState | None
) -> None:
    journal.record(STAMP, root="/w", state=before, role=FileRole.REPORT)
    outcome = rows.gone(PATH)
    row = journal.file(str(PATH))
    assert (None if row is None else row.state) is after
    assert (outcome is not None) is (before is FileState.SETTLING)


def test_a_companion_that_is_gone_while_it_settles_is_no_news(
    journal: Journal, rows: FileRows
) -> None:
    journal.record(STAMP, root="/w", state=FileState.SETTLING, role=FileRole.COMPANION)
    assert rows.gone(PATH) is None
    assert journal.file(str(PATH)) is None
    assert rows.gone(PATH) is None


def test_the_row_of_a_report_that_was_read_follows_its_file(
    journal: Journal, rows: FileRows
) -> None:
    journal.record(STAMP, root="/w", state=FileState.FINISHED, run_ids=("run1",))
    assert rows.follow(PATH, replace(STAMP, path=Path("/w/s.json")))
    row = journal.file("/w/s.json")
    assert row is not None
    assert row.run_ids == ("run1",)
    assert journal.file(str(PATH)) is None


@pytest.mark.parametrize(
    "state", [FileState.SETTLING, FileState.IGNORED, FileState.QUARANTINED, FileState.SEEN]
)
def test_a_file_that_was_not_read_is_read_under_its_new_name(
    journal: Journal, rows: FileRows, state: FileState
) -> None:
    journal.record(STAMP, root="/w", state=state)
    assert not rows.follow(PATH, replace(STAMP, path=Path("/w/s.json")))
    assert not rows.follow(Path("/w/none.json"), STAMP)
    assert (journal.file(str(PATH)) is None) is (state is FileState.SETTLING)
