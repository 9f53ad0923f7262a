"""Two reports logged to a real embedded store, then compared and gated there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from report_documents import bulk, bulk_item, k1, k1_app, to_bytes
from stores import new_store

import evaltui
from evaltui.cli.main import main

pytestmark = pytest.mark.xdist_group("log")

NAMES = [f"app-{index:02}" for index in range(14)]


@pytest.fixture
def logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Log two evaluations of the same apps with their generation; return their folder."""
    (tmp_path / "data").mkdir()
    new_store(tmp_path / "data" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    for day, letters, cost in (("03", "brtscdu", 1.0), ("04", "brtcdu", 1.2)):
        folder = tmp_path / day
        folder.mkdir()
        apps = [k1_app(name, letters) for name in NAMES]
        document = k1(apps, run_id=f"202511{day}_100713", evaluated_at=f"2025-11-{day}T09:07:13Z")
        (folder / "evaluation_report.json").write_bytes(to_bytes(document))
        items = [bulk_item("b7", name, cost) for name in NAMES]
        (folder / f"bulk_run_results_202511{day}_080000.json").write_bytes(
            to_bytes(bulk("b7", items))
        )
        assert main(["log", "--mode", "mcp", str(folder / "evaluation_report.json")]) == 0
    return tmp_path


def test_logged_reports_are_compared_case_by_case(
    logged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["compare", "--format", "json"]) == 0
    (only,) = json.loads(capsys.readouterr().out)["comparisons"]
    metrics: dict[str, dict[str, Any]] = {item["name"]: item for item in only["metrics"]}
    assert metrics["tests_pass_rate"]["verdict"] == "regressed"
    assert metrics["tests_pass_rate"]["test"] == "McNemar exact"
    assert metrics["build_success_rate"]["reason"] == "all 14 pairs are equal"
    cost = metrics["generation_cost_usd"]
    assert (cost["verdict"], cost["n"]) == ("regressed", 14)
    assert cost["ci"] == pytest.approx([1.2, 1.2])
    assert only["cases"]["regressed"] == NAMES
    assert only["verdict"] == "regressed"
    assert list((logged / "state" / "cases").glob("*.npz"))

    result = evaltui.compare("latest~1", "latest")
    assert result.verdict == "regressed"
    assert result.cases is not None
    assert result.cases.paired == 14


def test_the_gate_judges_what_was_logged(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate"]) == 1
    policy = logged / "gate.toml"
    policy.write_text('metrics = ["build_success_rate", "runtime_success_rate"]\n')
    assert main(["gate", "--policy", str(policy)]) == 0
    assert main(["baseline", "set", "latest"]) == 0
    assert main(["gate", "latest"]) == 1  # the shared baseline itself: against the one before
    assert "this run is the shared baseline itself" in capsys.readouterr().err
