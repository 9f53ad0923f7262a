from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_builders import CONTENT_ID, FILE_MS, FILE_SHA256, make_context, make_report

from evaltui.domain.metric import Direction
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.report import MetricValue, ModeSource, ReportKind, ReportStatus
from evaltui.domain.run import RunStatus
from evaltui.domain.stated import stated_directions
from evaltui.tracking.mapping import plan_run, values_digest
from evaltui.tracking.naming import ORIGINALS_PATH

START = datetime(2025, 11, 3, 9, 0, tzinfo=UTC)
END = datetime(2025, 11, 3, 9, 30, tzinfo=UTC)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def artifact(plan: RunPlan, path: str) -> bytes:
    (found,) = [file for file in plan.artifacts if file.path == path]
    assert found.data is not None
    return found.data


# -- name and time ---------------------------------------------------------------------------------


def test_a_run_is_named_by_mode_and_start_of_the_evaluation() -> None:
    plan = plan_run(make_report(started_at=START, ended_at=END), make_context())
    assert plan.name == "eval_mcp_2025-11-03T09:00:00Z"
    assert (plan.started_ms, plan.ended_ms, plan.metric_ms) == (ms(START), ms(END), ms(END))


def test_a_name_that_somebody_gave_is_taken() -> None:
    report = make_report(name="nightly")
    assert plan_run(report, make_context()).name == "nightly"
    assert plan_run(report, make_context(run_name="mine")).name == "mine"


def test_a_run_name_that_had_to_be_changed_is_kept_with_the_originals() -> None:
    plan = plan_run(make_report(), make_context(run_name="evil\x1b[2J" + "x" * 300))
    assert len(plan.name) == 200
    assert "\x1b" not in plan.name
    originals = json.loads(artifact(plan, ORIGINALS_PATH))
    assert originals["renamed"]["run_name"] == {plan.name: "evil\x1b[2J" + "x" * 300}


def test_without_times_the_file_tells_when() -> None:
    plan = plan_run(make_report(), make_context())
    assert (plan.started_ms, plan.ended_ms) == (FILE_MS, FILE_MS)
    assert plan.params["timestamp"] == "2025-11-03T09:07:13Z"


def test_one_stated_time_stands_for_both() -> None:
    only_start = plan_run(make_report(started_at=START), make_context())
    only_end = plan_run(make_report(ended_at=END), make_context())
    assert (only_start.started_ms, only_start.ended_ms) == (ms(START), ms(START))
    assert (only_end.started_ms, only_end.ended_ms) == (ms(END), ms(END))


def test_an_end_before_the_start_is_moved_to_it() -> None:
    plan = plan_run(make_report(started_at=END, ended_at=START), make_context())
    assert (plan.started_ms, plan.ended_ms) == (ms(END), ms(END))


def test_times_are_positive_for_mlflow_takes_0_for_now() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    plan = plan_run(make_report(started_at=epoch - timedelta(days=9)), make_context())
    assert (plan.started_ms, plan.ended_ms, plan.metric_ms) == (1, 1, 1)
    lost = plan_run(make_report(), make_context(file_ms=0, now_ms=77))
    assert lost.started_ms == 77


# -- metrics ---------------------------------------------------------------------------------------


def test_stderr_and_n_go_beside_their_metric() -> None:
    metrics = (MetricValue("acc", 0.5, stderr=0.1, n=20),)
    plan = plan_run(make_report(metrics=metrics), make_context())
    assert plan.metrics == {"acc": 0.5, "acc_stderr": 0.1, "acc_n": 20.0}


def test_what_the_report_has_already_is_not_added() -> None:
    metrics = (
        MetricValue("acc", 0.5, stderr=0.1, n=20),
        MetricValue("acc_stderr", 0.2),
        MetricValue("acc_n", 19),
        MetricValue("build_success_rate", 1.0, n=7),
        MetricValue("build_success_n", 7),
    )
    plan = plan_run(make_report(metrics=metrics), make_context())
    assert plan.metrics == {
        "acc": 0.5, "acc_stderr": 0.2, "acc_n": 19.0, "build_success_rate": 1.0,
        "build_success_n": 7.0,
    }  # fmt: skip


def test_what_is_not_finite_is_never_sent() -> None:
    metrics = (
        MetricValue("nan", math.nan, stderr=0.1, n=3),
        MetricValue("inf", math.inf),
        MetricValue("ok", 1.0, stderr=math.nan),
    )
    assert plan_run(make_report(metrics=metrics), make_context()).metrics == {"ok": 1.0}


def test_renamed_keys_are_counted_and_kept_in_an_artifact() -> None:
    metrics = (MetricValue("maj@8", 0.5), MetricValue("a|b", 1.0), MetricValue("a_b", 2.0))
    plan = plan_run(make_report(metrics=metrics, params={"p(1)": "v"}), make_context())
    assert plan.metrics == {"maj_at_8": 0.5, "a_b_2": 1.0, "a_b": 2.0}
    assert plan.params["p_1_"] == "v"
    assert plan.tags["evaltui.renamed"] == "3"
    assert json.loads(artifact(plan, ORIGINALS_PATH))["renamed"] == {
        "metrics": {"maj_at_8": "maj@8", "a_b_2": "a|b"},
        "params": {"p_1_": "p(1)"},
    }


def test_nothing_renamed_leaves_no_trace() -> None:
    plan = plan_run(make_report(), make_context())
    assert "evaltui.renamed" not in plan.tags
    assert [file.path for file in plan.artifacts] == ["app_metrics.json"]


# -- params ----------------------------------------------------------------------------------------


def test_params_say_what_is_known_and_nothing_else() -> None:
    plan = plan_run(make_report(params={"backend": "claude", "blank": " "}), make_context())
    assert plan.params == {
        "backend": "claude",
        "total_apps": "2",
        "mode": "mcp",
        "timestamp": "2025-11-03T09:07:13Z",
    }


def test_the_model_comes_from_the_flag_then_from_the_report() -> None:
    report = make_report(model="claude-x")
    assert plan_run(report, make_context()).params["model_version"] == "claude-x"
    assert plan_run(report, make_context(model="m")).params["model_version"] == "m"


def test_the_reports_own_total_and_commit_stay() -> None:
    report = make_report(params={"total_apps": "20", "git_commit": "abc"})
    plan = plan_run(report, make_context(git_commit="def"))
    assert (plan.params["total_apps"], plan.params["git_commit"]) == ("20", "abc")
    other = plan_run(make_report(framework=None), make_context(git_commit="def"))
    assert other.params["git_commit"] == "def"
    assert "total_apps" not in other.params


def test_a_long_param_is_cut_and_kept_whole_in_an_artifact() -> None:
    plan = plan_run(make_report(params={"prompt": "y" * 7_000}), make_context())
    assert len(plan.params["prompt"]) == 6_000
    assert json.loads(artifact(plan, ORIGINALS_PATH))["cut"] == {"params": {"prompt": "y" * 7_000}}


# -- tags ------------------------------------------------------------------------------------------


def test_the_create_call_carries_what_identifies_the_run() -> None:
    plan = plan_run(make_report(), make_context())
    assert plan.create_tags == {
        "evaltui.content_id": CONTENT_ID,
        "evaltui.state": "logging",
        "evaltui.file_sha256": FILE_SHA256,
        "evaltui.kind": "evaluation",
        "evaltui.status": "finished",
        "evaltui.format": "app_eval_k1",
        "evaltui.source": "devbox:evaluation_report.json",
        "mode": "mcp",
        "framework": "klaudbiusz",
        "run_name": plan.name,
    }
    assert len(plan.create_tags) <= 20


def test_tags_tell_mode_headline_and_where_the_table_is() -> None:
    report = make_report(
        mode="mcp",
        mode_label="MCP (TypeScript/tRPC)",
        headline="build_success_rate",
        evaluation_id="20251103_100713",
        notes=("app x: no metrics", "app y: no metrics"),
        tags={"team": "red"},
    )
    plan = plan_run(report, make_context())
    assert plan.tags == {
        "evaltui.mode_source": "report",
        "evaltui.mode_label": "MCP (TypeScript/tRPC)",
        "evaltui.headline": "build_success_rate",
        "evaltui.evaluation_id": "20251103_100713",
        "evaltui.notes": "app x: no metrics\napp y: no metrics",
        "mlflow.loggedArtifacts": '[{"path": "app_metrics.json", "type": "table"}]',
        "team": "red",
        "mode": "mcp",
        "run_name": plan.name,
        "evaltui.status": "finished",
        "evaltui.file_sha256": FILE_SHA256,
    }
    assert all(type(key) is str for key in (*plan.tags, *plan.create_tags))


def test_the_label_of_another_mode_is_not_kept() -> None:
    report = make_report(mode="mcp", mode_label="MCP (TypeScript/tRPC)")
    plan = plan_run(report, make_context(mode="ab", mode_source=ModeSource.ARGUMENT))
    assert "evaltui.mode_label" not in plan.tags
    assert plan.tags["evaltui.mode_source"] == "argument"


def test_a_report_cannot_set_the_tags_that_programs_act_upon() -> None:
    tags = {
        "mlflow.parentRunId": "x", "evaltui.superseded_by": "x", "evaltui.content_id": "x",
        "mode": "x", "evaltui.reported.acc": "0.5", "framework": "pytest",
    }  # fmt: skip
    plan = plan_run(make_report(tags=tags, framework=None), make_context())
    assert plan.create_tags["evaltui.content_id"] == CONTENT_ID
    assert plan.tags["mode"] == "mcp"
    assert not {"mlflow.parentRunId", "evaltui.superseded_by", "evaltui.content_id"} & set(
        plan.tags
    )
    assert plan.tags["report.mlflow.parentRunId"] == "x"
    assert plan.tags["evaltui.reported.acc"] == "0.5"
    assert plan.tags["framework"] == "pytest"


def test_extra_tags_win() -> None:
    plan = plan_run(
        make_report(tags={"team": "red"}),
        make_context(extra_tags={"team": "blue", "evaltui.supersedes": "r1"}),
    )
    assert (plan.tags["team"], plan.tags["evaltui.supersedes"]) == ("blue", "r1")


def test_many_notes_are_cut_and_counted() -> None:
    notes = ("z" * 9_000, *(f"note {number} " + "x" * 90 for number in range(1_000)))
    text = plan_run(make_report(notes=notes), make_context()).tags["evaltui.notes"]
    assert len(text) < 4_100
    assert text.endswith("more")
    assert "evaltui.renamed" not in plan_run(make_report(notes=notes), make_context()).tags


def test_directions_that_the_file_states_against_expectation_are_kept() -> None:
    metrics = (
        MetricValue("perplexity@1", 3.0, direction=Direction.HIGHER),
        MetricValue("build_success_rate", 1.0, direction=Direction.HIGHER),
        MetricValue("score_x", 1.0, direction=Direction.LOWER),
    )
    plan = plan_run(make_report(metrics=metrics), make_context())
    found = stated_directions(plan.tags)
    assert found["score_x"] is Direction.LOWER
    assert found["perplexity_at_1"] is Direction.HIGHER
    assert "build_success_rate" not in found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ReportStatus.FINISHED, RunStatus.FINISHED),
        (ReportStatus.PARTIAL, RunStatus.FINISHED),
        (ReportStatus.FAILED, RunStatus.FAILED),
        (ReportStatus.CANCELLED, RunStatus.KILLED),
        (ReportStatus.RUNNING, RunStatus.KILLED),
    ],
)
def test_the_status_tells_how_the_evaluation_ended(
    status: ReportStatus, expected: RunStatus
) -> None:
    plan = plan_run(make_report(status=status, kind=ReportKind.GENERATION), make_context())
    assert plan.status is expected
    assert plan.create_tags["evaltui.status"] == status.value
    assert plan.create_tags["evaltui.kind"] == "generation"


# -- artifacts -------------------------------------------------------------------------------------


def test_artifacts_get_legal_names_and_none_replaces_another() -> None:
    files = (
        ArtifactFile("evaluation_report.json", data=b"{}"),
        ArtifactFile("app_metrics.json", data=b"not ours"),
        ArtifactFile("a#.md", data=b"1"),
        ArtifactFile("a?.md", local_path=Path("/x/a?.md")),
    )
    plan = plan_run(make_report(), make_context(artifacts=files))
    assert [file.path for file in plan.artifacts] == [
        "evaluation_report.json", "app_metrics_2.json", "a_.md", "a__2.md", "app_metrics.json",
        "evaltui/originals.json",
    ]  # fmt: skip
    assert plan.artifacts[3].local_path == Path("/x/a?.md")
    assert json.loads(artifact(plan, "app_metrics.json"))["columns"][0] == "app_name"


# -- digest ----------------------------------------------------------------------------------------


def test_the_digest_ignores_when_how_and_where() -> None:
    one = plan_run(make_report(), make_context())
    two = plan_run(
        make_report(notes=("other",)),
        make_context(
            mode="vanilla_sdk", file_ms=FILE_MS + 5_000, run_name="n", git_commit="abc",
            file_sha256="0" * 64,
        ),
    )  # fmt: skip
    assert values_digest(one) == values_digest(two)


def test_the_digest_sees_every_value() -> None:
    base = values_digest(plan_run(make_report(), make_context()))
    metric = make_report(metrics=(MetricValue("build_success_rate", 0.5000001),))
    param = make_report(params={"backend": "x"})
    assert values_digest(plan_run(metric, make_context())) != base
    assert values_digest(plan_run(param, make_context())) != base


def test_a_plan_of_1500_metrics_and_300_params_is_whole() -> None:
    metrics = tuple(MetricValue(f"m{number}", float(number)) for number in range(1_500))
    params = {f"p{number}": "v" for number in range(300)}
    plan = plan_run(make_report(metrics=metrics, params=params), make_context())
    assert len(plan.metrics) == 1_500
    assert len(plan.params) == 303


@given(
    st.dictionaries(st.text(st.characters(), max_size=20), st.floats(), max_size=10),
    st.dictionaries(st.text(st.characters(), max_size=20), st.text(max_size=50), max_size=10),
)
def test_any_report_makes_a_plan_that_can_be_sent(
    metrics: dict[str, float], texts: dict[str, str]
) -> None:
    report = make_report(
        metrics=tuple(MetricValue(name, value) for name, value in metrics.items()),
        params=texts,
        tags=texts,
        notes=tuple(texts.values()),
    )
    plan = plan_run(report, make_context())
    assert plan == plan_run(report, make_context())
    assert all(math.isfinite(value) for value in plan.metrics.values())
    sent = [*plan.params.items(), *plan.tags.items(), *plan.create_tags.items()]
    assert all(key and text for key, text in sent)
    json.dumps([dict(plan.params), dict(plan.tags), plan.name]).encode("utf-8")
    assert len(plan.metrics) == sum(map(math.isfinite, metrics.values()))
