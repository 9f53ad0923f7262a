"""The doctor's findings on targets, one by one."""

from __future__ import annotations

import email.utils
import time
from pathlib import Path

import pytest
from servers import MlflowServer
from stand_in import answer, hang, stand_in
from stores import EXPERIMENT, RawStore
from waiting import wait_for

from evaltui.domain.check import Check, CheckState
from evaltui.settings import Settings
from evaltui.tracking import store_checks
from evaltui.tracking import transport as transport_module
from evaltui.tracking.diagnosis import CHECKS, diagnose
from evaltui.tracking.target import Target, resolve_target

FOUND = {"experiment": {"experiment_id": "1", "name": EXPERIMENT, "artifact_location": "x:/1"}}
NONE = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}


def target_of(uri: str, **more: object) -> Target:
    settings = Settings(tracking_uri=uri, **more)  # type: ignore[arg-type]  # keywords of Settings
    return resolve_target(settings, {"HOME": "/none"})


def checks_of(target: Target, *, write: bool = False) -> dict[str, Check]:
    found = list(diagnose(target, write=write))
    names = [check.name for check in found]
    assert names == [name for name in CHECKS if name in names]  # once each, in this order
    assert all(check.detail and "\n" not in check.detail for check in found)
    assert all(check.remedy for check in found if check.state is not CheckState.OK)
    return {check.name: check for check in found}


def failed(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if check.state is CheckState.FAIL]


# -- SQLite ---------------------------------------------------------------------------------------


def test_a_sound_database_has_only_good_findings(store: RawStore) -> None:
    store.experiment()
    checks = checks_of(target_of(f"sqlite:///{store.path}"))
    assert {check.state for check in checks.values()} == {CheckState.OK}
    assert "id 1" in checks["experiment"].detail
    assert "--tracking-uri" not in checks["target"].remedy


def test_an_embedded_store_that_is_not_there_yet_is_fine_and_stays_away(tmp_path: Path) -> None:
    target = resolve_target(Settings(data_dir=tmp_path / "data"), {"HOME": "/none"})
    checks = checks_of(target)
    assert failed(checks) == []
    assert "does not exist yet" in checks["reachable"].detail
    assert list((tmp_path / "data").iterdir()) == []


def test_half_a_credential_is_a_warning_of_the_target(tmp_path: Path) -> None:
    environ = {"HOME": "/none", "DATABRICKS_HOST": "https://x"}
    check = checks_of(resolve_target(Settings(data_dir=tmp_path), environ))["target"]
    assert check.state is CheckState.WARN
    assert "evaltui log" in check.detail


def test_a_file_that_is_no_database_fails_and_ends_the_questions(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 20)
    checks = checks_of(target_of(f"sqlite:///{path}"), write=True)
    assert failed(checks) == ["reachable"]
    assert list(checks) == ["target", "credentials", "reachable"]


def test_a_schema_of_another_release_is_a_warning_with_the_command(store: RawStore) -> None:
    store.sql("UPDATE alembic_version SET version_num = 'abcdef'")
    check = checks_of(target_of(f"sqlite:///{store.path}"))["store-version"]
    assert check.state is CheckState.WARN
    assert "mlflow db upgrade" in check.remedy


def test_a_deleted_experiment_fails_and_says_how_to_get_it_back(store: RawStore) -> None:
    store.experiment()
    store.sql("UPDATE experiments SET lifecycle_stage = 'deleted'")
    checks = checks_of(target_of(f"sqlite:///{store.path}"))
    assert failed(checks) == ["experiment"]
    assert "mlflow experiments restore -x" in checks["experiment"].remedy


def test_an_experiment_id_that_is_not_there_fails(store: RawStore) -> None:
    environ = {"HOME": "/none", "MLFLOW_EXPERIMENT_ID": "99"}
    target = resolve_target(Settings(tracking_uri=f"sqlite:///{store.path}"), environ)
    checks = checks_of(target)
    assert failed(checks) == ["experiment"]
    assert "MLFLOW_EXPERIMENT_ID" in checks["experiment"].remedy


def test_places_that_cannot_be_written_fail_unless_nothing_is_to_be_written(
    store: RawStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    uri = f"sqlite:///{store.path}"
    assert failed(checks_of(target_of(uri))) == ["artifacts", "permissions"]
    assert failed(checks_of(target_of(uri, read_only=True))) == []


def test_the_write_probe_makes_a_run_and_deletes_it(store: RawStore) -> None:
    checks = checks_of(target_of(f"sqlite:///{store.path}"), write=True)
    assert checks["write"].state is CheckState.OK, checks["write"].detail
    rows = store.sql("SELECT name, lifecycle_stage, status FROM runs")
    assert rows == [("evaltui-doctor", "deleted", "FINISHED")]


# -- servers --------------------------------------------------------------------------------------


@pytest.mark.server
@pytest.mark.xdist_group("mlflow-server")
def test_a_real_server_has_only_good_findings(mlflow_server: MlflowServer) -> None:
    checks = checks_of(target_of(mlflow_server.url, experiment="/Shared/diagnosis"), write=True)
    assert {check.state for check in checks.values()} == {CheckState.OK}
    assert "MLflow 3." in checks["store-version"].detail
    assert "clock-skew" in checks


def test_nothing_listening_fails_at_once() -> None:
    checks = checks_of(target_of("http://127.0.0.1:9"), write=True)
    assert failed(checks) == ["reachable"]
    assert "connection refused" in checks["reachable"].detail
    assert "write" not in checks


def test_a_host_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "READ_S", 0.2)
    with stand_in(hang) as server:
        assert failed(checks_of(target_of(server.url), write=True)) == ["reachable"]
        wait_for(lambda: server.requests, "the request, which the server may read late")
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_told_from_a_host_that_is_away(status: int) -> None:
    refused = answer(status, {"error_code": "PERMISSION_DENIED", "message": "no"})
    with stand_in(refused) as server:
        checks = checks_of(target_of(server.url))
    assert checks["reachable"].state is CheckState.OK
    assert failed(checks) == ["authorised"]
    assert "MLFLOW_TRACKING_TOKEN" in checks["authorised"].remedy


def test_a_web_page_in_place_of_the_server_fails() -> None:
    with stand_in(answer(200, b"<html>", kind="text/html")) as server:
        checks = checks_of(target_of(server.url))
    assert failed(checks) == ["reachable"]


def test_another_major_release_and_another_clock_are_warnings() -> None:
    date = email.utils.formatdate(time.time() - 600, usegmt=True)
    with stand_in(answer(200, b"2.22.0"), answer(200, FOUND, Date=date)) as server:
        checks = checks_of(target_of(server.url))
    assert failed(checks) == []
    assert checks["store-version"].state is CheckState.WARN
    assert checks["clock-skew"].state is CheckState.WARN
    assert "behind" in checks["clock-skew"].detail


def test_artifacts_that_pass_by_the_server_are_a_warning(tmp_path: Path) -> None:
    found = {"experiment": {**FOUND["experiment"], "artifact_location": str(tmp_path / "a")}}
    with stand_in(answer(200, b"3.0.0"), answer(200, found)) as server:
        check = checks_of(target_of(server.url))["artifacts"]
    assert check.state is CheckState.WARN
    assert "--serve-artifacts" in check.remedy


def test_a_workspace_tells_who_we_are_and_a_missing_folder(tmp_path: Path) -> None:
    with stand_in(
        answer(404, NONE), answer(200, {"userName": "dev@example.com"}), answer(404, NONE)
    ) as server:
        environ = {"HOME": "/none", "DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": "dapi-x"}
        checks = checks_of(resolve_target(Settings(experiment="/Teams/x/evals"), environ))
        assert server.requests[-1].path.endswith("path=%2FTeams%2Fx")
    assert checks["credentials"].detail == "pat, from DATABRICKS_TOKEN"
    assert "dev@example.com" in checks["authorised"].detail
    assert checks["experiment"].state is CheckState.WARN
    assert "/Teams/x" in checks["experiment"].remedy


# -- the rest -------------------------------------------------------------------------------------


def test_a_store_that_only_mlflow_can_open_is_asked_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    (tmp_path / "mlruns").mkdir()
    checks = checks_of(target_of(str(tmp_path / "mlruns")))
    assert failed(checks) == ["reachable"]
    assert "mlflow migrate-filestore" in checks["reachable"].remedy


def test_a_store_that_mlflow_cannot_open_in_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_checks, "_OPEN_S", 0.0)
    checks = checks_of(target_of(str(tmp_path / "mlruns")))
    assert failed(checks) == ["reachable"]
