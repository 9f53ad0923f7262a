"""What the environment of a process that imports mlflow must say."""

from __future__ import annotations

from collections.abc import Mapping

from evaltui.tracking.credential import HOST, PROFILE, WORKSPACE, Credential, CredentialKind
from evaltui.tracking.tls import AUTHORITY, BUNDLE

TIMEOUT_S = 5
"""Seconds mlflow and the Databricks SDK wait for one answer; all retries are evaltui's."""

QUIET: Mapping[str, str] = {
    "_MLFLOW_ENABLE_UC_TRACE_UPSELL": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Keep mlflow off the terminal and off the network."""

BOUNDED: Mapping[str, str] = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(TIMEOUT_S),
    "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT": str(TIMEOUT_S),
}

CREDENTIALS = (
    "DATABRICKS_TOKEN",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_USERNAME",
    "DATABRICKS_PASSWORD",
    "DATABRICKS_AUTH_TYPE",
)
"""Variables that Databricks' code takes a credential from."""

_AMBIENT = (
    *CREDENTIALS,
    HOST,
    PROFILE,
    WORKSPACE,
    "DATABRICKS_ACCOUNT_ID",
    "DATABRICKS_REFRESH_TOKEN",
    "DATABRICKS_METADATA_SERVICE_URL",
)
_SERVER = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


def edits(
    credential: Credential,
    environ: Mapping[str, str],
    *,
    databricks: bool,
    server: bool,
    host: str,
    workspace_id: str,
    profile: str,
    more: Mapping[str, str],
) -> dict[str, str | None]:
    """Return variable → new value, None to unset; only what differs from `environ`.

    Args:
        credential: The one credential mlflow shall find.
        environ: The environment as it is.
        databricks: The target is a workspace.
        server: The target is an http(s) server.
        host: Clean host of the workspace.
        workspace_id: Its id, or "".
        profile: The profile it came from, or "".
        more: Variables of the env file.
    """
    wanted: dict[str, str | None] = {**more, **QUIET, **BOUNDED}
    if databricks:
        wanted |= _for_databricks(credential, environ, host, workspace_id, profile)
        authority = more.get(AUTHORITY) or environ.get(AUTHORITY)
        if authority:  # it goes first where we read; for workspaces mlflow knows only the other
            wanted[BUNDLE] = authority
    elif server:
        wanted |= _for_server(credential)
    return {name: value for name, value in wanted.items() if environ.get(name) != value}


def _for_databricks(
    credential: Credential,
    environ: Mapping[str, str],
    host: str,
    workspace_id: str,
    profile: str,
) -> dict[str, str | None]:
    if credential.kind is CredentialKind.SDK and profile:
        # only the SDK can read it, and only where nothing in the environment speaks against it
        return {**dict.fromkeys(_AMBIENT), PROFILE: profile, "MLFLOW_ENABLE_DB_SDK": "true"}
    wanted: dict[str, str | None] = {**dict.fromkeys(_AMBIENT), HOST: host}
    if workspace_id:
        wanted[WORKSPACE] = workspace_id
    if credential.kind is CredentialKind.PAT:
        wanted["DATABRICKS_TOKEN"] = credential.secret
    elif credential.kind is CredentialKind.OAUTH:
        wanted["DATABRICKS_CLIENT_ID"] = credential.name
        wanted["DATABRICKS_CLIENT_SECRET"] = credential.secret
    elif credential.kind is CredentialKind.BASIC:
        wanted["DATABRICKS_USERNAME"] = credential.name
        wanted["DATABRICKS_PASSWORD"] = credential.secret
    else:
        kept = ("DATABRICKS_ACCOUNT_ID", "DATABRICKS_METADATA_SERVICE_URL", "DATABRICKS_AUTH_TYPE")
        wanted |= {name: environ.get(name) for name in kept}
    # with a token the SDK only adds requests and retries; a unified host needs its header though
    plain = credential.kind in {CredentialKind.PAT, CredentialKind.BASIC} and not workspace_id
    wanted["MLFLOW_ENABLE_DB_SDK"] = "false" if plain else "true"
    return wanted


def _for_server(credential: Credential) -> dict[str, str | None]:
    wanted: dict[str, str | None] = dict.fromkeys(_SERVER)
    if credential.kind is CredentialKind.BASIC:
        wanted |= {_SERVER[0]: credential.name, _SERVER[1]: credential.secret}
    elif credential.kind is CredentialKind.BEARER:
        wanted[_SERVER[2]] = credential.secret
    return wanted
