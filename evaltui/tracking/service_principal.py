"""Access tokens of a service principal (OAuth, machine to machine): one for the whole process.

The Databricks SDK would fetch one for every client that it or MLflow makes, several a report; it
asks the token endpoint without any time limit, on a thread that keeps the program from ending.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from evaltui.domain.text import clean
from evaltui.errors import StoreAuthError, StoreError, StoreUnreachableError
from evaltui.late_dataclass import dataclass
from evaltui.log import redact
from evaltui.tracking import faults
from evaltui.tracking.credential import Credential
from evaltui.tracking.target import Target
from evaltui.tracking.tls import Tls, tls_settings

CONNECT_S = 3.0
READ_S = 3.0
"""Longest silence: discovery and tokens are small answers of a service that only does that."""

SIGN_IN_S = 9.0
"""Longest time for all requests of one sign-in; a read that drips may end it a little later."""

_AHEAD_S = 300.0
_AGAIN_S = 60.0
_UNTOLD_LIFE_S = 600.0
_MOST_BYTES = 64 * 1024
_DISCOVERY = "/.well-known/databricks-config"
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_HINT = "check the credential: `evaltui doctor` says which one is used"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token.

    Attributes:
        value: The token itself; not in the repr.
        workspace_id: What the host says of itself, "" when it does not.
        renew_at: When another one is fetched, on the monotonic clock, in seconds.
        dead_at: When it ends.
    """

    value: str = field(repr=False)
    workspace_id: str
    renew_at: float
    dead_at: float


class ServicePrincipal:
    """Gives the token that is valid now; safe for use from several threads.

    Args:
        host: Address of the workspace.
        credential: Client id and secret.
        tls: Which certificates are taken.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        host: str,
        credential: Credential,
        tls: Tls,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._credential = credential
        self._tls = tls
        self._clock = clock
        self._doing = f"get a Databricks token ({credential.origin})"
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def token(self, *, refused: str = "") -> AccessToken:
        """Return a valid token; takes at most about SIGN_IN_S when one has to be fetched.

        Args:
            refused: A token that the workspace did not take: it is not returned again.

        Raises:
            StoreAuthError: The client or its secret is wrong.
            StoreUnreachableError: No answer; nothing was asked of MLflow, so it is never unclear.
        """
        if not self._lock.acquire(timeout=SIGN_IN_S):
            raise StoreUnreachableError(f"{self._doing}: no answer in time", hint=faults.NETWORK)
        try:
            kept = self._token
            if kept is not None and kept.value == refused:
                self._token = kept = None
            now = self._clock()
            if kept is None or now >= kept.renew_at:
                self._token = kept = self._renewed(kept, now)
            return kept
        finally:
            self._lock.release()

    def _renewed(self, kept: AccessToken | None, now: float) -> AccessToken:
        try:
            return self._fetch(time.monotonic() + SIGN_IN_S)
        except StoreError:
            if kept is None or now >= kept.dead_at:
                raise
            again = min(now + _AGAIN_S, kept.dead_at)  # it is good for a while yet
            return AccessToken(kept.value, kept.workspace_id, again, kept.dead_at)

    def _fetch(self, end: float) -> AccessToken:
        found = self._discovered(self._host + _DISCOVERY, end)
        issuer = _text(found, "oidc_endpoint") or f"{self._host}/oidc"
        issuer = issuer.replace("{account_id}", _text(found, "account_id")).rstrip("/")
        told = self._discovered(f"{issuer}/.well-known/oauth-authorization-server", end)
        endpoint = _text(told, "token_endpoint") or f"{issuer}/v1/token"
        self._refuse_open_wire(endpoint)
        status, headers, data = self._ask(
            "POST",
            endpoint,
            end,
            auth=HTTPBasicAuth(self._credential.name.encode(), self._credential.secret.encode()),
            data={"grant_type": "client_credentials", "scope": "all-apis"},
        )
        answer = _object(data)
        value = _text(answer, "access_token")
        if status == HTTPStatus.OK and value:
            return self._dated(answer, value, _text(found, "workspace_id"))
        if status in _REFUSED and _text(answer, "error"):
            words = f"{answer['error']}: {answer.get('error_description', '')}".rstrip(": ")
            raise StoreAuthError(f"{self._doing}: {redact(clean(words, limit=200))}", hint=_HINT)
        if status == HTTPStatus.OK:
            raise StoreUnreachableError(
                f"{self._doing}: the answer holds no token",
                hint="check DATABRICKS_HOST, proxies and sign-in pages",
            )
        raise faults.from_answer(status, headers, data, self._doing)

    def _dated(self, answer: Mapping[str, Any], value: str, workspace_id: str) -> AccessToken:
        now, told = self._clock(), answer.get("expires_in")
        life = float(told) if isinstance(told, int) and told > 0 else _UNTOLD_LIFE_S
        return AccessToken(value, workspace_id, now + life - min(life / 2, _AHEAD_S), now + life)

    def _discovered(self, url: str, end: float) -> dict[str, Any]:
        """Return a document of discovery, an empty one where the host has none."""
        status, headers, data = self._ask("GET", url, end, auth=_nobody, data=None)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise faults.from_answer(status, headers, data, self._doing)
        return _object(data) if status == HTTPStatus.OK else {}

    def _refuse_open_wire(self, endpoint: str) -> None:
        """Do not send the secret in clear text because an answer says so."""
        if urlsplit(self._host).scheme == "https" != urlsplit(endpoint).scheme:
            raise StoreAuthError(
                f"{self._doing}: the workspace names a token endpoint without TLS", hint=_HINT
            )

    def _ask(
        self,
        method: str,
        url: str,
        end: float,
        *,
        auth: AuthBase | Any,
        data: Mapping[str, str] | None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        left = end - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            with requests.request(
                method,
                url,
                data=data,
                auth=auth,
                headers={"User-Agent": "evaltui"},
                timeout=(min(CONNECT_S, left), min(READ_S, left)),
                allow_redirects=False,
                stream=True,
                verify=self._tls.verify,
                cert=self._tls.certificate,
            ) as answer:
                body = b""
                for part in answer.iter_content(_MOST_BYTES):
                    body += part
                    if len(body) >= _MOST_BYTES:
                        break
                    if time.monotonic() > end:
                        raise TimeoutError
                return answer.status_code, answer.headers, body
        except (requests.RequestException, OSError) as error:
            raise faults.translate(error, self._doing) from error


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send no credential: that there is an `auth` keeps requests from looking into `.netrc`."""
    return request


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(document: Mapping[str, Any], key: str) -> str:
    found = document.get(key)
    return found if isinstance(found, str) else ""


# -- one per process ------------------------------------------------------------------------------

_lock = threading.Lock()
_known: dict[tuple[str, str, str, Tls], ServicePrincipal] = {}


def principal_for(target: Target, credential: Credential) -> ServicePrincipal:
    """Return the one that everybody in this process uses for a workspace and credential."""
    tls = tls_settings(target.variables)
    key = target.host, credential.name, credential.secret, tls
    with _lock:
        if key not in _known:
            _known[key] = ServicePrincipal(target.host, credential, tls)
        return _known[key]
