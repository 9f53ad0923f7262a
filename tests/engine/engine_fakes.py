"""A store, a clock, a watcher and an ingestor in memory, for the engine's tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from evaltui.domain.events import StoreStatus, WatchRole, WatchStatus
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import ArtifactInfo, Experiment, Run, RunBatch, RunStatus, Tag
from evaltui.domain.table import RunDelta, RunTable
from evaltui.engine.outcome import Outcome
from evaltui.engine.roots import WatchRoot
from evaltui.errors import StoreError, StoreRejectedError

STATUS = StoreStatus(target="fake", why="test", experiment="exp", poll_interval_s=5.0)


def make_run(
    run_id: str,
    *,
    content: str = "",
    name: str = "",
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    status: RunStatus = RunStatus.FINISHED,
    active: bool = True,
) -> Run:
    own = {Tag.CONTENT_ID.value: content} if content else {}
    return Run(
        run_id=run_id,
        experiment_id="1",
        name=name or run_id,
        status=status,
        started_ms=1_000,
        ended_ms=2_000,
        metrics=metrics or {},
        tags=own | dict(tags or {}),
        active=active,
    )


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeStore:
    """What all sources of one store share."""

    runs: dict[str, Run] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    experiment_id: str = "1"
    exists: bool = True
    active: bool = True
    kind: str = "rest"
    error: Exception | None = None
    page_size: int = 2
    fail_after_pages: int | None = None
    blind: bool = False
    quiet: bool = False
    artifacts: dict[str, bytes] = field(default_factory=dict)
    unlisted: bool = False
    opened: int = 0
    calls: list[str] = field(default_factory=list)
    hang: threading.Event | None = None

    def add(self, *runs: Run) -> None:
        for run in runs:
            self.runs[run.run_id] = run

    def open(self) -> FakeSource:
        self.opened += 1
        return FakeSource(self)


class FakeSource:
    """Yields what differs from what it yielded before, in pages."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._known: dict[str, Run] = {}
        self._listed = False
        self.kind = store.kind

    def _called(self, name: str) -> None:
        self._store.calls.append(name)
        if self._store.hang is not None:
            self._store.hang.wait(90)
        if self._store.error is not None:
            raise self._store.error

    def experiment(self) -> Experiment | None:
        self._called("experiment")
        if not self._store.exists:
            return None
        return Experiment(
            self._store.experiment_id, "exp", tags=self._store.tags, active=self._store.active
        )

    def changes(self) -> Iterator[RunBatch]:
        self._called("changes")
        if not self._store.exists or (self._store.blind and self._listed):
            return
        yield from self._differences()

    def unchanged(self) -> bool:
        self._called("unchanged")
        return self._store.quiet

    def sweep(self) -> Iterator[RunBatch]:
        self._called("sweep")
        yield from self._differences()

    def _differences(self) -> Iterator[RunBatch]:
        there = {i: run for i, run in self._store.runs.items() if run.active}
        new = [run for i, run in there.items() if self._known.get(i) != run]
        gone = tuple(i for i in self._known if i not in there)
        self._known = there
        size = self._store.page_size
        pages = [new[start : start + size] for start in range(0, len(new), size)]
        for number, page in enumerate(pages):
            if self._store.fail_after_pages == number:
                self._store.fail_after_pages = None
                raise StoreError("cut off")
            last = number == len(pages) - 1
            yield RunBatch(tuple(page), complete=last or self._listed, total=len(there))
        if gone:
            yield RunBatch(removed=gone)
        self._listed = True

    def get_run(self, run_id: str) -> Run | None:
        self._called(f"get_run {run_id}")
        return self._store.runs.get(run_id)

    def find_runs(self, content_id: str) -> tuple[Run, ...]:
        self._called(f"find_runs {content_id}")
        runs = self._store.runs.values()
        return tuple(run for run in runs if run.tags.get(Tag.CONTENT_ID) == content_id)

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        self._called("list_artifacts")
        if self._store.unlisted:
            return ()
        files = self._store.artifacts.items()
        return (
            ArtifactInfo("folder", is_dir=True),
            *(ArtifactInfo(path, is_dir=False, size_bytes=len(data)) for path, data in files),
        )

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        self._called(f"read_artifact {path}")
        if path not in self._store.artifacts:
            raise StoreRejectedError(f"no artifact {path}")
        return self._store.artifacts[path]

    def close(self) -> None:
        self._store.calls.append("close")


class FakeWriter:
    """Keeps experiment tags in the store; everything else is not asked of it here."""

    def __init__(self, store: FakeStore, error: StoreError | None = None) -> None:
        self._store = store
        self._error = error

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        if self._error is not None:
            raise self._error
        self._store.tags[key] = value

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        if self._error is not None:
            raise self._error
        self._store.tags.pop(key, None)


class FakeWatcher:
    """A watcher whose turns are given beforehand."""

    def __init__(self, role: WatchRole = WatchRole.WATCHER) -> None:
        self.role = role
        self.roots: list[WatchRoot] = []
        self.retried: list[str] = []
        self.turns: list[Callable[[], list[Outcome]]] = []
        self.steps = 0
        self.closed = False
        self.thread_names: set[str] = set()
        self._woken = threading.Event()

    def step(self) -> list[Outcome]:
        self.steps += 1
        self.thread_names.add(threading.current_thread().name)
        return self.turns.pop(0)() if self.turns else []

    def wait(self, timeout_s: float) -> None:
        self._woken.wait(timeout_s)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def add_root(self, root: WatchRoot) -> None:
        self.roots.append(root)

    def retry(self, path: str) -> None:
        self.retried.append(path)

    def status(self) -> WatchStatus:
        roots = tuple(str(root) for root in self.roots)
        return WatchStatus(roots=roots, role=self.role)

    @property
    def idle(self) -> bool:
        return not self.turns

    def close(self) -> None:
        self.closed = True


class FakeIngestor:
    """An ingestor whose outcomes are given beforehand."""

    def __init__(self) -> None:
        self.due: list[Callable[[], list[Outcome]]] = []
        self.local: list[Run] = []
        self.recovered = 0
        self.hurried = 0
        self.deleted: list[str] = []
        self.failures: list[StoreError] = []
        self.reconciled: list[list[str]] = []
        self.closed = False
        self.refusal = ("", "")

    def log_due(self, *, limit: int = 1, only: Collection[str] | None = None) -> list[Outcome]:
        return self.due.pop(0)() if self.due else []

    def hurry(self) -> None:
        self.hurried += 1

    def note_deleted(self, run_ids: Collection[str]) -> None:
        self.deleted.extend(run_ids)

    def recover(self) -> int:
        self.recovered += 1
        return 0

    def clear_twins(self, contents: Collection[str]) -> tuple[str, ...]:
        self.reconciled.append(sorted(contents))
        if self.failures:
            raise self.failures.pop()
        return ()

    def local_runs(self) -> list[Run]:
        return list(self.local)

    def next_due(self) -> float | None:
        return 0.0 if self.due else None

    def close(self) -> None:
        self.closed = True


def make_plan(content: str, **artifacts: bytes) -> RunPlan:
    """Return a plan with one metric; artifact names have `_` for their dot."""
    return RunPlan(
        content_id=content,
        name=f"run-{content}",
        started_ms=1_000,
        ended_ms=2_000,
        metric_ms=2_000,
        status=RunStatus.FINISHED,
        create_tags={Tag.CONTENT_ID.value: content},
        tags={"mode": "mcp"},
        params={"backend": "x"},
        metrics={"build_success_rate": 0.5},
        artifacts=tuple(
            ArtifactFile(name.replace("__", "."), data) for name, data in artifacts.items()
        ),
    )


class Screen:
    """What a screen would know after the pages so far; checks that every page is in order."""

    def __init__(self) -> None:
        self.table = RunTable()
        self.pages: list[RunDelta] = []
        self.resets = 0

    def apply(self, delta: RunDelta, reset: bool = False) -> None:
        if reset:
            self.table = RunTable()
            self.resets += 1
        self.pages.append(delta)
        self.table.apply(delta)

    @property
    def names(self) -> list[str]:
        alive = self.table.alive
        return sorted(name for name, lives in zip(self.table.names, alive, strict=True) if lives)

    @property
    def ids(self) -> list[str]:
        alive = self.table.alive
        return sorted(i for i, lives in zip(self.table.run_ids, alive, strict=True) if lives)


def renamed(run: Run, name: str) -> Run:
    return replace(run, name=name)
