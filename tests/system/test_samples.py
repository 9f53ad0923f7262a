"""Every historical report, dropped into a watched directory, becomes exactly the run it should.

The samples are other people's and not shipped: EVALTUI_SAMPLES names their folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stores import quiet_environ

SAMPLES = Path(os.environ.get("EVALTUI_SAMPLES", "")) / "app_eval"
EVALTUI = [sys.executable, "-P", "-m", "evaltui"]

pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("samples"),  # its stores are made once
    pytest.mark.skipif(
        not os.environ.get("EVALTUI_SAMPLES"), reason="EVALTUI_SAMPLES names no folder of samples"
    ),
]

# What the rules make of each report, worked out by hand from its apps: pass / (apps - N/A - error).
# data_returned and ui_renders that are false for every app were not evaluated; apps of an
# unsupported template (stubs) and crashed ones are in no denominator. None: no such metric.
EXPECTED: dict[str, tuple[str, dict[str, float | None]]] = {
    "k1_2025-10-17": (
        "app_eval_k1",
        {
            "build_success_rate": 4 / 7,
            "type_safety_rate": 3 / 7,
            "tests_pass_rate": 6 / 7,
            "tests_pass_fail": 1,
            "data_returned_rate": None,
            "data_returned_na": 7,
            "ui_renders_rate": None,
            "overall_quality_score": (4 + 4 + 6 + 4) / (4 * 7),
            "avg_local_runability_score": 26 / 7,
            "avg_deployability_score": 9 / 7,
            "avg_appeval_100": None,
            "avg_eff_units": None,
            "generation_cost_usd": None,
        },
    ),
    "k1_2025-10-20_runid": ("app_eval_k1", {"build_success_rate": 4 / 7, "total_apps": 7}),
    "k1_2025-10-20_gen": ("app_eval_k1", {"runtime_success_rate": 4 / 7, "avg_eff_units": None}),
    "k1_2025-10-21_vanilla": ("app_eval_k1", {"databricks_connectivity_rate": 4 / 7}),
    "k1_2025-11-06_appeval7": (
        "app_eval_k1",
        {
            "avg_appeval_100": (0.6 + 0.0 + 1.4 + 0.0 + 19.4 + 1.4 + 21.0) / 7,
            "avg_eff_units": None,
        },
    ),
    "k1_2025-11-06_eff": (
        "app_eval_k1",
        {
            "data_returned_rate": 2 / 7,
            "ui_renders_rate": 3 / 7,
            "avg_appeval_100": (0.6 + 0.0 + 70.0 + 0.0 + 88.0 + 70.0 + 25.2) / 7,
            "avg_eff_units": (116.462 + 138.094 + 76.977 + 161.64 + 86.882 + 129.505) / 6,
        },
    ),
    "k1_2025-11-07_template": ("app_eval_k1", {"data_returned_rate": 2 / 7, "tests_pass_n": 7}),
    "k1_2025-11-17": (
        "app_eval_k1",
        {
            "build_success_rate": 4 / 6,
            "build_success_na": 1,
            "tests_pass_rate": 5 / 6,
            "overall_quality_score": (4 + 4 + 5 + 4) / (4 * 6),
            "template_trpc_count": 5,
            "template_docker_count": 1,
            "total_output_tokens": 137_054,
        },
    ),
    "k1_2025-12-04_fast": (
        "app_eval_k1",
        {"data_returned_rate": None, "ui_renders_rate": None, "build_success_rate": 4 / 6},
    ),
    "k1_2026-02-04_nodataui": (
        "app_eval_k1",
        {"data_returned_rate": None, "databricks_connectivity_rate": 4 / 6},
    ),
    "k1_20apps": (
        "app_eval_k1",
        {
            "build_success_rate": 16 / 20,
            "ui_renders_rate": 9 / 20,
            "overall_quality_score": (16 + 13 + 13 + 12) / (4 * 20),
            "total_apps": 20,
        },
    ),
    "k1_zero_apps": (
        "app_eval_k1",
        {"total_apps": 0, "build_success_rate": None, "overall_quality_score": None},
    ),
    "k2_2025-10-23": (
        "app_eval_k2",
        {
            "build_success_rate": 4 / 7,
            "build_success_error": 1,
            "type_safety_rate": 2 / 5,
            "type_safety_na": 2,
            "tests_pass_rate": 1 / 2,
            "data_returned_rate": None,
            "overall_quality_score": (4 / 7 + 4 / 7 + 1 / 2 + 4 / 7) / 4,
            "avg_local_runability_score": (2 + 3 + 4 + 3 + 2 + 3 + 3) / 7,
        },
    ),
    "k2_2025-10-24_agent": ("app_eval_k2", {"ui_renders_rate": 3 / 7}),
    "k2_2025-10-24_agent_off": (
        "app_eval_k2",
        {"ui_renders_rate": 3 / 7, "agent_build_success_rate": None},
    ),
    "k3_2025-10-23": (
        "app_eval_k3",
        {
            "type_safety_rate": 4 / 8,
            "tests_pass_rate": 6 / 8,
            "ui_renders_rate": None,
            "overall_quality_score": (5 + 5 + 6 + 5) / (4 * 8),
        },
    ),
    "k5_2026-03-03": (
        "app_eval_k5",
        {
            "build_success_rate": 4 / 7,
            "build_success_error": 1,
            "tests_pass_rate": 6 / 7,
            "databricks_connectivity_rate": None,
            "data_returned_rate": None,
            "overall_quality_score": None,
            "avg_local_runability_score": 11 / 7,
        },
    ),
}
SERIES = 12
BULK = 9
NO_RUNS = ("_eval.json", "trajectory.jsonl", "generation_metrics.json", ".md", ".csv")


def evaltui(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = quiet_environ(
        EVALTUI_STATE_DIR=str(place / "state"),
        EVALTUI_DATA_DIR=str(place / "data"),
        XDG_CONFIG_HOME=str(place / "config"),
    )
    return subprocess.run(
        [*EVALTUI, *arguments],
        capture_output=True,
        text=True,
        env=env,
        cwd=place,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("samples")
    shutil.copytree(SAMPLES, place / "reports", copy_function=shutil.copy2)
    for path in (place / "reports").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return place


@pytest.fixture(scope="module")
def lines(place: Path) -> list[dict[str, Any]]:
    done = evaltui(place, "watch", "--once", "--format", "json", "reports")
    assert done.returncode == 3, done.stderr  # the cut-off file
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def runs(place: Path, lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    assert lines
    done = evaltui(place, "runs", "--all", "--format", "json")
    assert done.returncode == 0, done.stderr
    return {run["run_id"]: run for run in json.loads(done.stdout)["runs"]}


def test_exactly_the_runs_of_the_table_are_there(
    lines: list[dict[str, Any]], runs: dict[str, dict[str, Any]]
) -> None:
    made = {run_id for line in lines if line["state"] == "logged" for run_id in line["run_ids"]}
    assert made == set(runs)
    kinds = [run["tags"].get("evaltui.kind") for run in runs.values()]
    assert kinds.count("generation") == BULK
    assert len(kinds) == len(EXPECTED) + SERIES + BULK


def test_the_cut_off_file_is_quarantined_with_what_to_do(lines: list[dict[str, Any]]) -> None:
    broken = [line for line in lines if line["state"] == "quarantined"]
    assert [Path(line["path"]).parent.name for line in broken] == ["k1_truncated"]
    assert "truncated" in broken[0]["reason"]
    assert broken[0]["run_ids"] == []


def test_companions_and_single_apps_make_no_runs(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        if line["state"] == "logged":
            assert not line["path"].endswith(NO_RUNS), line


@pytest.mark.parametrize("folder", sorted(EXPECTED))
def test_a_report_has_the_values_that_its_apps_give(
    folder: str, lines: list[dict[str, Any]], runs: dict[str, dict[str, Any]]
) -> None:
    found = [line for line in lines if Path(line["path"]).parent.name == folder and line["run_ids"]]
    run = runs[found[0]["run_ids"][0]]
    form, expected = EXPECTED[folder]
    assert run["tags"]["evaltui.format"] == form
    assert run["tags"]["framework"] == "klaudbiusz"
    assert run["status"] == "FINISHED"
    for name, value in expected.items():
        if value is None:
            assert name not in run["metrics"], name
        else:
            assert run["metrics"][name] == pytest.approx(value), name


def test_the_pair_of_one_identity_is_one_run_of_the_mode_that_the_later_one_says(
    lines: list[dict[str, Any]], runs: dict[str, dict[str, Any]]
) -> None:
    pair = [
        line
        for line in lines
        if Path(line["path"]).parent.name in {"k2_2025-10-23", "k2_2025-10-23_mode"}
        and line["run_ids"]
    ]
    ids = {run_id for line in pair for run_id in line["run_ids"]}
    assert len(ids) == 1
    assert runs[ids.pop()]["tags"]["mode"] == "mcp"


def test_the_series_starts_when_its_evaluations_did(runs: dict[str, dict[str, Any]]) -> None:
    series = sorted(
        run["started_at"]
        for run in runs.values()
        if run["tags"]
        .get("evaltui.source", "")
        .rpartition(":")[2]
        .startswith("evaluation_report_2025")
    )
    assert len(series) == SERIES
    assert series[0].startswith("2025-11-03")
    assert series[-1].startswith("2025-11-06")


def test_a_second_look_logs_nothing(place: Path, runs: dict[str, dict[str, Any]]) -> None:
    again = evaltui(place, "watch", "--once", "--format", "json", "reports")
    assert not [line for line in again.stdout.splitlines() if '"logged"' in line]
    listed = json.loads(evaltui(place, "runs", "--all", "--format", "json").stdout)["runs"]
    assert {run["run_id"] for run in listed} == set(runs)
