"""Which reader and writer a target gets, and what that imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from stand_in import answer, stand_in
from stores import RawStore

from evaltui.domain.ports import RunSource, RunWriter
from evaltui.errors import ConfigError
from evaltui.settings import Settings
from evaltui.tracking import open_source, open_writer
from evaltui.tracking.target import resolve_target


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, "sqlite"),
        ({"MLFLOW_TRACKING_URI": "sqlite:///x.db"}, "sqlite"),
        ({"MLFLOW_TRACKING_URI": "http://h:5000"}, "rest"),
        ({"DATABRICKS_HOST": "https://h", "DATABRICKS_TOKEN": "t"}, "rest"),
        ({"MLFLOW_TRACKING_URI": "postgresql://h/db"}, "client"),
        ({"MLFLOW_TRACKING_URI": "./mlruns"}, "client"),
    ],
)
def test_each_store_gets_its_reader_without_being_asked_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    target = resolve_target(Settings(data_dir=tmp_path), {"HOME": str(tmp_path), **environ})
    source: RunSource = open_source(target)
    assert source.kind == kind
    source.close()
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_target_gets_no_writer(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="read-only"):
        open_writer(resolve_target(Settings(data_dir=tmp_path, read_only=True), {}))
    writer: RunWriter = open_writer(resolve_target(Settings(data_dir=tmp_path), {}))
    assert writer is not None


def test_another_experiment_than_the_targets_can_be_opened(store: RawStore) -> None:
    store.experiment("one")
    store.experiment("two")
    target = resolve_target(Settings(tracking_uri=f"sqlite:///{store.path}", experiment="one"), {})
    for name, wanted in ((None, "one"), ("two", "two")):
        found = open_source(target, name).experiment()
        assert found is not None
        assert found.name == wanted


def test_reading_a_server_imports_neither_mlflow_nor_the_databricks_sdk() -> None:
    found = {"experiment": {"experiment_id": "1", "name": "x"}}
    code = (
        "import sys\n"
        "from evaltui.settings import Settings\n"
        "from evaltui.tracking import open_source\n"
        "from evaltui.tracking.target import resolve_target\n"
        "source = open_source(resolve_target(Settings(tracking_uri=sys.argv[1]), {}))\n"
        "assert source.experiment()\n"
        "heavy = {'mlflow', 'sqlalchemy', 'databricks', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    with stand_in(answer(200, found)) as server:
        command = [sys.executable, "-c", code, server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
