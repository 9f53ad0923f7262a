"""Runs and experiments as a tracking store holds them, and the tags evaltui gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from evaltui.late_dataclass import dataclass


class RunStatus(StrEnum):
    """Status of an MLflow run, and PENDING for a report that the store does not have yet."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    PENDING = "PENDING"


class Tag(StrEnum):
    """Names of the tags that evaltui writes and reads."""

    CONTENT_ID = "evaltui.content_id"
    FILE_SHA256 = "evaltui.file_sha256"
    STATE = "evaltui.state"
    KIND = "evaltui.kind"
    STATUS = "evaltui.status"
    FORMAT = "evaltui.format"
    SOURCE = "evaltui.source"
    HEADLINE = "evaltui.headline"
    EVALUATION_ID = "evaltui.evaluation_id"
    SUPERSEDES = "evaltui.supersedes"
    SUPERSEDED_BY = "evaltui.superseded_by"
    DUPLICATE_OF = "evaltui.duplicate_of"
    MODE_LABEL = "evaltui.mode_label"
    MODE_SOURCE = "evaltui.mode_source"
    NOTES = "evaltui.notes"
    RENAMED = "evaltui.renamed"
    BASELINE = "evaltui.baseline"  # on the experiment
    LOGGED_ARTIFACTS = "mlflow.loggedArtifacts"
    MODE = "mode"
    FRAMEWORK = "framework"
    RUN_NAME = "run_name"
    MLFLOW_RUN_NAME = "mlflow.runName"


DIRECTION_PREFIX = "evaltui.metric."
"""Experiment tags that start so tell which way a metric gets better."""

LOCAL_PREFIX = "local:"
"""Run ids that start so are reports on this machine that the store does not have yet."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment of the store.

    Attributes:
        active: False when it is deleted.
    """

    experiment_id: str
    name: str
    artifact_location: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    active: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """One run with its latest metric values.

    Attributes:
        started_ms: Start of the evaluation, epoch milliseconds, or None.
        ended_ms: End, epoch milliseconds, or None.
        metrics: Finite values only; a metric the store holds as NaN or infinite is absent.
        active: False when the run is deleted.
    """

    run_id: str
    experiment_id: str
    name: str
    status: RunStatus
    started_ms: int | None
    ended_ms: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifact_uri: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class RunBatch:
    """What one page of a listing or one poll brought.

    Attributes:
        runs: New or changed runs, whole.
        removed: Ids of runs that are deleted or gone.
        complete: True on the last page of a first listing and on every poll.
        total: Number of runs the listing will bring, where the store can tell, else None.
    """

    runs: Sequence[Run] = ()
    removed: tuple[str, ...] = ()
    complete: bool = True
    total: int | None = None


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """One entry of a run's artifact tree; size_bytes is None for a folder or when unknown."""

    path: str
    is_dir: bool
    size_bytes: int | None = None
