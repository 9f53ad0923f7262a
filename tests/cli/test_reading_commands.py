"""runs, compare, trend and baseline on a store in memory."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from fake_store import FakeSource, FakeTarget, make_run

from evaltui import reading
from evaltui.cli.main import main
from evaltui.domain.run import Run, RunStatus

HOSTILE = "\x1b]0;owned\x07[/x]\u202eevil\nline"


def json_of(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main([*argv, "--format", "json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def csv_of(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, str]]:
    assert main([*argv, "--format", "csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def two_modes() -> list[Run]:
    return [
        make_run(1, metrics={"tests_pass_rate": 0.75, "cost_usd": 4.0}),
        make_run(2, mode="vanilla_sdk", metrics={"tests_pass_rate": 0.5}),
        make_run(3, metrics={"tests_pass_rate": 0.80, "cost_usd": 4.2, "zero": 1.0}),
        make_run(4, metrics={"tests_pass_rate": 0.1}, status=RunStatus.FAILED),
    ]


def test_runs_are_listed_newest_first_with_null_for_missing(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    document = json_of(capsys, "runs")
    assert document["schema"] == "evaltui.runs/1"
    assert [run["name"] for run in document["runs"]] == ["run-4", "run-3", "run-2", "run-1"]
    assert "cost_usd" not in document["runs"][2]["metrics"]
    assert document["runs"][0]["started_at"] == "2023-11-14T22:17:20.000Z"
    assert store.closed == 1


def test_a_table_of_runs_shows_the_telling_metrics_and_says_how_to_see_the_others(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = {f"z_{number}": 1.0 for number in range(9)} | {"overall_quality_score": 0.5}
    store.runs = [make_run(1, metrics=metrics)]
    assert main(["runs"]) == 0
    captured = capsys.readouterr()
    assert "overall_quality_score" in captured.out
    assert captured.out.splitlines()[0].count("z_") == 5
    assert "6 of 10 metrics" in captured.err
    assert main(["runs", "--columns", "z_8"]) == 0
    assert capsys.readouterr().out.split()[0] == "z_8"
    assert set(metrics) < set(csv_of(capsys, "runs")[0])


def test_runs_hide_superseded_ones_unless_all_are_asked_for(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = [make_run(1, tags={"evaltui.superseded_by": "x"}), make_run(2)]
    assert len(json_of(capsys, "runs")["runs"]) == 1
    assert len(json_of(capsys, "runs", "--all")["runs"]) == 2


def test_runs_take_mode_limit_filter_and_columns(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    assert [r["name"] for r in csv_of(capsys, "runs", "--mode", "vanilla_sdk")] == ["run-2"]
    assert [r["name"] for r in csv_of(capsys, "runs", "--limit", "1")] == ["run-4"]
    assert [r["name"] for r in csv_of(capsys, "runs", "--filter", "m3")] == ["run-3"]
    rows = csv_of(capsys, "runs", "--columns", "name,cost_usd,params.model_version")
    assert rows[1] == {"name": "run-3", "cost_usd": "4.2", "params.model_version": "m3"}


def test_an_empty_experiment_prints_an_empty_table_and_a_line_on_stderr(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    assert "no runs yet" in captured.err


@pytest.mark.parametrize("broken", ["exists", "active"])
def test_no_experiment_is_a_clear_line_and_2(
    store: FakeSource, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    setattr(store, broken, False)
    assert main(["runs"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "exp" in captured.err
    assert store.closed == 1


def test_compare_without_names_takes_the_latest_and_the_previous_of_its_mode(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    document = json_of(capsys, "compare")
    assert document["schema"] == "evaltui.compare/1"
    assert document["baseline"]["name"] == "run-1"
    (only,) = document["comparisons"]
    assert only["candidate"]["name"] == "run-3"
    assert (only["verdict"], only["cases"]) == ("undecided", None)
    by_name = {item["name"]: item for item in only["metrics"]}
    rate = by_name["tests_pass_rate"]
    assert rate["delta"] == pytest.approx(0.05)
    assert (rate["direction"], rate["change"], rate["p_value"], rate["ci"]) == (
        "higher",
        "better",
        None,
        None,
    )
    assert by_name["cost_usd"]["change"] == "worse"
    assert (by_name["zero"]["delta"], by_name["zero"]["change"]) == (None, "missing")


def test_compare_prints_points_percent_words_and_the_modes(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    assert main(["compare"]) == 0
    captured = capsys.readouterr()
    lines = {line.split()[0]: line.split() for line in captured.out.splitlines() if line}
    rate = next(line for line in captured.out.splitlines() if line.startswith("tests_pass_rate"))
    assert rate.split()[:6] == ["tests_pass_rate", "0.75", "0.8", "+5.0pp", "+6.7%", "better"]
    assert rate.split()[8:] == ["undecided", "one", "value", "per", "run:", "no", "test"]
    assert lines["zero"][:2] == ["zero", "mcp"]  # the last table is the one by mode
    cells = [line.split() for line in captured.out.partition("by mode")[2].splitlines()]
    assert ["tests_pass_rate", "vanilla_sdk", "1", "0.5"] in cells
    assert ["tests_pass_rate", "mcp", "2", "0.775"] in cells
    assert "previous mcp" in captured.err


def test_the_shared_baseline_and_the_direction_tags_count(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    store.tags = {
        "evaltui.baseline": f"{2:032x}",
        "evaltui.metric.tests_pass_rate": "lower",
        "evaltui.metric.cost_usd": "sideways",
    }
    document = json_of(capsys, "compare")
    assert document["baseline"]["name"] == "run-2"
    metric = document["comparisons"][0]["metrics"][0]
    assert (metric["name"], metric["change"]) == ("tests_pass_rate", "worse")


def test_the_shared_baseline_is_not_compared_with_itself(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    store.tags = {"evaltui.baseline": f"{3:032x}"}
    assert json_of(capsys, "compare")["baseline"]["name"] == "run-1"


def test_several_names_are_one_baseline_and_its_candidates(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    document = json_of(capsys, "compare", "run-1", "run-2", "run-3")
    assert document["baseline"]["name"] == "run-1"
    assert [c["candidate"]["name"] for c in document["comparisons"]] == ["run-2", "run-3"]
    document = json_of(capsys, "compare", "run-3", "--baseline", "run-2")
    assert document["baseline"]["name"] == "run-2"


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["compare", "nobody"], 2),
        (["compare", "run-1", "run-1"], 2),
        (["compare", "run-2"], 3),  # the only one of its mode
        (["compare", "--columns", "nonsense"], 2),
        (["compare", "--precision", "99"], 2),
        (["runs", "--limit", "0"], 2),
        (["trend", "nonsense"], 2),
        (["trend", "cost_usd", "--last", "0"], 2),
        (["baseline", "set"], 2),
        (["baseline", "show", "run-1"], 2),
        (["baseline", "set", "run-1", "--read-only"], 2),
        (["baseline", "clear", "--read-only"], 2),
    ],
)
def test_wrong_input_prints_nothing_on_stdout(
    store: FakeSource, capsys: pytest.CaptureFixture[str], argv: list[str], code: int
) -> None:
    store.runs = two_modes()
    assert main(argv) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err


def test_compare_on_one_run_says_what_is_missing(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = [make_run(1)]
    assert main(["compare"]) == 3
    assert "no earlier finished run of mode mcp" in capsys.readouterr().err


def test_long_run_names_are_never_cut(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = [make_run(1, name="a" * 190), make_run(2, name="b" * 190)]
    assert main(["compare"]) == 0
    out = capsys.readouterr().out
    assert "a" * 190 in out
    assert "b" * 190 in out


def test_a_trend_has_changes_to_the_previous_and_to_the_mean_of_five(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = [make_run(n, metrics={"score": float(n * n)}) for n in range(1, 8)]
    document = json_of(capsys, "trend", "score", "--last", "2")
    assert (document["schema"], document["metric"]) == ("evaltui.trend/1", "score")
    last = document["points"][-1]
    assert last["value"] == 49
    assert last["delta_previous"] == 13
    assert last["delta_mean5"] == pytest.approx(49 - (4 + 9 + 16 + 25 + 36) / 5)
    assert main(["trend", "score"]) == 0
    assert "score  ▁▁▂▃▅▆█" in capsys.readouterr().out
    assert main(["trend", "score", "--glyphs", "ascii"]) == 0
    out = capsys.readouterr().out
    assert "score  __.-+*@" in out
    assert out.isascii()


@pytest.mark.parametrize(
    "command", [["runs"], ["compare"], ["trend", "score"], ["baseline", "show"], ["gate"]]
)
def test_a_doubtful_choice_of_the_store_is_told_on_stderr(
    store: FakeSource,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    store.runs = [make_run(n, metrics={"score": float(n)}) for n in (1, 2)]
    target = FakeTarget(warning="DATABRICKS_HOST is set without a credential")
    monkeypatch.setattr(reading, "open_store", lambda _: (target, store))
    main(command)
    captured = capsys.readouterr()
    assert "warning: DATABRICKS_HOST is set without a credential" in captured.err
    assert "DATABRICKS_HOST" not in captured.out


def test_a_trend_takes_one_mode(store: FakeSource, capsys: pytest.CaptureFixture[str]) -> None:
    store.runs = two_modes()
    points = json_of(capsys, "trend", "tests_pass_rate", "--mode", "vanilla_sdk")["points"]
    assert [point["name"] for point in points] == ["run-2"]
    assert points[0]["delta_previous"] is None


def test_the_baseline_is_shown_and_a_lost_one_is_said(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    store.runs = two_modes()
    assert json_of(capsys, "baseline", "show")["baseline"] is None
    store.tags = {"evaltui.baseline": f"{1:032x}"}
    shown = json_of(capsys, "baseline", "show")["baseline"]
    assert (shown["name"], shown["mode"]) == ("run-1", "mcp")
    assert shown["started_at"].startswith("20")
    assert main(["baseline", "show"]) == 0
    assert re.search(r"the baseline is [\d,]+ days old; is it still", capsys.readouterr().err)
    store.tags = {"evaltui.baseline": "gone"}
    assert main(["baseline", "show"]) == 0
    assert "deleted or unknown" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["table", "csv", "md", "json"])
@pytest.mark.parametrize("command", ["runs", "compare", "trend"])
def test_hostile_names_reach_no_terminal(
    store: FakeSource, capsysbinary: pytest.CaptureFixture[bytes], kind: str, command: str
) -> None:
    metric = HOSTILE + "_rate"
    store.runs = [
        make_run(n, name=HOSTILE, mode=HOSTILE, metrics={metric: n / 4}, tags={HOSTILE: HOSTILE})
        for n in (1, 2)
    ]
    argv = [command, *([metric] if command == "trend" else []), "--format", kind]
    assert main(argv) == 0
    captured = capsysbinary.readouterr()
    for stream in (captured.out, captured.err):
        assert b"\x1b" not in stream
        assert b"\x07" not in stream
        assert "\u202e".encode() not in stream
