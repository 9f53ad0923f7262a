from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from engine_fakes import STATUS, Clock, FakeStore, Screen, make_run, renamed

from evaltui.domain.events import StoreState, StoreStatus
from evaltui.domain.run import Experiment, Run, Tag
from evaltui.engine.connection import REFUSED_RETRY_S
from evaltui.engine.poll import Poller
from evaltui.errors import StoreAuthError, StoreBusyError, StoreUnreachableError
from evaltui.tracking.polled_source import PolledSource
from tests.domain.builders import make_table
from tests.domain.run_strategies import runs_of


class Bench:
    """A poller of a fake store on a clock, and what it said."""

    def __init__(self, store: FakeStore, *, jitter: float = 0.0, chance: float = 1.0) -> None:
        self.store = store
        self.clock = Clock()
        self.screen = Screen()
        self.told: list[StoreStatus] = []
        self.stopping = False
        self.poller = Poller(
            store.open,
            STATUS,
            publish=self.screen.apply,
            tell=self.told.append,
            jitter_ratio=jitter,
            stopping=lambda: self.stopping,
            clock=self.clock,
            monotonic=self.clock,
            chance=lambda: chance,
        )

    def step(self) -> None:
        self.poller.step()

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.poller.step()

    @property
    def states(self) -> list[StoreState]:
        return [status.state for status in self.told]


@pytest.fixture
def bench() -> Bench:
    return Bench(FakeStore())


def test_the_first_step_lists_the_experiment_page_by_page(bench: Bench) -> None:
    bench.store.add(*(make_run(str(number)) for number in range(5)))
    bench.step()
    assert [len(page.run_ids) for page in bench.screen.pages] == [2, 2, 1]
    assert [page.complete for page in bench.screen.pages] == [False, False, True]
    assert bench.screen.pages[0].total == 5
    assert bench.screen.ids == ["0", "1", "2", "3", "4"]
    assert bench.poller.listed


def test_the_store_is_live_before_the_first_page_is_out(bench: Bench) -> None:
    bench.store.add(make_run("a"))
    order: list[str] = []
    poller = Poller(
        bench.store.open,
        STATUS,
        publish=lambda _delta, _reset: order.append("page"),
        tell=lambda status: order.append(status.state),
        clock=bench.clock,
        monotonic=bench.clock,
    )
    poller.step()
    assert order == ["live", "page"]


def test_while_nobody_writes_a_store_is_asked_for_nothing_else(bench: Bench) -> None:
    bench.store.kind, bench.store.quiet = "sqlite", True
    bench.store.add(make_run("a"))
    assert bench.poller.rest() is None  # nothing is listed yet
    bench.step()
    bench.store.calls.clear()
    assert bench.poller.rest() is None  # nothing is due yet
    bench.clock.now += 5
    assert bench.poller.rest() == 5
    assert bench.store.calls == ["unchanged"]
    rested_at, told = bench.clock.now, len(bench.told)
    bench.clock.now += 5
    assert bench.poller.rest() is None  # a sweep is due
    bench.step()
    bench.clock.now += 5
    bench.store.quiet = False
    assert bench.poller.rest() is None  # somebody wrote
    bench.store.error = StoreUnreachableError("gone")
    assert bench.poller.rest() is None
    assert len(bench.told) == told
    bench.step()
    assert bench.told[-1].state is StoreState.OFFLINE
    assert bench.told[-1].data_at_s == rested_at + 5


def test_a_status_tells_when_a_store_at_rest_was_last_asked(bench: Bench) -> None:
    bench.store.kind, bench.store.quiet = "sqlite", True
    bench.step()
    bench.clock.now += 5
    assert bench.poller.rest() == 5
    bench.clock.now += 6
    bench.store.error = StoreUnreachableError("gone")
    bench.step()
    assert bench.told[-1].state is StoreState.OFFLINE
    assert bench.told[-1].data_at_s == bench.clock.now - 6


@pytest.mark.parametrize(
    "wish",
    [
        lambda poller: poller.refresh(),
        lambda poller: poller.include(["a"]),
        lambda poller: poller.pause(on=True),
        lambda poller: poller.note(user="me"),
    ],
)
def test_a_wish_ends_the_rest(bench: Bench, wish: Callable[[Poller], None]) -> None:
    bench.store.kind, bench.store.quiet = "sqlite", True
    bench.step()
    bench.clock.now += 5
    wish(bench.poller)
    assert bench.poller.rest() is None


def test_an_empty_experiment_ends_the_loading(bench: Bench) -> None:
    bench.step()
    assert bench.screen.table.complete
    assert [page.run_ids for page in bench.screen.pages] == [()]


def test_nothing_new_is_neither_published_nor_told(bench: Bench) -> None:
    bench.store.add(make_run("a"))
    bench.step()
    pages, told = len(bench.screen.pages), len(bench.told)
    for _ in range(10):
        bench.after(5)
    assert len(bench.screen.pages) == pages
    assert len(bench.told) == told
    assert bench.poller.status.data_at_s == bench.clock.now


def test_polls_come_at_the_interval_and_sweeps_at_theirs(bench: Bench) -> None:
    bench.step()
    assert bench.poller.due_in() == pytest.approx(5.0)
    bench.store.calls.clear()
    bench.after(4.9)
    assert bench.store.calls == []
    bench.after(0.2)
    assert bench.store.calls == ["changes"]
    bench.after(5.0)
    assert bench.store.calls == ["changes", "changes", "experiment", "sweep"]


def test_jitter_moves_polls_to_both_sides() -> None:
    for chance, expected in ((0.0, 4.0), (0.5, 5.0), (1.0, 6.0)):
        bench = Bench(FakeStore(), jitter=0.2, chance=chance)
        bench.step()
        assert bench.poller.due_in() == pytest.approx(expected)


def test_new_and_renamed_and_deleted_runs_come_through(bench: Bench) -> None:
    first, second = make_run("a"), make_run("b")
    bench.store.add(first, second)
    bench.step()
    bench.store.add(renamed(first, "other"), make_run("c"))
    del bench.store.runs["b"]
    bench.after(5)
    assert bench.screen.names == ["c", "other"]


def test_a_run_that_is_deleted_softly_leaves_the_list(bench: Bench) -> None:
    bench.store.add(make_run("a", content="x"), make_run("b"))
    bench.step()
    bench.store.add(make_run("a", content="x", active=False))
    bench.after(5)
    assert bench.screen.ids == ["b"]
    assert bench.poller.known_runs("x") == ()


def test_an_experiment_that_does_not_exist_is_live_and_empty_and_may_appear(bench: Bench) -> None:
    bench.store.exists = False
    bench.step()
    assert bench.poller.status.state is StoreState.LIVE
    assert bench.poller.status.experiment_id == ""
    assert bench.screen.table.complete
    bench.store.exists = True
    bench.store.add(make_run("a"))
    bench.after(5)
    assert bench.poller.status.experiment_id == "1"
    assert bench.screen.ids == ["a"]
    assert bench.screen.resets == 0


def test_another_experiment_of_the_same_name_starts_the_list_anew(bench: Bench) -> None:
    bench.store.add(make_run("a", content="x"))
    bench.step()
    bench.store.runs = {"b": make_run("b", content="y")}
    bench.store.experiment_id = "2"
    bench.after(10)
    assert bench.screen.resets == 1
    assert bench.screen.table.run_ids == ["b"] or bench.after(5) is None
    assert bench.screen.ids == ["b"]
    assert bench.poller.known_runs("x") == ()
    assert bench.poller.known_runs("y") == ("b",)
    assert bench.poller.status.experiment_id == "2"


def test_a_deleted_experiment_is_refused_with_a_way_out_and_rows_stay(bench: Bench) -> None:
    bench.store.add(make_run("a"))
    bench.step()
    bench.store.active = False
    bench.after(10)
    status = bench.poller.status
    assert status.state is StoreState.REFUSED
    assert "deleted" in status.error
    assert status.hint
    assert bench.screen.ids == ["a"]


def test_an_unreachable_store_is_offline_since_its_first_failure_and_backs_off(
    bench: Bench,
) -> None:
    bench.store.add(make_run("a"))
    bench.step()
    bench.store.error = StoreUnreachableError("connection refused", hint="is it up?")
    bench.after(5)
    since = bench.clock.now
    delays = []
    for _ in range(9):
        status = bench.poller.status
        assert status.state is StoreState.OFFLINE
        assert status.next_try_s is not None
        delays.append(round(status.next_try_s - bench.clock.now))
        assert status.since_s == since
        bench.after(delays[-1])
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert bench.poller.status.error == "connection refused"
    assert bench.poller.status.hint == "is it up?"
    assert bench.screen.ids == ["a"]


def test_an_offline_status_carries_the_age_of_the_data(bench: Bench) -> None:
    bench.step()
    for _ in range(3):
        bench.after(5)
    last = bench.clock.now
    bench.store.error = StoreUnreachableError("gone")
    bench.after(5)
    assert bench.told[-1].data_at_s == last


def test_the_server_may_ask_for_patience_but_not_for_hours(bench: Bench) -> None:
    bench.store.error = StoreUnreachableError("429", retry_after_s=120)
    bench.step()
    assert bench.poller.due_in() == pytest.approx(120)
    bench.store.error = StoreUnreachableError("429", retry_after_s=21_600)
    bench.after(120)
    assert bench.poller.due_in() == pytest.approx(300)


def test_back_off_is_jittered_down_to_a_half() -> None:
    bench = Bench(FakeStore(error=StoreUnreachableError("gone")), chance=0.0)
    bench.step()
    assert bench.poller.due_in() == pytest.approx(0.5)


def test_a_refused_credential_is_refused_and_tried_again_later(bench: Bench) -> None:
    bench.store.error = StoreAuthError("401", hint="set DATABRICKS_TOKEN")
    bench.step()
    assert bench.poller.status.state is StoreState.REFUSED
    assert bench.poller.status.next_try_s is None
    assert bench.poller.due_in() == pytest.approx(REFUSED_RETRY_S)
    bench.store.error = None
    bench.after(REFUSED_RETRY_S)
    assert bench.poller.status.state is StoreState.LIVE
    assert bench.poller.status.error == ""


def test_a_listing_that_breaks_off_starts_anew_and_loses_nothing(bench: Bench) -> None:
    bench.store.add(*(make_run(str(number)) for number in range(5)))
    bench.store.fail_after_pages = 1
    bench.step()
    assert not bench.poller.listed
    assert not bench.screen.table.complete
    del bench.store.runs["0"]
    bench.after(60)
    assert bench.store.opened == 2
    assert bench.poller.listed
    assert bench.screen.ids == ["1", "2", "3", "4"]


def test_a_run_that_only_a_listing_before_brought_is_gone_however_many_others_are(
    bench: Bench,
) -> None:
    bench.store.page_size = 400
    bench.store.add(*(make_run(f"{number:03}") for number in range(800)))
    bench.store.fail_after_pages = 1
    bench.step()
    kept = bench.screen.ids[-1]
    bench.store.runs = {run_id: run for run_id, run in bench.store.runs.items() if run_id == kept}
    bench.store.add(*(make_run(f"new{number}") for number in range(5)))
    bench.after(60)
    assert bench.poller.listed
    assert sorted(bench.screen.ids) == [kept, *(f"new{number}" for number in range(5))]
    table = bench.poller.table
    assert int(table.alive.sum()) == table.size == 6, "rows of the gone take no room"


def test_another_table_of_the_same_runs_is_gone_on_with(bench: Bench) -> None:
    bench.store.add(make_run("a"), make_run("b"), make_run("c"))
    bench.step()
    bench.poller.go_on_with(make_table(*(bench.store.runs[run_id] for run_id in "cab")))
    del bench.store.runs["a"]
    bench.store.add(make_run("c", name="renamed"), make_run("d"))
    bench.poller.sweep_once()
    bench.after(60)
    assert runs_of(bench.poller.table) == runs_of(bench.screen.table)
    assert sorted(runs_of(bench.screen.table)) == ["b", "c", "d"]
    assert bench.poller.run("a") is None
    found = bench.poller.run("c")
    assert found is not None
    assert found.name == "renamed"


def test_pausing_stops_the_polls_and_going_on_polls_at_once(bench: Bench) -> None:
    bench.step()
    bench.poller.pause(on=True)
    bench.step()
    bench.store.calls.clear()
    bench.after(100)
    assert bench.store.calls == []
    assert bench.poller.status.state is StoreState.PAUSED
    assert bench.poller.due_in() == float("inf")
    bench.poller.pause(on=False)
    assert bench.poller.due_in() == 0.0
    bench.step()
    assert bench.store.calls
    assert bench.states[-3:] == [StoreState.PAUSED, StoreState.CONNECTING, StoreState.LIVE]


def test_a_refresh_polls_and_sweeps_now_even_when_paused(bench: Bench) -> None:
    bench.step()
    bench.poller.pause(on=True)
    bench.step()
    bench.store.calls.clear()
    bench.store.add(make_run("a"))
    told = len(bench.told)
    bench.poller.refresh()
    bench.step()
    assert bench.screen.ids == ["a"]
    assert "sweep" in bench.store.calls
    assert bench.poller.status.state is StoreState.PAUSED
    assert len(bench.told) == told


def test_a_refresh_does_not_wait_for_the_back_off(bench: Bench) -> None:
    bench.store.error = StoreUnreachableError("gone")
    bench.step()
    bench.after(1)
    bench.store.error = None
    bench.poller.refresh()
    bench.step()
    assert bench.poller.status.state is StoreState.LIVE


def test_the_shared_baseline_is_read_again_with_every_sweep(bench: Bench) -> None:
    bench.store.tags[Tag.BASELINE] = "a"
    bench.step()
    assert bench.poller.status.baseline_run_id == "a"
    bench.store.tags[Tag.BASELINE] = "b"
    bench.after(10)
    assert bench.told[-1].baseline_run_id == "b"
    bench.store.tags.clear()
    bench.after(10)
    assert bench.told[-1].baseline_run_id == ""


def test_a_database_is_asked_for_the_baseline_with_every_poll() -> None:
    bench = Bench(FakeStore(kind="sqlite"))
    bench.step()
    bench.store.tags[Tag.BASELINE] = "b"
    bench.after(5)
    assert bench.told[-1].baseline_run_id == "b"


def test_a_run_that_a_poll_cannot_see_is_fetched_when_it_was_just_written(bench: Bench) -> None:
    bench.step()
    bench.store.blind = True
    bench.store.add(make_run("a", content="x"))
    bench.poller.include(["a", ""])
    assert bench.poller.due_in() == 0.0
    bench.step()
    assert bench.screen.ids == ["a"]
    assert bench.poller.known_runs("x") == ("a",)


def test_a_run_of_another_experiment_is_not_included(bench: Bench) -> None:
    bench.step()
    bench.store.blind = True
    bench.store.add(replace(make_run("a"), experiment_id="7"))
    bench.poller.include(["a"])
    bench.step()
    assert bench.screen.ids == []


def test_a_run_to_be_fetched_is_kept_over_an_outage_without_a_busy_loop(bench: Bench) -> None:
    bench.step()
    bench.store.blind = True
    bench.store.add(make_run("a"))
    bench.store.error = StoreUnreachableError("gone")
    bench.poller.include(["a"])
    bench.step()
    assert bench.poller.due_in() > 0
    bench.store.error = None
    bench.after(1)
    assert bench.screen.ids == ["a"]


def test_a_listing_can_be_left_at_a_page(bench: Bench) -> None:
    bench.store.add(*(make_run(str(number)) for number in range(6)))
    bench.stopping = True
    bench.step()
    assert len(bench.screen.pages) == 1
    assert not bench.poller.listed


def test_the_index_knows_which_runs_have_a_content(bench: Bench) -> None:
    bench.store.add(make_run("a", content="x"), make_run("b", content="x"), make_run("c"))
    bench.step()
    assert bench.poller.known_runs("x") == ("a", "b")
    assert bench.poller.known_runs("nothing") == ()
    assert bench.poller.twins() == {"x"}


def test_who_has_a_content_is_answered_while_the_screen_takes_its_time() -> None:
    store = FakeStore()
    store.add(make_run("a", content="x"))
    answers: list[object] = []

    def publish(*_: object) -> None:
        asking = threading.Thread(target=lambda: answers.append(poller.known_runs("x")))
        asking.start()
        asking.join(90)

    poller = Poller(store.open, STATUS, publish=publish, tell=lambda _: None)
    poller.step()
    assert answers == [("a",)]


def test_superseded_runs_are_no_twins(bench: Bench) -> None:
    bench.store.add(
        make_run("a", content="x", tags={Tag.SUPERSEDED_BY: "b"}),
        make_run("b", content="x"),
    )
    bench.step()
    assert bench.poller.twins() == frozenset()
    bench.store.add(make_run("d", content="x"))
    bench.after(5)
    assert bench.poller.twins() == {"x"}
    del bench.store.runs["d"]
    bench.after(5)
    assert bench.poller.twins() == frozenset()


def test_a_content_that_changes_moves_in_the_index(bench: Bench) -> None:
    bench.store.add(make_run("a", content="x"))
    bench.step()
    bench.store.add(make_run("a", content="y"))
    bench.after(5)
    assert bench.poller.known_runs("x") == ()
    assert bench.poller.known_runs("y") == ("a",)
    bench.store.add(make_run("a"))
    bench.after(5)
    assert bench.poller.known_runs("y") == ()


def test_a_duplicate_that_could_be_marked_but_not_deleted_is_still_a_twin(bench: Bench) -> None:
    bench.store.add(
        make_run("a", content="x"), make_run("b", content="x", tags={Tag.DUPLICATE_OF: "a"})
    )
    bench.step()
    assert bench.poller.twins() == {"x"}


def test_an_experiment_that_is_not_there_costs_one_question_a_poll_and_no_sweep(
    bench: Bench,
) -> None:
    bench.store.exists = False
    bench.step()
    assert bench.store.calls == ["experiment"]
    for _ in range(10):
        bench.store.calls.clear()
        bench.after(5)
        assert bench.store.calls == ["experiment"]
    bench.store.calls.clear()
    bench.poller.refresh()
    bench.step()
    assert bench.store.calls == ["experiment"]


def test_a_wish_to_refresh_before_the_first_listing_asks_nothing_twice(bench: Bench) -> None:
    bench.poller.refresh()
    bench.step()
    assert bench.store.calls == ["experiment", "changes"]
    bench.store.calls.clear()
    bench.poller.refresh()
    bench.step()
    assert bench.store.calls == ["changes", "experiment", "sweep"]


# -- a store that is asked too often --------------------------------------------------------------


def refusing(bench: Bench, seconds: float | None = None) -> None:
    bench.store.error = StoreBusyError("HTTP 429: too many requests", retry_after_s=seconds)


def test_refusals_slow_the_polls_and_answers_bring_them_back(bench: Bench) -> None:
    bench.store.add(make_run("a"))
    bench.step()
    waits = []
    refusing(bench)
    for _ in range(3):
        bench.after(bench.poller.due_in())
        waits.append(bench.poller.due_in())
    assert waits == pytest.approx([10.0, 20.0, 40.0])
    busy = bench.told[-1]
    assert (busy.state, busy.poll_interval_s) == (StoreState.BUSY, 40.0)
    assert busy.data_at_s is not None
    assert busy.next_try_s == bench.clock.now + 40.0
    bench.store.error = None
    paces: list[float] = []
    while not paces or paces[-1] > STATUS.poll_interval_s:
        bench.after(bench.poller.due_in())
        paces.append(bench.poller.status.poll_interval_s)
    assert list(dict.fromkeys(paces)) == [35.0, 30.0, 25.0, 20.0, 15.0, 10.0, 5.0]
    assert bench.told[-1].state is StoreState.LIVE


def test_a_refusal_is_waited_for_as_long_as_it_asks(bench: Bench) -> None:
    bench.step()
    refusing(bench, 120.0)
    bench.after(5)
    assert bench.poller.due_in() == pytest.approx(120.0)
    bench.store.calls.clear()
    bench.poller.include(["new"])  # a report that was just logged does not break the silence
    assert bench.poller.due_in() == pytest.approx(120.0)
    bench.after(119)
    assert bench.store.calls == []
    bench.store.error = None
    bench.after(2)
    assert "changes" in bench.store.calls
    assert "get_run new" in bench.store.calls


class Pages:
    """Five runs in pages of two; the second page is refused once."""

    def __init__(self) -> None:
        self.runs = [make_run(str(number)) for number in range(5)]
        self.asked: list[str] = []

    def experiment(self) -> Experiment:
        return Experiment("1", "exp")

    def search(
        self, _experiment_id: str, _question: str, *, size: int, token: str
    ) -> tuple[list[Run], str]:
        self.asked.append(token)
        if self.asked == ["", "2"]:
            raise StoreBusyError("HTTP 429")
        start = int(token or 0)
        return self.runs[start : start + 2], str(start + 2) if start + 2 < len(self.runs) else ""

    def close(self) -> None:
        self.asked.append("closed")


def test_a_listing_that_was_refused_goes_on_where_it_was(bench: Bench) -> None:
    pages = Pages()
    bench.poller._open_source = lambda: PolledSource("rest", pages)  # type: ignore[arg-type]
    bench.step()
    assert bench.poller.status.state is StoreState.BUSY
    assert bench.screen.ids == ["0", "1"]
    bench.after(bench.poller.due_in())
    assert sorted(bench.screen.ids) == ["0", "1", "2", "3", "4"]
    assert pages.asked == ["", "2", "2", "4"]
    assert bench.poller.listed


def test_a_run_that_was_just_logged_is_fetched_without_a_poll(bench: Bench) -> None:
    bench.step()
    bench.store.calls.clear()
    bench.store.add(make_run("new"))
    bench.poller.include(["new"])
    assert bench.poller.due_in() == 0.0
    bench.step()
    assert bench.store.calls == ["get_run new"]
    assert bench.screen.ids == ["new"]
    assert bench.poller.due_in() == pytest.approx(5.0)


def test_who_we_are_is_told_once_it_is_known(bench: Bench) -> None:
    bench.step()
    bench.poller.note(user="ada@example.com")
    assert bench.poller.due_in() == 0.0
    bench.step()
    assert bench.told[-1].user == "ada@example.com"
    bench.store.error = StoreUnreachableError("away")
    bench.after(5)
    assert bench.told[-1].user == "ada@example.com"
