"""EvaluationTracker, and a script of the older tracker, with a real embedded store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from report_documents import k1, k1_app, to_bytes
from report_place import Place, own_place
from second_look import all_runs, closed_port, counting_runs, only_run
from stores import quiet_environ

from evaltui import EvaluationTracker, TrackingWarning, track_evaluation
from evaltui.cli.main import main
from evaltui.draft import generation_metrics
from evaltui.errors import StoreUnreachableError
from evaltui.tracking.writer import MlflowWriter

pytestmark = pytest.mark.xdist_group("log")

REPORT = k1([k1_app("a", "brts"), k1_app("b", "br"), k1_app("c", ""), k1_app("d", "b")])
OLD_SCRIPT = """
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Optional

from evaltui import EvaluationTracker

def track(evaluation_report_path: str, mode: str, generation_metrics_path: Optional[str] = None):
    with open(evaluation_report_path) as f:
        evaluation_report = json.load(f)
    run_name = f"eval_{mode}_{datetime.utcnow().isoformat()}"
    tracker = EvaluationTracker()
    if not tracker.enabled:
        return None
    run_id = tracker.start_run(run_name, tags={"mode": mode, "team": "apps"})
    if not run_id:
        return None
    summary = evaluation_report.get("summary", {})
    tracker.log_evaluation_parameters(
        mode=mode,
        total_apps=summary.get("total_apps", 0),
        timestamp=summary.get("timestamp", ""),
        model_version="claude-sonnet-4-5-20250929",
        prompt_set="v2",
    )
    tracker.log_evaluation_metrics(evaluation_report)
    if generation_metrics_path and Path(generation_metrics_path).exists():
        with open(generation_metrics_path) as f:
            tracker.log_generation_metrics(json.load(f))
    tracker.log_artifact_file(evaluation_report_path)
    md_report_path = str(Path(evaluation_report_path).parent / "EVALUATION_REPORT.md")
    if Path(md_report_path).exists():
        tracker.log_artifact_file(md_report_path)
    tracker.log_artifacts_directory(str(Path(evaluation_report_path).parent / "logs"), "logs")
    tracker.end_run()
    return run_id, tracker

run_id, tracker = track(sys.argv[1], "mcp", sys.argv[2])
for compared, data in tracker.compare_runs([run_id, "0" * 32]).items():
    print(compared, data["metrics"]["build_success_rate"], data["params"]["mode"],
          data["end_time"] >= data["start_time"])
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return own_place(tmp_path, monkeypatch)


@contextmanager
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrackingWarning)
        yield


@contextmanager
def store_down() -> Iterator[None]:
    """Let every write fail, as when the store does not answer."""

    def fail(*_: object, **__: object) -> None:
        raise StoreUnreachableError("the store does not answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowWriter, "_call", fail)
        yield


def environ_of(tmp_path: Path) -> dict[str, str]:
    return quiet_environ(
        EVALTUI_STATE_DIR=str(tmp_path / "state"),
        EVALTUI_DATA_DIR=str(tmp_path / "data"),
        XDG_CONFIG_HOME=str(tmp_path / "config"),
    )


def test_a_script_of_the_older_tracker_works_with_another_import(
    place: Place, tmp_path: Path
) -> None:
    report = place.write("out/evaluation_report.json", to_bytes(REPORT))
    place.write("out/EVALUATION_REPORT.md", b"# Evaluation Report\n")
    place.write("out/logs/a/build.log", b"built\n")
    sums = {"cost_usd": 2.0, "total_output_tokens": 9000, "avg_turns": 70, "total_apps": 4}
    place.write("gen.json", to_bytes(sums))
    script = place.write("script.py", OLD_SCRIPT.encode())
    done = subprocess.run(
        [sys.executable, "-W", "error:::evaltui", script, report, "gen.json"],
        capture_output=True,
        text=True,
        env=environ_of(tmp_path),
        check=False,
        timeout=360,
    )
    assert done.returncode == 0, done.stderr
    run = only_run(place.database)
    assert len(all_runs(place.database)) == 1
    assert done.stdout == f"{run.run_id} 0.75 mcp True\n"
    assert (run.status, run.tags["evaltui.state"]) == ("FINISHED", "complete")
    assert run.name.startswith("eval_mcp_20")
    assert run.tags["framework"] == "klaudbiusz"
    assert (run.tags["mode"], run.tags["run_name"], run.tags["team"]) == ("mcp", run.name, "apps")
    assert run.tags["evaltui.format"] == "app_eval_k1"
    assert run.params["model_version"] == "claude-sonnet-4-5-20250929"
    assert (run.params["total_apps"], run.params["prompt_set"]) == ("4", "v2")
    assert run.params["timestamp"]
    metrics = run.metrics
    assert metrics["runtime_success_rate"] == 0.5
    assert metrics["tests_pass_pass"] == 1
    assert metrics["generation_cost_usd"] == 2.0
    assert metrics["avg_turns_per_app"] == 70
    assert metrics["apps_per_dollar"] == 2.0
    artifacts = run.artifacts
    assert artifacts["evaluation_report.json"] == report.read_bytes()
    assert artifacts["EVALUATION_REPORT.md"] == b"# Evaluation Report\n"
    assert artifacts["logs/a/build.log"] == b"built\n"
    assert len(json.loads(artifacts["app_metrics.json"])["data"]) == 4


def test_as_a_context_manager_it_ends_its_run(place: Place) -> None:
    with no_warnings(), EvaluationTracker("own experiment") as tracker:
        run_id = tracker.start_run("first")
        tracker.log_evaluation_parameters("mcp", 3, "2026-01-01")
    run = only_run(place.database)
    assert (run.run_id, run.status) == (run_id, "FINISHED")
    assert run.params == {"mode": "mcp", "total_apps": "3", "timestamp": "2026-01-01"}
    assert run.ended_ms is not None
    assert run.ended_ms >= run.started_ms


def test_an_exception_that_passes_through_fails_the_run_and_goes_on(place: Place) -> None:
    def evaluate() -> None:
        with EvaluationTracker() as tracker:
            tracker.start_run("first")
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        evaluate()
    assert only_run(place.database).status == "FAILED"


@pytest.mark.parametrize(
    ("word", "status"), [("FINISHED", "FINISHED"), ("failed", "FAILED"), ("KILLED", "KILLED")]
)
def test_the_run_ends_with_the_status_that_was_given(place: Place, word: str, status: str) -> None:
    tracker = EvaluationTracker()
    tracker.start_run("first")
    tracker.log_evaluation_metrics(REPORT)
    tracker.end_run(word)
    tracker.end_run()  # nothing is open any more
    run = only_run(place.database)
    assert run.status == status
    assert run.metrics["build_success_rate"] == 0.75


def test_the_next_run_ends_the_one_before(place: Place) -> None:
    tracker = EvaluationTracker()
    ids = [tracker.start_run(name) for name in ("first", "second")]
    tracker.end_run()
    assert len(set(ids)) == 2
    assert {run.run_id: run.status for run in counting_runs(place.database)} == dict.fromkeys(
        ids, "FINISHED"
    )


def test_tracking_twice_gives_one_run(place: Place) -> None:
    ids = []
    for _ in range(2):
        tracker = EvaluationTracker()
        tracker.start_run("twice")
        tracker.log_evaluation_metrics(REPORT)
        tracker.end_run()
        ids.append(tracker.run_id)
    assert set(ids) == {only_run(place.database).run_id}


def test_a_report_that_was_logged_first_keeps_its_run(place: Place) -> None:
    path = place.write("evaluation_report.json", to_bytes(REPORT))
    kept = track_evaluation(path)
    tracker = EvaluationTracker()
    own = tracker.start_run("late")
    assert own != kept
    tracker.log_evaluation_metrics(REPORT)
    tracker.end_run()
    assert tracker.run_id == kept == only_run(place.database).run_id
    (taken_back,) = [run for run in all_runs(place.database) if run.run_id == own]
    assert not taken_back.active
    assert taken_back.tags["evaltui.duplicate_of"] == kept


def test_the_file_of_a_tracked_report_is_a_duplicate_afterwards(place: Place) -> None:
    tracker = EvaluationTracker()
    tracker.start_run("first")
    tracker.log_evaluation_parameters("mcp", 4, "", "m", extra="x")
    tracker.log_evaluation_metrics(REPORT)
    tracker.end_run()
    path = place.write("evaluation_report.json", to_bytes(REPORT))
    assert track_evaluation(path) == tracker.run_id
    run = only_run(place.database)
    assert (run.name, run.tags["mode"], run.params["extra"]) == ("first", "mcp", "x")


def test_a_store_that_is_down_all_the_time_gets_the_run_later(place: Place) -> None:
    tracker = EvaluationTracker()
    with store_down(), pytest.warns(TrackingWarning, match="made later"):
        assert tracker.start_run("first") is None
    tracker.log_evaluation_metrics(REPORT)
    tracker.log_evaluation_parameters("mcp", 4, "")
    with store_down(), pytest.warns(TrackingWarning, match="log --pending"):
        tracker.end_run()
    assert tracker.run_id is None
    assert main(["log", "--pending"]) == 0
    run = only_run(place.database)
    assert (run.name, run.status, run.metrics["build_success_rate"]) == ("first", "FINISHED", 0.75)


def test_a_store_that_goes_down_meanwhile_gets_the_rest_of_the_run_later(place: Place) -> None:
    tracker = EvaluationTracker()
    run_id = tracker.start_run("first")
    tracker.log_evaluation_metrics(REPORT)
    with store_down(), pytest.warns(TrackingWarning, match="later|log --pending"):
        tracker.end_run()
    assert only_run(place.database).status == "RUNNING"
    assert main(["log", "--pending"]) == 0
    run = only_run(place.database)
    assert (run.run_id, run.status, run.metrics["build_success_rate"]) == (run_id, "FINISHED", 0.75)
    path = place.write("evaluation_report.json", to_bytes(REPORT))
    assert track_evaluation(path) == run_id


def test_a_run_whose_id_was_lost_is_found_again(place: Place) -> None:
    create = MlflowWriter.create_run

    def lose(self: MlflowWriter, *arguments: Any) -> str:
        create(self, *arguments)
        raise StoreUnreachableError("the answer was lost", unclear=True)

    tracker = EvaluationTracker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowWriter, "create_run", lose)
        with pytest.warns(TrackingWarning, match="made later"):
            assert tracker.start_run("first") is None
    tracker.log_evaluation_metrics(REPORT)
    tracker.end_run()
    assert tracker.run_id == only_run(place.database).run_id
    assert len(all_runs(place.database)) == 1


def test_nothing_that_is_wrong_makes_the_evaluation_fail(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hunter22@127.0.0.1:{closed_port()}")
    before = dict(os.environ)

    def evaluate() -> None:
        tracker = EvaluationTracker()
        tracker.log_evaluation_metrics({"no": "run is open"})
        tracker.start_run("first", tags={"a": "b"})
        tracker.log_evaluation_parameters("", 0, "", None, odd=object())
        tracker.log_evaluation_metrics({"unknown": {1, 2}})
        tracker.log_generation_metrics({"cost_usd": "much", "avg_turns": None})
        tracker.log_artifact_file("/no/such/file")
        tracker.log_artifacts_directory("/no/such/directory")
        assert tracker.compare_runs(["x"]) == {}
        tracker.end_run("NONSENSE")

    with pytest.warns(TrackingWarning) as caught:
        evaluate()
    assert all("hunter22" not in str(item.message) for item in caught)
    assert {Path(item.filename) for item in caught} == {Path(__file__)}
    assert dict(os.environ) == before


def test_names_and_values_that_mlflow_refuses_are_made_legal(place: Place) -> None:
    tracker = EvaluationTracker()
    with no_warnings():
        tracker.start_run("n" * 400, tags={"a#b": "x" * 9_000})
        tracker.log_evaluation_parameters("mcp", 1, "t", **{"p%": "y" * 7_000})
        tracker.end_run()
    run = only_run(place.database)
    assert run.status == "FINISHED"
    assert "evaltui/originals.json" in run.artifacts


@pytest.mark.parametrize(
    ("ending", "status"), [("", "FINISHED"), ("raise SystemError('boom')", "FAILED")]
)
def test_a_script_that_ends_nothing_has_its_run_ended(
    place: Place, tmp_path: Path, ending: str, status: str
) -> None:
    code = (
        "from evaltui import EvaluationTracker\n"
        "tracker = EvaluationTracker()\n"
        f"tracker.start_run('first')\n{ending}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environ_of(tmp_path),
        check=False,
        timeout=360,
    )
    assert done.stdout == ""
    assert "TrackingWarning" not in done.stderr
    run = only_run(place.database)
    assert (run.status, run.tags["evaltui.state"]) == (status, "complete")


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ({}, {}),
        ({"total_cost_usd": 3, "total_apps": 6}, {"generation_cost_usd": 3, "apps_per_dollar": 2}),
        ({"cost_usd": 0, "total_apps": 6}, {"generation_cost_usd": 0}),
        ({"cost_usd": True, "avg_turns": "7"}, {}),
        ({"cost_usd": float("nan"), "total_input_tokens": 10**400}, {}),
        (
            {"total_input_tokens": 5, "avg_turns": 1.5},
            {"total_input_tokens": 5, "avg_turns_per_app": 1.5},
        ),
    ],
)
def test_sums_of_a_generation_are_metrics_where_they_are_numbers(
    sums: dict[str, Any], expected: dict[str, float]
) -> None:
    assert {item.name: item.value for item in generation_metrics(sums)} == expected
