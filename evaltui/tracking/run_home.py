"""Where a run's artifacts go, by an answer that was looked at.

MLflow's client takes any JSON for a run. From an empty answer it makes a run without an id whose
artifacts belong into the working directory, and remembers that place for the rest of the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from evaltui.errors import StoreUnreachableError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun


class RunHome(Protocol):
    """MLflow's ArtifactRepository, as far as it is used here."""

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Upload a file into a folder of the run, "" and None for its root."""


def asked_run(client: MlflowClient, run_id: str) -> MlflowRun:
    """Return the run as the store has it, deleted or not.

    Raises:
        StoreUnreachableError: The answer is about no run, or another one.
        Exception: Whatever mlflow raises; the caller translates it.
    """
    run = client.get_run(run_id)
    if run.info.run_id != run_id or not run.info.artifact_uri:
        raise StoreUnreachableError(
            f"looking up run {run_id}: the answer was empty",
            hint="nothing is lost: it is tried again",
        )
    return run


def run_home(artifact_uri: str, tracking_uri: str) -> RunHome:
    """Return MLflow's own way to the artifacts of a run.

    Args:
        artifact_uri: The place that the store told; never empty.
        tracking_uri: The store.

    Raises:
        Exception: Whatever mlflow raises; the caller translates it.
    """
    from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415 - is imported
        get_artifact_repository,
    )
    from mlflow.utils.uri import (  # noqa: PLC0415 - is imported
        add_databricks_profile_info_to_artifact_uri,
    )

    place = add_databricks_profile_info_to_artifact_uri(  # type: ignore[no-untyped-call]
        artifact_uri, tracking_uri
    )
    return cast(RunHome, get_artifact_repository(place, tracking_uri=tracking_uri))
