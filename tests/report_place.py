"""A directory of reports and a store of its own for one test of the Python API."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from stores import new_store


@dataclass
class Place:
    """Where a test works.

    Attributes:
        folder: The current directory, for reports.
        database: The embedded store.
    """

    folder: Path
    database: Path

    def write(self, name: str, data: bytes) -> Path:
        """Write a file below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Make a place that no variable of the machine has a part in, and go there."""
    for name in list(os.environ):
        if name.startswith(("EVALTUI_", "MLFLOW_", "DATABRICKS_")) or name == "EVAL_MODE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EVALTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("EVALTUI_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Place(folder, new_store(tmp_path / "data" / "mlflow.db"))
