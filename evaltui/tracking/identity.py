"""Who we are to a store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evaltui.errors import StoreError
from evaltui.tracking.credential import CredentialKind
from evaltui.tracking.target import Target

if TYPE_CHECKING:
    from evaltui.tracking.transport import Transport

_ME = "/api/2.0/preview/scim/v2/Me"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def named_by_credential(target: Target) -> str:
    """Return the user whom the credential names by itself, "" where it names none."""
    return target.credential.name if target.credential.kind is CredentialKind.BASIC else ""


def ask_me(transport: Transport) -> Mapping[str, Any]:
    """Return what a Databricks workspace knows of us, by one request.

    Raises:
        StoreError: No answer, or it does not tell.
    """
    return transport.get_json(_ME, {}, "ask who we are")


def user_of(me: Mapping[str, Any]) -> str:
    """Return the name of a workspace's answer, foreign text; "" when it tells none.

    A service principal goes by the name that people gave it rather than by its id.
    """
    name = str(me.get("userName") or me.get("applicationId") or "")
    if _UUID.fullmatch(name):
        name = str(me.get("displayName") or name)
    return name


def ask_user(target: Target) -> str:
    """Ask a Databricks workspace who we are, on a connection of its own.

    Raises:
        StoreError: No answer, or it does not tell.
    """
    from evaltui.tracking.rest_source import open_transport  # noqa: PLC0415 - only for workspaces

    transport = open_transport(target)
    try:
        name = user_of(ask_me(transport))
    finally:
        transport.close()
    if not name:
        raise StoreError(f"{target.label} does not tell who we are")
    return name
