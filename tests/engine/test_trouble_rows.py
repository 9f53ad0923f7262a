from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evaltui.domain.events import FileState
from evaltui.domain.stamp import FileStamp
from evaltui.engine.roots import WatchRoot
from evaltui.engine.scan import Scanner, ScanResult
from evaltui.engine.trouble_rows import TroubleRows, is_trouble
from evaltui.ledger.journal import Journal

ROOT = WatchRoot(Path("/w"), None, None)
QUIET = Scanner([]).scan()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "state")
    yield made
    made.close()


def trouble(*paths: str, why: str = "Permission denied") -> ScanResult:
    return replace(QUIET, problems=[(Path(path), why) for path in paths])


def test_trouble_has_a_line_until_it_is_over(journal: Journal) -> None:
    rows = TroubleRows(journal)
    [outcome] = rows.show(trouble("/w/x"), lambda _: ROOT)
    assert (outcome.state, outcome.reason) == (
        FileState.QUARANTINED,
        "cannot be looked at: Permission denied",
    )
    assert outcome.hint
    assert rows.show(trouble("/w/x"), lambda _: ROOT) == []
    assert journal.counts()["failed"] == 1
    assert rows.show(QUIET, lambda _: ROOT) == []
    assert journal.file("/w/x") is None


def test_other_trouble_with_a_path_is_another_line(journal: Journal) -> None:
    rows = TroubleRows(journal)
    rows.show(trouble("/w/x"), lambda _: ROOT)
    [outcome] = rows.show(trouble("/w/x", why="Input/output error"), lambda _: ROOT)
    assert outcome.reason.endswith("Input/output error")
    row = journal.file("/w/x")
    assert row is not None
    assert row.reason == outcome.reason


def test_a_directory_with_a_files_name_is_trouble(journal: Journal) -> None:
    rows = TroubleRows(journal)
    rows.show(replace(QUIET, disguised=[Path("/w/evaluation_report.json")]), lambda _: None)
    row = journal.file("/w/evaluation_report.json")
    assert row is not None
    assert is_trouble(row)
    assert journal.stamps() == []  # no file to be remembered


def test_what_became_of_a_file_is_not_written_over(journal: Journal) -> None:
    stamp = FileStamp(Path("/w/r.json"), 1, 1, 1, 1, 1)
    journal.record(stamp, root="/w", state=FileState.FINISHED, run_ids=("run1",))
    rows = TroubleRows(journal)
    assert rows.show(trouble("/w/r.json"), lambda _: ROOT) == []
    rows.show(QUIET, lambda _: ROOT)
    row = journal.file("/w/r.json")
    assert row is not None
    assert row.run_ids == ("run1",)


def test_a_path_that_became_a_report_keeps_its_row_when_the_trouble_is_over(
    journal: Journal,
) -> None:
    rows = TroubleRows(journal)
    rows.show(trouble("/w/r.json"), lambda _: ROOT)
    stamp = FileStamp(Path("/w/r.json"), 1, 1, 1, 1, 1)
    journal.record(stamp, root="/w", state=FileState.PARSED)
    rows.show(QUIET, lambda _: ROOT)
    assert journal.file("/w/r.json") is not None


def test_rows_an_earlier_watcher_left_are_taken_away(journal: Journal) -> None:
    TroubleRows(journal).show(trouble("/w/x"), lambda _: ROOT)
    rows = TroubleRows(journal)
    rows.adopt(journal.rows_since(0))
    rows.show(QUIET, lambda _: ROOT)
    assert journal.file("/w/x") is None


def test_a_name_that_is_not_utf8_has_a_line(journal: Journal) -> None:
    [outcome] = TroubleRows(journal).show(trouble("/w/r\udcff.json"), lambda _: ROOT)
    assert outcome.path == "/w/r\udcff.json"
    assert len(journal.rows_since(0)) == 1
