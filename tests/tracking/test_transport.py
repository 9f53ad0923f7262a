"""Requests to servers that hang, drip, lie, refuse, or send what is not MLflow's."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from pathlib import Path

import pytest
from stand_in import Behaviour, Conversation, answer, drip, hang, hang_up, raw, stand_in
from waiting import wait_for

from evaltui.errors import StoreAuthError, StoreError, StoreRejectedError, StoreUnreachableError
from evaltui.settings import Settings
from evaltui.tracking import rest_artifacts
from evaltui.tracking import transport as transport_module
from evaltui.tracking.authorisation import FixedHeaders, authoriser_for
from evaltui.tracking.rest_source import RestSource
from evaltui.tracking.target import Target, resolve_target
from evaltui.tracking.transport import ReplyTooLargeError, Transport


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten all limits 20 times."""
    for name in ("CONNECT_S", "READ_S", "DEADLINE_S"):
        monkeypatch.setattr(transport_module, name, getattr(transport_module, name) / 20)


def ask(url: str) -> dict[str, object]:
    transport = Transport(url, FixedHeaders({}))
    try:
        return transport.get_json("/x", {}, "list runs")
    finally:
        transport.close()


def refusal(*behaviours: Behaviour) -> StoreError:
    with stand_in(*behaviours) as server, pytest.raises(StoreError) as caught:
        ask(server.url)
    assert caught.value.message.startswith("list runs: ")
    assert "\n" not in caught.value.message
    return caught.value


def target_of(url: str, **environ: str) -> Target:
    return resolve_target(Settings(), {"HOME": "/none", "MLFLOW_TRACKING_URI": url, **environ})


# -- time -----------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    "behaviour",
    [hang, drip(HEAD, 0.02), drip(HEAD + b" " * 900, 0.01)],
    ids=["silence", "dripped header", "dripped body"],
)
def test_a_server_that_never_comes_to_an_end_is_left(impatient: None, behaviour: Behaviour) -> None:
    began = time.monotonic()
    error = refusal(behaviour)
    assert isinstance(error, StoreUnreachableError)
    assert not error.unclear  # a read has no effect
    assert time.monotonic() - began < 50  # the server would be silent for longer


def test_a_left_request_ends_its_thread_and_the_next_one_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def calls() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if "store-call" in thread.name]

    others = calls()  # of tests before this one
    with stand_in(drip(HEAD, 0.02), answer(200, {"a": 1})) as server:
        transport = Transport(server.url, FixedHeaders({}))
        with monkeypatch.context() as soon:
            soon.setattr(transport_module, "DEADLINE_S", 0.5)
            with pytest.raises(StoreUnreachableError, match="no complete answer"):
                transport.get_json("/x", {}, "list runs")
        assert transport.get_json("/x", {}, "list runs") == {"a": 1}
        transport.close()
        for thread in set(calls()) - set(others):
            thread.join(90)
        assert set(calls()) <= set(others)


def test_requests_of_several_threads_go_one_after_the_other_over_one_connection() -> None:
    gate = threading.Event()

    def late(talk: Conversation) -> None:
        assert gate.wait(90)
        answer(200, {"a": 1})(talk)

    found: list[dict[str, object]] = []
    with stand_in(late) as server:
        transport = Transport(server.url, FixedHeaders({}))
        threads = [
            threading.Thread(target=lambda: found.append(transport.get_json("/x", {}, "list runs")))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        wait_for(lambda: server.requests, "request")
        gate.set()
        for thread in threads:
            thread.join(90)
        assert found == [{"a": 1}] * 3
        assert server.connections == 1
        transport.close()


def test_a_name_that_does_not_resolve_in_time_is_left(
    impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: released.wait(30) and [])
    try:
        with pytest.raises(StoreUnreachableError, match="no complete answer"):
            ask("http://some.example.invalid")
    finally:
        released.set()


def test_nothing_listening_is_told_at_once_and_in_words() -> None:
    with stand_in(hang) as server:
        url = server.url
    with pytest.raises(StoreUnreachableError, match="connection refused"):
        ask(url)


# -- connections ----------------------------------------------------------------------------------


def test_one_connection_is_kept_for_all_requests() -> None:
    with stand_in(answer(200, {"a": 1})) as server:
        transport = Transport(server.url, FixedHeaders({}))
        for _ in range(3):
            transport.get_json("/x", {"q": "ä b"}, "list runs")
        transport.close()
        assert server.connections == 1
        assert server.requests[0].path == "/x?q=%C3%A4+b"


def test_a_kept_connection_that_the_server_closed_is_no_error() -> None:
    with stand_in(answer(200, {"a": 1}), hang_up, answer(200, {"a": 2})) as server:
        transport = Transport(server.url, FixedHeaders({}))
        transport.get_json("/x", {}, "list runs")
        assert transport.get_json("/x", {}, "list runs") == {"a": 2}
        transport.close()
        assert server.connections == 2


def test_a_fresh_connection_that_is_closed_is_an_error_and_not_tried_again() -> None:
    with stand_in(hang_up) as server:
        with pytest.raises(StoreUnreachableError, match="closed the connection"):
            ask(server.url)
        assert len(server.requests) == 1


# -- answers that are not MLflow's ----------------------------------------------------------------

BROKEN = {
    "an empty answer": answer(200, b""),
    "a web page": answer(200, b"<!doctype html><title>Sign in</title>", kind="text/html"),
    "damaged": answer(200, b'{"runs": [', kind="application/json"),
    "cut off or damaged": answer(200, b"[]"),
    "not JSON": answer(200, b"OK"),
    "cut off": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
}


@pytest.mark.parametrize("words", BROKEN)
def test_what_is_no_answer_of_mlflow_is_named_and_worth_another_try(words: str) -> None:
    error = refusal(BROKEN[words])
    assert isinstance(error, StoreUnreachableError)
    assert words in error.message
    assert "<" not in error.message


def test_a_redirect_is_not_followed_and_gets_no_credential() -> None:
    with stand_in(answer(200, {})) as other:
        error = refusal(answer(302, b"", Location=f"{other.url}/login"))
        assert other.requests == []
    assert isinstance(error, StoreRejectedError)
    assert f"{other.url}/login" in error.message


def test_an_answer_over_the_limit_is_refused_compressed_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport_module, "MOST_JSON_BYTES", 1_000)
    bomb = gzip.compress(b" " * 10_000_000)
    for behaviour in (answer(200, b" " * 2_000), answer(200, bomb, Content_Encoding="gzip")):
        with stand_in(behaviour) as server, pytest.raises(ReplyTooLargeError):
            ask(server.url)


def test_a_huge_error_page_is_cut_not_read() -> None:
    error = refusal(answer(404, b"x" * 5_000_000))
    assert isinstance(error, StoreRejectedError)
    assert len(error.message) < 300


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_needs_a_person(status: int) -> None:
    error = refusal(answer(status, {"error_code": "PERMISSION_DENIED", "message": "not you"}))
    assert isinstance(error, StoreAuthError)
    assert "not you" in error.message


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [(429, "7", 7.0), (503, "99999", 300.0), (500, None, None), (502, "soon", None)],
)
def test_an_overloaded_server_says_how_long_to_wait(
    status: int, header: str | None, wait: float | None
) -> None:
    headers = {} if header is None else {"Retry_After": header}
    error = refusal(answer(status, {"error_code": "X", "message": "busy"}, **headers))
    assert isinstance(error, StoreUnreachableError)
    assert error.retry_after_s == wait


def test_a_date_to_wait_for_is_understood() -> None:
    error = refusal(answer(429, b"", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"))
    assert isinstance(error, StoreUnreachableError)
    assert error.retry_after_s == 0.0


def test_another_server_is_recognised_as_none_of_mlflow() -> None:
    error = refusal(answer(404, b"<h1>Not Found</h1>", kind="text/html"))
    assert isinstance(error, StoreRejectedError)
    assert error.hint is not None
    assert "MLflow server" in error.hint


def test_escapes_and_secrets_in_an_error_do_not_come_through() -> None:
    message = "bad \x1b]52;c;x\x07 http://user:hunter22@host/ token=abcdefgh"
    error = refusal(answer(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": message}))
    assert "\x1b" not in error.message
    assert "hunter22" not in error.message
    assert "abcdefgh" not in error.message


# -- credentials ----------------------------------------------------------------------------------


def sent(url_form: str, **environ: str) -> dict[str, str]:
    with stand_in(answer(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": ""})) as server:
        target = target_of(url_form.format(server.url.partition("://")[2]), **environ)
        source = RestSource(target, "x")
        assert source.experiment() is None
        source.close()
        return server.requests[0].headers


def test_user_and_password_of_the_address_are_sent_as_basic_auth() -> None:
    expected = "Basic " + base64.b64encode(b"me:p/w").decode()
    assert sent("http://me:p%2Fw@{}")["authorization"] == expected


def test_user_and_password_or_a_token_of_the_environment_are_sent() -> None:
    headers = sent("http://{}", MLFLOW_TRACKING_USERNAME="me", MLFLOW_TRACKING_PASSWORD="pw")
    assert headers["authorization"] == "Basic " + base64.b64encode(b"me:pw").decode()
    headers = sent("http://{}", MLFLOW_TRACKING_TOKEN="abc")
    assert headers["authorization"] == "Bearer abc"


def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter22\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert "authorization" not in sent("http://{}")


def test_a_databricks_token_travels_with_the_workspace_id() -> None:
    with stand_in(answer(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": ""})) as server:
        environ = {"DATABRICKS_HOST": f"{server.url}/?o=42", "DATABRICKS_TOKEN": "dapi-x"}
        source = RestSource(resolve_target(Settings(), {"HOME": "/none", **environ}), "/x")
        assert source.experiment() is None
        source.close()
        headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer dapi-x"
    assert headers["x-databricks-org-id"] == "42"
    assert headers["user-agent"] == "evaltui"


class Rotating:
    """Gives a new token whenever it is asked to renew."""

    renewable = True

    def __init__(self) -> None:
        self.tokens = 0

    def headers(self, *, renew: bool = False) -> dict[str, str]:
        self.tokens += renew
        return {"Authorization": f"Bearer {self.tokens}"}


def test_a_token_that_can_be_renewed_is_renewed_once() -> None:
    refused = answer(401, {"error_code": "UNAUTHENTICATED", "message": "expired"})
    with stand_in(refused, answer(200, {"a": 1})) as server:
        transport = Transport(server.url, Rotating())
        assert transport.get_json("/x", {}, "list runs") == {"a": 1}
        transport.close()
        assert [request.headers["authorization"] for request in server.requests] == [
            "Bearer 0",
            "Bearer 1",
        ]
    with stand_in(refused) as server:
        transport = Transport(server.url, Rotating())
        with pytest.raises(StoreAuthError):
            transport.get_json("/x", {}, "list runs")
        transport.close()
        assert len(server.requests) == 2


def test_a_credential_that_the_sdk_cannot_use_needs_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"HOME": str(tmp_path), "DATABRICKS_CONFIG_PROFILE": "p"}
    with stand_in(answer(404, {})) as server:
        (tmp_path / ".databrickscfg").write_text(f"[p]\nhost={server.url}\nauth_type=nothing\n")
        monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / ".databrickscfg"))
        for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        target = resolve_target(Settings(), environ)
        for name, value in target.environment(environ).items():  # undone with the test
            monkeypatch.setenv(name, value or "")
        with pytest.raises(StoreAuthError, match="Databricks token"):
            authoriser_for(target).headers()
        assert all("authorization" not in request.headers for request in server.requests)


# -- damaged content ------------------------------------------------------------------------------


@pytest.fixture
def run_answers() -> list[Behaviour]:
    found = {"experiment": {"experiment_id": "1", "name": "x"}}
    return [answer(200, found)]


@pytest.mark.parametrize(
    "body",
    [
        {"runs": {}},
        {"runs": [{}]},
        {"runs": [{"info": {"run_id": "r", "experiment_id": "1", "start_time": "soon"}}]},
        {"runs": [{"info": {"run_id": "r", "experiment_id": "1"}, "data": {"metrics": [1]}}]},
    ],
)
def test_damaged_runs_are_an_unusable_answer(run_answers: list[Behaviour], body: object) -> None:
    with stand_in(*run_answers, answer(200, body)) as server:
        source = RestSource(target_of(server.url), "x")
        with pytest.raises(StoreUnreachableError, match="damaged"):
            list(source.changes())
        source.close()


def test_what_protobuf_leaves_out_or_writes_as_text_is_understood(
    run_answers: list[Behaviour],
) -> None:
    run = {
        "info": {
            "run_uuid": "r",
            "experiment_id": "1",
            "status": "SOMETHING_NEW",
            "start_time": "1700000000000",
            "end_time": 0,
        },
        "data": {
            "metrics": [
                {"key": "a", "value": 0.5},
                {"key": "b", "value": "NaN"},
                {"key": "c", "value": "-Infinity"},
                {"key": "d"},
            ],
            "tags": [{"key": "mlflow.runName", "value": "n"}, {"key": "empty"}],
        },
    }
    with stand_in(*run_answers, answer(200, {"runs": [run]})) as server:
        source = RestSource(target_of(server.url), "x")
        ((found,),) = [batch.runs for batch in source.changes()]
        source.close()
    assert (found.run_id, found.name, found.started_ms, found.ended_ms) == (
        "r",
        "n",
        1_700_000_000_000,
        None,
    )
    assert found.metrics == {"a": 0.5}
    assert found.tags == {"mlflow.runName": "n", "empty": ""}


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(
    run_answers: list[Behaviour], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MOST_JSON_BYTES", 500)
    big = answer(200, {"runs": [], "filler": "x" * 1_000})
    with stand_in(*run_answers, big, answer(200, {})) as server:
        source = RestSource(target_of(server.url), "x")
        assert [batch.complete for batch in source.changes()] == [True]
        source.close()
        assert b'"max_results": 50' in server.requests[1].body
        assert b'"max_results": 12' in server.requests[2].body


def test_a_listing_that_breaks_off_goes_on_with_the_same_page(
    run_answers: list[Behaviour],
) -> None:
    def page(number: int, token: str) -> Behaviour:
        info = {"run_id": f"r{number}", "experiment_id": "1", "start_time": number}
        return answer(200, {"runs": [{"info": info}], "next_page_token": token})

    busy = answer(429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": ""})
    with stand_in(*run_answers, page(2, "more"), busy, page(1, "")) as server:
        source = RestSource(target_of(server.url), "x")
        pages = source.changes()
        assert [run.run_id for run in next(pages).runs] == ["r2"]
        with pytest.raises(StoreUnreachableError):
            next(pages)
        assert [run.run_id for batch in source.changes() for run in batch.runs] == ["r1"]
        source.close()
        assert b'"page_token": "more"' in server.requests[-1].body


# -- artifacts ------------------------------------------------------------------------------------


def test_a_signed_address_is_read_without_our_credential() -> None:
    with stand_in(answer(200, b"content")) as storage:
        url = f"{storage.url}/bucket/x%2Fy?sig=a%2Bb&z"
        grant = {"signed_uri": url, "headers": [{"name": "x-ms-version", "value": "1"}]}
        with stand_in(answer(200, {"credential_infos": [grant]})) as server:
            environ = {"DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": "dapi-x"}
            target = resolve_target(Settings(), {"HOME": "/none", **environ})
            source = RestSource(target, "/x")
            assert source.read_artifact("r", "x/y", max_bytes=7) == b"content"
            with pytest.raises(StoreRejectedError, match="larger than 6 bytes"):
                source.read_artifact("r", "x/y", max_bytes=6)
            source.close()
            assert server.requests[0].method == "POST"
            assert json.loads(server.requests[0].body) == {"run_id": "r", "path": ["x/y"]}
            assert server.requests[0].headers["authorization"] == "Bearer dapi-x"
        assert storage.requests[0].path == "/bucket/x%2Fy?sig=a%2Bb&z"
        assert storage.requests[0].headers["x-ms-version"] == "1"
        assert "authorization" not in storage.requests[0].headers


@pytest.mark.parametrize("status", [403, 404])
def test_a_storage_that_refuses_says_nothing_about_our_credential(status: int) -> None:
    with stand_in(answer(status, b"<Error>")) as storage:
        grant = {"signed_uri": f"{storage.url}/x"}
        with stand_in(answer(200, {"credential_infos": [grant]})) as server:
            environ = {"DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": "dapi-x"}
            source = RestSource(resolve_target(Settings(), {"HOME": "/none", **environ}), "/x")
            with pytest.raises(StoreRejectedError, match="does not give it out"):
                source.read_artifact("r", "x/y", max_bytes=7)
            source.close()


@pytest.mark.parametrize("grants", [[], [{}], [{"signed_uri": "file:///etc/passwd"}], None])
def test_no_usable_signed_address_is_a_refusal(grants: object) -> None:
    with stand_in(answer(200, {"credential_infos": grants})) as server:
        environ = {"DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": "dapi-x"}
        source = RestSource(resolve_target(Settings(), {"HOME": "/none", **environ}), "/x")
        with pytest.raises(StoreRejectedError):
            source.read_artifact("r", "x/y", max_bytes=7)
        source.close()


def test_a_tree_that_never_ends_is_listed_as_far_as_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rest_artifacts, "_MOST_REQUESTS", 3)
    endless = {"files": [{"path": "d", "is_dir": True}], "next_page_token": "again"}
    with stand_in(answer(200, endless)) as server:
        source = RestSource(target_of(server.url), "x")
        assert [item.path for item in source.list_artifacts("r")] == ["d"]
        source.close()
        assert len(server.requests) <= 3
