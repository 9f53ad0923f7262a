from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

import pytest
from engine_fakes import (
    STATUS,
    FakeIngestor,
    FakeStore,
    FakeWatcher,
    FakeWriter,
    Screen,
    make_plan,
    make_run,
)
from remembered_store import CountingStore
from waiting import wait_for

from evaltui.domain.events import (
    FileRole,
    FileState,
    Notice,
    StoreState,
    StoreStatus,
    WatchRole,
    WatchStatus,
)
from evaltui.domain.ports import ResumedSource
from evaltui.domain.recalled import Recalled
from evaltui.domain.run import RunStatus, Tag
from evaltui.domain.stamp import FileStamp
from evaltui.domain.table import RunTable
from evaltui.domain.web_page import WebPage
from evaltui.engine import ingest_loop
from evaltui.engine.feed import _fixed_part
from evaltui.engine.link import (
    Event,
    FilesChanged,
    Noticed,
    Reply,
    Request,
    RunsChanged,
    StoreChanged,
    Verb,
    WatchChanged,
)
from evaltui.engine.loop import Loop
from evaltui.engine.mirroring import Mirror
from evaltui.engine.outcome import Outcome
from evaltui.engine.parts import Store
from evaltui.engine.roots import WatchRoot
from evaltui.engine.runtime import Engine
from evaltui.errors import JournalError, StoreAuthError, StoreUnreachableError
from evaltui.ledger.journal import Journal, NewEntry
from evaltui.tracking.polled_source import PolledSource
from tests.domain import builders

PATIENCE_S = 90.0


class Plant:
    """An engine over a fake store with everything it said."""

    def __init__(
        self,
        folder: Path,
        *,
        interval_s: float = 0.05,
        sweep_s: float = 0.2,
        role: WatchRole = WatchRole.WATCHER,
        read_only: bool = False,
        ask_user: Callable[[], str] | None = None,
        watches: bool = True,
        before: Recalled | None = None,
        resume_source: Callable[[], ResumedSource] | None = None,
        mirror: Mirror | None = None,
    ) -> None:
        self.store = FakeStore()
        self.journal = Journal(folder / "journal")
        self.watcher = FakeWatcher(role)
        self.watcher.roots.append(WatchRoot(Path("/w"), None, None))
        self.ingestor = FakeIngestor()
        self.events: list[Event] = []
        self.screen = Screen()
        self.gate: threading.Event | None = None
        self._lock = threading.Lock()
        self.engine = Engine(
            Store(
                status=replace(STATUS, poll_interval_s=interval_s, read_only=read_only),
                open_source=self.store.open,
                open_writer=lambda: FakeWriter(self.store),
                link=lambda _experiment_id, _run_ids: WebPage(),
                ask_user=ask_user,
                sweep_s=sweep_s,
                resume_source=resume_source,
            ),
            self.journal,
            make_ingestor=self._make_ingestor,
            make_watcher=lambda _ingestor: self.watcher,
            emit=self._emit,
            cwd=folder,
            watches=watches,
            mirror=mirror,
            shown=before,
        )
        self.known_runs = self.engine._known_runs
        self.made = 0

    def _make_ingestor(self, known_runs: Callable[[str], tuple[str, ...]]) -> FakeIngestor:
        self.made += 1
        return self.ingestor

    def _emit(self, event: Event) -> None:
        if self.gate is not None:
            self.gate.wait(PATIENCE_S)
        with self._lock:
            self.events.append(event)
            if isinstance(event, RunsChanged):
                self.screen.apply(event.delta, event.reset)

    def of(self, kind: type[Event]) -> list[Event]:
        with self._lock:
            return [event for event in self.events if isinstance(event, kind)]

    def record(self, name: str, state: FileState, **fields: object) -> int:
        stamp = FileStamp(Path("/w", name), 1, 1, 1, 1, 1)
        return self.journal.record(stamp, root="/w", state=state, **fields)  # type: ignore[arg-type]

    def begin(self, content: str, path: str = "/w/r.json") -> int:
        entry = self.journal.begin(
            NewEntry(
                content, 0, path, "0" * 64, "f", "evaluation", "", "d", "mcp", "report",
                make_plan(content),
            )
        )  # fmt: skip
        assert entry is not None
        return entry.entry_id


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.engine.stop(PATIENCE_S)


def logged(*run_ids: str, content: str = "x") -> list[Outcome]:
    return [
        Outcome("/w/r.json", FileState.FINISHED, run_ids=run_ids, content_ids=(content,)),
    ]


def test_an_engine_lists_the_store_and_tells_the_watch(plant: Plant) -> None:
    plant.store.add(make_run("a"), make_run("b"), make_run("c"))
    plant.engine.start()
    wait_for(lambda: plant.screen.ids == ["a", "b", "c"])
    wait_for(lambda: plant.of(WatchChanged))
    assert plant.engine.status.state is StoreState.LIVE
    assert plant.ingestor.recovered == 1


def test_who_ingests_is_made_when_something_is_to_be_watched(tmp_path: Path) -> None:
    plant = Plant(tmp_path, watches=False)
    plant.watcher.roots.clear()
    plant.begin("c1")
    plant.store.add(make_run("a"))
    try:
        plant.engine.start()
        wait_for(lambda: plant.screen.names == ["a", "run-c1"])  # what the journal knows is shown
        wait_for(lambda: plant.engine.idle)
        wait_for(lambda: plant.of(WatchChanged) == [WatchChanged(WatchStatus())])
        plant.engine.handle(Request(1, Verb.REFRESH))
        plant.store.add(make_run("b"))
        wait_for(lambda: "b" in plant.screen.names)
        assert plant.made == plant.ingestor.recovered == 0
        plant.engine.handle(Request(2, Verb.WATCH, {"path": str(tmp_path)}))
        wait_for(lambda: [root.path for root in plant.watcher.roots] == [tmp_path])
        assert plant.made == plant.ingestor.recovered == 1
        wait_for(lambda: plant.of(WatchChanged)[1:])
    finally:
        assert plant.engine.stop(PATIENCE_S)
    assert plant.watcher.closed
    assert plant.ingestor.closed


def test_who_ingests_is_made_although_the_store_does_not_answer(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.store.hang = threading.Event()
    try:
        plant.engine.start()
        wait_for(lambda: plant.watcher.steps)
        assert not plant.screen.pages
    finally:
        plant.store.hang.set()
        plant.engine.stop(PATIENCE_S)


def test_the_first_report_after_a_rest_is_shown_before_work_on_it_begins(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_loop, "SHOW_FIRST_S", PATIENCE_S)
    plant.engine.start()
    wait_for(lambda: plant.engine.idle)
    shown: list[list[Event]] = []

    def works() -> list[Outcome]:
        shown.append(plant.of(FilesChanged))
        return logged("a")

    def arrives() -> list[Outcome]:
        plant.ingestor.due.append(works)
        plant.record("r.json", FileState.PARSED)
        return [Outcome("/w/r.json", FileState.PARSED)]

    plant.watcher.turns.append(arrives)
    plant.watcher.wake()
    wait_for(lambda: shown)
    assert [row.path for event in shown[0] for row in event.rows] == ["/w/r.json"]  # type: ignore[attr-defined]


def test_what_others_write_to_the_store_and_the_journal_shows_up(plant: Plant) -> None:
    plant.engine.start()
    wait_for(lambda: plant.engine.status.state is StoreState.LIVE)
    plant.store.add(make_run("late"))
    file_id = plant.record("bad.json", FileState.QUARANTINED, reason="truncated?")
    wait_for(lambda: plant.screen.ids == ["late"])
    wait_for(lambda: plant.of(FilesChanged))
    (event,) = plant.of(FilesChanged)
    assert isinstance(event, FilesChanged)
    assert [(row.file_id, row.reason) for row in event.rows] == [(file_id, "truncated?")]
    plant.journal.forget("/w/bad.json")
    wait_for(lambda: len(plant.of(FilesChanged)) == 2)
    last = plant.of(FilesChanged)[-1]
    assert isinstance(last, FilesChanged)
    assert (last.rows, last.gone) == ((), (file_id,))


def test_files_that_are_not_listed_are_not_told_of(plant: Plant) -> None:
    plant.record("x.txt", FileState.IGNORED, listed=False)
    plant.record("y.json", FileState.QUARANTINED)
    plant.engine.start()
    wait_for(lambda: plant.of(FilesChanged))
    (event,) = plant.of(FilesChanged)
    assert isinstance(event, FilesChanged)
    assert [row.path for row in event.rows] == ["/w/y.json"]
    assert event.gone == ()


def test_a_report_stands_in_the_list_without_a_gap_from_first_sight_to_its_run(
    plant: Plant,
) -> None:
    ids: dict[str, int] = {}

    def see() -> list[Outcome]:
        plant.record("r.json", FileState.SETTLING, role=FileRole.REPORT)
        return [Outcome("/w/r.json", FileState.SETTLING)]

    def take() -> list[Outcome]:
        ids["entry"] = plant.begin("x")
        plant.record("r.json", FileState.PARSED, role=FileRole.REPORT, parts=["x"])
        plant.ingestor.local = [
            make_run(f"local:{ids['entry']}", content="x", status=RunStatus.PENDING)
        ]
        plant.ingestor.due.append(log)
        return [Outcome("/w/r.json", FileState.PARSED, content_ids=("x",))]

    def log() -> list[Outcome]:
        wait_for(lambda: plant.screen.ids == [f"local:{ids['entry']}"])
        plant.journal.claim(ids["entry"])
        plant.journal.advance(ids["entry"], FileState.FINISHED, run_id="real")
        plant.ingestor.local = []
        plant.store.blind = True  # a poll that cannot see runs that are dated back
        plant.store.add(make_run("real", content="x", name="r.json"))
        return logged("real")

    plant.engine.start()
    wait_for(lambda: plant.engine.status.state is StoreState.LIVE and plant.screen.table.complete)
    plant.watcher.turns.append(see)
    plant.watcher.wake()
    wait_for(lambda: len(plant.screen.ids) == 1)
    assert plant.screen.names == ["r.json"]
    plant.watcher.turns.append(take)
    plant.watcher.wake()
    wait_for(lambda: plant.screen.ids == ["real"])
    rows = Screen()
    counts = []
    for event in plant.of(RunsChanged):
        assert isinstance(event, RunsChanged)
        rows.apply(event.delta, event.reset)
        counts.append(len(rows.ids))
    assert counts[counts.index(1) :] == [1] * (len(counts) - counts.index(1))


def test_files_that_nobody_watches_now_are_no_rows_of_the_list(tmp_path: Path) -> None:
    plant = Plant(tmp_path, role=WatchRole.NONE)
    plant.record("left-behind.json", FileState.SETTLING)
    plant.engine.start()
    wait_for(lambda: plant.of(FilesChanged) and plant.screen.table.complete)
    assert plant.screen.ids == []
    plant.watcher.role = WatchRole.WATCHER
    plant.watcher.wake()
    wait_for(lambda: plant.screen.names == ["left-behind.json"])
    assert plant.engine.stop(PATIENCE_S)


def test_of_a_watched_glob_only_the_directory_counts() -> None:
    assert _fixed_part("/w/run*/x") == PurePath("/w")
    assert _fixed_part("/w/a") == PurePath("/w/a")


def test_a_run_that_was_just_written_is_polled_for_at_once(tmp_path: Path) -> None:
    plant = Plant(tmp_path, interval_s=3_000, sweep_s=3_000)
    plant.engine.start()
    wait_for(lambda: plant.screen.table.complete)

    def log() -> list[Outcome]:
        plant.store.add(make_run("new"))
        return logged("new")

    plant.ingestor.due.append(log)
    plant.watcher.wake()
    wait_for(lambda: plant.screen.ids == ["new"])
    plant.engine.stop(PATIENCE_S)


def test_reports_are_logged_one_after_the_other_with_a_look_at_files_between(
    plant: Plant,
) -> None:
    steps: list[int] = []

    def log() -> list[Outcome]:
        steps.append(plant.watcher.steps)
        return logged()

    plant.ingestor.due.extend([log] * 5)
    plant.engine.start()
    wait_for(lambda: len(steps) == 5)
    assert all(later > earlier for earlier, later in pairwise(steps))


@pytest.mark.parametrize(
    ("role", "read_only"),
    [(WatchRole.VIEWER, False), (WatchRole.NONE, False), (WatchRole.WATCHER, True)],
)
def test_nothing_is_logged_by_a_viewer_without_roots_or_read_only(
    tmp_path: Path, role: WatchRole, read_only: bool
) -> None:
    plant = Plant(tmp_path, role=role, read_only=read_only)
    plant.ingestor.due.append(logged)
    plant.engine.start()
    wait_for(lambda: plant.watcher.steps >= 3 or plant.watcher.wake())
    assert plant.ingestor.due
    plant.engine.stop(PATIENCE_S)


def test_an_idle_engine_rests(plant: Plant) -> None:
    plant.engine.start()
    wait_for(lambda: plant.engine.idle)
    steps = plant.watcher.steps
    before = time.process_time()
    wait_for(lambda: plant.store.calls.count("changes") > 20)
    assert plant.watcher.steps - steps <= 2
    assert time.process_time() - before < 1.0


def test_coming_back_from_an_outage_hurries_what_waits(plant: Plant) -> None:
    plant.store.error = StoreUnreachableError("gone")
    plant.engine.start()
    wait_for(lambda: plant.engine.status.state is StoreState.OFFLINE)
    assert plant.ingestor.hurried == 0
    plant.store.error = None
    wait_for(lambda: plant.engine.status.state is StoreState.LIVE)
    wait_for(lambda: plant.ingestor.hurried == 1)


def test_runs_that_disappear_are_noted_by_the_ingest(plant: Plant) -> None:
    plant.store.add(make_run("a"), make_run("b"))
    plant.engine.start()
    wait_for(lambda: plant.screen.ids == ["a", "b"])
    del plant.store.runs["a"]
    wait_for(lambda: plant.ingestor.deleted == ["a"])


def test_twins_are_reconciled_by_the_ingest(plant: Plant) -> None:
    plant.store.add(make_run("a", content="x"), make_run("b", content="x"), make_run("c"))
    plant.engine.start()
    wait_for(lambda: plant.ingestor.reconciled)
    assert plant.ingestor.reconciled[0] == ["x"]


def test_twins_are_tried_again_soon_after_the_store_failed(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_loop, "RETRY_S", 0.1)
    plant.ingestor.failures = [StoreUnreachableError("the connection was cut")] * 2
    plant.store.add(make_run("a", content="x"), make_run("b", content="x"))
    plant.engine.start()
    wait_for(lambda: len(plant.ingestor.reconciled) == 3)
    assert plant.ingestor.failures == []


def test_a_content_is_searched_in_the_store_until_the_listing_is_whole(plant: Plant) -> None:
    plant.store.add(make_run("a", content="x"))
    assert plant.known_runs("x") == ("a",)
    assert "find_runs x" in plant.store.calls
    plant.engine.start()
    wait_for(lambda: plant.screen.table.complete)
    plant.store.calls.clear()
    assert plant.known_runs("x") == ("a",)
    assert "find_runs x" not in plant.store.calls


class Kept:
    """A mirror that notes when what it was given had been confirmed."""

    def __init__(self) -> None:
        self.told: list[float | None] = []

    def keep(self, table: RunTable, status: StoreStatus) -> bool:
        assert table.size
        self.told.append(status.unconfirmed_s)
        return True

    def kept(self) -> None:
        return None


class HeldStore(CountingStore):
    """Answers no question after the first five until it may go on."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.go_on = threading.Event()

    def _count(self) -> None:
        if self._requests > 4:
            self.go_on.wait(PATIENCE_S)
        super()._count()


def test_a_content_is_searched_until_a_listing_of_before_is_confirmed(tmp_path: Path) -> None:
    runs = [builders.make_run(f"{hour:03}", start=hour * 3_600_000) for hour in range(1, 151)]
    store = HeldStore(runs, most=100)
    status = replace(STATUS, experiment_id="1", data_at_s=1e6, unconfirmed_s=1e6)
    recalled = Recalled(builders.make_table(*runs), status, "token")
    tags = {Tag.CONTENT_ID.value: "x"}
    store.add(builders.make_run("old report, logged elsewhere", start=1, tags=tags))
    store.failing[4] = StoreUnreachableError("away")  # three questions, a page of the sweep, this
    mirror = Kept()
    plant = Plant(
        tmp_path,
        before=recalled,
        resume_source=lambda: PolledSource("rest", store),
        mirror=mirror,
    )
    plant.store.add(make_run("a", content="x"))
    assert plant.known_runs("x") == ("a",)
    plant.engine.start()
    wait_for(lambda: plant.screen.table.complete)
    wait_for(lambda: [event for event in plant.of(StoreChanged) if event.status.error])
    plant.store.calls.clear()
    assert plant.known_runs("x") == ("a",)
    assert plant.store.calls == ["find_runs x"], "the listing of before may lack it"
    assert mirror.told == [], "nothing is new: the mirror stays as it is"
    store.go_on.set()
    wait_for(lambda: plant.engine.status.unconfirmed_s is None)
    wait_for(lambda: mirror.told == [None])
    plant.store.calls.clear()
    assert plant.known_runs("x") == ("old report, logged elsewhere",)
    assert plant.store.calls == []
    assert plant.screen.resets == 0
    assert plant.engine.stop(PATIENCE_S)


def test_a_store_that_hangs_holds_up_neither_files_nor_ingest(plant: Plant) -> None:
    plant.store.hang = threading.Event()
    plant.engine.start()
    wait_for(lambda: plant.store.calls)
    plant.record("r.json", FileState.SETTLING)
    wait_for(lambda: plant.screen.names == ["r.json"])
    steps = plant.watcher.steps
    plant.watcher.wake()
    wait_for(lambda: plant.watcher.steps > steps)
    plant.store.hang.set()


def test_a_screen_that_does_not_read_holds_up_no_ingest(plant: Plant) -> None:
    plant.gate = threading.Event()
    done: list[int] = []

    def log() -> list[Outcome]:
        done.append(1)
        return logged()

    plant.ingestor.due.extend([log] * 20)
    plant.engine.start()
    wait_for(lambda: len(done) == 20)
    plant.gate.set()


def test_an_error_in_the_ingest_is_told_and_the_loop_goes_on(plant: Plant) -> None:
    def fail() -> list[Outcome]:
        raise JournalError("disk full", hint="free some space")

    plant.watcher.turns.append(fail)
    plant.engine.start()
    wait_for(lambda: plant.of(Noticed))
    assert plant.of(Noticed) == [Noticed(Notice("error", "disk full", "free some space"))]
    wait_for(lambda: plant.watcher.steps >= 2)


def test_requests_are_answered_by_number(plant: Plant) -> None:
    plant.store.add(make_run("a"))
    plant.engine.start()
    wait_for(lambda: plant.screen.table.complete)
    plant.engine.submit(Request(1, Verb.REFRESH))
    plant.engine.submit(Request(2, Verb.DETAIL, {"run_id": "a"}))
    plant.engine.submit(Request(3, Verb.BASELINE, {"run_id": "a"}))
    wait_for(lambda: len(plant.of(Reply)) == 3)
    replies = {event.number: event for event in plant.of(Reply) if isinstance(event, Reply)}
    assert replies[2].payload["run_id"] == "a"
    assert replies[3].payload["shared"] is True
    wait_for(lambda: plant.engine.status.baseline_run_id == "a")
    wait_for(lambda: plant.ingestor.hurried >= 1)


def test_pausing_stops_the_polls_but_not_the_ingest(plant: Plant) -> None:
    plant.engine.start()
    wait_for(lambda: plant.engine.status.state is StoreState.LIVE)
    plant.engine.handle(Request(1, Verb.PAUSE, {"on": True}))
    wait_for(lambda: plant.engine.status.state is StoreState.PAUSED)
    done: list[int] = []
    plant.ingestor.due.append(lambda: done.append(1) or logged())
    plant.watcher.wake()
    wait_for(lambda: done)
    plant.engine.handle(Request(2, Verb.PAUSE, {"on": False}))
    wait_for(lambda: plant.engine.status.state is StoreState.LIVE)


def test_roots_and_retries_reach_the_watcher_on_the_ingest_thread(
    plant: Plant, tmp_path: Path
) -> None:
    plant.engine.start()
    plant.engine.handle(Request(1, Verb.WATCH, {"path": str(tmp_path)}))
    plant.engine.handle(Request(2, Verb.RETRY, {"path": "/w/x.json"}))
    wait_for(lambda: plant.watcher.roots and plant.watcher.retried)
    assert plant.watcher.retried == ["/w/x.json"]
    assert plant.watcher.thread_names == {"evaltui-ingest"}
    wait_for(
        lambda: any(e.status.roots for e in plant.of(WatchChanged) if isinstance(e, WatchChanged))
    )


def test_stopping_finishes_the_report_at_hand_and_closes_everything(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    started, gate = threading.Event(), threading.Event()
    ended: list[str] = []

    def log() -> list[Outcome]:
        started.set()
        gate.wait(PATIENCE_S)
        ended.append("whole")
        return logged()

    plant.ingestor.due.extend([log, log])
    plant.engine.start()
    assert started.wait(PATIENCE_S)
    plant.engine.begin_stop()
    gate.set()
    assert plant.engine.stop(PATIENCE_S)
    assert ended == ["whole"]
    assert plant.watcher.closed
    assert plant.ingestor.closed
    assert "close" in plant.store.calls
    with pytest.raises(JournalError):
        plant.journal.last_seq()


def test_stopping_does_not_wait_for_an_ingest_that_hangs(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    started, gate = threading.Event(), threading.Event()

    def log() -> list[Outcome]:
        started.set()
        gate.wait(PATIENCE_S)
        return []

    plant.ingestor.due.append(log)
    plant.engine.start()
    assert started.wait(PATIENCE_S)
    assert not plant.engine.stop(0.05)
    gate.set()


def test_the_stop_request_begins_to_stop(plant: Plant) -> None:
    plant.engine.start()
    assert plant.engine.handle(Request(1, Verb.STOP)) == Reply(1, {})
    assert plant.engine.stopping


def test_the_first_status_is_told_even_when_the_store_never_answers(plant: Plant) -> None:
    plant.store.error = StoreUnreachableError("gone")
    plant.engine.start()
    wait_for(lambda: len(plant.of(StoreChanged)) > 1)
    told = [event.status for event in plant.of(StoreChanged) if isinstance(event, StoreChanged)]
    assert [status.state for status in told[:2]] == [StoreState.CONNECTING, StoreState.OFFLINE]
    assert told[0].target == "fake"
    assert told[1].error == "gone"


def test_a_loop_tells_an_error_once_and_again_after_a_good_turn() -> None:
    stop = threading.Event()
    notices: list[Notice] = []
    turns: list[Exception | None] = [ValueError("x"), ValueError("x"), None, ValueError("x")]

    def turn() -> float:
        if not turns:
            stop.set()
            return 0.0
        error = turns.pop(0)
        if error is not None:
            raise error
        return 0.0

    class Hurried(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return self.is_set()

    stop = Hurried()
    Loop("test", turn, lambda _: None, stop=stop, notice=notices.append).run()
    assert [notice.text for notice in notices] == [
        "internal error in the test loop: ValueError: x"
    ] * 2


def test_who_we_are_is_asked_once_after_the_listing_and_shown(tmp_path: Path) -> None:
    asked: list[bool] = []

    def ask_user() -> str:
        asked.append(plant.engine._poller.listed)
        return "ada@example.com"

    plant = Plant(tmp_path, interval_s=0.01, ask_user=ask_user)
    try:
        plant.engine.start()
        wait_for(lambda: plant.engine.status.user == "ada@example.com")
        polls = len(plant.store.calls)
        wait_for(lambda: len(plant.store.calls) > polls + 20)
        assert asked == [True]
    finally:
        plant.engine.stop(PATIENCE_S)


def test_a_store_that_does_not_say_who_we_are_is_followed_all_the_same(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask_user() -> str:
        asked.append("asked")
        raise StoreAuthError("HTTP 403")

    plant = Plant(tmp_path, interval_s=0.01, ask_user=ask_user)
    try:
        plant.engine.start()
        wait_for(lambda: asked)
        polls = len(plant.store.calls)
        wait_for(lambda: len(plant.store.calls) > polls + 20)
        assert asked == ["asked"]
        assert (plant.engine.status.user, plant.engine.status.state) == ("", StoreState.LIVE)
        assert not plant.of(Noticed)
    finally:
        plant.engine.stop(PATIENCE_S)
