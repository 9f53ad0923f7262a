"""`evaltui log`, in this process, to a real embedded store."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from report_documents import bulk, bulk_item, k1, k1_app, to_bytes
from report_place import Place, own_place
from second_look import all_runs, closed_port, counting_runs, only_run, own_report

from evaltui.cli.main import main

pytestmark = pytest.mark.xdist_group("log")


@dataclass
class CommandPlace(Place):
    """Reports, and the store they go to."""

    capture: pytest.CaptureFixture[str]

    def log(self, *arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
        """Run `evaltui log --format json`; return its exit code and lines."""
        code = main(["log", "--format", "json", *map(str, arguments)])
        out, self.err = self.capture.readouterr()
        return code, [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandPlace:
    found = own_place(tmp_path, monkeypatch)
    return CommandPlace(found.folder, found.database, capsys)


def test_a_report_becomes_a_run_and_a_second_time_it_is_named(place: CommandPlace) -> None:
    path = place.write("a.json", own_report(0.5, name="nightly", params={"dataset": "v3"}))
    code, (line,) = place.log("a.json")
    assert code == 0
    assert (line["schema"], line["path"], line["state"]) == ("evaltui.file/1", str(path), "logged")
    run = only_run(place.database)
    assert line["run_ids"] == [run.run_id]
    assert (run.name, run.status, run.metrics["accuracy"]) == ("nightly", "FINISHED", 0.5)
    assert run.params["dataset"] == "v3"
    assert run.artifacts["a.json"] == path.read_bytes()
    code, (line,) = place.log("../reports/a.json")
    assert (code, line["state"], line["run_ids"]) == (0, "duplicate", [run.run_id])
    assert line["path"] == str(path)
    assert len(all_runs(place.database)) == 1


def test_a_copy_elsewhere_is_a_duplicate(place: CommandPlace) -> None:
    place.write("a.json", own_report())
    place.write("b/b.json", own_report())
    code, lines = place.log("a.json", "b/b.json")
    assert code == 0
    assert [line["state"] for line in lines] == ["logged", "duplicate"]
    assert lines[0]["run_ids"] == lines[1]["run_ids"] == [only_run(place.database).run_id]


def test_as_new_logs_the_same_content_again(place: CommandPlace) -> None:
    place.write("a.json", own_report())
    first = place.log("a.json")[1][0]["run_ids"]
    second = place.log("--as-new", "a.json")[1][0]
    assert second["state"] == "logged"
    assert second["run_ids"] != first
    assert len(counting_runs(place.database)) == 2


def test_the_run_gets_the_name_mode_and_model_that_were_given(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("a.json", own_report(mode="theirs", model="theirs"))
    monkeypatch.setenv("EVAL_MODE", "env")
    place.log("--run-name", "mine", "--mode", "MCP (TypeScript/tRPC)", "--model", "m-1", "a.json")
    run = only_run(place.database)
    assert run.name == run.tags["run_name"] == "mine"
    assert (run.tags["mode"], run.params["mode"]) == ("mcp", "mcp")
    assert run.tags["evaltui.mode_source"] == "argument"
    assert run.params["model_version"] == "m-1"


def test_eval_mode_beats_the_report(place: CommandPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("a.json", own_report(mode="theirs"))
    monkeypatch.setenv("EVAL_MODE", "vanilla")
    place.log("a.json")
    run = only_run(place.database)
    assert (run.tags["mode"], run.tags["evaltui.mode_source"]) == ("vanilla", "environment")


def test_a_better_mode_given_later_goes_to_the_same_run(place: CommandPlace) -> None:
    place.write("a.json", own_report())
    place.log("a.json")
    assert only_run(place.database).tags["mode"] == "manual"
    code, (line,) = place.log("--mode", "mcp", "a.json")
    run = only_run(place.database)
    assert (code, line["run_ids"]) == (0, [run.run_id])
    assert run.tags["mode"] == "mcp"
    assert len(all_runs(place.database)) == 1


@pytest.mark.parametrize(
    ("name", "data", "state", "word"),
    [
        ("evaluation_report.json", to_bytes(k1([k1_app("a", "b")]))[:300], "quarantined", "trunc"),
        ("a.json", b'{"schema": "evaltui.report/1", "metrics": 7}', "quarantined", "metrics"),
        ("evaluation_report.json", b"", "quarantined", ""),
        ("notes.json", b'{"a": 1}', "ignored", "not a report"),
        ("EVALUATION_REPORT.md", b"# Report\n", "ignored", "goes along with a report"),
    ],
)
def test_what_is_no_readable_report_is_one_line_and_exit_3(
    place: CommandPlace, name: str, data: bytes, state: str, word: str
) -> None:
    place.write(name, data)
    code, (line,) = place.log(name)
    assert (code, line["state"], line["run_ids"]) == (3, state, [])
    assert word in (line["reason"] or "")
    assert all_runs(place.database) == []


def test_a_bad_file_does_not_keep_the_others_from_the_store(place: CommandPlace) -> None:
    place.write("bad.json", own_report()[:50])
    os.mkfifo(place.folder / "pipe.json")
    place.write("good.json", own_report())
    code, lines = place.log("bad.json", "pipe.json", "good.json")
    assert code == 3
    assert [line["state"] for line in lines] == ["quarantined", "quarantined", "logged"]
    assert "FIFO" in lines[1]["reason"]


def test_a_repaired_file_is_logged(place: CommandPlace) -> None:
    path = place.write("a.json", own_report()[:50])
    assert place.log("a.json")[0] == 3
    path.write_bytes(own_report())
    assert place.log("a.json")[1][0]["state"] == "logged"


def test_a_single_app_file_that_is_named_becomes_a_run_of_one_case(place: CommandPlace) -> None:
    place.write("churn_eval.json", to_bytes(k1_app("churn", "brt")))
    code, (line,) = place.log("churn_eval.json")
    assert (code, line["state"]) == (0, "logged")
    run = only_run(place.database)
    assert run.params["total_apps"] == "1"
    assert run.metrics["build_success_rate"] == 1.0


def test_a_bulk_file_goes_into_the_run_of_its_evaluation_whatever_the_order(
    place: CommandPlace,
) -> None:
    apps = [k1_app("a", "b"), k1_app("b", "")]
    place.write("evaluation_report.json", to_bytes(k1(apps)))
    items = [bulk_item("b7", "a", 1.5), bulk_item("b7", "b", 0.5)]
    place.write("bulk_run_results_20251103_080000.json", to_bytes(bulk("b7", items)))
    code, lines = place.log("bulk_run_results_20251103_080000.json", "evaluation_report.json")
    assert code == 0
    run = only_run(place.database)
    assert len(all_runs(place.database)) == 1
    assert {run_id for line in lines for run_id in line["run_ids"]} == {run.run_id}
    assert run.metrics["generation_cost_usd"] == 2.0


def test_other_values_of_one_evaluation_replace_its_run(place: CommandPlace) -> None:
    path = place.write("a.json", own_report(0.5, id="nightly-7"))
    (first,) = place.log("a.json")[1][0]["run_ids"]
    path.write_bytes(own_report(0.9, id="nightly-7"))
    (second,) = place.log("a.json")[1][0]["run_ids"]
    run = only_run(place.database)
    assert run.run_id == second != first
    assert run.tags["evaltui.supersedes"] == first


def test_a_store_that_is_down_leaves_the_report_for_log_pending(
    place: CommandPlace,
) -> None:
    place.write("a.json", own_report())
    with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, (line,) = place.log("a.json")
    assert (code, line["state"], line["run_ids"]) == (4, "pending", [])
    assert line["reason"]
    code, (line,) = place.log("--pending")
    assert (code, line["state"]) == (0, "logged")
    assert line["run_ids"] == [only_run(place.database).run_id]
    code, lines = place.log("--pending")
    assert (code, lines) == (0, [])
    assert "nothing waits" in place.err


def test_a_server_that_is_down_is_exit_4_with_what_to_do(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hunter22@127.0.0.1:{closed_port()}")
    place.write("a.json", own_report())
    place.write("b.json", own_report(0.6))
    code, lines = place.log("a.json", "b.json")
    assert code == 4
    assert [line["state"] for line in lines] == ["pending", "pending"]
    assert all(line["reason"] and "hunter22" not in json.dumps(line) for line in lines)
    assert place.log("--pending")[0] == 4
    assert "2 still" in place.err


def test_read_only_writes_nothing_and_says_so(place: CommandPlace) -> None:
    place.write("a.json", own_report())
    code, (line,) = place.log("--read-only", "a.json")
    assert (code, line["state"]) == (4, "pending")
    assert "read-only" in line["reason"]
    assert place.log("--read-only", "--pending")[0] == 4
    assert all_runs(place.database) == []
    assert place.log("--pending")[1][0]["state"] == "logged"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such.json"],
        ["."],
        ["--run-name", "n", "a.json", "b.json"],
        ["--run-name", "n", "--pending"],
    ],
)
def test_a_command_that_makes_no_sense_is_exit_2(place: CommandPlace, arguments: list[str]) -> None:
    place.write("a.json", own_report())
    place.write("b.json", own_report(0.6))
    code, lines = place.log(*arguments)
    assert (code, lines) == (2, [])
    assert "evaltui" in place.err
    assert all_runs(place.database) == []


def test_lines_for_people_name_state_path_and_run(
    place: CommandPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.write("a.json", own_report())
    assert main(["log", "a.json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("logged ")
    assert str(path) in out
    assert only_run(place.database).run_id in out


def test_half_a_credential_is_warned_about(
    place: CommandPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", "https://dbc.example.com")
    place.write("a.json", own_report())
    assert place.log("a.json")[0] == 0
    assert "warning: DATABRICKS_HOST is set without a credential" in place.err
