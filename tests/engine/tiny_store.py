"""A tracking store in one SQLite file that keeps MLflow's rules, with faults to order.

It implements RunSource and RunWriter. Several processes may use one file. Metric points are kept
as MLflow keeps them: the same key, time and value is one point, another time is another point.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import ArtifactInfo, Experiment, Run, RunBatch, RunStatus
from evaltui.errors import StoreRejectedError, StoreUnreachableError

REFUSED = "refused"
"""No connection: nothing was done."""
LOST = "lost"
"""The work was done, the answer was lost."""
EMPTY = "empty"
"""Nothing was done, the answer was an empty "ok"."""
HALF = "half"
"""Params were written, then the connection broke."""
LATE = "late"
"""The connection broke; the work is done only later."""

Fault = Callable[[str], str]


def no_fault(_call: str) -> str:
    return ""


class TinyStore:
    def __init__(
        self, path: Path | str = ":memory:", *, fault: Fault = no_fault, new_id: str = ""
    ) -> None:
        self.fault = fault
        self.calls: list[str] = []
        self.kind = "tiny"
        self.closed = 0
        self._late: list[Callable[[], object]] = []
        self._ids = iter(f"{new_id}{number:04d}" for number in range(10_000)) if new_id else None
        self._db = sqlite3.connect(path, timeout=90, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, doc TEXT)")
        self._db.execute("CREATE TABLE IF NOT EXISTS experiments (name TEXT PRIMARY KEY)")

    # -- faults ----------------------------------------------------------------------------------

    def _call(self, name: str, work: Callable[[], Any], *, empty: Any = None) -> Any:
        self.calls.append(name)
        kind = self.fault(name)
        reads = name in ("get_run", "find_runs", "list_artifacts")
        if kind == LATE and not reads:
            self._late.append(work)
            raise StoreUnreachableError("timed out", unclear=True)
        if kind == REFUSED or (kind in (LOST, LATE) and reads):
            raise StoreUnreachableError("connection refused")
        if kind == EMPTY:
            if name == "create_run":
                raise StoreUnreachableError("the answer was empty", unclear=True)
            return empty
        result = work()
        if kind in (LOST, HALF):
            raise StoreUnreachableError("the answer was lost", unclear=True)
        return result

    def do_late_work(self) -> None:
        late, self._late = self._late, []
        for work in late:
            with contextlib.suppress(StoreRejectedError):
                work()

    # -- rows ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _changing(self, run_id: str, *, deleted_too: bool = False) -> Iterator[dict[str, Any]]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            doc = self._doc(run_id, deleted_too=deleted_too)
            yield doc
            self._db.execute("UPDATE runs SET doc=? WHERE id=?", (json.dumps(doc), run_id))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _doc(self, run_id: str, *, deleted_too: bool) -> dict[str, Any]:
        row = self._db.execute("SELECT doc FROM runs WHERE id=?", (run_id,)).fetchone()
        if row is None:
            raise StoreRejectedError(f"run {run_id} not found")
        doc: dict[str, Any] = json.loads(row[0])
        if not doc["active"] and not deleted_too:
            raise StoreRejectedError(f"run {run_id} must be in the 'active' state")
        return doc

    def docs(self) -> dict[str, dict[str, Any]]:
        rows = self._db.execute("SELECT id, doc FROM runs ORDER BY rowid").fetchall()
        return {run_id: json.loads(doc) for run_id, doc in rows}

    def all_runs(self) -> list[Run]:
        return [_run(run_id, doc) for run_id, doc in self.docs().items()]

    def active_runs(self) -> list[Run]:
        return [run for run in self.all_runs() if run.active]

    def points(self, run_id: str) -> list[list[Any]]:
        return list(self.docs()[run_id]["points"])

    def artifacts(self, run_id: str) -> dict[str, str]:
        return dict(self.docs()[run_id]["artifacts"])

    def change(self, run_id: str, **fields: Any) -> None:
        with self._changing(run_id, deleted_too=True) as doc:
            doc.update(fields)

    # -- RunSource -------------------------------------------------------------------------------

    def experiment(self) -> Experiment | None:
        row = self._db.execute("SELECT name FROM experiments").fetchone()
        return None if row is None else Experiment("1", str(row[0]))

    def changes(self) -> Iterator[RunBatch]:
        yield RunBatch(tuple(self.active_runs()))

    def unchanged(self) -> bool:
        return False

    def sweep(self) -> Iterator[RunBatch]:
        yield RunBatch(tuple(self.active_runs()))

    def get_run(self, run_id: str) -> Run | None:
        def work() -> Run | None:
            doc = self.docs().get(run_id)
            return None if doc is None else _run(run_id, doc)

        found: Run | None = self._call("get_run", work)
        return found

    def find_runs(self, content_id: str) -> tuple[Run, ...]:
        def work() -> tuple[Run, ...]:
            tag = "evaltui.content_id"
            return tuple(run for run in self.active_runs() if run.tags.get(tag) == content_id)

        found: tuple[Run, ...] = self._call("find_runs", work, empty=())
        return found

    def list_artifacts(self, run_id: str) -> tuple[ArtifactInfo, ...]:
        def work() -> tuple[ArtifactInfo, ...]:
            held = self.docs()[run_id]["artifacts"].items()
            return tuple(ArtifactInfo(path, False, len(text)) for path, text in sorted(held))

        found: tuple[ArtifactInfo, ...] = self._call("list_artifacts", work, empty=())
        return found

    def read_artifact(self, run_id: str, path: str, *, max_bytes: int) -> bytes:
        return str(self.docs()[run_id]["artifacts"][path]).encode("latin-1")[:max_bytes]

    def close(self) -> None:
        self.closed += 1

    # -- RunWriter -------------------------------------------------------------------------------

    def ensure_experiment(self, name: str) -> Experiment:
        def work() -> Experiment:
            self._db.execute("INSERT OR IGNORE INTO experiments VALUES (?)", (name,))
            return Experiment("1", name)

        found: Experiment | None = self._call("ensure_experiment", work)
        if found is None:
            raise StoreUnreachableError("the answer was empty")
        return found

    def create_run(self, experiment_id: str, plan: RunPlan) -> str:
        assert len(plan.create_tags) <= 20

        def work() -> str:
            run_id = next(self._ids) if self._ids else uuid.uuid4().hex
            doc = {
                "name": plan.name, "status": "RUNNING", "started_ms": plan.started_ms,
                "ended_ms": None, "points": [], "params": {}, "tags": dict(plan.create_tags),
                "artifacts": {}, "active": True,
            }  # fmt: skip
            self._db.execute("INSERT INTO runs VALUES (?, ?)", (run_id, json.dumps(doc)))
            return run_id

        return str(self._call("create_run", work))

    def log_values(self, run_id: str, plan: RunPlan) -> None:
        def params(doc: dict[str, Any]) -> None:
            for name, text in plan.params.items():
                if doc["params"].setdefault(name, text) != text:
                    raise StoreRejectedError(f"param {name} cannot be changed")

        def work() -> None:
            with self._changing(run_id) as doc:
                params(doc)
                for name, value in plan.metrics.items():
                    point = [name, plan.metric_ms, value]
                    if point not in doc["points"]:
                        doc["points"].append(point)
                doc["tags"].update(plan.tags)

        def half() -> None:
            with self._changing(run_id) as doc:
                params(doc)

        half_only = self.fault("log_values?") == HALF
        self._call("log_values", half if half_only else work)
        if half_only:
            raise StoreUnreachableError("the connection broke", unclear=True)

    def log_artifacts(self, run_id: str, files: Sequence[ArtifactFile]) -> None:
        def work() -> None:
            with self._changing(run_id) as doc:
                for file in files:
                    data = (
                        file.data if file.data is not None else Path(file.local_path).read_bytes()
                    )  # type: ignore[arg-type]
                    doc["artifacts"][file.path] = data.decode("latin-1")

        self._call("log_artifacts", work)

    def remove_artifacts(self, run_id: str, paths: Sequence[str]) -> None:
        def work() -> None:
            with self._changing(run_id) as doc:
                for path in paths:
                    doc["artifacts"].pop(path, None)

        self._call("remove_artifacts", work)

    def finish_run(self, run_id: str, status: RunStatus, ended_ms: int) -> None:
        def work() -> None:
            with self._changing(run_id) as doc:
                doc.update(status=status.value, ended_ms=ended_ms)

        self._call("finish_run", work)

    def rename_run(self, run_id: str, name: str) -> None:
        def work() -> None:
            with self._changing(run_id) as doc:
                doc["name"] = name

        self._call("rename_run", work)

    def set_run_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        def work() -> None:
            with self._changing(run_id) as doc:
                doc["tags"].update(tags)

        self._call("set_run_tags", work)

    def delete_run_tag(self, run_id: str, key: str) -> None:
        with self._changing(run_id) as doc:
            doc["tags"].pop(key, None)

    def delete_run(self, run_id: str) -> None:
        def work() -> None:
            with self._changing(run_id, deleted_too=True) as doc:
                doc["active"] = False

        self._call("delete_run", work)

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        raise AssertionError("the ingest touches no tag of an experiment")

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        raise AssertionError("the ingest touches no tag of an experiment")


def _run(run_id: str, doc: dict[str, Any]) -> Run:
    latest: dict[str, list[Any]] = {}
    for point in doc["points"]:
        if point[0] not in latest or point[1] >= latest[point[0]][1]:
            latest[point[0]] = point
    run = Run(
        run_id=run_id,
        experiment_id="1",
        name=doc["name"],
        status=RunStatus(doc["status"]),
        started_ms=doc["started_ms"],
        ended_ms=doc["ended_ms"],
        metrics={name: point[2] for name, point in latest.items()},
        params=doc["params"],
        tags=doc["tags"],
    )
    return replace(run, active=doc["active"])
