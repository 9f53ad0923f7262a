from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from engine_fakes import FakeStore, make_plan, make_run
from report_documents import bulk, bulk_item, k1, k1_app, read, to_bytes

from evaltui.domain.run import ArtifactInfo, Run, Tag
from evaltui.engine import case_reading, filebytes
from evaltui.engine.case_cache import CaseCache
from evaltui.engine.case_reading import NO_CASES, planned_cases, read_case, read_cases
from evaltui.engine.detail import MAX_REPORT_BYTES
from evaltui.errors import StoreRejectedError, StoreUnreachableError
from evaltui.readers import join_generation
from evaltui.tracking.case_table import CASE_TABLE_PATH, case_table

REPORT = to_bytes(k1([k1_app("a", "brt", issues=["why"]), k1_app("b", "")]))


def logged(**more: str) -> Run:
    """Return the run that was made of the report."""
    tags = {Tag.FILE_SHA256.value: "0" * 64, **more}
    return make_run("r", content=read(REPORT).content_id, tags=tags)


def table_bytes(document: Any = None) -> bytes:
    data = case_table(read(document or REPORT))
    assert data is not None
    return data


def test_the_report_is_preferred_and_asked_for_once(tmp_path: Path) -> None:
    store = FakeStore(artifacts={"evaluation_report.json": REPORT})
    for _ in range(2):
        found = read_cases(store.open(), logged(), CaseCache(tmp_path))
        assert found.table is not None
        assert found.table.ids == ("a", "b")
        assert found.table.results["build_success"].tolist() == [1.0, 0.0]
    assert store.calls == ["list_artifacts", "read_artifact evaluation_report.json"]


def test_another_version_of_the_report_is_read_anew(tmp_path: Path) -> None:
    store = FakeStore(artifacts={"evaluation_report.json": REPORT})
    cache = CaseCache(tmp_path)
    read_cases(store.open(), logged(), cache)
    read_cases(store.open(), logged(**{Tag.FILE_SHA256.value: "1" * 64}), cache)
    assert store.calls.count("list_artifacts") == 2


def test_numbers_of_the_generation_come_from_the_case_table() -> None:
    items = [bulk_item("b7", "a", 1.5), bulk_item("b7", "b", 0.5)]
    generation = read(bulk("b7", items), "bulk_run_results_20251103_080000.json")
    joined = case_table(join_generation(read(REPORT), generation))
    assert joined is not None
    store = FakeStore(artifacts={"evaluation_report.json": REPORT, CASE_TABLE_PATH: joined})
    found = read_cases(store.open(), logged(), CaseCache(None))
    assert found.table is not None
    assert found.table.numbers["cost_usd"].tolist() == [1.5, 0.5]


def test_a_run_with_a_table_only_is_read_by_it() -> None:
    store = FakeStore(artifacts={CASE_TABLE_PATH: table_bytes()})
    found = read_cases(store.open(), make_run("old"), CaseCache(None))
    assert found.table is not None
    assert found.table.ids == ("a", "b")


@pytest.mark.parametrize(
    ("artifacts", "words"),
    [
        ({}, NO_CASES),
        ({"notes.txt": b"x"}, NO_CASES),
        ({"evaluation_report.json": REPORT[:100]}, "evaluation_report.json: "),
        ({CASE_TABLE_PATH: b"[]"}, "holds no cases"),
        ({CASE_TABLE_PATH: b'{"columns": ["id"], "data": []}'}, "holds no cases"),
        ({CASE_TABLE_PATH: b'{"columns": ["id", "x"], "data": [["a"]]}'}, "holds no cases"),
        ({"evaluation_report.json": to_bytes(k1([]))}, NO_CASES),
    ],
)
def test_what_has_no_cases_says_why(artifacts: dict[str, bytes], words: str) -> None:
    found = read_cases(FakeStore(artifacts=artifacts).open(), make_run("r"), CaseCache(None))
    assert found.table is None
    assert words in found.note


@pytest.mark.parametrize(
    "error", [StoreRejectedError("it is deleted"), StoreUnreachableError("no answer")]
)
def test_a_run_that_goes_while_it_is_compared_is_a_note(error: Exception) -> None:
    store = FakeStore(artifacts={"evaluation_report.json": REPORT}, error=error)
    found = read_cases(store.open(), logged(), CaseCache(None))
    assert found.table is None
    assert found.note.startswith("its artifacts cannot be listed: ")


def test_of_several_reports_in_a_run_its_own_is_read() -> None:
    other = to_bytes(k1([k1_app("z", "b")]))
    store = FakeStore(
        artifacts={"evaluation_report.json": other, "sub/evaluation_report.json": REPORT}
    )
    found = read_cases(store.open(), logged(), CaseCache(None))
    assert found.table is not None
    assert found.table.ids == ("a", "b")


def test_a_case_comes_with_its_texts_from_what_is_kept(tmp_path: Path) -> None:
    store = FakeStore(artifacts={"evaluation_report.json": REPORT})
    cache, run = CaseCache(tmp_path), logged()
    (case,) = read_case(store.open(), run, "a", cache)
    assert case.details["issues"] == "why"
    read_cases(store.open(), run, cache)
    store.artifacts.clear()
    (kept,) = read_case(store.open(), run, "a", cache)
    assert kept == case
    assert read_case(store.open(), run, "nobody", cache) == ()


def test_a_case_of_a_run_without_a_report_is_not_there() -> None:
    assert read_case(FakeStore().open(), make_run("r"), "a", CaseCache(None)) == ()


def test_repetitions_of_a_case_come_together() -> None:
    document = {
        "schema": "evaltui.report/1",
        "cases": [
            {"id": "q", "group": "x", "status": "pass"},
            {"id": "q", "group": "x", "status": "fail"},
            {"id": "q", "group": "y", "status": "pass"},
        ],
    }
    store = FakeStore(artifacts={"nightly.json": json.dumps(document).encode()})
    run = make_run("r")
    assert len(read_case(store.open(), run, "x/q", CaseCache(None))) == 2
    assert len(read_case(store.open(), run, "q", CaseCache(None))) == 3


def test_a_report_on_its_way_has_its_cases_in_its_plan() -> None:
    plan = make_plan("x", app_metrics__json=table_bytes())
    found = planned_cases(plan)
    assert found.table is not None
    assert found.table.ids == ("a", "b")
    assert planned_cases(make_plan("x")).note == NO_CASES


class LargeSource:
    """A store with one report that it says is large, on this machine or not."""

    def __init__(self, path: Path, *, here: bool = True) -> None:
        self.path = path
        self.here = here

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        return (ArtifactInfo(self.path.name, False, MAX_REPORT_BYTES + 1),)

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        raise AssertionError("a large report is never read whole")

    def artifact_file(self, run_id: str, path: str) -> Path | None:
        return self.path if self.here else None


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(case_reading, "MAX_REPORT_BYTES", 1_000)
    monkeypatch.setattr(filebytes, "_CHUNK_BYTES", 777)
    return tmp_path / "nightly.json"


@pytest.mark.parametrize(
    ("label", "outputs"),
    [
        ("q7", ["text 7"]),
        ("topic/q7", ["text 7"]),
        ("a/b é", ["slashed"]),
        ("topic/a/b é", ["slashed"]),
        ("41", ["number"]),
        ("twice", ["first", "second"]),
        ("twice#2", ["second"]),
        ("nobody", []),
    ],
)
def test_a_case_of_a_large_report_comes_with_its_texts_and_no_other_does(
    large: Path, label: str, outputs: list[str]
) -> None:
    told = {"group": "topic", "status": "pass"}
    cases = [{"id": f"q{n}", "output": f"text {n}", **told} for n in range(60)]
    cases += [
        {"id": "a/b é", "output": "slashed", **told},
        {"id": 41, "output": "number", **told},
        {"id": "twice", "output": "first", **told},
        {"id": "twice", "output": "second", **told},
    ]
    large.write_bytes(to_bytes({"schema": "evaltui.report/1", "cases": cases}))
    found = read_case(LargeSource(large), make_run("r"), label, CaseCache(None))
    assert [case.output for case in found] == outputs


def test_an_app_of_a_large_report_comes_with_its_details(large: Path) -> None:
    apps = [k1_app(f"app{n}", "b", details={"build": ["log " * 50]}) for n in range(30)]
    large.write_bytes(to_bytes(k1(apps)))
    (case,) = read_case(LargeSource(large), make_run("r"), "app7", CaseCache(None))
    assert case.details["build"] == "log " * 50


def test_a_case_of_a_large_report_elsewhere_says_where_it_is_to_be_had(large: Path) -> None:
    large.write_bytes(REPORT)
    source = LargeSource(large, here=False)
    with pytest.raises(StoreRejectedError, match="too much to be fetched") as caught:
        read_case(source, make_run("r"), "a", CaseCache(None))
    assert caught.value.hint == "download it from MLflow"


@pytest.mark.parametrize("data", [b"{", None])
def test_a_large_report_that_cannot_be_read_says_why(large: Path, data: bytes | None) -> None:
    if data is not None:
        large.write_bytes(b'{"schema": "evaltui.report/1"' + b" " * 2_000)
    with pytest.raises(StoreRejectedError, match="nightly"):
        read_case(LargeSource(large), make_run("r"), "a", CaseCache(None))
