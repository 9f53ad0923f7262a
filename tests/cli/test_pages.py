"""Web pages of runs and comparisons on the command line."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from fake_store import FakeSource, FakeTarget, make_run

from evaltui import reading
from evaltui.cli.main import main
from evaltui.domain.run import Run
from evaltui.tracking.target import TargetKind

HOST = "https://adb.example.com"


def two_runs() -> list[Run]:
    return [make_run(number, metrics={"tests_pass_rate": 0.5 + number / 10}) for number in (1, 2)]


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    target = FakeTarget(kind=TargetKind.DATABRICKS, host=HOST, workspace_id="123")
    source = FakeSource(runs=two_runs())
    monkeypatch.setattr(reading, "open_store", lambda _: (target, source))
    return source


def json_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--format", "json"]) in {0, 1, 3}
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.usefixtures("workspace")
def test_runs_and_their_experiment_have_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    document = json_of(capsys, "runs")
    assert document["url"] == f"{HOST}/ml/experiments/1?o=123"
    for run in document["runs"]:
        assert run["url"] == f"{HOST}/ml/experiments/1/runs/{run['run_id']}?o=123"
    assert main(["runs", "--format", "csv", "--columns", "run_id,url"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["url"] for row in rows] == [run["url"] for run in document["runs"]]


@pytest.mark.usefixtures("workspace")
def test_a_comparison_leads_to_its_runs_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    document = json_of(capsys, "compare")
    ids = [document["baseline"]["run_id"]]
    ids += [item["candidate"]["run_id"] for item in document["comparisons"]]
    assert document["url"].startswith(f"{HOST}/ml/compare-runs?o=123&runs=")
    assert [run_id in document["url"] for run_id in ids] == [True, True]
    assert main(["compare", "--format", "md"]) == 0
    assert f"[The runs in MLflow](<{document['url']}>)" in capsys.readouterr().out
    assert json_of(capsys, "gate")["url"] == document["url"]


def test_a_store_without_a_page_has_null(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_runs()
    document = json_of(capsys, "runs")
    assert document["url"] is None
    assert {run["url"] for run in document["runs"]} == {None}
    assert json_of(capsys, "compare")["url"] is None
    assert main(["compare", "--format", "md"]) == 0
    assert "The runs in MLflow" not in capsys.readouterr().out
