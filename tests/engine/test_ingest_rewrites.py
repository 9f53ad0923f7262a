"""Reports that are read again: which run is changed, replaced or left alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import Kit, report

from evaltui.domain.events import FileState
from evaltui.domain.report import ModeSource
from evaltui.domain.run import Run, Tag


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def logged(kit: Kit, name: str, data: bytes, **fields: Any) -> Run:
    kit.drop(name, data, **fields)
    kit.log_all()
    found = kit.journal.file(str(kit.root / name))
    assert found is not None
    (run_id,) = found.run_ids
    run = kit.store.get_run(run_id)
    assert run is not None
    return run


def test_a_rewrite_with_the_same_values_renews_tags_name_and_artifacts_of_the_run(kit: Kit) -> None:
    first = logged(kit, "a.json", report())
    second = logged(kit, "a.json", report(mode="mcp", name="better", tags={"team": "red"}))
    assert second.run_id == first.run_id
    assert len(kit.store.all_runs()) == 1
    assert (second.name, second.tags[Tag.MODE], second.tags["team"]) == ("better", "mcp", "red")
    assert second.params["mode"] == "manual"  # a param cannot be changed: the tag counts
    assert '"better"' in kit.store.artifacts(first.run_id)["a.json"]
    assert kit.store.points(first.run_id) == [["accuracy", first.ended_ms, 0.5]]
    assert second.tags[Tag.STATE] == "complete"


def test_a_rewrite_before_the_first_version_was_logged_is_all_that_is_logged(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.drop("a.json", report(mode="mcp"))
    kit.log_all()
    assert kit.store.calls.count("create_run") == 1
    assert kit.only_run().params["mode"] == "mcp"


def test_a_rewrite_of_a_half_logged_report_goes_on_with_its_run(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.store.fault = lambda call: "refused" if call == "log_artifacts" else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    kit.drop("a.json", report(mode="mcp"))
    kit.log_all()
    assert len(kit.store.all_runs()) == 1
    assert kit.only_run().tags[Tag.MODE] == "mcp"


def test_other_values_under_the_same_identity_make_a_run_that_replaces_the_old_one(
    kit: Kit,
) -> None:
    first = logged(kit, "a.json", report(0.5, id="e1"))
    second = logged(kit, "a.json", report(0.75, id="e1"))
    assert second.run_id != first.run_id
    old = kit.store.get_run(first.run_id)
    assert old is not None
    assert old.active
    assert old.tags[Tag.SUPERSEDED_BY] == second.run_id
    assert old.metrics == {"accuracy": 0.5}
    assert second.tags[Tag.SUPERSEDES] == first.run_id
    assert kit.only_run().run_id == second.run_id


def test_a_third_version_replaces_the_second_only(kit: Kit) -> None:
    runs = [logged(kit, "a.json", report(value, id="e1")) for value in (0.1, 0.2, 0.3)]
    tags = [run.tags for run in kit.store.all_runs()]
    assert [tag.get(Tag.SUPERSEDED_BY) for tag in tags] == [runs[1].run_id, runs[2].run_id, None]
    assert [tag.get(Tag.SUPERSEDES) for tag in tags] == [None, runs[0].run_id, runs[1].run_id]


def test_other_values_before_anything_was_written_leave_one_run(kit: Kit) -> None:
    kit.drop("a.json", report(0.5, id="e1"))
    second = logged(kit, "a.json", report(0.75, id="e1"))
    assert [run.run_id for run in kit.store.all_runs()] == [second.run_id]


@pytest.mark.parametrize("step", ["create_run", "log_values", "log_artifacts", "finish_run"])
@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_other_values_after_a_half_logged_version_leave_one_run_that_counts(
    kit: Kit, step: str, kind: str
) -> None:
    kit.drop("a.json", report(0.5, id="e1"))
    kit.store.fault = lambda call: kind if call == step else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    logged(kit, "a.json", report(0.75, id="e1"))
    kit.ingestor.reconcile()
    assert kit.only_run().metrics == {"accuracy": 0.75}
    assert all(run.tags[Tag.STATE] == "complete" for run in kit.store.active_runs())


K1 = {
    "summary": {
        "total_apps": 1,
        "evaluated_at": "2025-11-03T09:07:13Z",
        "metrics_summary": {"build_success": 1},
    },
    "apps": [
        {
            "app_name": "shop",
            "timestamp": "2025-11-03T09:01:12Z",
            "metrics": {"build_success": True, "runtime_success": True},
            "issues": [],
        }
    ],
    "timestamp": "20251103_100713",
    "evaluation_run_id": "20251103_100713",
}


def k1(*, run_id: str = "20251103_100713", build: bool = True) -> bytes:
    document = json.loads(json.dumps(K1))
    document["apps"][0]["metrics"]["build_success"] = build
    document["evaluation_run_id"] = run_id
    return json.dumps(document).encode()


def test_new_content_of_the_same_evaluation_at_the_same_path_replaces_its_run(kit: Kit) -> None:
    first = logged(kit, "evaluation_report.json", k1())
    second = logged(kit, "evaluation_report.json", k1(build=False))
    assert first.tags[Tag.CONTENT_ID] != second.tags[Tag.CONTENT_ID]
    assert kit.only_run().run_id == second.run_id
    assert kit.only_run().tags[Tag.SUPERSEDES] == first.run_id


def test_the_older_version_is_replaced_although_it_is_logged_later(kit: Kit) -> None:
    kit.drop("evaluation_report.json", k1())
    kit.drop("evaluation_report.json", k1(build=False))
    newer = kit.journal.parts(str(kit.root / "evaluation_report.json"))
    kit.ingestor.log_due(limit=5, only=newer)
    kit.log_all()
    (run,) = kit.counting()
    (old,) = [found for found in kit.store.active_runs() if found.run_id != run.run_id]
    assert run.metrics["build_success_rate"] == 0.0
    assert old.tags[Tag.SUPERSEDED_BY] == run.run_id
    assert run.tags[Tag.SUPERSEDES] == old.run_id


def test_another_evaluation_at_the_same_path_is_independent(kit: Kit) -> None:
    first = logged(kit, "evaluation_report.json", k1())
    second = logged(kit, "evaluation_report.json", k1(run_id="20251104_100713", build=False))
    assert {run.run_id for run in kit.counting()} == {first.run_id, second.run_id}


def test_a_replaced_version_put_back_counts_again_but_a_copy_of_it_does_not(kit: Kit) -> None:
    first = logged(kit, "evaluation_report.json", k1())
    logged(kit, "evaluation_report.json", k1(build=False))
    copied = kit.drop("archive/evaluation_report.json", k1())
    assert (copied.state, copied.run_ids) == (FileState.SUPERSEDED, (first.run_id,))
    back = logged(kit, "evaluation_report.json", k1())
    assert back.run_id not in {first.run_id, copied.run_ids[0]}
    assert kit.only_run().run_id == back.run_id


def test_a_renamed_report_is_the_same_report(kit: Kit) -> None:
    first = logged(kit, "evaluation_report.json", k1())
    old, new = kit.root / "evaluation_report.json", kit.root / "evaluation_report_2.json"
    old.rename(new)
    stamp = next(stamp for stamp, _, _ in kit.journal.stamps() if stamp.path == old)
    assert kit.journal.rename(str(old), type(stamp).of(new, new.stat()))
    second = logged(kit, "evaluation_report.json", k1(run_id="20251104_100713", build=False))
    found = kit.journal.file(str(new))
    assert found is not None
    assert (found.state, found.run_ids) == (FileState.FINISHED, (first.run_id,))
    assert len(kit.counting()) == 2
    assert Tag.SUPERSEDES not in second.tags


def test_a_mode_given_by_hand_changes_the_run_that_was_logged_without(kit: Kit) -> None:
    first = logged(kit, "a.json", report())
    path = kit.root / "a.json"
    again = kit.take(path, mode=("mcp", ModeSource.ARGUMENT), named=True)
    kit.log_all()
    run = kit.only_run()
    assert run.run_id == first.run_id
    assert (run.tags[Tag.MODE], run.tags[Tag.MODE_SOURCE]) == ("mcp", "argument")
    assert run.name.startswith("eval_mcp_")
    assert again.state is FileState.PARSED


def test_a_mode_of_less_trust_does_not_change_the_run(kit: Kit) -> None:
    first = logged(kit, "a.json", report(), mode=("mcp", ModeSource.ARGUMENT))
    second = logged(kit, "a.json", report(tags={"x": "y"}))
    assert second.run_id == first.run_id
    assert (second.tags[Tag.MODE], second.tags["x"], second.name) == ("mcp", "y", first.name)


def test_a_copy_that_knows_more_adds_it_to_the_run(kit: Kit) -> None:
    first = logged(kit, "a.json", report(id="e1"))
    copied = logged(kit, "b.json", report(id="e1", params={"backend": "x"}))
    assert copied.run_id == first.run_id
    assert kit.only_run().params["backend"] == "x"
    assert len(kit.store.all_runs()) == 1


def test_a_copy_that_knows_less_changes_nothing(kit: Kit) -> None:
    logged(kit, "a.json", report(id="e1", params={"backend": "x"}))
    copied = kit.drop("b.json", report(id="e1"))
    assert copied.state is FileState.DUPLICATE
    assert kit.ingestor.open_count() == 0


def test_a_commit_made_in_between_makes_no_other_evaluation(kit: Kit) -> None:
    first = logged(kit, "a.json", report(), git_commit="a" * 40)
    again = kit.take(kit.root / "a.json", git_commit="b" * 40)
    assert again.state is FileState.DUPLICATE
    assert first.params["git_commit"] == "a" * 40


def test_a_run_name_given_by_hand_renames_the_run(kit: Kit) -> None:
    first = logged(kit, "a.json", report())
    kit.take(kit.root / "a.json", run_name="nightly", named=True)
    kit.log_all()
    run = kit.only_run()
    assert (run.run_id, run.name, run.tags[Tag.RUN_NAME]) == (first.run_id, "nightly", "nightly")


def test_a_run_that_was_deleted_is_not_renewed(kit: Kit) -> None:
    first = logged(kit, "a.json", report())
    kit.store.delete_run(first.run_id)
    kit.drop("a.json", report(mode="mcp"))
    kit.log_all()
    found = kit.journal.file(str(kit.root / "a.json"))
    assert found is not None
    assert found.state is FileState.DELETED
    assert kit.counting() == []


def test_without_its_journal_a_rewritten_report_replaces_the_run_in_the_store(
    tmp_path: Path,
) -> None:
    kit = Kit(tmp_path)
    first = logged(kit, "a.json", report(0.5, id="e1"))
    new = Kit(tmp_path, store=kit.store, journal_dir=tmp_path / "new", search_first=True)
    second = logged(new, "a.json", report(0.75, id="e1"))
    assert new.only_run().run_id == second.run_id
    assert new.only_run().tags[Tag.SUPERSEDES] == first.run_id


# -- bulk files ----------------------------------------------------------------------------------

BULK = [
    {
        "app_name": "shop",
        "success": True,
        "prompt": "p",
        "app_dir": "/x/shop",
        "log_file": None,
        "error": None,
        "backend": "claude",
        "model": "m",
        "metrics": {"cost_usd": 1.5, "input_tokens": 10, "output_tokens": 20, "turns": 3},
    }
]


def bulk(kit: Kit, name: str = "bulk_run_results_20251103_090000.json") -> Path:
    path = kit.write(name, json.dumps(BULK).encode())
    os.utime(path, (1_762_160_000, 1_762_160_000))
    return path


def test_a_bulk_file_alone_is_one_run_of_its_kind(kit: Kit) -> None:
    kit.take(bulk(kit))
    kit.log_all()
    assert kit.only_run().tags[Tag.KIND] == "generation"


def test_a_bulk_file_whose_evaluation_is_there_makes_no_run(kit: Kit) -> None:
    path = bulk(kit)
    run = logged(kit, "evaluation_report.json", k1())
    assert run.metrics["generation_cost_usd"] == 1.5
    taken = kit.take(path)
    assert (taken.state, taken.run_ids) == (FileState.FINISHED, (run.run_id,))
    assert kit.ingestor.open_count() == 0
    assert len(kit.store.all_runs()) == 1


def test_a_bulk_file_that_waits_when_its_evaluation_comes_makes_no_run(kit: Kit) -> None:
    path = bulk(kit)
    kit.take(path)
    run = logged(kit, "evaluation_report.json", k1())
    assert [found.run_id for found in kit.store.all_runs()] == [run.run_id]
    found = kit.journal.file(str(path))
    assert found is not None
    assert (found.state, found.run_ids) == (FileState.FINISHED, (run.run_id,))


def test_the_run_of_a_bulk_file_is_replaced_by_the_evaluation_that_joins_it(kit: Kit) -> None:
    path = bulk(kit)
    kit.take(path)
    kit.log_all()
    generation = kit.only_run()
    evaluation = logged(kit, "evaluation_report.json", k1())
    assert kit.only_run().run_id == evaluation.run_id
    old = kit.store.get_run(generation.run_id)
    assert old is not None
    assert old.tags[Tag.SUPERSEDED_BY] == evaluation.run_id
    found = kit.journal.file(str(path))
    assert found is not None
    assert (found.state, found.run_ids) == (FileState.FINISHED, (evaluation.run_id,))
    assert kit.take(path).run_ids == (evaluation.run_id,)
    assert kit.ingestor.open_count() == 0


def test_the_run_of_a_half_logged_bulk_file_is_replaced_as_well(kit: Kit) -> None:
    kit.take(bulk(kit))
    kit.store.fault = lambda call: "lost" if call == "log_values" else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    evaluation = logged(kit, "evaluation_report.json", k1())
    assert kit.only_run().run_id == evaluation.run_id


def test_ambiguous_bulk_files_are_told_in_a_tag(kit: Kit) -> None:
    bulk(kit, "bulk_run_results_20251103_090000.json")
    second = json.loads(json.dumps(BULK))
    second[0]["metrics"]["cost_usd"] = 2.5
    path = kit.write("x/bulk_run_results_20251103_090000.json", json.dumps(second).encode())
    os.utime(path, (1_762_160_000, 1_762_160_000))
    run = logged(kit, "evaluation_report.json", k1())
    assert "ambiguous" in run.tags["evaltui.generation"]
    assert "generation_cost_usd" not in run.metrics
