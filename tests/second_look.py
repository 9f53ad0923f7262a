"""Looks into a SQLite store as a second client does: rows, not evaltui's own reader."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class StoredRun:
    """One run as its rows tell.

    Attributes:
        points: Metric name to all its points.
    """

    run_id: str
    name: str
    status: str
    active: bool
    started_ms: int
    ended_ms: int | None
    artifact_dir: Path
    points: dict[str, list[float]] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    experiment_id: str = ""

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics; a doubled point is an error."""
        doubled = {name for name, values in self.points.items() if len(values) != 1}
        assert not doubled, f"points written twice: {doubled}"
        return {name: values[0] for name, values in self.points.items()}

    @property
    def counts(self) -> bool:
        """Whether it is in the account: active, not superseded."""
        return self.active and "evaltui.superseded_by" not in self.tags

    @property
    def artifacts(self) -> dict[str, bytes]:
        """Bytes by path."""
        files = (path for path in self.artifact_dir.rglob("*") if path.is_file())
        return {path.relative_to(self.artifact_dir).as_posix(): path.read_bytes() for path in files}


def all_runs(database: Path, *, served_from: Path | None = None) -> list[StoredRun]:
    """Return every run of the store, deleted ones too.

    Args:
        database: SQLite file.
        served_from: Directory a server keeps artifacts in, where clients do not write them.
    """
    if not database.exists():
        return []
    # a reader that may not write cannot roll back what a killed writer has left
    where = f"file:{database}?mode=rw"
    with closing(sqlite3.connect(where, uri=True, timeout=30, isolation_level=None)) as db:
        db.execute("BEGIN")  # all of one moment
        return runs_by(db.execute, served_from=served_from)


def runs_by(
    query: Callable[[str], Iterable[Sequence[Any]]], *, served_from: Path | None = None
) -> list[StoredRun]:
    """Return every run of a store that plain SQL can be asked of."""
    found = {
        row[0]: StoredRun(
            row[0],
            row[1],
            row[2],
            row[3] == "active",
            row[4],
            row[5],
            _folder(str(row[6]), served_from),
            experiment_id=str(row[7]),
        )
        for row in query(
            "SELECT run_uuid, name, status, lifecycle_stage, start_time, end_time, artifact_uri,"
            " experiment_id FROM runs ORDER BY start_time, run_uuid"
        )
    }
    for run_id, key, value in query("SELECT run_uuid, key, value FROM metrics"):
        found[run_id].points.setdefault(key, []).append(value)
    for run_id, key, value in query("SELECT run_uuid, key, value FROM params"):
        found[run_id].params[key] = value
    for run_id, key, value in query("SELECT run_uuid, key, value FROM tags"):
        found[run_id].tags[key] = value
    return list(found.values())


def _folder(uri: str, served_from: Path | None) -> Path:
    if served_from is not None:
        return served_from / uri.removeprefix("mlflow-artifacts:").lstrip("/")
    return Path(uri.removeprefix("file://"))


def counting_runs(database: Path) -> list[StoredRun]:
    """Return the runs in the account."""
    return [run for run in all_runs(database) if run.counts]


def only_run(database: Path) -> StoredRun:
    """Return the one run in the account."""
    (run,) = counting_runs(database)
    return run


def own_report(value: float = 0.5, **fields: Any) -> bytes:
    """Return an evaltui.report/1 with one metric and two cases; without `id` these identify it."""
    document = {
        "schema": "evaltui.report/1",
        "started_at": "2026-03-01T02:00:00Z",
        "metrics": [{"name": "accuracy", "value": value}],
        "cases": [{"id": "a", "status": "pass"}, {"id": "b", "status": "fail"}],
        **fields,
    }
    return json.dumps(document).encode()


_HELD: list[socket.socket] = []


def closed_port() -> int:
    """Return a port that nobody listens on: it is held as long as this process lives.

    Let go of, it would sooner or later be given to the server of another test.
    """
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    _HELD.append(probe)
    return int(probe.getsockname()[1])


@contextmanager
def hanging_server() -> Iterator[str]:
    """Give the address of a server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def recording_server() -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server that refuses everything, and the requests it got."""
    requests: list[str] = []

    class Recorder(BaseHTTPRequestHandler):
        def _refuse(self) -> None:
            requests.append(f"{self.command} {self.path}")
            self.send_error(500)

        do_GET = do_POST = do_PATCH = do_PUT = do_HEAD = do_DELETE = _refuse  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
