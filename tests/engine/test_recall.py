from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaltui.domain.events import FileRole, FileState
from evaltui.domain.stamp import FileStamp
from evaltui.engine.recall import Recall
from evaltui.engine.roots import WatchRoot
from evaltui.ledger.journal import Journal

ROOTS = (WatchRoot(Path("/w"), None, None),)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "state")
    yield made
    made.close()


def note(journal: Journal, name: str, state: FileState, *, skipped: bool = False) -> FileStamp:
    stamp = FileStamp(Path("/w") / name, 1, 2, 3, 4, 5)
    journal.record(stamp, root="/w", state=state, skipped=skipped, listed=not skipped)
    return stamp


def test_what_was_taken_ignored_or_given_up_is_known(journal: Journal) -> None:
    states = [
        FileState.PARSED,
        FileState.FINISHED,
        FileState.DUPLICATE,
        FileState.SUPERSEDED,
        FileState.QUARANTINED,
        FileState.IGNORED,
        FileState.DELETED,
    ]
    expected = [note(journal, state.value, state) for state in states]
    recall = Recall(journal)
    assert recall.known(ROOTS) == expected
    assert recall.unfinished == set()


def test_what_was_left_out_is_known_and_what_settled_is_not(journal: Journal) -> None:
    left_out = note(journal, "old", FileState.SEEN, skipped=True)
    settling = note(journal, "new", FileState.SETTLING)
    note(journal, "gone", FileState.VANISHED)
    recall = Recall(journal)
    assert recall.known(ROOTS) == [left_out]
    assert recall.unfinished == {settling.path}


def test_per_app_files_of_an_evaluation_under_way_are_read_again(journal: Journal) -> None:
    note(journal, "out/a_eval.json", FileState.IGNORED)
    note(journal, "app/a/eval_result.json", FileState.IGNORED)
    other = note(journal, "other/x", FileState.IGNORED)
    report = note(journal, "out/report.json", FileState.FINISHED)
    for name in ("out", "app"):
        journal.record(
            FileStamp(Path("/w") / name, 0, 0, 0, 0, 0),
            root="/w",
            state=FileState.SEEN,
            role=FileRole.CASE,
            progress="1 evaluated",
        )
    assert Recall(journal).known(ROOTS) == [other, report]
    assert journal.file("/w/out") is None


def test_rows_of_other_roots_are_left_alone(journal: Journal) -> None:
    row = FileStamp(Path("/elsewhere/out"), 0, 0, 0, 0, 0)
    journal.record(row, root="/elsewhere", state=FileState.SEEN, role=FileRole.CASE)
    recall = Recall(journal)
    recall.known(ROOTS)
    assert journal.file("/elsewhere/out") is not None
    assert recall.troubles == []


def test_trouble_of_an_earlier_watch_is_handed_on(journal: Journal) -> None:
    journal.record(
        FileStamp(Path("/w"), 0, 0, 0, 0, 0),
        root="/w",
        state=FileState.QUARANTINED,
        reason="cannot be looked at: Permission denied",
    )
    recall = Recall(journal)
    recall.known(ROOTS)
    assert [row.path for row in recall.troubles] == ["/w"]
