from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaltui.domain.events import FileState
from evaltui.domain.stamp import FileStamp
from evaltui.engine.figures import Figures
from evaltui.ledger.journal import Journal


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "state")
    yield made
    made.close()


def test_counts_are_those_of_the_journal_and_asked_for_only_after_a_change(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = Figures(journal, Clock())
    assert figures.counts(("/w",))["logged"] == 0
    asked: list[int] = []
    counts = journal.counts
    monkeypatch.setattr(journal, "counts", lambda folders: asked.append(1) or counts(folders))
    assert figures.counts(("/w",))["logged"] == 0
    assert asked == []
    figures._count_again_at = 0.0
    stamp = FileStamp(Path("/w/r.json"), 1, 1, 1, 1, 1)
    journal.record(stamp, root="/w", state=FileState.FINISHED)
    assert figures.counts(("/w",))["logged"] == 1
    assert asked == [1]


def test_files_of_other_directories_do_not_count(journal: Journal) -> None:
    for name in ("/w/r.json", "/w0/r.json", "/x/r.json"):
        journal.record(FileStamp(Path(name), 1, 1, 1, 1, 1), root="/", state=FileState.FINISHED)
    figures = Figures(journal, Clock())
    assert figures.counts(("/w",))["logged"] == 1
    assert Figures(journal, Clock()).counts(("/w", "/x/"))["logged"] == 2
    assert Figures(journal, Clock()).counts(())["logged"] == 0
    assert journal.counts()["logged"] == 3


def test_counts_that_cost_much_are_asked_for_seldom(journal: Journal) -> None:
    figures = Figures(journal, Clock())
    figures.counts(("/w",))
    figures._count_again_at = float("inf")  # as after a count that took long
    stamp = FileStamp(Path("/w/r.json"), 1, 1, 1, 1, 1)
    journal.record(stamp, root="/w", state=FileState.FINISHED)
    assert figures.counts(("/w",))["logged"] == 0


def test_a_backlog_is_what_is_not_read_and_what_is_not_written(journal: Journal) -> None:
    clock = Clock()
    figures = Figures(journal, clock)
    assert not figures.counts_on(0)
    figures.begin(30)
    assert figures.counts_on(0)
    figures.note(20, 10)
    clock.now = 10.0
    figures.note(0, 10)
    assert (figures.backlog, figures.rate) == (10, 2.0)
    figures.note(0, 0)
    assert (figures.backlog, figures.rate, figures.counts_on(0)) == (0, None, False)
