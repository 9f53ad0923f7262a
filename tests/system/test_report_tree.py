"""A tree with a report of every family, and with much that is none, becomes exactly its runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_documents import (
    K2_MARKDOWN,
    OWN,
    bulk,
    bulk_item,
    k1,
    k1_app,
    k2,
    k2_app,
    k3,
    k3_app,
    k5,
    k5_app,
    stub_app,
    to_bytes,
)
from second_look import StoredRun, all_runs, counting_runs
from stores import new_store
from watch_process import drop, evaltui

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("report tree")]

K2_APPS = [k2_app("p", tests_pass=True), k2_app("q", build_success=False)]
TREE: dict[str, bytes] = {
    "k1/evaluation_report.json": to_bytes(
        k1([k1_app("a", "brts"), k1_app("b", "br"), k1_app("c"), stub_app()], run_id="20251103_1")
    ),
    "k1/EVALUATION_REPORT.md": b"# Evaluation Report\n",
    "k1/evaluation_report.csv": b"app,build\na,1\n",
    "k1/run_metadata.json": to_bytes({"mode": "vanilla_sdk", "run_id": "x"}),
    "k1/app/a/eval_result.json": to_bytes(k1_app("a", "brts")),
    "k2/evaluation_report.json": to_bytes(k2(K2_APPS)),
    "k2/EVALUATION_REPORT.md": K2_MARKDOWN,
    "k2_again/evaluation_report.json": to_bytes(k2(K2_APPS, mode="MCP (TypeScript/tRPC)")),
    "k2_again/EVALUATION_REPORT.md": K2_MARKDOWN,
    "k3/evaluation_report.json": to_bytes(k3([k3_app("a"), k3_app("b", build_success=False)])),
    "k4/churn_eval.json": to_bytes(k1_app("churn", "b")),
    "k5/eval_results.json": to_bytes(k5([k5_app("a", "brtsl"), k5_app("b", "b")])),
    "k5/a/eval_result.json": to_bytes(k5_app("a", "brtsl")),
    "k5/b/eval_result.json": to_bytes(k5_app("b", "b")),
    "joined/evaluation_report.json": to_bytes(
        k1([k1_app("j1", "b"), k1_app("j2", "b")], run_id="20251103_2")
    ),
    "joined/bulk_run_results_20251103_080000.json": to_bytes(
        bulk("b7", [bulk_item("b7", "j1", 1.5), bulk_item("b7", "j2", 0.5)])
    ),
    "alone/bulk_run_results_20251101_080000.json": to_bytes(
        bulk("b7", [bulk_item("b7", "lonely", 3.0)])
    ),
    "own/nightly.json": to_bytes(OWN),
    "broken/evaluation_report.json": b'{"summary": {]',
    "empty/evaluation_report.json": b"",
    "cut/evaluation_report.json": to_bytes(k1([k1_app("a", "b")]))[:-40],
    "wrong/eval_results.json": to_bytes({**k5([k5_app("a", "b")]), "per_app": "nonsense"}),
    "unknown/evaluation_report.json": b'{"a": 1}',
    "other.json": b'{"a": 1}',
    "notes.txt": b"nothing",
    "node_modules/x/evaluation_report.json": to_bytes(k1([k1_app("n", "b")])),
}
LOGGED = {
    "k1/evaluation_report.json",
    "k2/evaluation_report.json",
    "k2_again/evaluation_report.json",
    "k3/evaluation_report.json",
    "k5/eval_results.json",
    "joined/evaluation_report.json",
    "alone/bulk_run_results_20251101_080000.json",
    "own/nightly.json",
}
BROKEN = {
    "broken/evaluation_report.json": "line 1",
    "empty/evaluation_report.json": "",
    "cut/evaluation_report.json": "truncated",
    "wrong/eval_results.json": "per_app",
}


class Tree:
    """The tree after one look, and its store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports = folder / "reports"
        (folder / "data").mkdir(parents=True)
        self.database = new_store(folder / "data" / "mlflow.db")
        for name, data in TREE.items():
            drop(self.reports / name, data)
        (self.reports / "dir" / "evaluation_report.json").mkdir(parents=True)
        (self.reports / "fifo").mkdir()
        os.mkfifo(self.reports / "fifo" / "evaluation_report.json")
        secret = drop(self.reports / "secret" / "evaluation_report.json", b"{}")
        secret.chmod(0)
        self.unreadable = not os.access(secret, os.R_OK)
        self.code, self.lines = self.look()

    def look(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """Take one look; return the exit code and the last line of each path below the tree."""
        done = evaltui(self.folder, "watch", "--once", "--format", "json", self.reports)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.told = done.stdout + done.stderr
        return done.returncode, {
            os.path.relpath(line["path"], self.reports): line for line in lines
        }

    def run(self, name: str) -> StoredRun:
        """Return the run that a report became."""
        (run_id,) = self.lines[name]["run_ids"]
        return next(run for run in all_runs(self.database) if run.run_id == run_id)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    tree = Tree(tmp_path_factory.mktemp("tree"))
    yield tree
    (tree.reports / "secret" / "evaluation_report.json").chmod(0o600)


def test_the_runs_are_those_of_the_reports(tree: Tree) -> None:
    runs = counting_runs(tree.database)
    assert {run.run_id for run in runs} == {tree.run(name).run_id for name in LOGGED}
    assert len(runs) == len(LOGGED) - 1  # the pair of one identity
    assert len(all_runs(tree.database)) == len(runs)
    assert all(run.status == "FINISHED" for run in runs if run.name != "nightly")


def test_each_file_that_matters_has_its_line_and_no_other(tree: Tree) -> None:
    words = {name: line["state"] for name, line in tree.lines.items()}
    for name in LOGGED:
        assert words.pop(name) in {"logged", "duplicate"}, name
    for name in BROKEN:
        assert words.pop(name) == "quarantined", name
    words.pop("joined/bulk_run_results_20251103_080000.json", None)  # part of the evaluation's run
    assert words.pop("unknown/evaluation_report.json") == "ignored"
    assert words.pop("secret/evaluation_report.json") == (
        "quarantined" if tree.unreadable else "ignored"
    )
    assert words.pop("fifo/evaluation_report.json", "quarantined") == "quarantined"
    assert words.pop("dir/evaluation_report.json") == "quarantined"
    assert words == {}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_report_says_what_and_what_to_do(tree: Tree, name: str) -> None:
    line = tree.lines[name]
    assert BROKEN[name] in line["reason"]
    assert line["reason"]
    assert line["hint"]
    assert line["run_ids"] == []


def test_broken_reports_make_the_look_fail(tree: Tree) -> None:
    assert tree.code == 3


def test_rates_are_over_the_apps_that_were_evaluated(tree: Tree) -> None:
    metrics = tree.run("k1/evaluation_report.json").metrics
    assert metrics["build_success_rate"] == pytest.approx(2 / 3)  # the stub is in no denominator
    assert metrics["build_success_na"] == 1
    assert metrics["tests_pass_rate"] == pytest.approx(1 / 3)
    assert metrics["total_apps"] == 4
    assert tree.run("k3/evaluation_report.json").metrics["build_success_rate"] == 0.5
    k5_metrics = tree.run("k5/eval_results.json").metrics
    assert (k5_metrics["build_success_rate"], k5_metrics["runtime_success_rate"]) == (1.0, 0.5)
    assert tree.run("k2/evaluation_report.json").metrics["build_success_rate"] == 0.5


def test_early_companions_are_in_the_run_and_tell_its_mode(tree: Tree) -> None:
    run = tree.run("k1/evaluation_report.json")
    assert run.tags["mode"] == "vanilla_sdk"
    held = run.artifacts
    for name in (
        "evaluation_report.json",
        "EVALUATION_REPORT.md",
        "evaluation_report.csv",
        "run_metadata.json",
    ):
        assert held[name] == TREE[f"k1/{name}"]
    assert len(json.loads(held["app_metrics.json"])["data"]) == 4


def test_the_pair_of_one_identity_is_one_run_of_the_mode_that_one_of_them_states(
    tree: Tree,
) -> None:
    run = tree.run("k2/evaluation_report.json")
    assert run.run_id == tree.run("k2_again/evaluation_report.json").run_id
    assert run.tags["mode"] == "mcp"


def test_a_bulk_file_joins_its_evaluation_or_stands_alone(tree: Tree) -> None:
    joined = tree.run("joined/evaluation_report.json")
    assert joined.metrics["generation_cost_usd"] == 2.0
    assert joined.tags["evaltui.kind"] == "evaluation"
    alone = tree.run("alone/bulk_run_results_20251101_080000.json")
    assert alone.tags["evaltui.kind"] == "generation"


def test_the_general_report_says_everything_about_its_run(tree: Tree) -> None:
    run = tree.run("own/nightly.json")
    assert (run.name, run.tags["mode"], run.params["model_version"]) == (
        "nightly",
        "mcp",
        "claude-sonnet-4-5",
    )
    assert run.metrics["accuracy"] == 0.81
    assert (run.tags["team"], run.params["dataset"]) == ("search", "v3")


def test_companions_that_come_late_go_to_the_finished_run_and_a_repaired_file_is_read(
    tree: Tree,
) -> None:
    before = {run.run_id for run in counting_runs(tree.database)}
    drop(tree.reports / "k3" / "EVALUATION_REPORT.md", b"# late\n")
    repaired = k1([k1_app("new", "b")], run_id="20251103_3")
    drop(tree.reports / "cut" / "evaluation_report.json", to_bytes(repaired))
    _, lines = tree.look()
    assert lines["cut/evaluation_report.json"]["state"] == "logged"
    assert "k3/evaluation_report.json" not in lines
    run = tree.run("k3/evaluation_report.json")
    assert run.artifacts["EVALUATION_REPORT.md"] == b"# late\n"
    assert run.status == "FINISHED"
    after = {run.run_id for run in counting_runs(tree.database)}
    assert after - before == set(lines["cut/evaluation_report.json"]["run_ids"])
    assert before <= after
