"""What the engine needs from a tracking store, as protocols; adapters live in tracking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the protocols are wanted where a start is still without numpy
    from evaltui.domain.plan import ArtifactFile, RunPlan
    from evaltui.domain.recalled import Remembered
    from evaltui.domain.run import ArtifactInfo, Experiment, Run, RunBatch, RunStatus


class RunSource(Protocol):
    """Reads one experiment of one store. Not safe for use from several threads at once.

    Every method raises StoreUnreachableError, StoreAuthError or StoreRejectedError, and answers
    within 10 seconds (deadline of a read).
    """

    kind: str
    """`sqlite`, `rest` or `client`."""

    def experiment(self) -> Experiment | None:
        """Return the experiment by the name it was opened with, or None when there is none yet."""

    def changes(self) -> Iterator[RunBatch]:
        """Yield what is new since the last call: everything at first, newest start first.

        The first page holds at most 50 runs, later ones at most 1,000. Nothing new yields
        nothing, and costs no more than one cheap question where the store allows it. An
        experiment that does not exist yields nothing.
        """

    def unchanged(self) -> bool:
        """Return whether nobody wrote since the last call of `changes`; False when in doubt.

        Costs microseconds, and asks nothing of a server.
        """

    def sweep(self) -> Iterator[RunBatch]:
        """Re-read one page of 200 known runs and yield what differs (renames, deletes).

        Successive calls walk through the whole experiment and start again.
        """

    def get_run(self, run_id: str) -> Run | None:
        """Return one run whole, deleted ones too (`active` False), or None when there is none."""

    def find_runs(self, content_id: str) -> tuple[Run, ...]:
        """Return the active runs of the experiment that carry this `evaltui.content_id`."""

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        """Return the run's whole artifact tree, files and folders, sorted by path."""

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        """Return the bytes of one artifact file.

        Raises:
            StoreRejectedError: It does not exist or is larger than `max_bytes`.
        """

    def artifact_file(self, run_id: str, path: str) -> Path | None:
        """Return where an artifact file lies on this machine, None when it lies elsewhere.

        Raises:
            StoreRejectedError: It leads out of the run.
        """

    def close(self) -> None:
        """Release connections; further calls are errors."""


class ResumedSource(RunSource, Protocol):
    """A source that goes on from a listing of before instead of listing everything."""

    @property
    def confirmed(self) -> bool:
        """Whether the store has said of every known run what it is like."""

    def resume(self, before: Remembered) -> None:
        """Begin with runs that are known already; to be called before anything else.

        `changes` then yields what started or ended since, and what had not ended. The first round
        of sweeps brings the rest: it yields every run, whether it differs or not.
        """


class RunWriter(Protocol):
    """Writes runs. The only place where mlflow is imported, at the first call.

    Every method raises StoreUnreachableError (with `unclear` when the work may have been done),
    StoreAuthError or StoreRejectedError, and returns within its deadline: 20 s, uploads 30 s
    without progress.
    """

    def ensure_experiment(self, name: str) -> Experiment:
        """Return the active experiment `name`, creating it when there is none."""

    def create_run(self, experiment_id: str, plan: RunPlan) -> str:
        """Create the run with name, start time and `create_tags`; return its id."""

    def log_values(self, run_id: str, plan: RunPlan) -> None:
        """Write metrics, params and tags in batches; repeating it changes nothing."""

    def log_artifacts(self, run_id: str, files: Sequence[ArtifactFile]) -> None:
        """Upload files; one that is there already is replaced."""

    def remove_artifacts(self, run_id: str, paths: Sequence[str]) -> None:
        """Remove files of a run that lie on this machine; a missing one is no error."""

    def finish_run(self, run_id: str, status: RunStatus, ended_ms: int) -> None:
        """Set status and end time."""

    def rename_run(self, run_id: str, name: str) -> None:
        """Give the run another name."""

    def set_run_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags of a run; existing ones are overwritten."""

    def delete_run_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run; a missing one is no error."""

    def delete_run(self, run_id: str) -> None:
        """Delete a run softly: it can be restored in MLflow."""

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        """Set a tag of the experiment."""

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of the experiment; a missing one is no error."""
