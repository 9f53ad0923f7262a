from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from engine_fakes import STATUS, FakeStore, FakeWriter, make_plan, make_run

from evaltui.domain.events import FileState
from evaltui.domain.run import LOCAL_PREFIX, Tag
from evaltui.domain.web_page import WebPage
from evaltui.engine import requests as module
from evaltui.engine.link import Reply, Request, Verb
from evaltui.engine.poll import Poller
from evaltui.engine.requests import Controls, Desk, Lanes
from evaltui.engine.roots import WatchRoot
from evaltui.errors import StoreAuthError, StoreError, StoreUnreachableError
from evaltui.ledger.journal import Journal, NewEntry


class Office:
    """A desk over a fake store and a real journal, and what it did."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.store = FakeStore()
        self.store.add(make_run("a"))
        self.done: list[object] = []
        self.write_error: StoreError | None = None
        self.writers = 0
        self.journal = Journal(folder / "journal")
        self.poller = Poller(
            self.store.open,
            replace(STATUS, read_only=read_only),
            publish=lambda _delta, _reset: None,
            tell=lambda _status: None,
        )
        self.desk = Desk(
            Controls(
                refresh=lambda: self.done.append("refresh"),
                pause=lambda on: self.done.append(("pause", on)),
                add_root=self.done.append,
                retry=lambda path: self.done.append(("retry", path)),
                ignore=lambda path: self.done.append(("ignore", path)),
                stop=lambda: self.done.append("stop"),
            ),
            poller=self.poller,
            journal=self.journal,
            open_source=self.store.open,
            open_writer=self._open_writer,
            link=lambda experiment_id, run_ids: WebPage("/".join([experiment_id, *run_ids])),
            cwd=folder,
        )

    def _open_writer(self) -> FakeWriter:
        self.writers += 1
        return FakeWriter(self.store, self.write_error)

    def ask(self, verb: Verb, **args: object) -> Reply:
        return self.desk.answer(Request(7, verb, args))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.journal.close()


def new_entry(content: str) -> NewEntry:
    return NewEntry(
        content_id=content,
        item=0,
        path="/w/report.json",
        file_sha256="0" * 64,
        format="evaltui_report",
        kind="evaluation",
        evaluation_id="",
        values_digest="d",
        mode="mcp",
        mode_source="report",
        plan=make_plan(content),
    )


def test_simple_wishes_are_done_at_once_and_answered_by_number(office: Office) -> None:
    assert office.ask(Verb.REFRESH) == Reply(7, {})
    office.ask(Verb.PAUSE, on=True)
    office.ask(Verb.PAUSE, on=False)
    office.ask(Verb.RETRY, path="/w/x.json")
    office.ask(Verb.IGNORE, path="/w/y.json")
    office.ask(Verb.STOP)
    assert office.done == [
        "refresh",
        ("pause", True),
        ("pause", False),
        ("retry", "/w/x.json"),
        ("ignore", "/w/y.json"),
        "stop",
    ]


def test_a_missing_argument_is_an_error_not_a_crash(office: Office) -> None:
    for verb in (
        Verb.PAUSE,
        Verb.DETAIL,
        Verb.BASELINE,
        Verb.WATCH,
        Verb.RETRY,
        Verb.IGNORE,
        Verb.SURVEY,
    ):
        assert "lacks an argument" in office.ask(verb).error


def test_a_directory_is_watched_after_it_was_looked_at(office: Office) -> None:
    (office.folder / "runs").mkdir()
    reply = office.ask(Verb.WATCH, path="runs")
    assert reply.payload == {"path": str(office.folder / "runs")}
    assert office.done == [WatchRoot(office.folder / "runs", None, None)]


def test_a_directory_that_cannot_be_watched_is_refused_with_a_hint(office: Office) -> None:
    (office.folder / "file.json").write_text("{}")
    for path in ("nowhere", "file.json", "/", ""):
        reply = office.ask(Verb.WATCH, path=path)
        assert reply.error
        assert reply.hint
    assert office.done == []


def test_a_survey_counts_below_a_directory_that_may_be_relative(office: Office) -> None:
    (office.folder / "r.json").write_text('{"schema": "evaltui.report/1"}')
    payload = office.ask(Verb.SURVEY, path=".").payload
    assert payload["reports"] == 1
    assert payload["env_file"] == ""
    assert payload["more"] is False


def test_a_run_of_the_store_is_told_in_detail(office: Office) -> None:
    reply = office.ask(Verb.DETAIL, run_id="a")
    assert reply.error == ""
    assert reply.payload["run_id"] == "a"
    assert reply.payload["link"] == "1/a"


def test_a_detail_that_is_not_there_or_not_answered_is_an_error(office: Office) -> None:
    assert "not in the store" in office.ask(Verb.DETAIL, run_id="zzz").error
    office.store.error = StoreUnreachableError("connection refused", hint="is it up?")
    reply = office.ask(Verb.DETAIL, run_id="a")
    assert (reply.error, reply.hint) == ("connection refused", "is it up?")


def test_a_store_that_hangs_ends_the_question_not_the_desk(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DETAIL_DEADLINE_S", 0.05)
    office.store.hang = threading.Event()
    assert "no answer within" in office.ask(Verb.DETAIL, run_id="a").error
    office.store.hang.set()
    office.store.hang = None
    monkeypatch.setattr(module, "DETAIL_DEADLINE_S", 20.0)
    assert office.ask(Verb.DETAIL, run_id="a").error == ""


def test_a_report_on_its_way_is_told_from_the_journal(office: Office) -> None:
    entry = office.journal.begin(new_entry("x"))
    assert entry is not None
    payload = office.ask(Verb.DETAIL, run_id=f"local:{entry.entry_id}").payload
    assert payload["metrics"] == (("build_success_rate", 0.5),)
    assert payload["extra"] == ("/w/report.json",)
    assert office.store.calls == []


def test_a_report_that_was_logged_meanwhile_is_told_from_the_store(office: Office) -> None:
    entry = office.journal.begin(new_entry("x"))
    assert entry is not None
    assert office.journal.claim(entry.entry_id)
    office.journal.advance(entry.entry_id, FileState.FINISHED, run_id="a")
    payload = office.ask(Verb.DETAIL, run_id=f"local:{entry.entry_id}").payload
    assert payload["run_id"] == f"local:{entry.entry_id}"
    assert payload["link"] == "1/a"


def test_a_file_that_still_settles_has_nothing_to_tell_yet(office: Office) -> None:
    payload = office.ask(Verb.DETAIL, run_id="local:file:3").payload
    assert "not read yet" in payload["cases_note"]
    assert office.ask(Verb.DETAIL, run_id="local:99").error


def test_a_baseline_is_shared_and_the_former_one_told_for_undo(office: Office) -> None:
    office.store.tags[Tag.BASELINE] = "old"
    office.poller.step()
    payload = office.ask(Verb.BASELINE, run_id="a").payload
    assert payload == {"run_id": "a", "shared": True, "previous": "old", "note": ""}
    assert office.store.tags == {Tag.BASELINE: "a"}
    assert office.done == ["refresh"]


def test_a_baseline_can_be_cleared(office: Office) -> None:
    office.store.tags[Tag.BASELINE] = "old"
    office.poller.step()
    payload = office.ask(Verb.BASELINE, run_id=None).payload
    assert payload == {"run_id": "", "shared": True, "previous": "old", "note": ""}
    assert office.store.tags == {}


def test_a_refused_write_holds_for_the_session_and_says_why(office: Office) -> None:
    office.poller.step()
    office.write_error = StoreAuthError("403: no CAN_EDIT")
    payload = office.ask(Verb.BASELINE, run_id="a").payload
    assert payload["shared"] is False
    assert "no CAN_EDIT" in payload["note"]
    assert "session" in payload["note"]


def test_read_only_never_opens_a_writer(tmp_path: Path) -> None:
    office = Office(tmp_path, read_only=True)
    office.poller.step()
    payload = office.ask(Verb.BASELINE, run_id="a").payload
    assert payload["shared"] is False
    assert "read-only" in payload["note"]
    assert office.writers == 0
    office.journal.close()


def test_a_baseline_needs_a_run_and_an_experiment_in_the_store(office: Office) -> None:
    assert "experiment" in office.ask(Verb.BASELINE, run_id="a").payload["note"]
    office.poller.step()
    assert "not in the store" in office.ask(Verb.BASELINE, run_id="local:1").payload["note"]
    assert office.writers == 0


class Counter:
    """Answers by echo, one question at a time when told so."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.busy = threading.Event()
        self.replies: list[Reply] = []
        self.arrived = threading.Condition()

    def answer(self, request: Request) -> Reply:
        self.busy.set()
        self.gate.wait(90)
        return Reply(request.number, {"echo": request.number})

    def reply(self, reply: Reply) -> None:
        with self.arrived:
            self.replies.append(reply)
            self.arrived.notify_all()

    def wait_for(self, count: int) -> list[Reply]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.replies) >= count, 90)
        return self.replies


def test_of_waiting_questions_only_the_newest_is_answered() -> None:
    counter = Counter()
    lanes = Lanes(counter.answer, counter.reply)
    lanes.submit(Request(0, Verb.DETAIL, {}))
    assert counter.busy.wait(90)
    for number in range(1, 5):
        lanes.submit(Request(number, Verb.DETAIL, {}))
    counter.gate.set()
    replies = counter.wait_for(5)
    assert {reply.number for reply in replies if not reply.error} == {0, 4}
    assert {reply.number for reply in replies if "superseded" in reply.error} == {1, 2, 3}


def test_wishes_are_all_done_in_order() -> None:
    counter = Counter()
    lanes = Lanes(counter.answer, counter.reply)
    for number in range(5):
        lanes.submit(Request(number, Verb.BASELINE, {}))
    counter.gate.set()
    assert [reply.number for reply in counter.wait_for(5)] == [0, 1, 2, 3, 4]


def test_a_slow_question_holds_up_no_other_kind() -> None:
    counter = Counter()

    def answer(request: Request) -> Reply:
        if request.verb is Verb.DETAIL:
            counter.gate.wait(90)
        return Reply(request.number, {})

    lanes = Lanes(answer, counter.reply)
    lanes.submit(Request(1, Verb.DETAIL, {}))
    lanes.submit(Request(2, Verb.SURVEY, {}))
    assert [reply.number for reply in counter.wait_for(1)] == [2]
    counter.gate.set()
    counter.wait_for(2)


def test_a_lane_works_again_after_it_was_idle() -> None:
    counter = Counter()
    counter.gate.set()
    lanes = Lanes(counter.answer, counter.reply)
    for number in range(3):
        lanes.submit(Request(number, Verb.DETAIL, {}))
        counter.wait_for(number + 1)
    assert [reply.payload for reply in counter.replies] == [{"echo": n} for n in range(3)]


def test_runs_comparisons_and_the_experiment_have_pages(office: Office) -> None:
    assert "no page yet" in office.ask(Verb.PAGE, run_ids=["a"]).error
    office.poller.step()
    assert office.ask(Verb.PAGE, run_ids=["a"]).payload["address"] == "1/a"
    assert office.ask(Verb.PAGE, run_ids=["a", "b"]).payload["address"] == "1/a/b"
    assert office.ask(Verb.PAGE, run_ids=[]).payload["address"] == "1"


def test_what_is_not_in_the_store_yet_has_no_page_and_is_left_out_of_others(
    office: Office,
) -> None:
    office.poller.step()
    assert "not in the store yet" in office.ask(Verb.PAGE, run_ids=[f"{LOCAL_PREFIX}1"]).error
    both = office.ask(Verb.PAGE, run_ids=["a", f"{LOCAL_PREFIX}1"])
    assert both.payload["address"] == "1/a"
