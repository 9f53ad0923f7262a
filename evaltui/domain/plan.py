"""What is to be written to the store for one report: the whole run, decided before any call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from evaltui.domain.run import RunStatus
from evaltui.late_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file to be uploaded: either the bytes or a local path, never both.

    Attributes:
        path: Path inside the run's artifacts, `/`-separated, such as `evaluation_report.json`.
        data: The bytes, or None.
        local_path: A file to upload from, or None.
    """

    path: str
    data: bytes | None = None
    local_path: Path | None = None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything one run shall hold; legal for MLflow and the same at every retry.

    Attributes:
        content_id: Identity of the report; also in `create_tags`.
        name: Run name, at most 200 characters, no control characters.
        started_ms: Start of the evaluation, epoch milliseconds.
        ended_ms: End of the evaluation, epoch milliseconds.
        metric_ms: Timestamp of every metric point, fixed at the first try, so that a repeated
            batch adds no second point.
        status: FINISHED, FAILED or KILLED: how the evaluation ended.
        create_tags: Tags that travel in the create call (at most 20).
        tags: Tags that are set with the values.
        params: At most 6,000 characters each, names legal for MLflow.
        metrics: Finite values, names legal for MLflow.
        artifacts: Files to upload.
    """

    content_id: str
    name: str
    started_ms: int
    ended_ms: int
    metric_ms: int
    status: RunStatus
    create_tags: Mapping[str, str]
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    artifacts: tuple[ArtifactFile, ...] = field(default=())
