"""A table tells which runs of a page it does not have as they are."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from evaltui.domain.run import Run
from evaltui.domain.table import RunDelta, RunTable
from evaltui.domain.table_changes import changed_positions
from tests.domain.builders import make_run, make_table
from tests.domain.run_strategies import LISTS, runs_of


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LISTS, LISTS)
def test_changed_are_the_runs_that_the_table_lacks_or_has_otherwise(
    known: list[Run], page: list[Run]
) -> None:
    table = RunTable()
    table.apply(RunDelta.from_runs(known))
    before = runs_of(table)
    expected = [at for at, run in enumerate(page) if before.get(run.run_id) != run]
    assert changed_positions(table, RunDelta.from_runs(page)) == expected


def test_a_run_that_comes_back_is_changed() -> None:
    run = make_run("a", metrics={"m": 1.0})
    table = make_table(run)
    table.apply(RunDelta(removed=("a",)))
    assert changed_positions(table, RunDelta.from_runs([run])) == [0]


def test_zero_is_not_missing() -> None:
    table = make_table(make_run("a", metrics={"m": 0.0}, params={"p": ""}), make_run("b"))
    assert changed_positions(table, RunDelta.from_runs([make_run("a"), make_run("b")])) == [0]
