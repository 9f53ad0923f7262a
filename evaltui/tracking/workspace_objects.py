"""What lies at a path of a Databricks workspace."""

from __future__ import annotations

from evaltui.errors import StoreRejectedError
from evaltui.tracking.faults import is_missing
from evaltui.tracking.transport import Transport

_API = "/api/2.0/workspace/"
FOLDER = "DIRECTORY"


def object_at(transport: Transport, path: str) -> tuple[str, str] | None:
    """Return sort (such as DIRECTORY) and id of what is at a path, None when there is nothing.

    Raises:
        StoreError: No answer, or a refusal.
    """
    try:
        found = transport.get_json(_API + "get-status", {"path": path}, f"look for {path}")
    except StoreRejectedError as error:
        if is_missing(error):
            return None
        raise
    return str(found.get("object_type", "")), str(found.get("object_id", ""))
