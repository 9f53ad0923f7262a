"""Runs and a run source in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evaltui.domain.run import ArtifactInfo, Experiment, Run, RunBatch, RunStatus
from evaltui.errors import StoreRejectedError
from evaltui.tracking.target import TargetKind


@dataclass
class FakeTarget:
    label: str = "sqlite /fake.db"
    why: str = "default"
    experiment: str = "exp"
    experiment_label: str = "exp"
    warning: str = ""
    kind: TargetKind = TargetKind.SQLITE
    host: str = ""
    workspace_id: str = ""
    database: Path | None = None


@dataclass
class FakeSource:
    """Gives its runs in pages of two and counts how often it was closed."""

    runs: list[Run] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    exists: bool = True
    active: bool = True
    closed: int = 0
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def experiment(self) -> Experiment | None:
        if not self.exists:
            return None
        return Experiment("1", "exp", tags=self.tags, active=self.active)

    def changes(self) -> Iterator[RunBatch]:
        for start in range(0, len(self.runs), 2):
            yield RunBatch(tuple(self.runs[start : start + 2]))

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        self.asked.append(f"list {run_id}")
        if run_id in self.gone:
            raise StoreRejectedError(f"the run {run_id} is deleted")
        files = self.artifacts.get(run_id, {})
        return tuple(ArtifactInfo(path, False, len(data)) for path, data in files.items())

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        self.asked.append(f"read {run_id} {path}")
        data = self.artifacts[run_id][path]
        if len(data) > max_bytes:
            raise StoreRejectedError(f"{path} is too large")
        return data

    def close(self) -> None:
        self.closed += 1


def make_run(
    number: int,
    *,
    name: str | None = None,
    mode: str = "mcp",
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    status: RunStatus = RunStatus.FINISHED,
) -> Run:
    """Return a run; a larger number started later."""
    return Run(
        run_id=f"{number:032x}",
        experiment_id="1",
        name=name or f"run-{number}",
        status=status,
        started_ms=1_700_000_000_000 + number * 60_000,
        ended_ms=1_700_000_030_000 + number * 60_000,
        metrics=metrics or {},
        params={"model_version": f"m{number}"},
        tags={"mode": mode, **(tags or {})},
    )
