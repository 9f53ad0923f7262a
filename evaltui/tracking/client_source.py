"""Runs of any store that mlflow can open: slow, and used only where nothing else fits."""

from __future__ import annotations

import posixpath
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evaltui.domain.run import ArtifactInfo, Experiment, Run, Tag
from evaltui.errors import StoreRejectedError
from evaltui.tracking.deadline import BoundedCalls
from evaltui.tracking.local_artifacts import MOST_ENTRIES, checked_path, read_file, too_large
from evaltui.tracking.mlflow_client import open_client
from evaltui.tracking.mlflow_faults import translated
from evaltui.tracking.polled_source import PolledSource
from evaltui.tracking.run_values import is_value, run_status
from evaltui.tracking.target import Target

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as MlflowExperiment
    from mlflow.entities import Run as MlflowRun

T = TypeVar("T")

_READ_S = 10.0
_OPEN_S = 60.0
"""Importing mlflow takes seconds, more on a busy machine."""

_MISSING = "RESOURCE_DOES_NOT_EXIST"


class ClientSource(PolledSource):
    """Reads one experiment through MLflow's client.

    Args:
        target: The store.
        name: Name of the experiment, or "" to take `target.experiment_id`.
    """

    def __init__(self, target: Target, name: str) -> None:
        super().__init__("client", _ClientQueries(target, name))


class _ClientQueries:
    def __init__(self, target: Target, name: str) -> None:
        self._target = target
        self._name = name
        self._calls = BoundedCalls()
        self._lock = threading.Lock()
        self._client: MlflowClient | None = None

    def experiment(self) -> Experiment | None:
        def ask(client: MlflowClient) -> Experiment | None:
            if self._name:
                found = client.get_experiment_by_name(self._name)
            else:
                found = _unless_missing(client.get_experiment, self._target.experiment_id)
            return None if found is None else _to_experiment(found)

        return self._call("look up the experiment", ask)

    def get_run(self, run_id: str) -> Run | None:
        def ask(client: MlflowClient) -> Run | None:
            found = _unless_missing(client.get_run, run_id)
            return None if found is None else _to_run(found)

        return self._call(f"read run {run_id}", ask)

    def search(
        self, experiment_id: str, question: str, *, size: int, token: str
    ) -> tuple[list[Run], str]:
        def ask(client: MlflowClient) -> tuple[list[Run], str]:
            found = client.search_runs(
                [experiment_id],
                filter_string=question,
                max_results=size,
                order_by=["attributes.start_time DESC"],
                page_token=token or None,
            )
            return [_to_run(run) for run in found], found.token or ""

        return self._call("list runs", ask)

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        def ask(client: MlflowClient) -> tuple[ArtifactInfo, ...]:
            found: list[ArtifactInfo] = []
            waiting: list[str | None] = [None]
            while waiting and len(found) < MOST_ENTRIES:
                for item in client.list_artifacts(run_id, waiting.pop()):
                    size = None if item.is_dir else item.file_size
                    found.append(ArtifactInfo(item.path, bool(item.is_dir), size))
                    if item.is_dir:
                        waiting.append(item.path)
            return tuple(sorted(found, key=lambda item: item.path))

        return self._call(f"list artifacts of run {run_id}", ask)

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        path = str(checked_path(path))

        def ask(client: MlflowClient) -> bytes:
            folder = posixpath.dirname(path)
            listed = client.list_artifacts(run_id, folder or None)
            sizes = {item.path: item.file_size for item in listed if not item.is_dir}
            if path not in sizes:
                raise StoreRejectedError(f"artifact {path}: there is none in run {run_id}")
            if (sizes[path] or 0) > max_bytes:
                raise too_large(path, max_bytes)
            with tempfile.TemporaryDirectory(prefix="evaltui-") as room:
                got = Path(client.download_artifacts(run_id, path, room))
                return read_file(got.parent, got.name, max_bytes=max_bytes)

        return self._call(f"read artifact {path} of run {run_id}", ask)

    def close(self) -> None:
        self._client = None
        self._calls.close()

    def _call(self, doing: str, ask: Callable[[MlflowClient], T]) -> T:
        with translated(f"{doing} in {self._target.label}"):
            client = self._client or self._calls.run(self._open, limit_s=_OPEN_S)
            return self._calls.run(lambda: ask(client), limit_s=_READ_S)

    def _open(self) -> MlflowClient:
        with self._lock:
            if self._client is None:
                self._client = open_client(self._target)
            return self._client


def _unless_missing(ask: Callable[[str], T], key: str) -> T | None:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - a client is open: it is there

    try:
        return ask(key)
    except MlflowException as error:
        if error.error_code == _MISSING:
            return None
        raise


def _to_experiment(found: MlflowExperiment) -> Experiment:
    return Experiment(
        experiment_id=str(found.experiment_id),
        name=str(found.name),
        artifact_location=str(found.artifact_location or ""),
        tags=dict(found.tags or {}),
        active=found.lifecycle_stage == "active",
    )


def _to_run(found: MlflowRun) -> Run:
    info, data = found.info, found.data
    return Run(
        run_id=str(info.run_id),
        experiment_id=str(info.experiment_id),
        name=str(info.run_name or data.tags.get(Tag.MLFLOW_RUN_NAME, "")),
        status=run_status(info.status),
        started_ms=info.start_time,
        ended_ms=info.end_time or None,
        metrics={key: value for key, value in data.metrics.items() if is_value(value)},
        params=dict(data.params),
        tags=dict(data.tags),
        artifact_uri=str(info.artifact_uri or ""),
        active=info.lifecycle_stage == "active",
    )
