"""One token of a service principal for the whole process: fetched rarely, and never without end."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from stand_in import Behaviour, Conversation, StandIn, answer, hang, stand_in

from evaltui.errors import StoreAuthError, StoreError, StoreUnreachableError
from evaltui.settings import Settings
from evaltui.tracking import service_principal
from evaltui.tracking.authorisation import authoriser_for
from evaltui.tracking.credential import Credential, CredentialKind
from evaltui.tracking.service_principal import ServicePrincipal, principal_for
from evaltui.tracking.target import Target, resolve_target
from evaltui.tracking.tls import Tls
from evaltui.tracking.transport import Transport

ROBOT = Credential(CredentialKind.OAUTH, "the robot's variables", "robot", "robot-secret")
TOKEN = "/oidc/v1/token"
BAD_SECRET = {"error": "invalid_client", "error_description": "Client authentication failed"}


@dataclass
class SignIn:
    """A workspace's sign-in; `token` replaces the answer of its token endpoint."""

    token: Behaviour | None = None
    life_s: int = 3600
    given: list[str] = field(default_factory=list)
    server: StandIn = field(default_factory=lambda: StandIn([]))
    discovery: Behaviour | None = None

    def behave(self, talk: Conversation) -> None:
        path = talk.request.path
        if path == TOKEN:
            self._token(talk)
        elif path == "/.well-known/databricks-config" and self.discovery is not None:
            self.discovery(talk)
        elif path == "/.well-known/databricks-config":
            issuer = f"{self.server.url}/oidc"
            answer(200, {"oidc_endpoint": issuer, "workspace_id": "77"})(talk)
        elif path == "/oidc/.well-known/oauth-authorization-server":
            answer(200, {"token_endpoint": self.server.url + TOKEN})(talk)
        else:
            answer(200, {"path": path})(talk)

    def _token(self, talk: Conversation) -> None:
        if self.token is not None:
            self.token(talk)
            return
        self.given.append(f"token-{len(self.given)}")
        kind = {"access_token": self.given[-1], "token_type": "Bearer", "expires_in": self.life_s}
        answer(200, kind)(talk)

    def target(self) -> Target:
        environ = {
            "HOME": "/none",
            "DATABRICKS_HOST": self.server.url,
            "DATABRICKS_CLIENT_ID": ROBOT.name,
            "DATABRICKS_CLIENT_SECRET": ROBOT.secret,
        }
        return resolve_target(Settings(), environ)


@contextmanager
def sign_in() -> Iterator[SignIn]:
    told = SignIn()
    with stand_in(told.behave) as server:
        told.server = server
        yield told


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def workspace() -> Iterator[SignIn]:
    with sign_in() as told:
        yield told


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def principal(workspace: SignIn, clock: Clock) -> ServicePrincipal:
    return ServicePrincipal(workspace.server.url, ROBOT, Tls(), clock=clock)


def test_everybody_in_the_process_signs_in_once(workspace: SignIn) -> None:
    transports = [
        Transport(workspace.server.url, authoriser_for(workspace.target())) for _ in range(8)
    ]
    threads = [
        threading.Thread(target=transport.get_json, args=("/x", {}, "look"))
        for transport in transports
    ]
    for thread in threads:
        thread.start()
    for thread, transport in zip(threads, transports, strict=True):
        thread.join(90)
        transport.close()
    assert workspace.given == ["token-0"]
    asked = [line for line in workspace.server.requests if line.path == "/x"]
    assert {line.headers["authorization"] for line in asked} == {"Bearer token-0"}
    assert {line.headers["x-databricks-org-id"] for line in asked} == {"77"}
    assert len(workspace.server.requests) == len(asked) + 3


def test_the_secret_goes_to_the_token_endpoint_and_nowhere_else(
    workspace: SignIn, principal: ServicePrincipal
) -> None:
    token = principal.token()
    pair = base64.b64encode(b"robot:robot-secret").decode()
    sent = {line.path: line.headers.get("authorization") for line in workspace.server.requests}
    assert sent.pop(TOKEN) == f"Basic {pair}"
    assert set(sent.values()) == {None}
    assert token.value not in repr(token)


def test_a_refused_token_is_fetched_anew_once_however_many_it_was_refused_to(
    workspace: SignIn, principal: ServicePrincipal
) -> None:
    first = principal.token().value
    assert principal.token(refused=first).value == "token-1"
    assert principal.token(refused=first).value == "token-1"
    assert workspace.given == ["token-0", "token-1"]


def test_a_token_is_renewed_before_it_ends_and_kept_where_that_fails(
    workspace: SignIn, principal: ServicePrincipal, clock: Clock
) -> None:
    assert principal.token().value == "token-0"
    clock.now += 3_000
    assert principal.token().value == "token-0"
    workspace.token = answer(503, {})
    clock.now += 400  # of the hour 200 s are left
    for _ in range(3):
        assert principal.token().value == "token-0"
    assert [line.path for line in workspace.server.requests].count(TOKEN) == 2
    clock.now += 210
    with pytest.raises(StoreUnreachableError, match="HTTP 503"):
        principal.token()
    workspace.token = None
    assert principal.token().value == "token-1"


def test_short_lives_are_used_for_half_of_their_time(
    workspace: SignIn, principal: ServicePrincipal, clock: Clock
) -> None:
    workspace.life_s = 20
    principal.token()
    clock.now += 9
    principal.token()
    assert len(workspace.given) == 1
    clock.now += 2
    principal.token()
    assert len(workspace.given) == 2


def test_a_token_endpoint_that_hangs_is_told_and_does_no_harm_once_it_answers(
    workspace: SignIn, principal: ServicePrincipal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_principal, "READ_S", 0.05)
    workspace.token = hang
    for _ in range(10):  # more than calls may be left hanging
        with pytest.raises(StoreUnreachableError, match="no answer in time") as caught:
            principal.token()
        assert not caught.value.unclear
    workspace.token = None
    monkeypatch.undo()
    assert principal.token().value == "token-0"


def test_all_requests_of_a_sign_in_end_together(
    workspace: SignIn, principal: ServicePrincipal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_principal, "SIGN_IN_S", 0.0)
    with pytest.raises(StoreUnreachableError, match="no answer in time"):
        principal.token()
    assert workspace.server.requests == []


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        (answer(401, BAD_SECRET), StoreAuthError, "invalid_client: Client authentication failed"),
        (answer(400, {"error": "invalid_scope"}), StoreAuthError, "invalid_scope"),
        (answer(200, b"<html>", kind="text/html"), StoreUnreachableError, "holds no token"),
        (answer(429, {}, Retry_After="7"), StoreUnreachableError, "HTTP 429"),
        (answer(302, b"", Location="http://elsewhere/"), StoreError, "sends us on"),
    ],
)
def test_what_comes_instead_of_a_token_is_told_in_one_line(
    workspace: SignIn,
    principal: ServicePrincipal,
    told: Behaviour,
    kind: type[StoreError],
    words: str,
) -> None:
    workspace.token = told
    with pytest.raises(kind) as caught:
        principal.token()
    assert words in caught.value.message
    assert "the robot's variables" in caught.value.message
    assert ROBOT.secret not in f"{caught.value.message}{caught.value.hint}"
    assert "\n" not in caught.value.message


def test_a_workspace_without_discovery_is_asked_at_the_usual_place(
    workspace: SignIn, principal: ServicePrincipal
) -> None:
    workspace.discovery = answer(404, b"<html>", kind="text/html")
    assert principal.token().value == "token-0"
    assert principal.token().workspace_id == ""


def test_the_secret_is_not_sent_in_clear_text_because_an_answer_says_so() -> None:
    principal = ServicePrincipal("https://workspace", ROBOT, Tls())
    with pytest.raises(StoreAuthError, match="without TLS"):
        principal._refuse_open_wire("http://workspace/oidc/v1/token")
    principal._refuse_open_wire("https://accounts/oidc/v1/token")


def test_a_rotated_secret_signs_in_by_itself(workspace: SignIn) -> None:
    target = workspace.target()
    old = principal_for(target, target.credential)
    assert principal_for(target, target.credential) is old
    new = Credential(CredentialKind.OAUTH, ROBOT.origin, ROBOT.name, "rotated")
    assert principal_for(target, new) is not old
