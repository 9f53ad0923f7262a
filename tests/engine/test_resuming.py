"""A second start asks for what is new, and its list ends as a listing in full would."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from engine_fakes import STATUS, Clock, Screen
from remembered_store import CountingStore

from evaltui.domain.events import StoreState, StoreStatus
from evaltui.domain.recalled import Recalled, remembered
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.domain.table import RunDelta, RunTable
from evaltui.engine.poll import SWEEP_S, Poller
from evaltui.errors import StoreBusyError, StoreUnreachableError
from evaltui.tracking.polled_source import OVERLAP_MS, PolledSource
from tests.domain.builders import make_run, make_table
from tests.domain.run_strategies import runs_of

MINUTE_MS = 60_000
ASKED_S = 100_000 * 60.0
"""When the session before last asked."""

CONFIRMED_S = ASKED_S - 3_600


def run_at(minute: int, **more: object) -> Run:
    """Return a run that started so many minutes after the epoch; its id tells."""
    return make_run(f"r{minute}", start=minute * MINUTE_MS, **more)  # type: ignore[arg-type]


HISTORY = [run_at(minute) for minute in range(99_000, 100_000, 2)]
"""500 runs, the newest two minutes before the session ended."""


class Second:
    """A poller that goes on from what a session before left, and the screen that shows it."""

    def __init__(
        self,
        store: CountingStore,
        before: list[Run],
        *,
        experiment_id: str = "1",
        sweep_s: float = SWEEP_S,
    ) -> None:
        self.store = store
        self.clock = Clock()
        self.clock.now = ASKED_S + 86_400
        self.screen = Screen()
        self.screen.table = make_table(*before)
        self.told: list[StoreStatus] = []
        status = replace(
            STATUS,
            experiment_id=experiment_id,
            data_at_s=ASKED_S,
            unconfirmed_s=CONFIRMED_S,
        )
        self.poller = Poller(
            lambda: PolledSource("rest", store),
            status,
            resume_source=lambda: PolledSource("rest", store),
            recalled=Recalled(make_table(*before), status, "token"),
            publish=self.screen.apply,
            tell=self.told.append,
            sweep_s=sweep_s,
            clock=self.clock,
            monotonic=self.clock,
            chance=lambda: 0.5,
        )

    def step(self) -> None:
        """Do what is due next, whenever that is."""
        self.clock.now += self.poller.due_in()
        self.poller.step()

    def until(self, condition: Callable[[], object]) -> None:
        for _ in range(500):
            if condition():
                return
            self.step()
        raise AssertionError(f"never: {self.told[-1:]}, {len(self.store.searches)} searches")

    def shown(self) -> dict[str, Run]:
        return runs_of(self.screen.table)


@pytest.fixture(autouse=True)
def epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaltui.tracking.polled_source._now", lambda: ASKED_S + 86_400)


@pytest.fixture
def nothing_new() -> Second:
    return Second(CountingStore(HISTORY), HISTORY)


def test_a_start_with_nothing_new_asks_three_questions_however_many_runs_there_are(
    nothing_new: Second,
) -> None:
    nothing_new.step()
    since = 99_998 * MINUTE_MS - OVERLAP_MS
    assert nothing_new.store.searches == [
        f"attributes.start_time > {since}",
        f"attributes.end_time > {since + 1}",
        "attributes.status = 'RUNNING'",
    ]
    assert nothing_new.store.looked_up == []
    assert nothing_new.store.sizes == [200, 200, 200], "answers this short tell nothing of others"
    assert nothing_new.poller.listed
    assert [page.run_ids for page in nothing_new.screen.pages] == [()]
    assert nothing_new.screen.pages[0].complete
    assert nothing_new.screen.resets == 0


def test_nothing_counts_as_confirmed_before_the_sweep_went_round(nothing_new: Second) -> None:
    nothing_new.step()
    status = nothing_new.poller.status
    assert status.state is StoreState.LIVE
    assert (status.as_of_s, status.data_at_s) == (CONFIRMED_S, nothing_new.clock.now)
    assert not nothing_new.poller.confirmed
    assert nothing_new.poller.due_in() == 0, "the sweep begins at once"
    nothing_new.step()
    assert nothing_new.poller.status.unconfirmed_s == CONFIRMED_S, "200 of 500 runs were seen"
    nothing_new.until(lambda: nothing_new.poller.confirmed)
    assert nothing_new.told[-1].unconfirmed_s is None
    assert nothing_new.poller.status.as_of_s == nothing_new.poller.status.data_at_s
    assert nothing_new.store.searches.count("") == 2, "200 runs, then all the others"
    assert sum(len(page.run_ids) for page in nothing_new.screen.pages) == 0, "nothing differs"


def test_rounds_are_slow_again_once_all_is_confirmed() -> None:
    second = Second(CountingStore(HISTORY, most=100), HISTORY, sweep_s=60.0)
    times: list[float] = []

    def swept() -> bool:
        while len(times) < second.store.searches.count(""):
            times.append(second.clock.now)
        return len(times) >= 8

    second.until(swept)
    gaps = [round(after - before) for before, after in pairwise(times)]
    assert gaps == [SWEEP_S] * 4 + [60, 60, 60]


def test_whatever_happened_meanwhile_is_shown_after_one_round() -> None:
    before = [
        *HISTORY,
        run_at(99_997, status=RunStatus.RUNNING),
        run_at(99_001, status=RunStatus.RUNNING),
        run_at(99_003, status=RunStatus.SCHEDULED),
    ]
    store = CountingStore(before)
    store.add(
        run_at(101_000, name="new"),
        run_at(99_997, name="finished"),
        run_at(99_001, name="finished long ago by its clock"),
        run_at(99_003, status=RunStatus.RUNNING),
        run_at(99_100, name="renamed"),
        run_at(99_102, metrics={"late": 1.0}),
        run_at(98_000, name="dated back"),
    )
    store.delete("r99104")
    del store.runs["r99106"]
    second = Second(store, before)
    second.step()
    soon = {run.name for run in second.shown().values()}
    assert {"new", "finished", "finished long ago by its clock"} <= soon
    assert second.shown()["r99003"].status is RunStatus.RUNNING
    second.until(lambda: second.poller.confirmed)
    assert second.shown() == store.active
    assert runs_of(second.poller.table) == store.active


@pytest.mark.parametrize("seed", range(12))
def test_the_list_ends_as_a_listing_in_full_would(seed: int) -> None:
    chance = random.Random(seed)
    states = [RunStatus.FINISHED] * 6 + [RunStatus.RUNNING, RunStatus.FAILED]
    before = [
        run_at(minute, status=chance.choice(states))
        for minute in chance.sample(range(99_000, 100_100), chance.randrange(1, 400))
    ]
    store = CountingStore(before, most=chance.choice([7, 60, 1_000]))
    for run in before:
        fate = chance.random()
        if fate < 0.1:
            store.delete(run.run_id)
        elif fate < 0.3:
            name = chance.choice([run.name, "renamed"])
            store.add(replace(run, status=chance.choice(states), name=name))
    store.add(*(run_at(minute) for minute in chance.sample(range(98_000, 102_000), 100)))
    second = Second(store, before)
    second.until(lambda: second.poller.confirmed)
    assert second.shown() == store.active
    assert second.screen.resets == 0


@pytest.mark.parametrize("error", [StoreUnreachableError("away"), StoreBusyError("HTTP 429")])
@pytest.mark.parametrize("request_number", range(6))
def test_a_start_that_breaks_off_anywhere_loses_nothing(
    request_number: int, error: StoreUnreachableError | StoreBusyError
) -> None:
    before = [*HISTORY, run_at(99_001, status=RunStatus.RUNNING)]
    store = CountingStore(before, most=50)
    store.add(*(run_at(minute) for minute in range(100_001, 100_120)))
    store.delete("r99001")
    store.failing[request_number] = error
    second = Second(store, before)
    second.until(lambda: second.poller.listed)
    assert {run.run_id for run in store.active.values()} == set(second.shown())
    assert not store.failing


def test_a_run_that_is_found_deleted_is_told_although_the_next_look_up_fails() -> None:
    store = CountingStore(HISTORY)
    store.delete("r99998")
    store.delete("r99996")
    store.failing[5] = StoreUnreachableError("away")  # three searches, a page, one look-up
    second = Second(store, HISTORY)
    second.until(lambda: second.poller.confirmed)
    assert not store.failing
    assert second.shown() == store.active


def test_more_missing_runs_than_are_looked_up_at_once_keep_the_list_unconfirmed() -> None:
    store = CountingStore(HISTORY)
    for run in HISTORY[:150]:
        store.delete(run.run_id)
    second = Second(store, HISTORY)
    second.until(lambda: second.poller.confirmed)
    assert second.shown() == store.active


def test_a_page_that_was_read_counts_although_the_look_up_after_it_fails() -> None:
    store = CountingStore(HISTORY)
    store.delete("r99998")
    store.add(run_at(99_996, name="renamed"))
    store.failing[4] = StoreUnreachableError("away")  # after three searches and a page
    second = Second(store, HISTORY)
    second.until(lambda: second.poller.confirmed)
    assert not store.failing
    assert second.shown() == store.active


def test_a_run_with_a_clock_that_is_ahead_hides_no_others() -> None:
    before = [*HISTORY, run_at(100_600)]  # ten hours after it was seen
    store = CountingStore(before)
    store.add(run_at(100_100))
    second = Second(store, before)
    second.step()
    assert "r100100" in second.shown()


def test_an_experiment_that_was_made_anew_is_listed_in_full() -> None:
    store = CountingStore([run_at(5)])
    store.experiment_id = "2"
    second = Second(store, HISTORY)
    second.step()
    assert second.screen.resets == 1
    assert list(second.shown()) == ["r5"]
    assert store.searches == [""]
    assert second.poller.confirmed
    assert second.told[-1].unconfirmed_s is None


def test_who_has_a_content_is_known_from_before_and_believed_when_confirmed() -> None:
    tags = {Tag.CONTENT_ID.value: "c1"}
    replaced = tags | {Tag.SUPERSEDED_BY.value: "r1"}
    before = [run_at(1, tags=tags), run_at(2, tags=replaced), run_at(3)]
    store = CountingStore(before)
    second = Second(store, before)
    assert second.poller.known_runs("c1") == ("r1", "r2")
    assert second.poller.twins() == frozenset()
    store.delete("r1")
    store.add(run_at(4, tags={Tag.CONTENT_ID.value: "c2"}))
    second.until(lambda: second.poller.confirmed)
    assert second.poller.known_runs("c1") == ("r2",)
    assert second.poller.known_runs("c2") == ("r4",)


def test_times_from_clocks_that_are_wrong_and_missing_ones_say_nothing_of_what_was_there() -> None:
    table = make_table(
        make_run("a", start=1_000),
        make_run("b", start=9_000_000),
        make_run("c", start=None, status=RunStatus.RUNNING),
    )
    table.apply(RunDelta(removed=("a",)))
    found = remembered(table, 5.0)
    assert found.starts_ms == {"b": 9_000_000.0, "c": 0.0}
    assert found.unfinished == {"c"}
    assert (found.newest_start_ms, found.newest_end_ms) == (5_000, 5_000)
    assert remembered(RunTable(), 5.0).newest_start_ms == 0
