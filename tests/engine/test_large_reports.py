"""Reports over the limit: not held, not copied, and the same run as of one that is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import Kit, report
from stores import new_store

from evaltui.domain.events import FileState
from evaltui.domain.plan import ArtifactFile
from evaltui.domain.run import Tag
from evaltui.engine.case_reading import planned_cases
from evaltui.engine.filebytes import FileChangedError
from evaltui.ledger import entries
from evaltui.settings import Settings
from evaltui.submit import Wish, log_taken, one_shot, take_named
from evaltui.tracking import open_source
from evaltui.tracking.target import resolve_target

CASES = [
    {
        "id": f"q{n}",
        "status": "pass" if n % 3 else "fail",
        "scores": {"f1": n / 7},
        "output": "é" * n,
    }
    for n in range(400)
]
LIMIT = 10_000


def tags_of(kit: Kit) -> dict[str, str]:
    mine = {Tag.RENAMED, Tag.SOURCE, "evaltui.journal"}
    return {name: text for name, text in kit.only_run().tags.items() if name not in mine}


def test_a_large_report_becomes_the_run_that_it_becomes_when_it_is_held(tmp_path: Path) -> None:
    data = report(cases=CASES, metrics=[])
    runs = []
    for limit in (LIMIT, 10_000_000):
        kit = Kit(tmp_path / str(limit), max_spool_bytes=limit)
        taken = kit.drop("a.json", data)
        assert taken.state is FileState.PARSED
        kit.log_all()
        run = kit.only_run()
        artifacts = kit.store.artifacts(run.run_id)
        runs.append((run.name, run.metrics, run.params, tags_of(kit), taken.content_ids, artifacts))
        assert artifacts["a.json"].encode("latin-1") == data
        assert "app_metrics.json" in artifacts
    assert runs[0] == runs[1]


def test_no_byte_of_a_large_report_is_in_the_journal(tmp_path: Path) -> None:
    kit = Kit(tmp_path, max_spool_bytes=LIMIT)
    kit.drop("a.json", report(cases=CASES))
    rows = kit.journal._read("SELECT local_path, data FROM spool WHERE path='a.json'")
    assert rows == [(str(kit.root / "a.json"), None)]


def test_a_large_report_that_changes_before_its_upload_is_left_out_and_the_run_says_so(
    tmp_path: Path,
) -> None:
    kit = Kit(tmp_path, max_spool_bytes=LIMIT)
    path = kit.write("a.json", report(cases=CASES))
    kit.take(path)
    path.write_bytes(report(0.9, cases=CASES))
    kit.log_all()
    run = kit.only_run()
    assert "a.json" not in kit.store.artifacts(run.run_id)
    assert "app_metrics.json" in kit.store.artifacts(run.run_id)
    assert run.tags[Tag.NOTES] == "a.json was changed or removed before its upload: left out"
    kit.take(path)
    kit.log_all()
    assert sorted(item.metrics["accuracy"] for item in kit.counting()) == [0.5, 0.9]


def changing_upload(kit: Kit, change: Callable[[], None]) -> Callable[..., None]:
    """Return an upload during which a file changes, once, after half of it was sent."""
    upload = kit.store.log_artifacts
    todo = [change]

    def log_artifacts(run_id: str, files: Sequence[ArtifactFile]) -> None:
        mixed = list(files)
        if todo:
            old = [Path(file.local_path).read_bytes() for file in files if file.local_path]
            todo.pop()()
            new = [Path(file.local_path).read_bytes() for file in files if file.local_path]
            data = old[0][:100] + new[0][100:]
            mixed = [
                replace(file, data=data, local_path=None) if file.local_path else file
                for file in files
            ]
        upload(run_id, mixed)

    return log_artifacts


def test_a_run_is_not_finished_with_a_report_that_changed_while_it_was_uploaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = Kit(tmp_path, max_spool_bytes=LIMIT)
    path = kit.write("a.json", report(cases=CASES))
    kit.take(path)
    new = report(0.9, cases=CASES)
    monkeypatch.setattr(
        kit.store, "log_artifacts", changing_upload(kit, lambda: path.write_bytes(new) and None)
    )
    kit.log_all()
    run = kit.only_run()
    assert run.metrics["accuracy"] == 0.5
    assert "a.json" not in kit.store.artifacts(run.run_id)
    assert "changed or removed before its upload" in run.tags[Tag.NOTES]
    kit.take(path)  # the new version is a run of its own
    kit.log_all()
    whole = [
        kit.store.artifacts(item.run_id).get("a.json", "").encode("latin-1")
        for item in kit.counting()
    ]
    assert sorted(whole) == [b"", new]


def test_a_large_report_that_is_only_touched_while_it_is_uploaded_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = Kit(tmp_path, max_spool_bytes=LIMIT)
    data = report(cases=CASES)
    path = kit.write("a.json", data)
    kit.take(path)
    monkeypatch.setattr(kit.store, "log_artifacts", changing_upload(kit, path.touch))
    kit.log_all()
    assert kit.store.artifacts(kit.only_run().run_id)["a.json"].encode("latin-1") == data
    assert len(kit.store.all_runs()) == 1


def test_a_file_that_changes_after_it_was_hashed_is_no_version(tmp_path: Path) -> None:
    kit = Kit(tmp_path, max_spool_bytes=LIMIT)
    path = kit.write("a.json", report(cases=CASES))
    take = kit.ingestor.take

    def changing(file: Any) -> Any:
        path.write_bytes(report(0.9, cases=CASES))
        return take(file)

    kit.ingestor.take = changing  # type: ignore[method-assign]
    with pytest.raises(FileChangedError):
        kit.take(path)
    assert kit.journal.file(str(path)) is None


def test_a_cut_off_large_report_settles_with_the_reason_that_a_held_one_has(tmp_path: Path) -> None:
    cut = report(cases=CASES)[:-40]
    reasons = []
    for limit in (LIMIT, 10_000_000):
        kit = Kit(tmp_path / str(limit), max_spool_bytes=limit)
        taken = kit.drop("a.json", cut)
        assert taken.state is FileState.SETTLING
        reasons.append(taken.reason)
    assert reasons[0] == reasons[1]


def test_a_large_case_table_is_a_file_beside_the_journal_until_the_run_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "LARGE_BYTES", 100)
    kit = Kit(tmp_path)
    taken = kit.drop("a.json", report(cases=CASES))
    (entry,) = kit.journal.entries_of(taken.path)
    table = planned_cases(entry.plan).table
    assert table is not None
    assert table.ids == tuple(case["id"] for case in CASES)
    kept = kit.journal.directory / "kept"
    assert len(list(kept.iterdir())) == 2  # the report and its table
    kit.log_all()
    document = json.loads(kit.store.artifacts(kit.only_run().run_id)["app_metrics.json"])
    assert [line[0] for line in document["data"]] == [case["id"] for case in CASES]
    assert kit.store.artifacts(kit.only_run().run_id)["a.json"].encode("latin-1") == report(
        cases=CASES
    )
    assert list(kept.iterdir()) == []


def test_sqlite_holds_a_large_report_whole_and_once(tmp_path: Path) -> None:
    path = tmp_path / "evaluation_report.json"
    path.write_bytes(report(cases=CASES))
    settings = Settings(
        tracking_uri=f"sqlite:///{new_store(tmp_path / 'mlflow.db')}",
        experiment="evals",
        state_dir=tmp_path / "state",
        data_dir=tmp_path / "data",
        max_report_mb=1,
    )
    with one_shot(settings, {}) as desk:
        for _ in range(2):
            taken = take_named(desk.ingestor, Wish(path), max_held=LIMIT)
            (outcome,) = log_taken(desk.ingestor, [taken])
    assert outcome.state is FileState.DUPLICATE
    source = open_source(resolve_target(settings, {}))
    try:
        (run_id,) = outcome.run_ids
        data = source.read_artifact(run_id, path.name, max_bytes=1_000_000)
        run = source.get_run(run_id)
    finally:
        source.close()
    assert data == path.read_bytes()
    assert run is not None
    assert run.metrics["accuracy"] == 0.5
