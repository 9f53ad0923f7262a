"""The writer against a real `mlflow server`, read back by another client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_builders import make_context, make_report
from servers import MlflowServer

from evaltui.domain.plan import ArtifactFile
from evaltui.domain.report import MetricValue
from evaltui.errors import StoreRejectedError, StoreUnreachableError
from evaltui.settings import Settings
from evaltui.tracking.mapping import plan_run
from evaltui.tracking.target import resolve_target
from evaltui.tracking.writer import MlflowWriter

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    before = dict(os.environ)
    with MlflowServer(tmp_path_factory.mktemp("server")) as running:
        yield running
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def writer(server: MlflowServer) -> MlflowWriter:
    return MlflowWriter(resolve_target(Settings(tracking_uri=server.url), {}))


def test_a_run_holds_exactly_the_plan_after_writing_it_twice(
    writer: MlflowWriter, server: MlflowServer, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    big = tmp_path / "local.bin"
    big.write_bytes(b"\x01" * 3_000_000)
    odd = "odd (é) +=@,~! \x07#?%41&'[]{};:.md"
    files = (
        ArtifactFile("evaluation_report.json", data=b"{}"),
        ArtifactFile(f"sub folder/{odd}", data=b"odd"),
        ArtifactFile("big.bin", local_path=big),
        ArtifactFile("empty", data=b""),
    )
    report = make_report(
        metrics=(
            MetricValue("maj@8", 0.25, stderr=0.01, n=8),
            *(MetricValue(f"m{number}", number / 7) for number in range(1_200)),
        ),
        params={"backend": "claude", **{f"p{number}": "🙂" * 3_000 for number in range(120)}},
        tags={"team": "rød"},
    )
    plan = plan_run(report, make_context(artifacts=files))
    experiment = writer.ensure_experiment("/Shared/x y")
    run_id = writer.create_run(experiment.experiment_id, plan)
    for _ in range(2):
        writer.log_values(run_id, plan)
        writer.log_artifacts(run_id, plan.artifacts)
        writer.finish_run(run_id, plan.status, plan.ended_ms)

    client = MlflowClient(tracking_uri=server.url)
    run = client.get_run(run_id)
    assert run.info.run_name == plan.name
    assert (run.info.start_time, run.info.end_time) == (plan.started_ms, plan.ended_ms)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == dict(plan.metrics)
    assert run.data.params == dict(plan.params)
    assert run.data.tags == {**plan.create_tags, **plan.tags, "mlflow.runName": plan.name}
    (point,) = client.get_metric_history(run_id, "maj_at_8")
    assert (point.timestamp, point.step) == (plan.metric_ms, 0)

    for file in plan.artifacts:
        found = client.download_artifacts(run_id, file.path, str(tmp_path))
        expected = big.read_bytes() if file.data is None else file.data
        assert Path(found).read_bytes() == expected
    names = {entry.path for entry in client.list_artifacts(run_id)}
    assert names == {
        "evaluation_report.json", "sub folder", "big.bin", "empty", "app_metrics.json", "evaltui",
    }  # fmt: skip


def test_tags_names_and_deletes_reach_the_server(
    writer: MlflowWriter, server: MlflowServer
) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=server.url)
    experiment = writer.ensure_experiment("tags").experiment_id
    run_id = writer.create_run(experiment, plan_run(make_report(), make_context()))
    writer.rename_run(run_id, "renamed")
    writer.set_run_tags(run_id, {"a": "1", "b": "2"})
    for _ in range(2):
        writer.delete_run_tag(run_id, "a")
    writer.set_experiment_tag(experiment, "evaltui.baseline", run_id)
    run = client.get_run(run_id)
    assert run.info.run_name == "renamed"
    assert run.data.tags["b"] == "2"
    assert "a" not in run.data.tags
    assert client.get_experiment(experiment).tags["evaltui.baseline"] == run_id
    for _ in range(2):
        writer.delete_experiment_tag(experiment, "evaltui.baseline")
        writer.delete_run(run_id)
    assert "evaltui.baseline" not in client.get_experiment(experiment).tags
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(StoreRejectedError) as caught:
        writer.log_values(run_id, plan_run(make_report(), make_context()))
    assert "restore" in str(caught.value.hint)


def test_a_param_that_would_change_is_refused(writer: MlflowWriter) -> None:
    experiment = writer.ensure_experiment("params").experiment_id
    plan = plan_run(make_report(params={"a": "1"}), make_context())
    run_id = writer.create_run(experiment, plan)
    writer.log_values(run_id, plan)
    with pytest.raises(StoreRejectedError, match="param"):
        writer.log_values(run_id, plan_run(make_report(params={"a": "2"}), make_context()))


def test_experiments_are_made_once_and_deleted_ones_refused(
    writer: MlflowWriter, server: MlflowServer
) -> None:
    from mlflow import MlflowClient

    made = writer.ensure_experiment("/Shared/once")
    assert writer.ensure_experiment("/Shared/once") == made
    MlflowClient(tracking_uri=server.url).delete_experiment(made.experiment_id)
    with pytest.raises(StoreRejectedError, match="is deleted"):
        writer.ensure_experiment("/Shared/once")


def test_another_process_that_makes_the_experiment_first_is_no_error(
    writer: MlflowWriter, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    first = MlflowClient(tracking_uri=server.url)
    asked = MlflowClient.get_experiment_by_name
    answers = iter([None])

    def blind_once(self: MlflowClient, name: str) -> object:
        return next(answers, asked(self, name))

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", blind_once)
    number = first.create_experiment("raced")
    assert writer.ensure_experiment("raced").experiment_id == number


def test_a_server_that_dies_is_unreachable_and_comes_back(
    writer: MlflowWriter, server: MlflowServer
) -> None:
    experiment = writer.ensure_experiment("outage").experiment_id
    plan = plan_run(make_report(), make_context())
    run_id = writer.create_run(experiment, plan)
    server.kill()
    try:
        with pytest.raises(StoreUnreachableError):
            writer.log_values(run_id, plan)
        with pytest.raises(StoreUnreachableError) as caught:
            writer.create_run(experiment, plan)
        assert not caught.value.unclear
    finally:
        server.start()
    writer.log_values(run_id, plan)
