"""Experiments as MLflow's client hands them over, and where a local one keeps its artifacts."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from evaltui.domain.run import Experiment
from evaltui.errors import StoreRejectedError
from evaltui.tracking.target import Target, TargetKind

if TYPE_CHECKING:
    from mlflow.entities import Experiment as MlflowExperiment

DELETED = "deleted"
"""MLflow's word for the lifecycle stage of what can be restored."""


def to_experiment(found: MlflowExperiment | None) -> Experiment | None:
    """Return MLflow's experiment as ours; an empty answer gives one without id."""
    if found is None:
        return None
    return Experiment(
        experiment_id=str(found.experiment_id or ""),
        name=str(found.name or ""),
        artifact_location=str(found.artifact_location or ""),
        tags=dict(found.tags or {}),
        active=found.lifecycle_stage != DELETED,
    )


def active_or_refused(experiment: Experiment, target: Target) -> Experiment:
    """Return an active experiment.

    Raises:
        StoreRejectedError: It is deleted.
    """
    if not experiment.active:
        raise StoreRejectedError(
            f"{target.label}: the experiment {experiment.name} is deleted",
            hint=f"restore it (`mlflow experiments restore -x {experiment.experiment_id}`), "
            "or name another with --experiment",
        )
    return experiment


def artifact_location(target: Target, name: str) -> str | None:
    """Return where a new experiment keeps artifacts, or None where the store decides.

    For a local database that is a directory of its own beside it; MLflow itself would use the
    current directory.
    """
    root = target.artifact_root
    if root is None:
        return None
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60]
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return (root / f"{slug}-{digest}" if slug else root / digest).as_uri()


def refuse_new_folders(target: Target) -> None:
    """Do not let MLflow make the folders of a mistyped path.

    Raises:
        StoreRejectedError: The directory of the SQLite database does not exist.
    """
    if target.kind is TargetKind.SQLITE and target.database is not None:
        folder = target.database.parent
        if not folder.is_dir():
            raise StoreRejectedError(
                f"{target.label}: there is no directory {folder} ({target.why})",
                hint=f"correct the tracking URI, or make it: mkdir -p {folder}",
            )
