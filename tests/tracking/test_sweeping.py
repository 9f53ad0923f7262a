"""Walking through a listing: pages of bearable size, and runs that are not where they should be."""

from __future__ import annotations

import random

import pytest

from evaltui.domain.run import Run, RunStatus
from evaltui.errors import StoreUnreachableError
from evaltui.tracking.page_size import PageSize
from evaltui.tracking.rolling_sweep import Page, RollingSweep

PAGE = 10


class Listing:
    """Runs by start time, newest first, in pages with offsets as tokens."""

    def __init__(self, starts: dict[str, int]) -> None:
        self.starts = starts
        self.broken = False

    def page(self, token: str) -> Page:
        if self.broken:
            raise StoreUnreachableError("down")
        offset = int(token or 0)
        ids = sorted(self.starts, key=lambda run_id: (-self.starts[run_id], run_id))
        following = str(offset + PAGE) if offset + PAGE < len(ids) else ""
        runs = [run(run_id, self.starts[run_id]) for run_id in ids[offset : offset + PAGE]]
        return Page(runs, following)


def run(run_id: str, start: int) -> Run:
    return Run(run_id, "1", run_id, RunStatus.FINISHED, start, None)


def knowing(listing: Listing) -> RollingSweep:
    sweep = RollingSweep(listing.page)
    for run_id, start in listing.starts.items():
        sweep.know(run(run_id, start))
    return sweep


def whole_pass(sweep: RollingSweep, listing: Listing) -> tuple[set[str], set[str]]:
    met: set[str] = set()
    missing: set[str] = set()
    for _ in range(max(1, -(-len(listing.starts) // PAGE))):
        runs, suspects = sweep.step()
        met.update(run.run_id for run in runs)
        missing.update(suspects)
    return met, missing


@pytest.mark.parametrize("seed", range(20))
def test_a_pass_meets_every_run_and_misses_exactly_the_deleted_ones(seed: int) -> None:
    chance = random.Random(seed)
    starts = {f"r{number}": chance.randrange(1, 40) for number in range(chance.randrange(1, 60))}
    listing = Listing(starts)
    sweep = knowing(listing)
    assert whole_pass(sweep, listing) == (set(starts), set())
    gone = set(chance.sample(sorted(starts), chance.randrange(len(starts))))
    for run_id in gone:
        del starts[run_id]
    met, missing = whole_pass(sweep, listing)
    assert met == set(starts)
    assert gone <= missing
    for run_id in gone:
        sweep.forget(run_id)
    assert whole_pass(sweep, listing) == (set(starts), set())


def test_a_run_that_nobody_knew_is_met_wherever_it_starts() -> None:
    listing = Listing({f"r{number}": number for number in range(1, 31)})
    sweep = knowing(listing)
    listing.starts["old"] = 0
    assert "old" in whole_pass(sweep, listing)[0]


def test_a_page_that_cannot_be_read_is_tried_again() -> None:
    listing = Listing({f"r{number:02}": number for number in range(30)})
    sweep = knowing(listing)
    first, _ = sweep.step()
    listing.broken = True
    with pytest.raises(StoreUnreachableError):
        sweep.step()
    listing.broken = False
    second, _ = sweep.step()
    assert [run.run_id for run in (*first, *second)] == [f"r{n:02}" for n in range(29, 9, -1)]


def test_an_empty_page_makes_every_known_run_a_suspect_and_no_more() -> None:
    listing = Listing({"a": 1, "b": 2})
    sweep = knowing(listing)
    listing.starts.clear()
    assert sweep.step() == ([], ["a", "b"])


def test_pages_grow_while_answers_are_quick_and_never_too_much() -> None:
    page = PageSize(50)
    sizes = []
    for _ in range(4):
        page.took(0.01)
        sizes.append(page.size)
    assert sizes == [200, 800, 1_000, 1_000]


def test_pages_are_as_large_as_two_seconds_allow() -> None:
    page = PageSize(50)
    page.took(1.0)
    assert page.size == 100
    page.took(20.0)
    assert page.size == 10


def test_pages_shrink_to_a_limit() -> None:
    page = PageSize(200)
    assert [page.shrink(), page.shrink(), page.shrink(), page.shrink()] == [True, True, True, False]
    assert page.size == 10
