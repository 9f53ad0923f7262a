"""The writer against a server that answers oddly, through MLflow's real client."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from odd_server import OddServer, odd_server
from report_builders import make_context, make_report

from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import RunStatus
from evaltui.errors import StoreAuthError, StoreError, StoreRejectedError, StoreUnreachableError
from evaltui.settings import Settings
from evaltui.tracking.mapping import plan_run
from evaltui.tracking.target import resolve_target
from evaltui.tracking.writer import MlflowWriter

CREATE = "POST /api/2.0/mlflow/runs/create"


@pytest.fixture
def odd() -> Iterator[OddServer]:
    before = dict(os.environ)
    with odd_server() as server:
        yield server
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def writer(odd: OddServer) -> MlflowWriter:
    return MlflowWriter(resolve_target(Settings(tracking_uri=odd.url), {}))


@pytest.fixture
def plan() -> RunPlan:
    return plan_run(make_report(), make_context())


def failure(call: Callable[[], object]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        call()
    return caught.value


def test_an_empty_answer_to_a_create_is_no_run(
    odd: OddServer, writer: MlflowWriter, plan: RunPlan
) -> None:
    for odd.body in (b"", b"{}", b'{"run": {"info": {}}}'):
        found = failure(lambda: writer.create_run("1", plan))
        assert isinstance(found, StoreUnreachableError)
        assert found.unclear
    assert odd.requests == [CREATE] * 3


@pytest.mark.parametrize("body", [b"{}", b'{"run": {}}', b'{"run": {"info": {"run_id": "other"}}}'])
def test_files_of_a_run_that_the_answer_does_not_know_are_written_nowhere(
    odd: OddServer,
    writer: MlflowWriter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
) -> None:
    # MLflow's client would take the working directory for the place of the run's artifacts.
    monkeypatch.chdir(tmp_path)
    odd.body = body
    for path in ("report.json", "evaltui/report.json"):
        found = failure(lambda path=path: writer.log_artifacts("r1", [ArtifactFile(path, b"{}")]))
        assert isinstance(found, StoreUnreachableError)
        assert "the answer was empty" in found.message
    assert not list(tmp_path.iterdir())
    assert odd.requests == ["GET /api/2.0/mlflow/runs/get"] * 2


def test_an_empty_answer_about_an_experiment_is_no_experiment(
    odd: OddServer, writer: MlflowWriter
) -> None:
    assert isinstance(failure(lambda: writer.ensure_experiment("x")), StoreUnreachableError)


@pytest.mark.parametrize(
    ("status", "unclear"), [(500, True), (502, True), (503, True), (504, True), (429, False)]
)
def test_a_busy_or_broken_server_is_asked_once_and_its_wish_to_wait_is_told(
    odd: OddServer, writer: MlflowWriter, plan: RunPlan, status: int, *, unclear: bool
) -> None:
    odd.status, odd.headers = status, {"Retry-After": "17"}
    found = failure(lambda: writer.create_run("1", plan))
    assert isinstance(found, StoreUnreachableError)
    assert (found.unclear, found.retry_after_s) == (unclear, 17)
    assert str(status) in found.message
    assert odd.requests == [CREATE]


def test_the_wish_to_wait_is_told_to_a_script_that_has_used_mlflow_before(odd: OddServer) -> None:
    odd.status, odd.headers = 503, {"Retry-After": "17"}
    script = f"""
    import os
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from evaltui.domain.plan import RunPlan
    from evaltui.domain.run import RunStatus
    from evaltui.errors import StoreUnreachableError
    from evaltui.settings import Settings
    from evaltui.tracking.target import resolve_target
    from evaltui.tracking.writer import MlflowWriter

    target = resolve_target(Settings(tracking_uri={odd.url!r}), {{}})
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    try:
        MlflowClient(tracking_uri=target.uri).create_run("1")
    except MlflowException as error:
        assert "503" in str(error), error
    plan = RunPlan("c", "n", 1, 1, 1, RunStatus.FINISHED, {{}}, {{"t": "v"}}, {{}}, {{}})
    try:
        MlflowWriter(target).create_run("1", plan)
    except StoreUnreachableError as error:
        print(error.retry_after_s)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert float(done.stdout) == 17
    assert odd.requests == [CREATE] * 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "UNAUTHENTICATED", StoreAuthError),
        (403, "PERMISSION_DENIED", StoreAuthError),
        (404, "RESOURCE_DOES_NOT_EXIST", StoreRejectedError),
        (400, "INVALID_PARAMETER_VALUE", StoreRejectedError),
        (400, "SOMETHING_NEW", StoreUnreachableError),
    ],
)
def test_refusals_are_told_apart(
    odd: OddServer,
    writer: MlflowWriter,
    plan: RunPlan,
    *,
    status: int,
    code: str,
    kind: type[StoreError],
) -> None:
    odd.status = status
    odd.body = f'{{"error_code": "{code}", "message": "because\\u001b[2J"}}'.encode()
    found = failure(lambda: writer.create_run("1", plan))
    assert type(found) is kind
    assert "because" in found.message
    assert "\x1b" not in found.message


@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_page_in_place_of_an_answer_is_named(
    odd: OddServer, writer: MlflowWriter, plan: RunPlan, status: int
) -> None:
    odd.status = status
    odd.body = b"<html><title>Proxy sign-in</title>" + b"x" * 5_000
    found = failure(lambda: writer.create_run("1", plan))
    assert 'an HTML page "Proxy sign-in"' in found.message
    assert isinstance(found, StoreAuthError if status == 403 else StoreUnreachableError)
    assert len(found.message) <= 300


def test_an_answer_that_is_cut_off_leaves_open_whether_the_run_exists(
    odd: OddServer, writer: MlflowWriter, plan: RunPlan
) -> None:
    odd.cut, odd.body = True, b'{"run": {"in'
    found = failure(lambda: writer.create_run("1", plan))
    assert isinstance(found, StoreUnreachableError)
    assert found.unclear


@pytest.mark.parametrize("body", [b'{"run": {"in', b'["a"]', b'{"run": 5}', b"\xff\xfe"])
def test_an_answer_that_is_no_json_object_leaves_it_open_too(
    odd: OddServer, writer: MlflowWriter, plan: RunPlan, body: bytes
) -> None:
    odd.body = body
    found = failure(lambda: writer.create_run("1", plan))
    assert isinstance(found, StoreUnreachableError)
    assert found.unclear
    assert odd.requests == [CREATE]


def test_a_redirect_loop_ends(odd: OddServer, writer: MlflowWriter, plan: RunPlan) -> None:
    odd.status, odd.headers = 307, {"Location": odd.url + "/again"}
    assert isinstance(failure(lambda: writer.create_run("1", plan)), StoreUnreachableError)


def test_a_server_that_speaks_no_tls_is_told_as_such(plan: RunPlan, odd: OddServer) -> None:
    secure = odd.url.replace("http://", "https://")
    writer = MlflowWriter(resolve_target(Settings(tracking_uri=secure), {}))
    found = failure(lambda: writer.create_run("1", plan))
    assert isinstance(found, StoreUnreachableError)
    assert not found.unclear
    assert "TLS" in found.message


def test_a_hanging_server_neither_holds_the_caller_nor_the_end_of_the_program(
    odd: OddServer,
) -> None:
    odd.hang = True
    script = f"""
    import os
    from evaltui.domain.plan import ArtifactFile, RunPlan
    from evaltui.domain.run import RunStatus
    from evaltui.errors import StoreUnreachableError
    from evaltui.settings import Settings
    from evaltui.tracking.target import resolve_target
    from evaltui.tracking.writer import MlflowWriter

    target = resolve_target(Settings(tracking_uri={odd.url!r}), {{}})
    writer = MlflowWriter(target, call_s=3, upload_idle_s=3)  # in it the request is sent
    writer._open()
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "600"  # the calls outlast the test by far
    plan = RunPlan("c", "n", 1, 1, 1, RunStatus.FINISHED, {{}}, {{"t": "v"}}, {{}}, {{}})
    for call in (
        lambda: writer.create_run("1", plan),
        lambda: writer.log_artifacts("r", [ArtifactFile("a", data=b"a")]),
    ):
        try:
            call()
        except StoreUnreachableError as error:
            assert error.unclear, error
        else:
            raise SystemExit(3)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=360, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert odd.requests == [CREATE, "GET /api/2.0/mlflow/runs/get"]
    assert not odd.released.is_set()


def test_a_lost_delete_of_an_experiment_tag_is_made_up_for_by_an_empty_one(
    odd: OddServer, writer: MlflowWriter
) -> None:
    odd.status = 404
    odd.body = b'{"error_code": "ENDPOINT_NOT_FOUND", "message": "no such api"}'
    failure(lambda: writer.delete_experiment_tag("1", "evaltui.baseline"))
    assert odd.requests[-1] == "POST /api/2.0/mlflow/experiments/set-experiment-tag"


def test_the_end_of_a_run_is_one_request(odd: OddServer, writer: MlflowWriter) -> None:
    odd.body = b"{}"
    writer.finish_run("r1", RunStatus.FINISHED, 5)
    assert odd.requests == ["POST /api/2.0/mlflow/runs/update"]


def test_a_run_that_is_still_there_after_its_deletion_was_confirmed_is_an_error(
    odd: OddServer, writer: MlflowWriter
) -> None:
    odd.body = (
        b'{"run": {"info": {"run_id": "r", "artifact_uri": "mlflow-artifacts:/1/r/artifacts",'
        b' "lifecycle_stage": "active"}}}'
    )
    found = failure(lambda: writer.delete_run("r"))
    assert isinstance(found, StoreUnreachableError)
    assert "still there" in found.message
