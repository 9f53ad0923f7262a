"""Directories of its own and a store in memory for every test of the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_store import FakeSource, FakeTarget

from evaltui import reading


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("EVALTUI_", "MLFLOW_", "DATABRICKS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EVALTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("EVALTUI_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    source = FakeSource()
    monkeypatch.setattr(reading, "open_store", lambda _: (FakeTarget(), source))
    return source
