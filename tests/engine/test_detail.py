from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from engine_fakes import FakeStore, make_plan, make_run

from evaltui.domain.run import Tag
from evaltui.domain.web_page import WebPage
from evaltui.engine import detail
from evaltui.engine.detail import planned_detail, read_table, run_detail
from evaltui.errors import RunNotFoundError, StoreRejectedError, StoreUnreachableError

TABLE = json.dumps(
    {"columns": ["app", "status", "score"], "data": [["a", "pass", 1], ["b", "fail", None]]}
).encode()
REPORT = json.dumps(
    {
        "schema": "evaltui.report/1",
        "id": "r",
        "metrics": [{"name": "accuracy", "value": 0.5}],
        "cases": [
            {"id": "q1", "status": "pass", "scores": {"exact": 1}},
            {"id": "q2", "status": "fail", "scores": {"exact": 0}, "reason": "wrong"},
        ],
    }
).encode()


def link(experiment_id: str, run_ids: Sequence[str]) -> WebPage:
    return WebPage("/".join(["http://mlflow", experiment_id, *run_ids]), note="in the browser")


def store_with(**artifacts: bytes) -> FakeStore:
    found = {name.replace("__", "."): data for name, data in artifacts.items()}
    store = FakeStore(artifacts=found)
    store.add(make_run("a", metrics={"m": 1.0}, tags={"mode": "mcp"}))
    return store


def test_a_run_is_told_whole_with_its_link_and_files() -> None:
    store = store_with(app_metrics__json=TABLE, report__md=b"# hi")
    found = run_detail(store.open(), "a", link=link)
    assert found.metrics == (("m", 1.0),)
    assert ("mode", "mcp") in found.tags
    assert found.artifacts == (("app_metrics.json", len(TABLE)), ("report.md", 4))
    assert found.link == "http://mlflow/1/a"
    assert found.link_note == "in the browser"


def test_cases_come_from_the_case_table_and_missing_stays_missing() -> None:
    found = run_detail(store_with(app_metrics__json=TABLE).open(), "a", link=link)
    assert found.case_columns == ("app", "status", "score")
    assert found.case_rows == (("a", "pass", 1.0), ("b", "fail", None))
    assert found.cases_note == ""


def test_a_table_of_another_name_is_found_by_the_run_s_own_tag() -> None:
    store = store_with(eval_results__json=TABLE)
    tag = json.dumps([{"path": "eval_results.json", "type": "table"}, {"path": "x.parquet"}])
    store.add(make_run("a", tags={Tag.LOGGED_ARTIFACTS: tag}))
    assert len(run_detail(store.open(), "a", link=link).case_rows) == 2


def test_a_table_is_read_even_when_the_listing_is_empty() -> None:
    store = store_with(app_metrics__json=TABLE)
    store.unlisted = True
    tag = json.dumps([{"path": "app_metrics.json", "type": "table"}])
    store.add(make_run("a", tags={Tag.LOGGED_ARTIFACTS: tag}))
    assert len(run_detail(store.open(), "a", link=link).case_rows) == 2


def test_without_a_table_the_report_itself_is_read_again() -> None:
    found = run_detail(store_with(my_report__json=REPORT).open(), "a", link=link)
    assert found.case_rows[0][:2] == ("q1", "pass")
    assert found.case_rows[1][found.case_columns.index("reason")] == "wrong"


def test_a_run_without_cases_says_so() -> None:
    found = run_detail(store_with(notes__txt=b"x", other__json=b"[1]").open(), "a", link=link)
    assert found.case_rows == ()
    assert found.cases_note


def test_a_broken_table_is_a_note_and_the_report_is_tried() -> None:
    store = store_with(app_metrics__json=b"{", my_report__json=REPORT)
    assert len(run_detail(store.open(), "a", link=link).case_rows) == 2
    store = store_with(app_metrics__json=b'{"columns": 3}')
    found = run_detail(store.open(), "a", link=link)
    assert found.cases_note == "app_metrics.json is not a table"


def test_artifacts_that_cannot_be_listed_leave_the_rest_on_show() -> None:
    store = store_with()
    source = store.open()

    def refuse(run_id: str) -> tuple[()]:
        raise StoreRejectedError("no permission on artifacts")

    source.list_artifacts = refuse  # type: ignore[method-assign]
    found = run_detail(source, "a", link=link)
    assert found.metrics
    assert found.extra == ("artifacts: no permission on artifacts",)


def test_a_deleted_run_is_said_to_be_one() -> None:
    store = store_with()
    store.add(make_run("a", active=False))
    assert "deleted" in run_detail(store.open(), "a", link=link).extra[0]


def test_an_unknown_run_and_a_dead_store_are_errors() -> None:
    store = store_with()
    with pytest.raises(RunNotFoundError):
        run_detail(store.open(), "zzz", link=link)
    store.error = StoreUnreachableError("gone")
    with pytest.raises(StoreUnreachableError):
        run_detail(store.open(), "a", link=link)


def test_long_tables_are_cut_and_say_how_long_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail, "MAX_ROWS", 10)
    data = json.dumps({"columns": ["n"], "data": [[n] for n in range(25)]}).encode()
    found = read_table(data)
    assert len(found.rows) == 10
    assert found.note == "the first 10 of 25 cases"


def test_odd_cells_become_plain_ones() -> None:
    data = (
        b'{"columns": ["a", "b", "c", "d", "e", "f"], "data":'
        b' [[true, NaN, 1e999, {"x": [1]}, "' + b"y" * 5_000 + b'"], [1, 2, 3, 4, 5, 6, 7], []]}'
    )
    first, second, third = read_table(data).rows
    assert first[:4] == (1.0, None, None, '{"x": [1]}')
    assert len(str(first[4])) == detail.MAX_CELL_CHARS
    assert first[5] is None
    assert len(second) == 6
    assert third == (None,) * 6


def test_a_report_that_is_not_in_the_store_shows_what_will_be_logged() -> None:
    plan = make_plan("x", app_metrics__json=TABLE, evaluation_report__json=b"{}")
    found = planned_detail("local:7", plan, notes=("/w/report.json", "", "store is down"))
    assert found.run_id == "local:7"
    assert found.metrics == (("build_success_rate", 0.5),)
    assert len(found.case_rows) == 2
    assert found.artifacts == (("app_metrics.json", len(TABLE)), ("evaluation_report.json", 2))
    assert found.extra == ("/w/report.json", "store is down")
    assert "not in the store" in found.link_note
