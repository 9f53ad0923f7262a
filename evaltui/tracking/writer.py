"""Writes runs through MLflow's own client: the only place that changes a store.

Every call has an end of its own, none is retried here, and repeating any of them is harmless,
except for `create_run`: its errors say whether the run may exist nevertheless.
"""

from __future__ import annotations

import contextlib
import posixpath
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import Experiment, RunStatus
from evaltui.errors import StoreAuthError, StoreRejectedError, StoreUnreachableError
from evaltui.tracking.batches import batches
from evaltui.tracking.deadline import BoundedCalls
from evaltui.tracking.experiments import (
    DELETED,
    active_or_refused,
    artifact_location,
    refuse_new_folders,
    to_experiment,
)
from evaltui.tracking.local_artifacts import checked_path, local_root
from evaltui.tracking.mlflow_client import open_client, patience
from evaltui.tracking.mlflow_faults import NO_FOLDER, translate, translated
from evaltui.tracking.naming import MAX_TAG_VALUE, legal_run_name, legal_value
from evaltui.tracking.run_home import RunHome, asked_run, run_home
from evaltui.tracking.target import Target
from evaltui.tracking.upload import clear_left_rooms, new_room, read_position, staged
from evaltui.tracking.workspace_folders import ExperimentFolder, parent_of
from evaltui.tracking.writer_sign_in import WriterSignIn

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

CALL_S = 20.0
UPLOAD_IDLE_S = 30.0
OPEN_S = 180.0
"""Importing mlflow and making a database: local work that a loaded machine may be slow at."""

LARGE_BYTES = 1_000_000
"""A file from this size on may take the server longer than an ordinary call."""


class MlflowWriter:
    """Implements domain.ports.RunWriter for every kind of target.

    Args:
        target: The store.
        call_s: Longest wait for one call.
        upload_idle_s: Longest wait for a file that does not get on.
        folder: Told which folder a new experiment lacks.
    """

    def __init__(
        self,
        target: Target,
        *,
        call_s: float = CALL_S,
        upload_idle_s: float = UPLOAD_IDLE_S,
        folder: ExperimentFolder | None = None,
    ) -> None:
        self._target = target
        self._folder = folder or ExperimentFolder(target)
        self._call_s = call_s
        self._upload_idle_s = upload_idle_s
        self._calls = BoundedCalls()
        self._sign_in = WriterSignIn(target, self._calls, call_s)
        self._lock = threading.Lock()
        self._client: MlflowClient | None = None
        self._made: tuple[str, str] = "", ""
        self._known_home: tuple[str, RunHome] | None = None
        self._cleared = False

    # -- experiments -----------------------------------------------------------------------------

    def ensure_experiment(self, name: str) -> Experiment:
        """Return the active experiment `name`, creating it when there is none.

        With "" the experiment is looked up by the id that the environment gave; it must exist.

        Raises:
            StoreRejectedError: It is deleted, or the store does not take its name.
        """
        if not name:
            return self._experiment_by_id(self._target.experiment_id)
        found = self._find_experiment(name)
        if found is None:
            self._create_experiment(name)
            found = self._find_experiment(name)
        if found is None:
            raise StoreRejectedError(
                f"{self._target.label}: the experiment {name} cannot be made",
                hint="a folder or another object has that name: name an experiment in it, such as "
                f"{name}/evaluations",
            )
        self._folder.missing = ""
        return active_or_refused(found, self._target)

    def _experiment_by_id(self, experiment_id: str) -> Experiment:
        if not experiment_id:
            raise StoreRejectedError("no experiment is named", hint="name one with --experiment")
        found = self._call(
            f"looking up experiment {experiment_id}",
            lambda client: to_experiment(client.get_experiment(experiment_id)),
        )
        return active_or_refused(self._filled(found), self._target)

    def _find_experiment(self, name: str) -> Experiment | None:
        found = self._call(
            f"looking up the experiment {name}",
            lambda client: to_experiment(client.get_experiment_by_name(name)),
        )
        return None if found is None else self._filled(found)

    def _filled(self, found: Experiment | None) -> Experiment:
        """Refuse an answer without content, which MLflow takes for an experiment."""
        if found is None or not found.experiment_id:
            raise StoreUnreachableError(f"{self._target.label}: the answer was empty")
        return found

    def _create_experiment(self, name: str) -> None:
        location = artifact_location(self._target, name)

        def create() -> None:
            self._call(
                f"creating the experiment {name}",
                lambda client: client.create_experiment(name, artifact_location=location),
            )

        try:
            create()
        except StoreRejectedError as error:
            if NO_FOLDER in error.message:
                self._folder.missing = parent_of(name)
                if not self._target.create_parents:
                    raise
                self._folder.make()
                create()
                return
            if "ALREADY_EXISTS" not in error.message and "already exists" not in error.message:
                raise  # else another process was faster

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        """Set a tag of the experiment."""
        self._call(
            f"setting the tag {key} of the experiment",
            lambda client: client.set_experiment_tag(experiment_id, key, value),
        )

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of the experiment; a missing one is no error.

        A server that cannot remove tags gets an empty one, which is read as none.
        """

        def delete(client: MlflowClient) -> None:
            if key in (client.get_experiment(experiment_id).tags or {}):
                client.delete_experiment_tag(experiment_id, key)

        try:
            self._call(f"removing the tag {key} of the experiment", delete)
        except (StoreRejectedError, StoreUnreachableError):
            self.set_experiment_tag(experiment_id, key, "")

    # -- runs ------------------------------------------------------------------------------------

    def create_run(self, experiment_id: str, plan: RunPlan) -> str:
        """Create the run with name, start time and `create_tags`; return its id.

        Raises:
            StoreUnreachableError: No usable answer; `unclear` when the run may exist.
        """

        def create(client: MlflowClient) -> tuple[str, str]:
            made = client.create_run(
                experiment_id,
                start_time=plan.started_ms,
                tags=dict(plan.create_tags),
                run_name=plan.name,
            ).info
            return str(made.run_id or ""), str(made.artifact_uri or "")

        self._made = self._call("creating the run", create)
        run_id, _ = self._made
        if not run_id:
            raise StoreUnreachableError(
                f"{self._target.label}: creating the run: the answer was empty",
                hint="nothing is lost: it is looked for before the next try",
                unclear=True,
            )
        return run_id

    def log_values(self, run_id: str, plan: RunPlan) -> None:
        """Write metrics, params and tags in batches; repeating it changes nothing."""
        for batch in batches(plan):
            self._log_batch(run_id, batch.metrics, batch.params, batch.tags, plan.metric_ms)

    def _log_batch(
        self,
        run_id: str,
        metrics: Mapping[str, float],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        metric_ms: int,
    ) -> None:
        def log(client: MlflowClient) -> None:
            from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 - it is imported

            client.log_batch(
                run_id,
                metrics=[Metric(key, value, metric_ms, 0) for key, value in metrics.items()],
                params=[Param(key, text) for key, text in params.items()],
                tags=[RunTag(key, text) for key, text in tags.items()],
                synchronous=True,
            )

        self._call(f"writing values of run {run_id}", log)

    def log_artifacts(self, run_id: str, files: Sequence[ArtifactFile]) -> None:
        """Upload files; one that is there already is replaced."""
        if not self._cleared:
            self._cleared = True
            clear_left_rooms()
        try:
            room = new_room()
        except OSError as error:
            raise translate(error, "making a temporary directory") from error
        with room as private:
            for number, file in enumerate(files):
                self._upload(run_id, file, Path(private), number)

    def _upload(self, run_id: str, file: ArtifactFile, room: Path, number: int) -> None:
        doing = f"uploading {file.path} to run {run_id}"
        try:
            local = staged(file, room, number)
            large = local.stat().st_size >= LARGE_BYTES
        except OSError as error:
            raise translate(error, f"{self._target.label}: {doing}") from error
        folder = posixpath.dirname(file.path) or None
        with patience(self._upload_idle_s) if large else contextlib.nullcontext():
            self._call(
                doing,
                lambda client: self._home(client, run_id).log_artifact(str(local), folder),
                limit_s=self._upload_idle_s,
                progress=read_position(local),
            )

    def _home(self, client: MlflowClient, run_id: str) -> RunHome:
        """Return the way to a run's artifacts; a run that was made here has told its place."""
        known = self._known_home
        if known is None or known[0] != run_id:
            made, place = self._made
            if made != run_id or not place:
                place = asked_run(client, run_id).info.artifact_uri
            self._known_home = known = run_id, run_home(place, self._target.uri)
        return known[1]

    def remove_artifacts(self, run_id: str, paths: Sequence[str]) -> None:
        """Remove files of a run that lie on this machine; a missing one is no error."""

        def remove(client: MlflowClient) -> None:
            root = local_root(asked_run(client, run_id).info.artifact_uri)
            if root is None:
                return
            for path in paths:
                root.joinpath(checked_path(path)).unlink(missing_ok=True)

        self._call(f"removing artifacts of run {run_id}", remove)

    def finish_run(self, run_id: str, status: RunStatus, ended_ms: int) -> None:
        """Set status and end time."""
        self._call(
            f"finishing run {run_id}",
            lambda client: client.set_terminated(run_id, status.value, ended_ms),
        )

    def rename_run(self, run_id: str, name: str) -> None:
        """Give the run another name, made legal first."""
        legal = legal_run_name(name)
        self._call(f"renaming run {run_id}", lambda client: client.update_run(run_id, name=legal))

    def set_run_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run; existing ones are overwritten, too long values are cut."""
        fitted = {str(key): legal_value(text, MAX_TAG_VALUE) for key, text in tags.items()}
        none = RunPlan("", "", 0, 0, 0, RunStatus.FINISHED, {}, {}, {}, {})
        self.log_values(run_id, replace(none, tags=fitted))

    def delete_run_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run; a missing one is no error."""

        def delete(client: MlflowClient) -> None:
            if key in asked_run(client, run_id).data.tags:
                client.delete_tag(run_id, key)

        self._call(f"removing the tag {key} of run {run_id}", delete)

    def delete_run(self, run_id: str) -> None:
        """Delete a run softly: it can be restored in MLflow. A deleted one is no error.

        Raises:
            StoreUnreachableError: The run is still there, whatever was answered.
        """

        def delete(client: MlflowClient) -> None:
            if asked_run(client, run_id).info.lifecycle_stage == DELETED:
                return
            client.delete_run(run_id)
            if asked_run(client, run_id).info.lifecycle_stage != DELETED:
                raise StoreUnreachableError(
                    f"{self._target.label}: deleting run {run_id}: it is still there",
                    hint="nothing is lost: it is tried again",
                )

        self._call(f"deleting run {run_id}", delete)

    # -- calls -----------------------------------------------------------------------------------

    def _call(
        self,
        doing: str,
        work: Callable[[MlflowClient], T],
        *,
        limit_s: float | None = None,
        progress: Callable[[], object] | None = None,
    ) -> T:
        """Let `work` run with the client, within a deadline, and translate what it raises."""
        client = self._open()

        def run() -> T:
            with translated(f"{self._target.label}: {doing}"):
                return self._calls.run(
                    lambda: work(client), limit_s=limit_s or self._call_s, progress=progress
                )

        try:
            return run()
        except StoreAuthError:  # refused, so nothing was done
            if not self._sign_in_anew():
                raise
            return run()

    def _open(self) -> MlflowClient:
        """Return the client, signed in with the credential as it is now."""
        target = self._target
        if target.read_only:
            raise StoreRejectedError(
                f"{target.label}: nothing may be written (read-only)",
                hint="leave out --read-only, or set read_only = false",
            )
        with self._lock:
            target = self._sign_in.target()
            if self._client is None:
                refuse_new_folders(target)
                with translated(f"{target.label}: opening the store"):
                    self._client = self._calls.run(lambda: open_client(target), limit_s=OPEN_S)
                self._sign_in.note(target)
            elif self._sign_in.use(target):
                self._known_home = None
            return self._client

    def _sign_in_anew(self) -> bool:
        """Forget what the workspace does not take; return whether another try may help."""
        with self._lock:
            self._known_home = None
            return self._sign_in.anew()
