"""Workspaces, credentials and names that do not do: told soon, in one line, with a way out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from second_look import closed_port, hanging_server
from watch_process import evaltui
from workspaces import TOKEN, FakeWorkspace

from evaltui.domain.check import Check, CheckState
from evaltui.errors import StoreAuthError, StoreError
from evaltui.settings import Settings
from evaltui.tracking import open_source
from evaltui.tracking.diagnosis import diagnose
from evaltui.tracking.target import Target, resolve_target
from evaltui.tracking.writer import MlflowWriter

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("databricks")]


SOON_S = 60.0
"""5 s at most but for a loaded machine; what mlflow and the SDK do by themselves takes minutes."""


# -- errors come soon, in one line ----------------------------------------------------------------


def error_of(environ: dict[str, str]) -> tuple[StoreError, float]:
    source = open_source(resolve_target(Settings(), {"HOME": "/none", **environ}))
    began = time.monotonic()
    with pytest.raises(StoreError) as caught:
        source.experiment()
    took = time.monotonic() - began
    source.close()
    assert "\n" not in caught.value.message
    return caught.value, took


def test_a_wrong_credential_a_dead_host_and_a_silent_one_are_told_soon(
    ours: FakeWorkspace,
) -> None:
    token, client = ours.by_token(), ours.by_client()
    dead = {"DATABRICKS_HOST": f"http://127.0.0.1:{closed_port()}"}
    refused = "connection refused"
    with hanging_server() as url:
        silent = {"DATABRICKS_HOST": url}
        cases = (
            (token | {"DATABRICKS_TOKEN": "dapi-wrong"}, "Invalid access token"),
            (token | dead, refused),
            (token | silent, "no answer in time"),
            (client | {"DATABRICKS_CLIENT_SECRET": "wrong"}, "invalid_client"),
            (client | dead, refused),
            (client | silent, "no answer in time"),
        )
        for environ, words in cases:
            error, took = error_of(environ)
            print(f"{took:.2f} s: {error.message}")
            assert words in error.message
            assert "doctor" in (error.hint or "")
            assert took < SOON_S
            assert isinstance(error, StoreAuthError) is words.lower().startswith("invalid")


def test_what_is_no_workspace_is_told_in_one_line(ours: FakeWorkspace) -> None:
    ours.tell("fault", match="/mlflow/", status=200, body="<html><title>Sign in</title></html>")
    error, _ = error_of(ours.by_token())
    assert "a web page, such as a sign-in or proxy page" in error.message
    for host in (ours.url.replace("http:", "https:"), ours.host):  # a name alone means https
        error, _ = error_of(ours.by_token() | {"DATABRICKS_HOST": host})
        assert error.message.endswith("what listens there does not speak https")
        assert "write http://" in (error.hint or "")


def test_an_address_pasted_from_the_browser_does(ours: FakeWorkspace) -> None:
    pasted = {"DATABRICKS_HOST": f"{ours.url}/ml/experiments/1?o=7474651848412345"}
    source = open_source(resolve_target(Settings(), ours.by_token() | pasted))
    source.experiment()
    source.close()
    lines = ours.log()
    assert lines[0]["request"] == "GET /api/2.0/mlflow/experiments/get-by-name"
    assert {line["org"] for line in lines} == {"7474651848412345"}


def test_two_credentials_at_once_are_refused_in_one_line(
    tmp_path: Path, workspaces: list[FakeWorkspace], ours: FakeWorkspace
) -> None:
    theirs = workspaces[1]
    both = theirs.by_token() | theirs.by_client()
    done = evaltui(tmp_path, "runs", **both)
    assert done.returncode == 2
    assert "two Databricks credentials at once: DATABRICKS_TOKEN" in done.stderr
    assert "unset one" in done.stderr
    assert TOKEN not in done.stderr
    assert theirs.count() == 0


# -- names and folders ----------------------------------------------------------------------------


@pytest.fixture
def clean_environ() -> Iterator[None]:
    """Take back what a writer in this process does to the environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def target_in(workspace: FakeWorkspace, experiment: str, **more: object) -> Target:
    settings = replace(Settings(experiment=experiment), **more)
    return resolve_target(settings, {"HOME": "/none", **workspace.by_token()})


def refusal(target: Target) -> str:
    """Message and hint of a refused experiment, on one line each."""
    with pytest.raises(StoreError) as caught:
        MlflowWriter(target).ensure_experiment(target.experiment)
    assert "\n" not in f"{caught.value.message}{caught.value.hint}"
    return f"{caught.value.message} | {caught.value.hint}"


@pytest.mark.usefixtures("clean_environ")
def test_experiments_that_cannot_be_say_why_and_what_to_do(ours: FakeWorkspace) -> None:
    missing = "/Shared/new/team/evals"
    assert "--create-parents makes that folder" in refusal(target_in(ours, missing))
    asked = target_in(ours, missing, create_parents=True)
    assert MlflowWriter(asked).ensure_experiment(missing).name == missing
    assert "/Shared/evaluations" in refusal(target_in(ours, "/Shared"))
    nobody = target_in(ours, "/Users/nobody@example.com/a/b", create_parents=True)
    assert "Folder Users is protected" in refusal(nobody)
    same = target_in(ours, f"/Workspace{missing}")
    writer = MlflowWriter(same)
    experiment = writer.ensure_experiment(same.experiment)
    assert experiment.name == missing
    writer._call("delete", lambda client: client.delete_experiment(experiment.experiment_id))
    assert "is deleted | restore it" in refusal(same)
    readonly = {"HOME": "/none", **ours.by_token(), "DATABRICKS_TOKEN": "dapi-readonly"}
    ours.tell("config", tokens={"dapi-readonly": {"user": "viewer@example.com", "readonly": True}})
    viewer = resolve_target(Settings(experiment="/Shared/theirs"), readonly)
    assert "does not have Edit permissions" in refusal(viewer)
    assert "ask for the permission" in refusal(viewer)


def found_by_doctor(target: Target, *, write: bool = False) -> dict[str, Check]:
    return {check.name: check for check in diagnose(target, write=write)}


@pytest.mark.usefixtures("clean_environ")
def test_the_doctor_says_who_how_long_with_what_rights_and_proves_artifacts(
    ours: FakeWorkspace,
) -> None:
    soon_ms = int((time.time() + 86_400) * 1000)
    ours.tell("config", tokens={TOKEN: {"user": "dev@example.com", "expiry_ms": soon_ms}})
    target = target_in(ours, "/Shared/doctor")
    found = found_by_doctor(target, write=True)
    assert found["authorised"].detail == "as dev@example.com, by DATABRICKS_TOKEN"
    assert found["token-expiry"].state is CheckState.WARN
    assert found["rights"].detail == "CAN_MANAGE in the folder /Shared"
    assert found["rate-limit"].detail.startswith("no 429 in ")
    assert "with an artifact was made, read and deleted" in found["write"].detail
    found = found_by_doctor(target)
    assert found["rights"].detail == "CAN_MANAGE in the experiment"
    found = found_by_doctor(target_in(ours, "/Shared/no/where"))
    assert "--create-parents" in found["experiment"].remedy
    found = found_by_doctor(target_in(ours, "/Shared"))
    assert "is a folder" in found["experiment"].detail


def test_the_doctor_warns_who_may_only_read(ours: FakeWorkspace) -> None:
    ours.tell("config", tokens={TOKEN: {"user": "viewer@example.com", "readonly": True}})
    found = found_by_doctor(target_in(ours, "/Shared/klaudbiusz-evaluations"))
    assert found["rights"].state is CheckState.FAIL
    assert "CAN_EDIT" in found["rights"].remedy


# -- hosts and token endpoints that hang ----------------------------------------------------------


def ways_of(workspace: FakeWorkspace) -> dict[str, dict[str, str]]:
    return {"token": workspace.by_token(), "client": workspace.by_client()}


def troubles(target: Target) -> dict[str, tuple[str, float]]:
    """What reader, writer and doctor say of a workspace that does not do, and after how long."""
    found: dict[str, tuple[str, float]] = {}
    source, writer = open_source(target), MlflowWriter(target)
    asked = {
        "reader": source.experiment,
        "writer": lambda: writer.ensure_experiment(target.experiment),
    }
    for name, ask in asked.items():
        began = time.monotonic()
        with pytest.raises(StoreError) as caught:
            ask()
        found[name] = (f"{caught.value.message} | {caught.value.hint}", time.monotonic() - began)
    source.close()
    began = time.monotonic()
    last = list(diagnose(target, write=True))[-1]
    assert last.state is CheckState.FAIL
    found["doctor"] = (f"{last.detail} | {last.remedy}", time.monotonic() - began)
    return found


@pytest.mark.usefixtures("clean_environ")
def test_what_hangs_is_given_up_after_one_try_in_reader_writer_and_doctor(
    ours: FakeWorkspace,
) -> None:
    MlflowWriter(target_in(ours, "/Shared/imported")).ensure_experiment("/Shared/imported")
    cases = (("token", "/api/2.0/"), ("client", "/api/2.0/"), ("client", "oidc/v1/token"))
    for way, what in cases:
        secret = f"secret-{what}"  # of its own, so that no token is known yet
        ours.tell("config", clients={"evaltui-sp": secret})
        environ = ours.by_token() if way == "token" else ours.by_client(secret)
        target = resolve_target(Settings(), {"HOME": "/none", **environ})
        ours.tell("clear")
        ours.tell("fault", match=what, times=99, delay=3_600)
        told = troubles(target)
        for who, (words, took_s) in told.items():
            print(f"{who} with {way}, {what} hangs: {took_s:.1f} s, {words}")
            assert "no answer in time" in words
            assert took_s < SOON_S  # mlflow by itself would go on trying
    ours.tell("config", clients={"evaltui-sp": "s3cret"})


# -- certificates ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeWorkspace]:
    """A workspace behind https, with a certificate that signs itself."""
    with FakeWorkspace(tmp_path_factory.mktemp("safe"), tls=True) as workspace:
        yield workspace.ready()


@pytest.mark.usefixtures("clean_environ")
def test_a_certificate_that_nobody_knows_is_told_with_what_makes_it_known(
    safe: FakeWorkspace,
) -> None:
    for way, environ in ways_of(safe).items():
        target = resolve_target(Settings(), {"HOME": "/none", **environ})
        for who, (words, _) in troubles(target).items():
            print(f"{who} with {way}: {words}")
            assert "self-signed certificate" in words or "self signed certificate" in words
            assert "REQUESTS_CA_BUNDLE" in words
            assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in words
            assert "insecure" not in words.lower()
    assert safe.log() == []


@pytest.mark.usefixtures("clean_environ")
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "MLFLOW_TRACKING_SERVER_CERT_PATH"])
def test_with_its_authority_named_reader_writer_and_doctor_work(
    safe: FakeWorkspace, name: str
) -> None:
    os.environ[name] = str(safe.authority)
    for environ in ways_of(safe).values():
        settings = Settings(experiment="/Shared/safe")
        target = resolve_target(settings, {"HOME": "/none", **environ})
        found = found_by_doctor(target, write=True)
        assert "with an artifact was made, read and deleted" in found["write"].detail
        assert not [check for check in found.values() if check.state is CheckState.FAIL]


@pytest.mark.usefixtures("clean_environ")
def test_an_authority_that_is_not_there_is_told(safe: FakeWorkspace) -> None:
    os.environ["REQUESTS_CA_BUNDLE"] = "/none.pem"
    error, _ = error_of(safe.by_token())
    assert error.message.endswith("invalid path: /none.pem")
    assert "REQUESTS_CA_BUNDLE" in (error.hint or "")
