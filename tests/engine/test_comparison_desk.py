"""COMPARE, CASE and DIRECTION, asked of a desk over a fake store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_fakes import STATUS, FakeStore, FakeWriter, make_plan, make_run
from report_documents import k1, k1_app, read, to_bytes

from evaltui.domain.comparison import Verdict
from evaltui.domain.comparison_json import from_document
from evaltui.domain.metric import Direction
from evaltui.domain.run import Run, Tag
from evaltui.domain.web_page import WebPage
from evaltui.engine import requests as module
from evaltui.engine.case_cache import CaseCache
from evaltui.engine.comparing import Comparer
from evaltui.engine.link import Reply, Request, Verb, decode, encode
from evaltui.engine.poll import Poller
from evaltui.engine.requests import Controls, Desk
from evaltui.engine.roots import WatchRoot
from evaltui.errors import StoreUnreachableError
from evaltui.ledger.journal import Journal, NewEntry
from evaltui.tracking.case_table import case_table

NAMES = [f"app-{number:02}" for number in range(12)]
GOOD = to_bytes(k1([k1_app(name, "brtscdu") for name in NAMES]))
BAD = to_bytes(k1([k1_app(name, "brtcdu") for name in NAMES], run_id="20251104_100000"))


class RunStore(FakeStore):
    """Keeps artifacts run by run."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, dict[str, bytes]] = {}

    def open(self) -> Any:
        source = super().open()
        listed, given = source.list_artifacts, source.read_artifact

        def list_artifacts(run_id: str) -> Any:
            self.artifacts = self.files.get(run_id, {})
            return listed(run_id)

        def read_artifact(run_id: str, path: str, *, max_bytes: int) -> bytes:
            self.artifacts = self.files.get(run_id, {})
            return given(run_id, path, max_bytes=max_bytes)

        source.list_artifacts = list_artifacts  # type: ignore[method-assign]
        source.read_artifact = read_artifact  # type: ignore[method-assign]
        return source


class Office:
    """A desk over two logged runs, a good one and one whose tests fail."""

    def __init__(self, folder: Path, **directions: Direction) -> None:
        self.store = RunStore()
        for run_id, data in (("good", GOOD), ("bad", BAD)):
            self.store.add(self.run(run_id, data))
            self.store.files[run_id] = {"evaluation_report.json": data}
        self.journal = Journal(folder / "journal")
        self.poller = Poller(self.store.open, STATUS, publish=lambda *_: None, tell=lambda _: None)
        self.refreshed = 0
        self.desk = Desk(
            Controls(
                refresh=self._refresh,
                pause=lambda _: None,
                add_root=self._nothing,
                retry=lambda _: None,
                ignore=lambda _: None,
                stop=lambda: None,
            ),
            poller=self.poller,
            journal=self.journal,
            open_source=self.store.open,
            open_writer=lambda: FakeWriter(self.store),
            link=lambda *_: WebPage(),
            cwd=folder,
            make_comparer=lambda: Comparer(CaseCache(folder / "cases"), directions=directions),
        )

    @staticmethod
    def run(run_id: str, data: bytes, **tags: str) -> Run:
        report = read(data)
        return make_run(
            run_id,
            content=report.content_id,
            metrics={item.name: item.value for item in report.metrics},
            tags={Tag.FILE_SHA256.value: run_id * 8, Tag.HEADLINE.value: "tests_pass_rate", **tags},
        )

    def _refresh(self) -> None:
        self.refreshed += 1

    def _nothing(self, _: WatchRoot) -> None:
        return

    def ask(self, verb: Verb, **args: object) -> Reply:
        reply = self.desk.answer(Request(7, verb, args))
        header = encode(reply)
        size = int.from_bytes(header[:4], "big")
        back = decode(header[8 : 8 + size], b"")  # as it comes out of the pipe
        assert isinstance(back, Reply)
        return back


@pytest.fixture
def office(tmp_path: Path) -> Any:
    made = Office(tmp_path)
    yield made
    made.journal.close()


def test_a_comparison_comes_as_the_document_of_the_command_line(office: Office) -> None:
    reply = office.ask(Verb.COMPARE, baseline="good", candidates=["bad"])
    assert reply.error == ""
    assert reply.payload["schema"] == "evaltui.compare/1"
    (found,) = from_document(reply.payload)
    assert found.verdict is Verdict.REGRESSED
    assert found.reason.startswith("tests_pass_rate: worse by 100 pp")
    assert found.cases is not None
    assert found.cases.paired == 12
    assert len(found.cases.regressed) == 12
    assert found.cases.rows[0].case_id == "app-00"


def test_several_candidates_are_one_question_and_those_gone_are_named(office: Office) -> None:
    office.poller.step()
    candidates = ["bad", "gone", "good"]
    reply = office.ask(Verb.COMPARE, baseline="good", candidates=candidates)
    assert reply.payload["gone"] == ["gone"]
    found = from_document(reply.payload)
    assert [item.candidate.run_id for item in found] == ["bad", "good"]
    assert found[1].verdict is Verdict.STABLE


def test_a_second_question_asks_the_store_for_nothing(office: Office) -> None:
    office.poller.step()
    office.ask(Verb.COMPARE, baseline="good", candidates=["bad"])
    office.store.calls.clear()
    office.ask(Verb.COMPARE, baseline="bad", candidates=["good"])
    assert set(office.store.calls) <= {"close"}


@pytest.mark.parametrize(
    "args", [{"baseline": "gone", "candidates": ["bad"]}, {"baseline": "good", "candidates": []}]
)
def test_what_cannot_be_compared_at_all_is_an_error(office: Office, args: dict[str, Any]) -> None:
    assert office.ask(Verb.COMPARE, **args).error


def test_a_candidate_whose_artifacts_are_gone_is_compared_by_its_values(office: Office) -> None:
    del office.store.files["bad"]
    (found,) = from_document(office.ask(Verb.COMPARE, baseline="good", candidates=["bad"]).payload)
    assert found.cases is None
    assert any("the candidate has no cases" in item.reason for item in found.comparability)
    assert found.verdict is Verdict.REGRESSED  # by the counts of its check, Fisher


def test_a_store_that_does_not_answer_is_an_error(office: Office) -> None:
    office.store.error = StoreUnreachableError("connection refused")
    assert office.ask(Verb.COMPARE, baseline="good", candidates=["bad"]).error


def test_directions_of_the_session_beat_the_configured_and_those_the_experiments(
    tmp_path: Path,
) -> None:
    office = Office(tmp_path, tests_pass_rate=Direction.LOWER)
    office.store.tags["evaltui.metric.tests_pass_rate"] = "higher"
    office.store.tags["evaltui.metric.build_success_rate"] = "lower"
    office.poller.step()

    def way(name: str, **directions: str) -> Direction:
        reply = office.ask(Verb.COMPARE, baseline="good", candidates=["bad"], directions=directions)
        (found,) = from_document(reply.payload)
        return next(delta.direction for delta in found.metrics if delta.name == name)

    assert way("tests_pass_rate") is Direction.LOWER
    assert way("build_success_rate") is Direction.LOWER
    assert way("tests_pass_rate", tests_pass_rate="neutral") is Direction.NEUTRAL
    reply = office.ask(
        Verb.COMPARE, baseline="good", candidates=["bad"], directions={"x": "sideways"}
    )
    assert "sideways" in reply.error
    office.journal.close()


def test_a_report_on_its_way_is_compared_by_its_plan(office: Office) -> None:
    table = case_table(read(BAD))
    assert table is not None
    plan = make_plan("x", app_metrics__json=table)
    entry = office.journal.begin(
        NewEntry("x", 0, "/w/r.json", "0" * 64, "k1", "evaluation", "", "d", "mcp", "report", plan)
    )
    assert entry is not None
    reply = office.ask(Verb.COMPARE, baseline="good", candidates=[f"local:{entry.entry_id}"])
    (found,) = from_document(reply.payload)
    assert found.cases is not None
    assert found.cases.paired == 12
    assert not any("not finished" in item.reason for item in found.comparability)
    assert office.ask(Verb.COMPARE, baseline="good", candidates=["local:99"]).error


def test_a_case_comes_with_its_texts_from_every_run(office: Office) -> None:
    payload = office.ask(Verb.CASE, run_ids=["good", "bad", "gone"], case_id="app-03").payload
    first, second, third = payload["runs"]
    assert first["cases"][0]["scores"]["tests_pass"] == 1.0
    assert second["cases"][0]["scores"]["tests_pass"] == 0.0
    assert second["cases"][0]["status"] == "fail"
    assert (third["cases"], third["note"]) == ([], "the run gone is not in the store")
    payload = office.ask(Verb.CASE, run_ids=["good"], case_id="nobody").payload
    assert "does not have this case" in payload["runs"][0]["note"]


def test_a_direction_is_shared_as_a_tag_of_the_experiment(office: Office) -> None:
    note = office.ask(Verb.DIRECTION, metric="f1", direction="lower").payload["note"]
    assert "not there yet" in note
    office.poller.step()
    payload = office.ask(Verb.DIRECTION, metric="f1", direction="lower").payload
    assert payload == {"metric": "f1", "direction": "lower", "shared": True, "note": ""}
    assert office.store.tags == {"evaltui.metric.f1": "lower"}
    assert office.refreshed == 1
    office.ask(Verb.DIRECTION, metric="f1", direction=None)
    assert office.store.tags == {}
    assert office.ask(Verb.DIRECTION, metric="f1", direction="sideways").error


def test_comparisons_have_a_deadline(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(module, "COMPARE_DEADLINE_S", 0.05)
    office.store.hang = threading.Event()
    try:
        reply = office.ask(Verb.COMPARE, baseline="good", candidates=["bad"])
        assert "no answer within" in reply.error
    finally:
        office.store.hang.set()
