"""The mirror is written after a listing, then seldom, and never for nothing."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, replace

from engine_fakes import Clock

from evaltui.domain.events import StoreStatus
from evaltui.domain.table import RunDelta, RunTable
from evaltui.engine.mirroring import WRITE_S, Mirroring
from tests.domain.builders import make_run, make_table

STATUS = StoreStatus("sqlite x", "--tracking-uri", "evals", experiment_id="1")


@dataclass
class Listing:
    """Who has a table; it goes on with another one when told to."""

    table: RunTable
    status: StoreStatus = STATUS

    def go_on_with(self, table: RunTable) -> None:
        self.table = table


class Kept:
    """A mirror that notes what it was given, and takes its time."""

    def __init__(self, clock: Clock, *, takes_s: float = 0.0, works: bool = True) -> None:
        self.sizes: list[int] = []
        self._clock = clock
        self._takes_s = takes_s
        self._works = works
        self.opened: RunTable | None = None

    def keep(self, table: RunTable, status: StoreStatus) -> bool:
        assert status == STATUS
        self.sizes.append(table.size)
        self._clock.now += self._takes_s
        return self._works

    def kept(self) -> RunTable | None:
        assert self._works, "only what was kept can be opened"
        return self.opened


def more(table: RunTable, run_id: str) -> None:
    table.apply(RunDelta.from_runs([make_run(run_id)]))


def test_a_listing_is_kept_at_once_and_then_not_again_while_nothing_changes() -> None:
    clock = Clock()
    kept = Kept(clock)
    mirroring, table = Mirroring(kept, monotonic=clock), make_table(make_run("a"))
    assert mirroring.step(Listing(table)) == math.inf
    clock.now += 10 * WRITE_S
    assert mirroring.step(Listing(table)) == math.inf
    mirroring.finish(Listing(table))
    assert kept.sizes == [1]


def test_changes_are_kept_together_once_a_minute_and_at_the_end() -> None:
    clock = Clock()
    kept = Kept(clock)
    mirroring, table = Mirroring(kept, monotonic=clock), make_table(make_run("a"))
    mirroring.step(Listing(table))
    more(table, "b")
    clock.now += 10
    assert mirroring.step(Listing(table)) == WRITE_S - 10
    more(table, "c")
    clock.now += WRITE_S - 10
    assert mirroring.step(Listing(table)) == math.inf
    more(table, "d")
    mirroring.finish(Listing(table))
    assert kept.sizes == [1, 3, 4]


def test_a_table_that_took_the_place_of_another_is_kept() -> None:
    clock = Clock()
    kept = Kept(clock)
    mirroring, table = Mirroring(kept, monotonic=clock), make_table(make_run("a"))
    mirroring.step(Listing(table))
    mirroring.finish(Listing(table.compacted()))
    assert kept.sizes == [1, 1]


def test_a_listing_of_before_is_kept_again_only_when_it_differs_or_is_confirmed() -> None:
    clock, kept = Clock(), list[float | None]()

    class Dated:
        def keep(self, table: RunTable, status: StoreStatus) -> bool:
            kept.append(status.as_of_s)
            return bool(table.size)

        def kept(self) -> None:
            return None

    old = replace(STATUS, data_at_s=20.0, unconfirmed_s=10.0)
    mirroring, table = Mirroring(Dated(), monotonic=clock), make_table(make_run("a"))
    mirroring.begin(table, old)
    assert mirroring.step(Listing(table, replace(old, data_at_s=30.0))) == math.inf
    assert kept == []
    mirroring.step(Listing(table, replace(old, data_at_s=30.0, unconfirmed_s=None)))
    more(table, "b")
    mirroring.finish(Listing(table, replace(old, data_at_s=40.0, unconfirmed_s=None)))
    assert kept == [30.0, 40.0]


def test_a_mirror_that_takes_long_is_written_the_more_seldom() -> None:
    clock = Clock()
    mirroring = Mirroring(Kept(clock, takes_s=6.0), monotonic=clock)
    table = make_table(make_run("a"))
    mirroring.step(Listing(table))
    more(table, "b")
    assert mirroring.step(Listing(table)) == 300.0


def test_a_mirror_that_cannot_be_written_is_not_tried_again() -> None:
    clock = Clock()
    kept = Kept(clock, works=False)
    mirroring, table = Mirroring(kept, monotonic=clock), make_table(make_run("a"))
    mirroring.step(Listing(table))
    more(table, "b")
    clock.now += 10 * WRITE_S
    assert mirroring.step(Listing(table)) == math.inf
    mirroring.finish(Listing(table))
    assert kept.sizes == [1]


def test_who_has_the_listing_goes_on_with_what_was_kept() -> None:
    clock = Clock()
    kept = Kept(clock)
    mirroring, listing = Mirroring(kept, monotonic=clock), Listing(make_table(make_run("a")))
    first = weakref.ref(listing.table)
    kept.opened = make_table(make_run("a"))
    assert mirroring.step(listing) == math.inf
    assert listing.table is kept.opened
    assert first() is None, "nothing holds the table that it was made of"
    clock.now += WRITE_S
    assert mirroring.step(listing) == math.inf
    assert kept.sizes == [1], "it is kept already"
    more(listing.table, "b")
    kept.opened = make_table(make_run("a"), make_run("b"))
    assert mirroring.step(listing) == math.inf
    assert listing.table is kept.opened
    assert kept.sizes == [1, 2]


def test_the_end_opens_nothing() -> None:
    clock = Clock()
    kept = Kept(clock)
    table = make_table(make_run("a"))
    mirroring, listing = Mirroring(kept, monotonic=clock), Listing(table)
    kept.opened = make_table(make_run("a"))
    mirroring.finish(listing)
    assert listing.table is table
