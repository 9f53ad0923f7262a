"""Stores and servers for the tests of tracking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import MlflowServer
from stores import RawStore, new_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RawStore]:
    """An empty SQLite store to write rows into."""
    raw = RawStore(new_store(tmp_path / "store.db"))
    yield raw
    raw.close()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """One real server for the session; tests that use it carry the marker `server`."""
    with MlflowServer(tmp_path_factory.mktemp("server")) as server:
        yield server
