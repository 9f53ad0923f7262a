"""Folders of a Databricks workspace, where experiments live."""

from __future__ import annotations

from evaltui.errors import StoreRejectedError
from evaltui.tracking.faults import is_missing
from evaltui.tracking.rest_source import open_transport
from evaltui.tracking.target import Target
from evaltui.tracking.transport import Transport

_API = "/api/2.0/workspace/"
FOLDER = "DIRECTORY"


def parent_of(path: str) -> str:
    """Return the folder of an experiment, "" for one right below the root."""
    return path.rpartition("/")[0]


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


class ExperimentFolder:
    """The folder that an experiment which is still to be made lacks, as its writers find out.

    Safe for use from several threads.

    Args:
        target: The workspace.

    Attributes:
        missing: Path of the folder, "" while nothing is known to be missing.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self.missing = ""

    def make(self) -> None:
        """Make the missing folder with those above it.

        Raises:
            StoreError: No answer, or the workspace does not let us.
        """
        if self.missing:
            make_folder(self._target, self.missing)
            self.missing = ""


def make_folder(target: Target, path: str) -> None:
    """Make a folder with those above it; one that is there is no error.

    Raises:
        StoreError: No answer, or the workspace does not let us.
    """
    transport = open_transport(target)
    try:
        doing = f"{target.label}: making the folder {path}"
        transport.post_json(_API + "mkdirs", {"path": path}, doing)
    finally:
        transport.close()
