"""Links to runs, per kind of store."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from evaltui.settings import Settings
from evaltui.tracking.links import compare_link, experiment_link, run_link
from evaltui.tracking.target import resolve_target


@pytest.mark.parametrize(
    ("environ", "link"),
    [
        (
            {"MLFLOW_TRACKING_URI": "https://u:secret@ml.example.com/prefix/"},
            "https://ml.example.com/prefix/#/experiments/1/runs/abc",
        ),
        (
            {"DATABRICKS_HOST": "https://x.cloud.databricks.com/", "DATABRICKS_TOKEN": "t"},
            "https://x.cloud.databricks.com/ml/experiments/1/runs/abc",
        ),
        (
            {"DATABRICKS_HOST": "x.cloud.databricks.com?o=123", "DATABRICKS_TOKEN": "t"},
            "https://x.cloud.databricks.com/ml/experiments/1/runs/abc?o=123",
        ),
    ],
)
def test_servers_and_workspaces_have_a_page_per_run(environ: dict[str, str], link: str) -> None:
    assert run_link(resolve_target(Settings(), environ), "1", "abc") == (link, "")


def test_a_database_has_a_command_instead(tmp_path: Path) -> None:
    settings = Settings(tracking_uri=f"sqlite:///{tmp_path}/my store.db")
    command, note = run_link(resolve_target(settings, {}), "1", "abc")
    assert shlex.split(command)[-1] == f"sqlite:///{tmp_path}/my store.db"
    assert "run this command" in note


def test_the_demo_has_no_page_and_no_path_of_this_machine(tmp_path: Path) -> None:
    place = tmp_path / "evaltui-demo-x1" / "data"
    place.mkdir(parents=True)
    settings = Settings(tracking_uri=f"sqlite:///{place}/mlflow.db")
    target = resolve_target(settings, {})
    link, note = run_link(target, "1", "abc")
    assert (link, "demo" in note) == ("", True)
    assert target.label == "sqlite demo/data/mlflow.db"


def test_ids_cannot_break_out_of_the_address() -> None:
    target = resolve_target(Settings(), {"MLFLOW_TRACKING_URI": "http://h"})
    assert run_link(target, "1/2", "a?b#c")[0] == "http://h/#/experiments/1%2F2/runs/a%3Fb%23c"


def test_a_store_without_a_page_says_so() -> None:
    target = resolve_target(Settings(), {"MLFLOW_TRACKING_URI": "postgresql://u:pw@h/db"})
    link, note = run_link(target, "1", "abc")
    assert link == ""
    assert "pw" not in note


def test_experiments_and_comparisons_have_pages_on_servers_and_workspaces(tmp_path: Path) -> None:
    server = resolve_target(Settings(tracking_uri="http://ml.example.com"), {})
    assert experiment_link(server, "1") == "http://ml.example.com/#/experiments/1"
    assert compare_link(server, "1", ["a", "b"]) == (
        "http://ml.example.com/#/compare-runs?runs=%5B%22a%22,%22b%22%5D&experiments=%5B%221%22%5D"
    )
    environ = {"DATABRICKS_HOST": "x.example.com?o=123", "DATABRICKS_TOKEN": "t"}
    workspace = resolve_target(Settings(), environ)
    page = "https://x.example.com/ml/experiments/1?o=123"
    assert experiment_link(workspace, "1") == compare_link(workspace, "1", ["a"]) == page
    database = resolve_target(Settings(tracking_uri=f"sqlite:///{tmp_path}/s.db"), {})
    assert compare_link(database, "1", ["a", "b"]) == ""
