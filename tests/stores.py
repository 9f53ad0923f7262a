"""Real MLflow stores for tests: made by mlflow itself once, filled with raw rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

EXPERIMENT = "/Shared/klaudbiusz-evaluations"
BASE_MS = 1_760_000_000_000
_MAKE = """
import logging, os, sys
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
logging.disable(logging.CRITICAL)
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore("sqlite:///" + sys.argv[1], sys.argv[2])
"""


def quiet_environ(**more: str) -> dict[str, str]:
    """Return the environment without anything that names a store, a credential or a setting."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "DATABRICKS_", "EVALTUI_"))
    }
    return kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONSAFEPATH": "1"} | more


def template_database() -> Path:
    """Return an empty store of the installed mlflow; made once per version and machine (4 s)."""
    folder = Path(tempfile.gettempdir()) / f"evaltui-test-stores-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"mlflow-{version('mlflow')}.db"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=folder) as work:
            made = Path(work, "new.db")
            subprocess.run(
                [sys.executable, "-c", _MAKE, str(made), str(Path(work, "artifacts"))],
                check=True,
                env=quiet_environ(),
                cwd=work,
                timeout=300,
            )
            made.replace(path)
    return path


def new_store(path: Path) -> Path:
    """Copy an empty store to `path`."""
    shutil.copyfile(template_database(), path)
    return path


class RawStore:
    """Writes rows the way mlflow does, without importing it.

    Args:
        path: The database, made by `new_store`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._link = sqlite3.connect(path, isolation_level=None)
        self._link.execute("PRAGMA synchronous=OFF")

    def sql(self, text: str, arguments: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Execute one statement."""
        return self._link.execute(text, arguments).fetchall()

    def experiment(self, name: str = EXPERIMENT, *, location: str = "") -> str:
        """Make an experiment; return its id."""
        top = self.sql("SELECT max(experiment_id) FROM experiments")[0][0]
        number = int(str(top or 0)) + 1
        place = location or str(self.path.parent / "artifacts" / str(number))
        self.sql(
            "INSERT INTO experiments(experiment_id, name, artifact_location, lifecycle_stage,"
            " creation_time, last_update_time) VALUES(?, ?, ?, 'active', ?, ?)",
            (number, name, place, BASE_MS, BASE_MS),
        )
        return str(number)

    def run(
        self,
        experiment_id: str,
        number: int,
        *,
        name: str | None = None,
        status: str = "FINISHED",
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        started_ms: int | None = None,
    ) -> str:
        """Insert a run; a larger number starts a minute later. Return its id."""
        run_id = f"{int(experiment_id):08x}{number:024x}"
        began = BASE_MS + number * 60_000 if started_ms is None else started_ms
        ended = None if status in {"RUNNING", "SCHEDULED"} else began + 30_000
        place = self.sql(
            "SELECT artifact_location FROM experiments WHERE experiment_id = ?", (experiment_id,)
        )[0][0]
        shown = name or f"run-{number}"
        self.sql("BEGIN")
        self.sql(
            "INSERT INTO runs(run_uuid, name, source_type, source_name, entry_point_name, user_id,"
            " status, start_time, end_time, source_version, lifecycle_stage, artifact_uri,"
            " experiment_id) VALUES(?, ?, 'UNKNOWN', '', '', 'dev', ?, ?, ?, '', 'active', ?, ?)",
            (run_id, shown, status, began, ended, f"{place}/{run_id}/artifacts", experiment_id),
        )
        for key, value in (metrics or {}).items():
            self.metric(run_id, key, value, at_ms=began)
        for table, values in (
            ("params", params or {}),
            ("tags", {"mlflow.runName": shown, **(tags or {})}),
        ):
            for key, text in values.items():
                self.sql(
                    f"INSERT INTO {table}(key, value, run_uuid) VALUES(?, ?, ?)",
                    (key, text, run_id),
                )
        self.sql("COMMIT")
        return run_id

    def metric(self, run_id: str, key: str, value: float, *, at_ms: int, step: int = 0) -> None:
        """Add a metric point; NaN and infinity are kept as mlflow keeps them."""
        nan = value != value  # noqa: PLR0124 - NaN
        stored = 0.0 if nan else max(min(value, 1.7976931348623157e308), -1.7976931348623157e308)
        self.sql(
            "INSERT INTO metrics(key, value, timestamp, run_uuid, step, is_nan)"
            " VALUES(?, ?, ?, ?, ?, ?)",
            (key, stored, at_ms, run_id, step, nan),
        )
        self.sql(
            "INSERT OR REPLACE INTO latest_metrics(key, value, timestamp, step, is_nan, run_uuid)"
            " VALUES(?, ?, ?, ?, ?, ?)",
            (key, stored, at_ms, step, nan, run_id),
        )

    def close(self) -> None:
        """Close the connection."""
        self._link.close()
