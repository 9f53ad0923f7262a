"""The writer against real stores: embedded SQLite here, a real server in test_writer_server."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_builders import make_context, make_report

from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.report import Case, CaseStatus, MetricValue
from evaltui.domain.run import RunStatus, Tag
from evaltui.errors import StoreAuthError, StoreRejectedError, StoreUnreachableError
from evaltui.settings import Settings
from evaltui.tracking.mapping import plan_run
from evaltui.tracking.naming import legal_keys
from evaltui.tracking.target import Target, resolve_target
from evaltui.tracking.writer import MlflowWriter


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    before = dict(os.environ)
    yield resolve_target(Settings(data_dir=tmp_path_factory.mktemp("data dir #1")), {})
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def writer(target: Target) -> MlflowWriter:
    return MlflowWriter(target)


@pytest.fixture(scope="module")
def experiment_id(writer: MlflowWriter) -> str:
    return writer.ensure_experiment("/Shared/evaltui tests").experiment_id


@pytest.fixture(scope="module")
def database(target: Target, experiment_id: str) -> sqlite3.Connection:
    assert target.database is not None
    return sqlite3.connect(target.database)


def log(writer: MlflowWriter, experiment_id: str, plan: RunPlan, *, times: int = 1) -> str:
    run_id = writer.create_run(experiment_id, plan)
    for _ in range(times):
        writer.log_values(run_id, plan)
        writer.log_artifacts(run_id, plan.artifacts)
        writer.finish_run(run_id, plan.status, plan.ended_ms)
    return run_id


def rows(database: sqlite3.Connection, sql: str, *args: object) -> list[tuple[Any, ...]]:
    return database.execute(sql, args).fetchall()


def tags_of(database: sqlite3.Connection, run_id: str) -> dict[str, str]:
    return dict(rows(database, "SELECT key, value FROM tags WHERE run_uuid=?", run_id))


def artifacts_of(database: sqlite3.Connection, run_id: str) -> dict[str, bytes]:
    ((uri,),) = rows(database, "SELECT artifact_uri FROM runs WHERE run_uuid=?", run_id)
    root = Path.from_uri(uri) if hasattr(Path, "from_uri") else _from_uri(uri)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def _from_uri(uri: str) -> Path:
    from urllib.parse import unquote, urlsplit

    return Path(unquote(urlsplit(uri).path))


def test_a_run_holds_exactly_the_plan_after_writing_it_twice(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection, tmp_path: Path
) -> None:
    big = tmp_path / "other name.bin"
    big.write_bytes(b"\x00" * 100_000)
    files = (
        ArtifactFile("evaluation_report.json", data=b"{}"),
        ArtifactFile("logs/app one/out (é).txt", data=b"text"),
        ArtifactFile("big.bin", local_path=big),
        ArtifactFile("other name.bin", local_path=big),
        ArtifactFile("empty.txt", data=b""),
    )
    report = make_report(
        metrics=(
            MetricValue("maj@8", 0.25, stderr=0.01, n=8),
            MetricValue("zero", 0.0),
            MetricValue("tiny", 5e-324),
            MetricValue("huge", 1.7e308),
        ),
        params={"backend": "claude", "précision": "🙂" * 100, "prompt": "z" * 9_000},
        tags={"team": "red"},
    )
    plan = plan_run(report, make_context(artifacts=files))
    run_id = log(writer, experiment_id, plan, times=2)

    info = "name, status, start_time, end_time, lifecycle_stage, experiment_id"
    assert rows(database, f"SELECT {info} FROM runs WHERE run_uuid=?", run_id) == [
        (plan.name, "FINISHED", plan.started_ms, plan.ended_ms, "active", int(experiment_id))
    ]
    points = rows(
        database, "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid=?", run_id
    )
    assert sorted(points) == sorted(
        (key, value, plan.metric_ms, 0, 0) for key, value in plan.metrics.items()
    )
    assert dict(rows(database, "SELECT key, value FROM params WHERE run_uuid=?", run_id)) == dict(
        plan.params
    )
    assert tags_of(database, run_id) == {
        **plan.create_tags, **plan.tags, "mlflow.runName": plan.name,
    }  # fmt: skip
    kept = {file.path: file.data for file in plan.artifacts if file.data is not None}
    assert artifacts_of(database, run_id) == {
        **kept, "big.bin": b"\x00" * 100_000, "other name.bin": b"\x00" * 100_000,
    }  # fmt: skip


def test_1500_metrics_and_300_params_arrive_whole(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection
) -> None:
    report = make_report(
        metrics=tuple(MetricValue(f"m{number}", number / 7) for number in range(1_500)),
        params={f"p{number}": "v" * 5_000 for number in range(300)},
    )
    plan = plan_run(report, make_context())
    run_id = writer.create_run(experiment_id, plan)
    writer.log_values(run_id, plan)
    writer.log_values(run_id, plan)
    points = rows(database, "SELECT key, value FROM metrics WHERE run_uuid=?", run_id)
    assert len(points) == 1_500
    assert dict(points) == dict(plan.metrics)
    params = rows(database, "SELECT key, value FROM params WHERE run_uuid=?", run_id)
    assert dict(params) == dict(plan.params)


def test_mlflow_itself_reads_the_case_table(
    writer: MlflowWriter, target: Target, experiment_id: str
) -> None:
    import mlflow

    cases = (
        Case("one", CaseStatus.PASS, {"build": 1.0, "tests": None}),
        Case("two", CaseStatus.FAIL, {"build": 0.0, "tests": 0.5}, reason="no"),
    )
    run_id = log(writer, experiment_id, plan_run(make_report(cases=cases), make_context()), times=2)
    mlflow.set_tracking_uri(target.uri)
    try:
        mlflow.set_experiment(experiment_id=experiment_id)
        frame = mlflow.load_table("app_metrics.json", run_ids=[run_id])
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # undo
    assert list(frame.columns) == ["app_name", "status", "build", "tests", "reason"]
    assert frame["app_name"].tolist() == ["one", "two"]
    assert frame["build"].tolist() == [1, 0]
    assert frame["tests"].isna().tolist() == [True, False]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(), max_size=260), max_size=5))
def test_mlflow_itself_finds_nothing_wrong_with_our_keys(
    writer: MlflowWriter, experiment_id: str, names: list[str]
) -> None:
    from mlflow.utils import validation as untyped

    validation: Any = untyped
    for key in legal_keys(names).values():
        validation._validate_metric(key, 1.0, 1, 0)
        validation._validate_param(key, "v")
        validation._validate_tag(key, "v")


def test_runs_are_renamed_tagged_untagged_and_deleted(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection
) -> None:
    run_id = log(writer, experiment_id, plan_run(make_report(), make_context()))
    writer.rename_run(run_id, "better\x1b[2J name")
    writer.set_run_tags(run_id, {Tag.STATE: "complete", "note": "n" * 9_000})
    found = tags_of(database, run_id)
    assert found["mlflow.runName"] == "better\ufffd[2J name"
    assert found["evaltui.state"] == "complete"
    assert len(found["note"]) == 8_000
    writer.set_run_tags(run_id, {"evaltui.state": "again"})
    for _ in range(2):
        writer.delete_run_tag(run_id, "note")
    found = tags_of(database, run_id)
    assert found["evaltui.state"] == "again"
    assert "note" not in found
    for _ in range(2):
        writer.delete_run(run_id)
    assert rows(database, "SELECT lifecycle_stage, name FROM runs WHERE run_uuid=?", run_id) == [
        ("deleted", "better\ufffd[2J name")
    ]


def test_a_deleted_run_takes_nothing_and_the_hint_says_what_to_do(
    writer: MlflowWriter, experiment_id: str
) -> None:
    plan = plan_run(make_report(), make_context())
    run_id = log(writer, experiment_id, plan)
    writer.delete_run(run_id)
    with pytest.raises(StoreRejectedError) as caught:
        writer.log_values(run_id, plan)
    assert "restore" in str(caught.value.hint)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.KILLED])
def test_a_run_ends_as_its_evaluation_did(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection, status: RunStatus
) -> None:
    plan = replace(plan_run(make_report(), make_context()), status=status)
    run_id = log(writer, experiment_id, plan)
    assert rows(database, "SELECT status FROM runs WHERE run_uuid=?", run_id) == [(status.value,)]


def test_a_run_that_is_not_there_is_refused(writer: MlflowWriter) -> None:
    with pytest.raises(StoreRejectedError, match=r"embedded .*: writing values of run 0+"):
        writer.log_values("0" * 32, plan_run(make_report(), make_context()))


def test_an_artifact_that_is_gone_is_refused(
    writer: MlflowWriter, experiment_id: str, tmp_path: Path
) -> None:
    run_id = writer.create_run(experiment_id, plan_run(make_report(), make_context()))
    with pytest.raises(StoreRejectedError, match=r"uploading x\.bin .*No such file"):
        writer.log_artifacts(run_id, [ArtifactFile("x.bin", local_path=tmp_path / "gone")])


def test_an_artifact_is_replaced_by_one_of_the_same_name(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection, tmp_path: Path
) -> None:
    run_id = writer.create_run(experiment_id, plan_run(make_report(), make_context()))
    frozen = tmp_path / "a.txt"
    frozen.write_text("one")
    frozen.chmod(0o400)
    writer.log_artifacts(run_id, [ArtifactFile("d/a.txt", local_path=frozen)])
    writer.log_artifacts(run_id, [ArtifactFile("d/a.txt", data=b"two")])
    assert artifacts_of(database, run_id) == {"d/a.txt": b"two"}


def test_what_a_killed_process_left_half_copied_can_be_removed(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection
) -> None:
    run_id = writer.create_run(experiment_id, plan_run(make_report(), make_context()))
    writer.log_artifacts(run_id, [ArtifactFile("d/a.txt", data=b"a"), ArtifactFile("b", data=b"")])
    for _ in range(2):
        writer.remove_artifacts(run_id, ["d/a.txt", "never/there"])
    assert artifacts_of(database, run_id) == {"b": b""}
    with pytest.raises(StoreRejectedError):
        writer.remove_artifacts(run_id, ["../b"])


def test_a_large_file_may_keep_the_server_busy_and_a_small_one_not(
    writer: MlflowWriter, experiment_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    waits: list[str | None] = []

    def log_artifact(*_args: object) -> None:
        waits.append(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT"))

    run_id = writer.create_run(experiment_id, plan_run(make_report(), make_context()))
    monkeypatch.setattr(LocalArtifactRepository, "log_artifact", log_artifact)
    small, large = ArtifactFile("a", data=b"a"), ArtifactFile("b", data=b"b" * 1_000_000)
    writer.log_artifacts(run_id, [small, large, small])
    assert waits == ["5", "30", "5"]


# -- experiments -----------------------------------------------------------------------------------


def test_an_experiment_is_made_once_with_artifacts_in_the_data_directory(
    writer: MlflowWriter, target: Target
) -> None:
    made = writer.ensure_experiment("/Shared/Prüfung & Co")
    again = writer.ensure_experiment("/Shared/Prüfung & Co")
    assert made == again
    assert made.active
    place = _from_uri(made.artifact_location)
    assert place.parent == target.data_dir / "artifacts"
    assert not (Path.cwd() / "mlruns").exists()


def test_experiments_of_alike_names_do_not_share_a_directory(writer: MlflowWriter) -> None:
    one = writer.ensure_experiment("a/b")
    two = writer.ensure_experiment("a-b")
    assert one.artifact_location != two.artifact_location


def test_a_deleted_experiment_is_refused_with_the_way_out(
    writer: MlflowWriter, target: Target
) -> None:
    from mlflow import MlflowClient

    made = writer.ensure_experiment("short-lived")
    MlflowClient(tracking_uri=target.uri).delete_experiment(made.experiment_id)
    with pytest.raises(StoreRejectedError, match="is deleted") as caught:
        writer.ensure_experiment("short-lived")
    assert f"mlflow experiments restore -x {made.experiment_id}" in str(caught.value.hint)


def test_an_experiment_is_found_by_the_id_of_the_environment(
    writer: MlflowWriter, target: Target, experiment_id: str
) -> None:
    by_id = MlflowWriter(replace(target, experiment="", experiment_id=experiment_id))
    assert by_id.ensure_experiment("").name == "/Shared/evaltui tests"
    missing = MlflowWriter(replace(target, experiment="", experiment_id="987654"))
    with pytest.raises(StoreRejectedError, match="987654"):
        missing.ensure_experiment("")
    with pytest.raises(StoreRejectedError, match="no experiment"):
        writer.ensure_experiment("")


def test_experiment_tags_are_set_and_removed(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection
) -> None:
    sql = "SELECT key, value FROM experiment_tags WHERE experiment_id=?"
    writer.set_experiment_tag(experiment_id, Tag.BASELINE, "r1")
    assert ("evaltui.baseline", "r1") in rows(database, sql, experiment_id)
    for _ in range(2):
        writer.delete_experiment_tag(experiment_id, Tag.BASELINE)
    assert rows(database, sql, experiment_id) == []


def test_the_embedded_store_is_its_owners_alone(target: Target, experiment_id: str) -> None:
    assert target.database is not None
    assert target.database.stat().st_mode & 0o077 == 0


# -- targets that cannot be written ----------------------------------------------------------------


def test_a_read_only_target_refuses_everything_before_mlflow_is_imported(tmp_path: Path) -> None:
    script = f"""
    import sys
    from pathlib import Path
    from evaltui.domain.plan import RunPlan
    from evaltui.domain.run import RunStatus
    from evaltui.errors import StoreRejectedError
    from evaltui.settings import Settings
    from evaltui.tracking.target import resolve_target
    from evaltui.tracking.writer import MlflowWriter

    target = resolve_target(Settings(data_dir=Path({str(tmp_path)!r}), read_only=True), {{}})
    writer = MlflowWriter(target)
    plan = RunPlan("c", "n", 1, 1, 1, RunStatus.FINISHED, {{}}, {{"t": "v"}}, {{}}, {{}})
    calls = [
        lambda: writer.ensure_experiment("x"),
        lambda: writer.create_run("1", plan),
        lambda: writer.log_values("r", plan),
        lambda: writer.finish_run("r", RunStatus.FINISHED, 1),
        lambda: writer.rename_run("r", "n"),
        lambda: writer.set_run_tags("r", {{"a": "b"}}),
        lambda: writer.delete_run_tag("r", "a"),
        lambda: writer.delete_run("r"),
        lambda: writer.set_experiment_tag("1", "a", "b"),
        lambda: writer.delete_experiment_tag("1", "a"),
    ]
    for call in calls:
        try:
            call()
        except StoreRejectedError as error:
            assert "read-only" in error.message
        else:
            raise SystemExit("written")
    print(len(calls), "mlflow" in sys.modules)
    """
    assert run_script(script).stdout == "10 False\n"
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_printed_not_even_when_calls_fail(tmp_path: Path) -> None:
    script = f"""
    import os
    from pathlib import Path
    from evaltui.domain.plan import ArtifactFile, RunPlan
    from evaltui.domain.run import RunStatus
    from evaltui.errors import StoreError
    from evaltui.settings import Settings
    from evaltui.tracking.target import resolve_target
    from evaltui.tracking.writer import MlflowWriter

    os.chdir({str(tmp_path)!r})
    writer = MlflowWriter(resolve_target(Settings(data_dir=Path("data").absolute()), {{}}))
    found = writer.ensure_experiment("x")
    tags = {{"t": "v" * 9000}}
    plan = RunPlan("c", "n", 1, 1, 1, RunStatus.FINISHED, {{}}, tags, {{"p": "1"}}, {{}})
    run = writer.create_run(found.experiment_id, plan)
    writer.log_values(run, plan)
    writer.log_artifacts(run, [ArtifactFile("a.txt", data=b"a")])
    writer.finish_run(run, RunStatus.FINISHED, 1)
    for bad in ("0" * 32, "@"):
        try:
            writer.log_values(bad, plan)
        except StoreError:
            pass
        else:
            raise SystemExit(3)
    dead = MlflowWriter(resolve_target(Settings(tracking_uri="http://127.0.0.1:9"), {{}}))
    try:
        dead.ensure_experiment("x")
    except StoreError as error:
        assert "connection refused" in error.message, error.message
    assert os.environ.get("MLFLOW_CONFIGURE_LOGGING") is None
    assert sorted(path.name for path in Path(".").iterdir()) == ["data"]
    """
    done = run_script(script)
    assert (done.stdout, done.stderr) == ("", "")


def test_two_processes_that_make_the_store_at_once_share_it(tmp_path: Path) -> None:
    script = f"""
    from pathlib import Path
    from evaltui.settings import Settings
    from evaltui.tracking.target import resolve_target
    from evaltui.tracking.writer import MlflowWriter

    writer = MlflowWriter(resolve_target(Settings(data_dir=Path({str(tmp_path)!r})), {{}}))
    print(writer.ensure_experiment("/Shared/one").experiment_id)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate(timeout=360)[0] for process in pair}
    assert [process.returncode for process in pair] == [0, 0]
    assert len(answers) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db"]


def test_a_store_that_was_being_made_by_a_killed_process_is_made_anew(tmp_path: Path) -> None:
    target = resolve_target(Settings(data_dir=tmp_path), {})
    stale = tmp_path / ".mlflow.db.new-4194305"
    stale.write_bytes(b"half a store")
    os.utime(stale, (1, 1))
    assert MlflowWriter(target).ensure_experiment("x").active
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db"]


def test_a_sqlite_store_of_the_persons_own_keeps_its_artifacts_beside_it(tmp_path: Path) -> None:
    target = resolve_target(Settings(tracking_uri=f"sqlite:///{tmp_path}/my.db"), {})
    own = MlflowWriter(target)
    made = own.ensure_experiment("x")
    plan = plan_run(make_report(), make_context(artifacts=(ArtifactFile("r.json", data=b"{}"),)))
    run_id = log(own, made.experiment_id, plan)
    database = sqlite3.connect(tmp_path / "my.db")
    assert artifacts_of(database, run_id)["r.json"] == b"{}"
    assert {path.name for path in tmp_path.iterdir()} == {"my.db", "mlartifacts"}


def test_the_folders_of_a_mistyped_path_are_not_made(tmp_path: Path) -> None:
    target = resolve_target(Settings(tracking_uri=f"sqlite:///{tmp_path}/x.db"), {})
    gone = replace(target, database=tmp_path / "no/such/x.db")  # as when it went away since
    with pytest.raises(StoreRejectedError, match="there is no directory"):
        MlflowWriter(gone).ensure_experiment("x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but a text of some length" * 50)
    settings = Settings(tracking_uri=f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(StoreRejectedError, match="not a database"):
        MlflowWriter(resolve_target(settings, {})).ensure_experiment("x")


def test_a_directory_of_runs_names_the_ways_out(tmp_path: Path) -> None:
    settings = Settings(tracking_uri=str(tmp_path / "mlruns"))
    with pytest.raises(StoreRejectedError, match="file stores") as caught:
        MlflowWriter(resolve_target(settings, {})).ensure_experiment("x")
    assert "migrate-filestore" in str(caught.value.hint)


def test_a_server_that_is_down_is_unreachable_at_once_and_the_run_does_not_exist() -> None:
    dead = MlflowWriter(resolve_target(Settings(tracking_uri="http://ann:pw@127.0.0.1:9"), {}))
    with pytest.raises(StoreUnreachableError, match="connection refused") as caught:
        dead.create_run("1", plan_run(make_report(), make_context()))
    assert not caught.value.unclear
    assert "pw@" not in caught.value.message


def test_a_call_that_hangs_ends_at_its_limit_and_may_have_worked(
    writer: MlflowWriter, target: Target, experiment_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from mlflow import MlflowClient

    release = threading.Event()
    monkeypatch.setattr(MlflowClient, "create_run", lambda *_a, **_k: release.wait())
    slow = MlflowWriter(target, call_s=0.05)
    with pytest.raises(StoreUnreachableError, match=r"no answer within 0\.05 s") as caught:
        slow.create_run(experiment_id, plan_run(make_report(), make_context()))
    release.set()
    assert caught.value.unclear


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_artifact_directory_without_permission_needs_a_person(
    writer: MlflowWriter, target: Target
) -> None:
    made = writer.ensure_experiment("locked")
    _from_uri(made.artifact_location).mkdir(parents=True)
    _from_uri(made.artifact_location).chmod(0o500)
    run_id = writer.create_run(made.experiment_id, plan_run(make_report(), make_context()))
    with pytest.raises(StoreAuthError, match="Permission denied"):
        writer.log_artifacts(run_id, [ArtifactFile("a", data=b"")])


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=480,
        check=True,
    )


def test_the_names_of_artifacts_survive_in_the_originals(
    writer: MlflowWriter, experiment_id: str, database: sqlite3.Connection
) -> None:
    files = (ArtifactFile("a?b#c%41.json", data=b"1"), ArtifactFile("../up.json", data=b"2"))
    plan = plan_run(make_report(), make_context(artifacts=files))
    run_id = log(writer, experiment_id, plan)
    found = artifacts_of(database, run_id)
    assert found["a_b_c_41.json"] == b"1"
    assert found["_./up.json"] == b"2"
    originals = json.loads(found["evaltui/originals.json"])
    assert originals["renamed"]["artifacts"] == {
        "a_b_c_41.json": "a?b#c%41.json", "_./up.json": "../up.json",
    }  # fmt: skip
