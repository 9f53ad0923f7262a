"""Stamps, plans and entries for journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.run import RunStatus
from evaltui.domain.stamp import FileStamp
from evaltui.ledger.journal import NewEntry


def stamp(path: str, *, size: int = 1, ino: int = 7, mtime_ns: int = 1) -> FileStamp:
    return FileStamp(Path(path), size, mtime_ns, 2, ino, 4)


def plan(content_id: str = "c", *, started_ms: int = 1000, **fields: Any) -> RunPlan:
    values: dict[str, Any] = {
        "name": "eval_mcp",
        "ended_ms": started_ms + 5,
        "metric_ms": started_ms + 5,
        "status": RunStatus.FINISHED,
        "create_tags": {"a": "1"},
        "tags": {"b": "2"},
        "params": {"mode": "mcp"},
        "metrics": {"accuracy": 0.1},
        **fields,
    }
    return RunPlan(content_id=content_id, started_ms=started_ms, **values)


def new_entry(content_id: str = "c", **fields: Any) -> NewEntry:
    values: dict[str, Any] = {
        "item": 0,
        "path": "/r/a.json",
        "file_sha256": "f" * 64,
        "format": "app_eval_k1",
        "kind": "evaluation",
        "evaluation_id": "e1",
        "values_digest": "v",
        "mode": "mcp",
        "mode_source": "report",
        "plan": plan(content_id, started_ms=fields.pop("started_ms", 1000)),
        **fields,
    }
    return NewEntry(content_id=content_id, **values)


def with_artifacts(*files: ArtifactFile, content_id: str = "c") -> NewEntry:
    return new_entry(content_id, plan=plan(content_id, artifacts=files))
