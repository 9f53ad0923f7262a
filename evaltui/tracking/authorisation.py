"""The headers that carry a credential."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Mapping
from typing import Any, Protocol

import requests

from evaltui.tracking import faults
from evaltui.tracking.credential import Credential, CredentialKind
from evaltui.tracking.mlflow_faults import translated
from evaltui.tracking.process_variables import TIMEOUT_S
from evaltui.tracking.renewal import Renewal
from evaltui.tracking.service_principal import principal_for
from evaltui.tracking.target import Target, TargetKind
from evaltui.tracking.tls import tls_settings

_WORKSPACE_HEADER = "x-databricks-org-id"
_KNOCK_S = 3.0
"""Longest wait for the first sign of a host."""


class Authoriser(Protocol):
    """Gives the headers of a request."""

    renewable: bool
    """Whether asking anew may help after a refusal (tokens that are fetched)."""

    def headers(self, *, renew: bool = False) -> Mapping[str, str]:
        """Return the headers.

        Args:
            renew: Drop what is kept and fetch it again.

        Raises:
            StoreError: There is no usable credential.
        """


def authoriser_for(target: Target) -> Authoriser:
    """Return what authorises requests to a server or workspace; nothing is fetched yet."""
    if target.credential.kind is CredentialKind.OAUTH:
        return _PrincipalHeaders(target)
    if target.credential.kind is CredentialKind.SDK:
        return _SdkAuthoriser(target)
    if target.kind is TargetKind.DATABRICKS:
        return _RotatedHeaders(target)
    return FixedHeaders(_fixed(target.credential, target.workspace_id))


class FixedHeaders:
    """Headers that never change.

    Args:
        headers: The headers, the credential among them if there is one.
    """

    renewable = False

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def headers(self, *, renew: bool = False) -> Mapping[str, str]:
        """Return the headers."""
        del renew
        return self._headers


def _fixed(credential: Credential, workspace_id: str) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    if credential.kind is CredentialKind.BASIC:
        pair = f"{credential.name}:{credential.secret}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    elif credential.kind in {CredentialKind.BEARER, CredentialKind.PAT}:
        headers["Authorization"] = f"Bearer {credential.secret}"
    if workspace_id:
        headers[_WORKSPACE_HEADER] = workspace_id
    return headers


class _RotatedHeaders:
    """Headers with a credential that its file may replace at any time."""

    renewable = False

    def __init__(self, target: Target) -> None:
        self._renewal = Renewal(target)
        self._workspace_id = target.workspace_id

    def headers(self, *, renew: bool = False) -> Mapping[str, str]:
        """Return the headers with the credential as it is now."""
        del renew
        return _fixed(self._renewal.credential(), self._workspace_id)


class _PrincipalHeaders:
    """Headers with the access token that everybody in this process shares."""

    renewable = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._renewal = Renewal(target)
        self._sent = ""

    def headers(self, *, renew: bool = False) -> Mapping[str, str]:
        """Return the headers with a token that is valid for now."""
        principal = principal_for(self._target, self._renewal.credential())
        token = principal.token(refused=self._sent if renew else "")
        self._sent = token.value
        bearer = Credential(CredentialKind.BEARER, secret=token.value)
        return _fixed(bearer, self._target.workspace_id or token.workspace_id)


def _knock(target: Target, doing: str) -> None:
    """Ask whether anybody is there: the SDK takes long to find out, and does not say.

    Raises:
        StoreUnreachableError: No answer.
    """
    tls = tls_settings(target.variables)
    try:
        address = f"{target.host}/.well-known/databricks-config"
        requests.get(
            address,
            timeout=_KNOCK_S,
            allow_redirects=False,
            auth=lambda request: request,  # else requests would look into .netrc
            verify=tls.verify,
            cert=tls.certificate,
        ).close()
    except requests.RequestException as error:
        raise faults.translate(error, doing) from error


class _SdkAuthoriser:
    """Lets the Databricks SDK fetch and renew tokens; it is imported at the first request."""

    renewable = True

    def __init__(self, target: Target) -> None:
        self._target = target
        self._config: Any = None

    def headers(self, *, renew: bool = False) -> Mapping[str, str]:
        """Return the headers with a token that is valid for now."""
        doing = f"get a Databricks token ({self._target.credential.origin})"
        if self._config is None and self._target.host:
            _knock(self._target, doing)
        with translated(doing):
            if self._config is None or renew:
                self._config = self._new_config()
            found = dict(self._config.authenticate())
        workspace = self._target.workspace_id or str(self._config.workspace_id or "")
        return found | ({_WORKSPACE_HEADER: workspace} if workspace else {})

    def _new_config(self) -> object:
        from databricks.sdk.core import Config  # noqa: PLC0415 - takes a second and more

        logging.getLogger("databricks").addHandler(logging.NullHandler())  # else: on stderr
        bounds: dict[str, Any] = {
            "http_timeout_seconds": TIMEOUT_S,
            "retry_timeout_seconds": TIMEOUT_S,
        }
        # the SDK itself looks at the environment: nothing there may speak against the target
        for name, value in self._target.environment(os.environ).items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if self._target.profile:
            return Config(profile=self._target.profile, **bounds)
        return Config(host=self._target.host, **bounds)
