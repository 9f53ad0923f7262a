"""A screen that shows a mirror is told what differs, and ends with what the store has."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaltui.domain.run import Run
from evaltui.domain.table import RunDelta, RunTable
from evaltui.engine.sync import Sync
from tests.domain.builders import make_run, make_table
from tests.domain.run_strategies import LISTS, PAGES, runs_of


class Screen:
    """Applies pages as the screen does, and counts what was said."""

    def __init__(self, *runs: Run) -> None:
        self.table = make_table(*runs)
        self.sync = Sync(self.take, make_table(*runs))
        self.said: list[str] = []
        self.removed: list[str] = []
        self.complete = False

    def take(self, delta: RunDelta, reset: bool) -> None:
        if reset:
            self.table = RunTable()
        self.said += delta.run_ids
        self.removed += delta.removed
        self.complete = self.complete or delta.complete
        self.table.apply(delta)

    def list(self, *runs: Run, complete: bool = True) -> None:
        self.sync.page(RunDelta.from_runs(runs, complete=complete), False)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LISTS, LISTS, st.integers(0, 6), st.lists(PAGES, max_size=3), st.lists(PAGES, max_size=3))
def test_the_screen_ends_with_what_the_store_has(
    before: list[Run],
    listing: list[Run],
    cut: int,
    between: list[tuple[list[Run], set[str]]],
    after: list[tuple[list[Run], set[str]]],
) -> None:
    screen, store = Screen(*before), RunTable()

    def page(runs: list[Run], removed: set[str], *, complete: bool) -> None:
        delta = RunDelta.from_runs(runs, removed=sorted(removed), complete=complete)
        store.apply(delta)
        screen.sync.page(delta, False)

    page(listing[:cut], set(), complete=False)
    for runs, removed in between:
        page(runs, removed - {run.run_id for run in runs}, complete=False)
    page(listing[cut:], set(), complete=True)
    for runs, removed in after:
        page(runs, removed - {run.run_id for run in runs}, complete=True)
    assert runs_of(screen.table) == runs_of(store)
    assert screen.complete


def test_of_runs_that_are_as_they_were_nothing_is_said() -> None:
    runs = [make_run(f"r{at}", metrics={"m": float(at)}) for at in range(10)]
    screen = Screen(*runs)
    screen.list(*runs[:5], complete=False)
    screen.list(*runs[5:], complete=True)
    assert (screen.said, screen.removed, screen.complete) == ([], [], True)


def test_renamed_deleted_and_new_runs_are_said_and_no_others() -> None:
    same, gone = make_run("same"), make_run("gone")
    screen = Screen(same, gone, make_run("renamed", name="old"))
    screen.list(same, make_run("renamed", name="new"), make_run("added"))
    assert screen.said == ["renamed", "added"]
    assert screen.removed == ["gone"]


def test_a_run_that_changes_and_changes_back_is_said_twice() -> None:
    run = make_run("a", name="before")
    screen = Screen(run)
    screen.list(make_run("a", name="meanwhile"), complete=False)
    screen.list(run)
    assert runs_of(screen.table) == {"a": run}


def test_after_the_listing_pages_pass_as_they_come() -> None:
    run = make_run("a")
    screen = Screen(run)
    screen.list(run)
    screen.list(run)
    assert screen.said == ["a"]


def test_another_experiment_ends_the_comparison() -> None:
    run = make_run("a")
    screen = Screen(run)
    screen.sync.page(RunDelta(complete=False), True)
    assert screen.table.size == 0
    screen.list(run)
    assert screen.said == ["a"]


def test_without_a_mirror_the_first_page_makes_the_screen_forget_what_it_shows() -> None:
    screen = Screen(make_run("left over"))
    screen.sync = Sync(screen.take, None)
    screen.list(make_run("a"), complete=False)
    screen.list(make_run("b"))
    assert sorted(runs_of(screen.table)) == ["a", "b"]
