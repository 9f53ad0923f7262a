"""Web pages of runs, comparisons and experiments, per kind of store."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from evaltui.domain.web_page import WebPage
from evaltui.settings import Settings
from evaltui.tracking.links import page_address, web_page
from evaltui.tracking.target import Target, resolve_target

WORKSPACE = {"DATABRICKS_TOKEN": "t"}


def target_of(uri: str) -> Target:
    return resolve_target(Settings(tracking_uri=uri), {})


@pytest.mark.parametrize(
    ("environ", "link"),
    [
        (
            {"MLFLOW_TRACKING_URI": "https://u:secret@ml.example.com/prefix/"},
            "https://ml.example.com/prefix/#/experiments/1/runs/abc",
        ),
        (
            {"DATABRICKS_HOST": "https://x.cloud.databricks.com/", **WORKSPACE},
            "https://x.cloud.databricks.com/ml/experiments/1/runs/abc",
        ),
        (
            {"DATABRICKS_HOST": "x.cloud.databricks.com?o=123", **WORKSPACE},
            "https://x.cloud.databricks.com/ml/experiments/1/runs/abc?o=123",
        ),
    ],
)
def test_servers_and_workspaces_have_a_page_per_run(environ: dict[str, str], link: str) -> None:
    page = web_page(resolve_target(Settings(), environ), "1", ["abc"])
    assert page == WebPage(link)
    assert page.ready


def test_experiments_and_comparisons_have_pages_on_servers_and_workspaces() -> None:
    side_by_side = "compare-runs?runs=%5B%22a%22,%22b%22%5D&experiments=%5B%221%22%5D"
    server = target_of("http://ml.example.com")
    assert page_address(server, "1") == "http://ml.example.com/#/experiments/1"
    assert page_address(server, "1", ["a", "b"]) == f"http://ml.example.com/#/{side_by_side}"
    environ = {"DATABRICKS_HOST": "x.example.com?o=123", **WORKSPACE}
    workspace = resolve_target(Settings(), environ)
    assert page_address(workspace, "1") == "https://x.example.com/ml/experiments/1?o=123"
    assert page_address(workspace, "1", ["a", "b"]) == (
        "https://x.example.com/ml/" + side_by_side.replace("?", "?o=123&", 1)
    )
    plain = resolve_target(Settings(), {"DATABRICKS_HOST": "x.example.com", **WORKSPACE})
    assert page_address(plain, "1", ["a", "b"]) == f"https://x.example.com/ml/{side_by_side}"


@pytest.mark.parametrize(("run_ids", "route"), [([], ""), (["a"], "/runs/a"), (["a", "b"], None)])
def test_a_database_has_a_command_and_the_address_that_it_will_have(
    tmp_path: Path, run_ids: list[str], route: str | None
) -> None:
    page = web_page(target_of(f"sqlite:///{tmp_path}/my store's.db"), "1", run_ids)
    words = shlex.split(page.command)
    assert words[:2] == ["mlflow", "server"]
    assert words[words.index("--backend-store-uri") + 1] == f"sqlite:///{tmp_path}/my store's.db"
    base = f"http://127.0.0.1:{words[words.index('--port') + 1]}/#/"
    if route is None:
        assert page.address.startswith(f"{base}compare-runs?runs=")
    else:
        assert page.address == f"{base}experiments/1{route}"
    assert "run the command" in page.note
    assert not page.ready
    assert page_address(target_of(f"sqlite:///{tmp_path}/s.db"), "1", run_ids) == ""


def test_the_demo_has_no_page_and_no_path_of_this_machine(tmp_path: Path) -> None:
    place = tmp_path / "evaltui-demo-x1" / "data"
    place.mkdir(parents=True)
    target = target_of(f"sqlite:///{place}/mlflow.db")
    page = web_page(target, "1", ["abc"])
    assert (page.address, page.command, "demo" in page.note) == ("", "", True)
    assert target.label == "sqlite demo/data/mlflow.db"


def test_ids_cannot_break_out_of_the_address() -> None:
    target = target_of("http://h")
    assert page_address(target, "1/2", ["a?b#c"]) == "http://h/#/experiments/1%2F2/runs/a%3Fb%23c"
    both = page_address(target, '1"&x=', ['a"]&y=', "b"])
    assert both.count("&") == 1
    assert '"' not in both


def test_a_store_without_a_page_says_so() -> None:
    page = web_page(target_of("postgresql://u:pw@h/db"), "1", ["abc"])
    assert (page.address, page.command) == ("", "")
    assert "pw" not in page.note
