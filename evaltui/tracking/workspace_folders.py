"""Folders of a Databricks workspace, where experiments live."""

from __future__ import annotations

from evaltui.tracking.target import Target

_API = "/api/2.0/workspace/"


def parent_of(path: str) -> str:
    """Return the folder of an experiment, "" for one right below the root."""
    return path.rpartition("/")[0]


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
    from evaltui.tracking.rest_source import open_transport  # noqa: PLC0415 - only for workspaces

    transport = open_transport(target)
    try:
        doing = f"{target.label}: making the folder {path}"
        transport.post_json(_API + "mkdirs", {"path": path}, doing)
    finally:
        transport.close()
