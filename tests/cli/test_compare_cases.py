"""compare and gate by the cases of reports that a store in memory holds."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fake_store import FakeSource, make_run
from report_documents import k1, k1_app, read, to_bytes

from evaltui.cli.main import main
from evaltui.domain.run import Run, RunStatus

HOSTILE = "\x1b]0;owned\x07|[x](http://evil)\u202e@octocat\nline"


def report(passed: dict[str, str], stamp: str = "20251103_100713") -> bytes:
    """Return a K1 report: letters of the checks that pass, by app."""
    apps = [k1_app(name, letters) for name, letters in passed.items()]
    return to_bytes(k1(apps, run_id=stamp))


def log(store: FakeSource, number: int, data: bytes, **more: Any) -> Run:
    """Put a run into the store as its report would have been logged."""
    told = read(data)
    run = make_run(
        number,
        metrics={item.name: item.value for item in told.metrics},
        tags={
            "evaltui.content_id": told.content_id,
            "evaltui.file_sha256": f"{number:064x}",
            **more.pop("tags", {}),
        },
        **more,
    )
    store.runs.append(run)
    store.artifacts[run.run_id] = {"evaluation_report.json": data}
    return run


def two_runs(store: FakeSource, *, cases: int = 12, worse: int = 10) -> None:
    """Log a run whose tests all pass, and one where they fail for some."""
    names = [f"app-{index:02}" for index in range(cases)]
    log(store, 1, report(dict.fromkeys(names, "brtscdu")))
    letters = {name: "brtcdu" if at < worse else "brtscdu" for at, name in enumerate(names)}
    log(store, 2, report(letters, "20251104_100000"))


def json_of(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> dict[str, Any]:
    assert main([*argv, "--format", "json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


# -- compare ---------------------------------------------------------------------------------------


def test_compare_tells_interval_p_value_verdict_reason_and_cases(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    (only,) = json_of(capsys, "compare")["comparisons"]
    rate = next(item for item in only["metrics"] if item["name"] == "tests_pass_rate")
    assert (rate["test"], rate["n"], rate["verdict"]) == ("McNemar exact", 12, "regressed")
    assert rate["p_value"] == pytest.approx(2 / 2**10)
    assert rate["p_value"] <= rate["p_adjusted"] < 0.05
    assert rate["ci"][0] < rate["delta"] < rate["ci"][1] < 0
    assert rate["reason"].startswith("worse by 83.3 pp, p = ")
    cases = only["cases"]
    assert (cases["paired"], cases["only_baseline"], cases["only_candidate"]) == (12, 0, 0)
    assert cases["regressed"] == [f"app-{index:02}" for index in range(10)]
    assert cases["fixed"] == []
    row = cases["rows"][0]
    assert (row["case_id"], row["check"], row["change"]) == ("app-00", "status", "regressed")
    assert (row["baseline"], row["candidate"]) == ("pass", "fail")
    assert only["verdict"] == "regressed"
    assert only["reason"].startswith("overall_quality_score: worse by 20.8 pp")


def test_compare_lists_changed_cases_and_hides_what_stands_behind_others(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    assert main(["compare"]) == 0
    captured = capsys.readouterr()
    assert "run-2 against run-1: regressed (overall_quality_score: worse" in captured.out
    assert "cases: 12 paired, 0 fixed, 10 regressed, 2 same; McNemar exact p = .002" in captured.out
    above, _, by_mode = captured.out.partition("by mode")
    assert "tests_pass_rate" in above
    assert "tests_pass_rate" in by_mode
    assert "tests_pass_n" not in captured.out
    assert "stand behind others are left out; --all" in captured.err
    assert main(["compare", "--all"]) == 0
    above, _, by_mode = capsys.readouterr().out.partition("by mode")
    assert "tests_pass_n" in above
    assert "tests_pass_n" in by_mode


def test_csv_has_every_candidate_with_raw_numbers(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    log(store, 3, report({"app-00": "b"}, "20251105_100000"))
    assert main(["compare", "run-1", "run-2", "run-3", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["candidate_id"] for row in rows} == {f"{number:032x}" for number in (2, 3)}
    rate = next(row for row in rows if row["metric"] == "tests_pass_rate")
    assert float(rate["ci_low"]) < float(rate["delta"]) < float(rate["ci_high"])
    assert rate["verdict"] == "regressed"
    count = next(row for row in rows if row["metric"] == "tests_pass_n")
    assert (count["p_value"], count["ci_low"]) == ("", "")


def test_markdown_is_a_comment_with_the_verdict_first(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    assert main(["compare", "--format", "md"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "### Regressed: **run-2** against **run-1**"
    assert "Cases: 12 paired, 0 fixed, 10 regressed, 2 same; McNemar exact p = .002" in lines
    assert "<details><summary>Changed cases (20)</summary>" in lines
    telling = [line for line in lines if line.startswith("| tests\\_pass\\_rate")]
    assert len(telling) == 2  # once up front, once among all metrics


def test_a_comment_neither_calls_people_nor_breaks_its_table(
    store: FakeSource, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    log(store, 1, report({HOSTILE: "brtscdu", "b": "b"}), name=HOSTILE)
    log(store, 2, report({HOSTILE: "", "b": "b"}, "20251104_100000"), name=HOSTILE + "2")
    for argv in (["compare"], ["gate"]):
        main([*argv, "--format", "md"])
        out = capsysbinary.readouterr().out.decode()
        assert "@octocat" not in out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "](http" not in out.replace("\\]", "")
        for line in out.splitlines():
            if line.startswith("| ") and "status" in line:
                assert line.count(" | ") == 4


def test_a_comment_stays_inside_what_github_takes(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"an-app-with-a-rather-long-name-{index:04}" for index in range(800)]
    log(store, 1, report(dict.fromkeys(names, "brtscdu")))
    log(store, 2, report(dict.fromkeys(names, ""), "20251104_100000"))
    assert main(["compare", "--format", "md"]) == 0
    assert len(capsys.readouterr().out) < 65_536


def test_the_store_is_asked_for_cases_once(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    json_of(capsys, "compare")
    asked = len(store.asked)
    json_of(capsys, "compare")
    assert len(store.asked) == asked > 0


# -- bad input: one line each that says what can and what cannot be concluded ----------------------


def note_of(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[dict[str, Any], str]:
    assert main([*argv, "--format", "json"]) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out)["comparisons"][0], captured.err


def test_runs_without_cases_are_compared_by_their_counts(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    store.artifacts.clear()
    only, told = note_of(capsys, "compare")
    assert only["cases"] is None
    assert "info: the baseline has no cases: no report and no case table" in told
    rate = next(item for item in only["metrics"] if item["name"] == "tests_pass_rate")
    assert (rate["test"], rate["verdict"]) == ("Fisher exact", "regressed")


def test_a_run_that_is_deleted_meanwhile_is_compared_by_its_values(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    store.gone = {f"{2:032x}"}
    only, told = note_of(capsys, "compare")
    assert only["cases"] is None
    assert "the candidate has no cases: its artifacts cannot be listed" in told


def test_an_artifact_that_cannot_be_read_is_said(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    store.artifacts[f"{2:032x}"] = {"evaluation_report.json": b'{"summary": {"total'}
    _, told = note_of(capsys, "compare")
    assert "the candidate has no cases: evaluation_report.json: " in told


def test_runs_without_a_common_case_say_so(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, 1, report({"a": "brtscdu", "b": "b"}))
    log(store, 2, report({"x": "brtscdu", "y": "b"}, "20251104_100000"))
    only, told = note_of(capsys, "compare")
    assert "warning: no case is in both runs: 2 against 2 cases" in told
    assert only["verdict"] == "undecided"


def test_one_case_says_nothing(store: FakeSource, capsys: pytest.CaptureFixture[str]) -> None:
    log(store, 1, report({"a": "brtscdu"}))
    log(store, 2, report({"a": ""}, "20251104_100000"))
    only, _ = note_of(capsys, "compare")
    assert only["reason"] == "overall_quality_score: one paired case says nothing"


# -- gate ------------------------------------------------------------------------------------------


def test_the_gate_fails_on_a_regression(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    document = json_of(capsys, "gate", code=1)
    assert document["schema"] == "evaltui.gate/1"
    assert (document["ruling"], document["exit_code"]) == ("failed", 1)
    (failure,) = document["failures"]
    assert failure["metric"] == "overall_quality_score"
    assert failure["candidate"] == f"{2:032x}"
    assert document["policy"]["correction"] == "holm"
    assert document["comparisons"][0]["correction"] == "holm"


@pytest.mark.parametrize(
    ("sizes", "code", "word"),
    [((12, 0), 0, "passed"), ((12, 3), 0, "passed"), ((9, 9), 3, "insufficient")],
)
def test_the_gates_exit_code_is_its_ruling(
    store: FakeSource,
    capsys: pytest.CaptureFixture[str],
    sizes: tuple[int, int],
    code: int,
    word: str,
) -> None:
    cases, worse = sizes
    two_runs(store, cases=cases, worse=worse)
    assert main(["gate"]) == code
    captured = capsys.readouterr()
    assert f"gate: {word}; baseline run-1" in captured.out
    assert ("undecided: overall_quality_score" in captured.err) is (worse == 3)


def test_a_policy_decides_what_counts(
    store: FakeSource, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    two_runs(store)
    policy = tmp_path / "gate.toml"
    for text, code in (
        ('metrics = ["build_success_rate"]', 0),
        ('metrics = ["tests_pass_rate", "build_success_rate"]', 1),
        ('metrics = ["tests_pass_rate"]\n[margins]\ntests_pass_rate = 0.9', 0),
        ('metrics = ["tests_pass_rate"]\n[directions]\ntests_pass_rate = "lower"', 0),
        ('metrics = ["tests_pass_rate"]\nmin_cases = 13', 3),
        ('metrics = ["nonsense"]', 3),
        ('metrics = ["nonsense"]\non_incomparable = "fail"', 1),
    ):
        policy.write_text(text)
        assert main(["gate", "--policy", str(policy)]) == code, text
    capsys.readouterr()


def test_a_gate_without_a_baseline_cannot_judge(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    log(store, 1, report({"a": "b"}))
    assert main(["gate"]) == 3
    assert "nothing to compare" in capsys.readouterr().err
    store.runs[0] = make_run(1, status=RunStatus.FAILED)
    assert main(["gate"]) == 3


@pytest.mark.parametrize("text", ["metric = ['x']", "metrics = [", "\udcff"])
def test_a_wrong_policy_is_a_usage_error(
    store: FakeSource, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    two_runs(store)
    policy = tmp_path / "gate.toml"
    policy.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert main(["gate", "--policy", str(policy)]) == 2
    assert main(["gate", "--policy", str(tmp_path / "missing.toml")]) == 2
    assert capsys.readouterr().out == ""


def test_the_template_of_a_policy_is_printed_without_a_store(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["gate", "--template"]) == 0
    assert "#min_cases = 10" in capsys.readouterr().out


def test_the_gates_markdown_has_the_ruling_first(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(store)
    assert main(["gate", "--format", "md"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "## Gate: failed"
    assert lines[2].startswith("- failed: overall\\_quality\\_score, regressed: worse by")


# -- groups ----------------------------------------------------------------------------------------


def test_groups_of_runs_are_compared_by_mode(
    store: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(10):
        mode = "mcp" if number < 5 else "vanilla"
        value = 0.5 + number / 100 + (0.2 if number >= 5 else 0)
        store.runs.append(make_run(number, mode=mode, metrics={"tests_pass_rate": value}))
    document = json_of(capsys, "compare", "--group-by", "mode")
    assert document["schema"] == "evaltui.groups/1"
    assert document["reference"] == "mcp"
    assert document["groups"] == [{"group": "mcp", "runs": 5}, {"group": "vanilla", "runs": 5}]
    (delta,) = document["metrics"]
    assert (delta["test"], delta["verdict"]) == ("Welch", "improved")
    assert main(["compare", "--group-by", "mode"]) == 0
    captured = capsys.readouterr()
    assert "better by 25 pp" in captured.out
    assert "mcp: 5, vanilla: 5; held against mcp" in captured.err


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--group-by", "nonsense"], 2),
        (["--group-by", "mode", "run-1"], 2),
        (["--group-by", "mode"], 3),
        (["--group-by", "tag:nothing"], 3),
    ],
)
def test_groups_that_cannot_be_made_print_nothing(
    store: FakeSource, capsys: pytest.CaptureFixture[str], argv: list[str], code: int
) -> None:
    two_runs(store)
    assert main(["compare", *argv]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err


def test_configured_directions_beat_those_of_the_experiment(
    store: FakeSource, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    two_runs(store)
    store.tags = {"evaltui.metric.tests_pass_rate": "higher"}
    config = tmp_path / "config.toml"
    config.write_text('[metrics]\ntests_pass_rate = "lower"\n')
    (only,) = json_of(capsys, "compare", "--config", str(config))["comparisons"]
    rate = next(item for item in only["metrics"] if item["name"] == "tests_pass_rate")
    assert (rate["direction"], rate["verdict"]) == ("lower", "improved")
    config.write_text('[metrics]\ntests_pass_rate = "sideways"\n')
    assert main(["compare", "--config", str(config)]) == 2
