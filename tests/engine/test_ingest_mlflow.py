"""The ingest against MLflow itself, on an embedded SQLite store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ingest_kit import report

from evaltui.domain.events import FileState
from evaltui.domain.run import Run, RunStatus, Tag
from evaltui.engine.filebytes import read_file
from evaltui.engine.ingest import Ingestor, Outcome, ReportFile
from evaltui.engine.neighbours import gather
from evaltui.ledger.journal import Journal
from evaltui.settings import Settings
from evaltui.tracking import open_source, open_writer
from evaltui.tracking.target import Target, resolve_target

pytestmark = pytest.mark.system


class Desk:
    """One machine: reports in `root`, a journal of its own, an ingestor."""

    def __init__(self, folder: Path, target: Target, journal: str = "journal") -> None:
        self.root = folder / "reports"
        self.root.mkdir(exist_ok=True)
        self.target = target
        self.journal = Journal(folder / journal)
        self.ingestor = Ingestor(
            self.journal,
            open_source=lambda: open_source(target),
            open_writer=lambda: open_writer(target),
            experiment=target.experiment,
        )

    def log(self, name: str, data: bytes) -> Outcome:
        path = self.root / name
        path.write_bytes(data)
        near = gather(path, self.root, max_bytes=1_000_000)
        file = read_file(path, max_bytes=1_000_000)
        self.ingestor.take(ReportFile(file, root=str(self.root), neighbours=near.companions))
        while self.ingestor.log_due(limit=5):
            pass
        outcome = self.ingestor.outcome(str(path))
        assert outcome is not None
        return outcome

    def run(self, run_id: str) -> Run:
        source = open_source(self.target)
        found = source.get_run(run_id)
        source.close()
        assert found is not None
        return found

    def artifacts(self, run_id: str) -> dict[str, int | None]:
        source = open_source(self.target)
        held = {item.path: item.size_bytes for item in source.list_artifacts(run_id)}
        source.close()
        return held


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    found = resolve_target(Settings(data_dir=tmp_path / "data", experiment="evals"), {})
    for name, value in found.environment(os.environ).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return found


def test_mlflow_holds_one_run_through_rewrites_companions_and_deletions(
    tmp_path: Path, target: Target
) -> None:
    desk = Desk(tmp_path, target)

    first = desk.log("evaluation_report.json", report(0.5, id="e1"))
    assert first.state is FileState.FINISHED
    (run_id,) = first.run_ids
    run = desk.run(run_id)
    assert (run.status, run.metrics) == (RunStatus.FINISHED, {"accuracy": 0.5})
    assert (run.started_ms, run.ended_ms) == (1_772_366_400_000, 1_772_366_400_000)
    assert run.tags[Tag.STATE] == "complete"
    assert "evaluation_report.json" in desk.artifacts(run_id)

    renewed = desk.log("evaluation_report.json", report(0.5, id="e1", mode="mcp", name="better"))
    assert (renewed.state, renewed.run_ids) == (FileState.FINISHED, (run_id,))
    run = desk.run(run_id)
    assert (run.name, run.tags[Tag.MODE], run.params["mode"]) == ("better", "mcp", "manual")
    assert run.status is RunStatus.FINISHED

    desk.log("EVALUATION_REPORT.md", b"# md\n")
    assert desk.artifacts(run_id)["EVALUATION_REPORT.md"] == 5

    second = desk.log("evaluation_report.json", report(0.75, id="e1"))
    assert second.state is FileState.FINISHED
    (new_id,) = second.run_ids
    assert desk.run(run_id).tags[Tag.SUPERSEDED_BY] == new_id
    assert desk.run(new_id).tags[Tag.SUPERSEDES] == run_id

    other = Desk(tmp_path, target, journal="other")  # its journal is new: it searches the store
    adopted = other.log("evaluation_report.json", report(0.75, id="e1"))
    assert adopted.run_ids == (new_id,)

    open_writer(target).delete_run(new_id)
    renewal = desk.log("evaluation_report.json", report(0.75, id="e1", name="late"))
    assert renewal.state is FileState.DELETED
    assert not desk.ingestor.retry(renewal.path)
    again = desk.log("evaluation_report.json", report(0.75, id="e1", name="late"))
    assert again.state is FileState.FINISHED
    assert again.run_ids != (new_id,)
