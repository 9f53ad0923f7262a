"""The Python API, in this process, to a real embedded store."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from report_documents import bulk, bulk_item, k1, k1_app, to_bytes
from report_place import Place, own_place
from second_look import all_runs, closed_port, only_run, own_report

import evaltui
from evaltui import TrackingWarning, compare, read_report, track_evaluation
from evaltui.cli.main import main
from evaltui.errors import ReportError, RunNotFoundError

pytestmark = pytest.mark.xdist_group("log")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return own_place(tmp_path, monkeypatch)


@contextmanager
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TrackingWarning)
        yield


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Keep everybody else from writing, as a store that does not answer."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_an_evaluation_becomes_one_run_however_often_it_is_tracked(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    place.write("evaluation_report.json", to_bytes(k1([k1_app("a", "brt"), k1_app("b", "")])))
    before = dict(os.environ)
    with no_warnings():
        run_id = track_evaluation("evaluation_report.json", mode="mcp", run_name="nightly")
        assert track_evaluation(Path("evaluation_report.json"), "mcp") == run_id
    run = only_run(place.database)
    assert run.run_id == run_id
    assert (run.name, run.tags["mode"], run.tags["framework"]) == ("nightly", "mcp", "klaudbiusz")
    assert run.metrics["build_success_rate"] == 0.5
    assert len(all_runs(place.database)) == 1
    assert dict(os.environ) == before
    assert capfd.readouterr().out == ""


def test_the_mode_is_the_argument_then_eval_mode_then_the_reports(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("a.json", own_report(mode="theirs"))
    track_evaluation("a.json")
    assert only_run(place.database).tags["mode"] == "theirs"
    monkeypatch.setenv("EVAL_MODE", "env")
    track_evaluation("a.json")
    assert only_run(place.database).tags["mode"] == "env"
    track_evaluation("a.json", mode="argument")
    assert only_run(place.database).tags["mode"] == "argument"


def test_a_run_that_was_logged_first_is_adopted_and_gets_what_is_known_better(place: Place) -> None:
    place.write("a.json", own_report())
    assert main(["log", "a.json"]) == 0
    first = only_run(place.database)
    with no_warnings():
        assert track_evaluation("a.json", mode="mcp", run_name="better") == first.run_id
    run = only_run(place.database)
    assert (run.run_id, run.name, run.tags["mode"]) == (first.run_id, "better", "mcp")
    assert len(all_runs(place.database)) == 1


def test_sums_of_the_generation_become_metrics_of_the_run(place: Place) -> None:
    place.write("evaluation_report.json", to_bytes(k1([k1_app("a", "b")])))
    sums = {"cost_usd": 4.0, "total_output_tokens": 900, "avg_turns": 50.5, "total_apps": 8}
    place.write("gen/generation_metrics.json", to_bytes(sums))
    run_id = track_evaluation(
        "evaluation_report.json", "mcp", generation_metrics_path="gen/generation_metrics.json"
    )
    run = only_run(place.database)
    assert run.run_id == run_id
    assert run.metrics["generation_cost_usd"] == 4.0
    assert run.metrics["total_output_tokens"] == 900
    assert run.metrics["avg_turns_per_app"] == 50.5
    assert run.metrics["apps_per_dollar"] == 2.0
    assert "generation_metrics.json" in run.artifacts


def test_a_bulk_file_as_generation_metrics_is_joined(place: Place) -> None:
    place.write("evaluation_report.json", to_bytes(k1([k1_app("a", "b")])))
    place.write("gen/any_name.json", to_bytes(bulk("b7", [bulk_item("b7", "a", 1.5)])))
    track_evaluation("evaluation_report.json", generation_metrics_path="gen/any_name.json")
    assert only_run(place.database).metrics["generation_cost_usd"] == 1.5


@pytest.mark.parametrize("data", [None, b"not json", b"[1, 2]"])
def test_generation_metrics_that_cannot_be_read_are_left_out_with_a_warning(
    place: Place, data: bytes | None
) -> None:
    place.write("a.json", own_report())
    if data is not None:
        place.write("gen.json", data)
    with pytest.warns(TrackingWarning, match=r"gen\.json"):
        run_id = track_evaluation("a.json", generation_metrics_path="gen.json")
    assert only_run(place.database).run_id == run_id


def test_a_store_that_does_not_answer_is_a_warning_and_the_report_waits(place: Place) -> None:
    place.write("a.json", own_report())
    with locked(place.database), pytest.warns(TrackingWarning, match="log --pending") as caught:
        assert track_evaluation("a.json") is None
    assert Path(caught[0].filename) == Path(__file__)
    assert all_runs(place.database) == []
    assert main(["log", "--pending"]) == 0
    run = only_run(place.database)
    assert run.metrics["accuracy"] == 0.5
    with no_warnings():
        assert track_evaluation("a.json") == run.run_id


def test_a_server_that_is_down_is_a_warning_without_secrets(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write("a.json", own_report())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hunter22@127.0.0.1:{closed_port()}")
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi0123456789abcdef")
    before = dict(os.environ)
    with pytest.warns(TrackingWarning) as caught:
        assert track_evaluation("a.json") is None
    texts = " ".join(str(item.message) for item in caught)
    assert "127.0.0.1" in texts
    assert "hunter22" not in texts
    assert "dapi0123456789abcdef" not in texts
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("none.json", None, "none.json"),
        ("a.json", b'{"a": 1}', "no reader"),
        ("a.json", own_report()[:60], "was not logged"),
        ("a.json", b'{"schema": "evaltui.report/1", "metrics": 7}', "metrics"),
    ],
)
def test_what_is_no_report_is_a_warning(
    place: Place, name: str, data: bytes | None, word: str
) -> None:
    if data is not None:
        place.write(name, data)
    with pytest.warns(TrackingWarning, match=word):
        assert track_evaluation(name) is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EVALTUI_CONFIG", "/no/such/file.toml"),
        ("EVALTUI_MAX_REPORT_MB", "many"),
        ("MLFLOW_TRACKING_URI", "databricks-uc"),
        ("EVALTUI_STATE_DIR", "/dev/null/state"),
    ],
)
def test_settings_that_make_no_sense_are_a_warning(
    place: Place, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    place.write("a.json", own_report())
    monkeypatch.setenv(variable, value)
    with pytest.warns(TrackingWarning, match="was not logged"):
        assert track_evaluation("a.json") is None


def test_a_fault_of_ours_is_a_warning(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("evaltui.api.one_shot", bug)
    place.write("a.json", own_report())
    with pytest.warns(TrackingWarning, match="internal error: ZeroDivisionError: oops"):
        assert track_evaluation("a.json") is None


def test_who_asks_for_warnings_to_be_errors_gets_them(place: Place) -> None:
    with no_warnings(), pytest.raises(TrackingWarning):
        track_evaluation("none.json")


def test_the_scripts_logging_stays_as_it_was(place: Place) -> None:
    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    place.write("a.json", own_report())
    track_evaluation("a.json")
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


def test_a_report_is_read_with_its_companions(place: Place) -> None:
    path = place.write("evaluation_report.json", to_bytes(k1([k1_app("a", "b")])))
    metadata = {"mode": "vanilla_sdk", "run_id": "x"}
    place.write("run_metadata.json", json.dumps(metadata).encode())
    report = read_report("evaluation_report.json")
    assert report == read_report(path)
    assert report.mode == "vanilla_sdk"
    assert report.metric("build_success_rate") == 1.0
    assert [case.case_id for case in report.cases] == ["a"]


def test_reading_says_what_is_wrong(place: Place) -> None:
    place.write("a.json", b'{"a": 1}')
    os.mkfifo(place.folder / "pipe.json")
    with pytest.raises(ReportError):
        read_report("a.json")
    with pytest.raises(ReportError, match="FIFO"):
        read_report("pipe.json")
    with pytest.raises(FileNotFoundError):
        read_report("none.json")


def test_two_runs_are_compared_by_the_names_of_the_command_line(place: Place) -> None:
    for value, day in ((0.5, 1), (0.75, 2)):
        data = own_report(value, started_at=f"2026-03-0{day}T02:00:00Z", name=f"run{day}")
        place.write(f"{day}.json", data)
        track_evaluation(f"{day}.json")
    found = compare("run1", "latest")
    (delta,) = [item for item in found.metrics if item.name == "accuracy"]
    assert (delta.baseline, delta.candidate) == (0.5, 0.75)
    with pytest.raises(RunNotFoundError):
        compare("run1", "nobody")


def test_the_public_names_are_there_and_nothing_heavy_comes_with_the_package() -> None:
    assert set(evaltui.__all__) <= set(dir(evaltui))
    assert all(getattr(evaltui, name) for name in evaltui.__all__)
    with pytest.raises(AttributeError):
        _ = evaltui.no_such_name  # type: ignore[attr-defined]
