from __future__ import annotations

import threading

import numpy as np
from engine_fakes import Clock, Screen, make_run

from evaltui.domain.events import FileRole, FileRow, FileState
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.domain.table import RunDelta
from evaltui.engine.early_runs import file_runs
from evaltui.engine.local_rows import EXPECTED_S, LocalRows


class Bench:
    def __init__(self) -> None:
        self.screen = Screen()
        self.in_store: dict[str, set[str]] = {}
        self.logged: set[str] = set()
        self.clock = Clock()
        self.rows = LocalRows(
            self.screen.apply,
            lambda content: self.in_store.get(content, set()),
            is_logged=self.logged.__contains__,
            lock=threading.RLock(),
            monotonic=self.clock,
        )

    def arrive(self, *runs: Run, complete: bool = True) -> None:
        for run in runs:
            content = run.tags.get(Tag.CONTENT_ID, "")
            if content:
                self.in_store.setdefault(content, set()).add(run.run_id)
        self.rows.store_page(RunDelta.from_runs(runs, complete=complete), False)

    @property
    def ids(self) -> list[str]:
        return self.screen.ids


def local(number: int, content: str, **tags: str) -> Run:
    return make_run(f"local:{number}", content=content, status=RunStatus.PENDING, tags=tags)


def row(file_id: int, state: FileState, **fields: object) -> FileRow:
    return FileRow(file_id, file_id, f"/w/{file_id}.json", state, **fields)  # type: ignore[arg-type]


def test_a_report_shows_before_the_store_has_it() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    assert bench.ids == ["local:1"]
    assert not bench.screen.table.complete


def test_nothing_is_emitted_when_nothing_differs() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    bench.rows.update([local(1, "x")])
    bench.rows.store_page(RunDelta(complete=False), False)
    assert len(bench.screen.pages) == 1


def test_the_end_of_a_listing_is_passed_on_once() -> None:
    bench = Bench()
    bench.rows.store_page(RunDelta(), False)
    bench.rows.store_page(RunDelta(), False)
    assert [page.complete for page in bench.screen.pages] == [True]
    bench.rows.store_page(RunDelta(complete=False), True)
    bench.rows.store_page(RunDelta(), False)
    assert [page.complete for page in bench.screen.pages] == [True, False, True]


def test_the_page_that_brings_the_run_takes_its_local_row_away() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x"), local(2, "y")])
    bench.arrive(make_run("a", content="x"), make_run("b"))
    last = bench.screen.pages[-1]
    assert (last.run_ids, last.removed) == (("a", "b"), ("local:1",))
    bench.rows.update([local(1, "x"), local(2, "y")])
    assert bench.ids == ["a", "b", "local:2"]


def test_a_local_row_whose_run_is_there_already_never_shows() -> None:
    bench = Bench()
    bench.arrive(make_run("a", content="x"))
    bench.rows.update([local(1, "x")])
    assert bench.ids == ["a"]


def test_a_logged_report_stays_until_its_run_comes() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    bench.logged.add("local:1")
    bench.rows.update([])
    assert bench.ids == ["local:1"]
    bench.arrive(make_run("a", content="x"))
    assert bench.ids == ["a"]
    bench.rows.update([])
    assert bench.ids == ["a"]


def test_a_report_that_was_given_up_goes_at_once() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    bench.rows.update([])
    assert bench.ids == []


def test_a_logged_report_whose_run_never_comes_does_not_stay_for_ever() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    bench.logged.add("local:1")
    bench.rows.update([])
    bench.clock.now += EXPECTED_S + 1
    bench.rows.update([])
    assert bench.ids == []


def test_a_rewritten_report_shows_beside_the_run_that_it_will_replace() -> None:
    bench = Bench()
    bench.arrive(make_run("old", content="x"))
    bench.rows.update([local(2, "x", **{Tag.SUPERSEDES: "old"})])
    assert bench.ids == ["local:2", "old"]
    bench.arrive(make_run("old", content="x", tags={"note": "changed"}))
    assert bench.ids == ["local:2", "old"]
    bench.arrive(make_run("new", content="x"))
    assert bench.ids == ["new", "old"]


def test_a_run_that_is_still_being_written_waits_behind_its_local_row() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    logging = make_run("a", content="x", tags={Tag.STATE: "logging"})
    bench.arrive(logging, make_run("b", metrics={"m": 2.0}))
    assert bench.ids == ["b", "local:1"]
    table = bench.screen.table
    assert table.value(int(np.flatnonzero(np.array(table.run_ids) == "b")[0]), "m") == 2.0
    bench.arrive(make_run("a", content="x", metrics={"m": 1.0}))
    assert bench.ids == ["a", "b"]


def test_a_run_that_is_written_but_not_ended_yet_waits_too() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    bench.arrive(make_run("a", content="x", status=RunStatus.RUNNING))
    assert bench.ids == ["local:1"]
    bench.arrive(make_run("a", content="x"))
    assert bench.ids == ["a"]


def test_a_half_written_run_appears_when_its_local_row_goes_without_it() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    bench.arrive(make_run("a", content="x", tags={Tag.STATE: "logging"}))
    bench.rows.update([])
    assert bench.ids == ["a"]


def test_a_half_written_run_that_is_deleted_is_forgotten() -> None:
    bench = Bench()
    bench.rows.update([local(1, "x")])
    bench.arrive(make_run("a", content="x", tags={Tag.STATE: "logging"}))
    bench.in_store["x"].clear()
    bench.rows.store_page(RunDelta(removed=("a",)), False)
    bench.rows.update([])
    assert bench.ids == []


def test_a_new_experiment_keeps_the_local_rows() -> None:
    bench = Bench()
    bench.arrive(make_run("a"))
    bench.rows.update([local(1, "x")])
    bench.rows.store_page(RunDelta(complete=False), True)
    assert bench.ids == ["local:1"]
    assert not bench.screen.table.complete


def test_files_that_are_seen_or_settling_become_rows_named_by_the_file() -> None:
    runs = file_runs(
        [
            row(1, FileState.SEEN),
            row(2, FileState.SETTLING, role=FileRole.REPORT),
            row(3, FileState.PARSED),
            row(4, FileState.QUARANTINED),
            row(5, FileState.SETTLING, role=FileRole.COMPANION),
        ]
    )
    assert [(run.run_id, run.name, run.status) for run in runs] == [
        ("local:file:1", "1.json", RunStatus.PENDING),
        ("local:file:2", "2.json", RunStatus.PENDING),
    ]
    assert runs[1].tags[Tag.STATE] == "settling"


def test_a_half_done_evaluation_is_one_row_with_its_progress() -> None:
    runs = file_runs(
        [
            FileRow(
                7, 7, "/w/run1", FileState.SEEN, role=FileRole.CASE, progress="14 of 20 evaluated"
            ),
            row(8, FileState.SEEN, role=FileRole.CASE),
            row(9, FileState.FINISHED, role=FileRole.CASE, progress="20 of 20 evaluated"),
        ]
    )
    assert [(run.run_id, run.name) for run in runs] == [
        ("local:progress:7", "run1: 14 of 20 evaluated")
    ]
