"""The journal against the store, and what a second look puts right."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_kit import Kit, report
from tiny_store import REFUSED

from evaltui.domain.events import FileState
from evaltui.domain.run import Tag
from evaltui.engine.audit import Audit, Difference, Kind, audit
from evaltui.engine.steps.compare import JOURNAL_TAG
from evaltui.errors import StoreUnreachableError


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def check(kit: Kit) -> Audit:
    return audit(kit.journal, kit.store)


def only(kit: Kit) -> Difference:
    (found,) = check(kit).differences
    return found


def change(kit: Kit, run_id: str, **fields: object) -> None:
    """Change a run behind the journal's back."""
    doc = kit.store.docs()[run_id]
    for name, value in fields.items():
        if isinstance(value, dict):  # None takes an item away
            merged = {**doc[name], **value}
            doc[name] = {key: item for key, item in merged.items() if item is not None}
        else:
            doc[name] = value
    kit.store.change(run_id, **doc)


def logged(kit: Kit, name: str = "a.json", value: float = 0.5, **fields: object) -> str:
    outcome = kit.drop(name, report(value, **fields))
    kit.log_all()
    row = kit.journal.file(outcome.path)
    assert row is not None
    return row.run_ids[0]


def test_what_was_logged_and_what_waits_is_no_difference(kit: Kit) -> None:
    for number in range(3):
        logged(kit, f"{number}.json", number / 10)
    kit.drop("late.json", report(0.9))
    kit.drop("copy.json", report(0.1))
    assert check(kit) == Audit(finished=3, runs=3, waiting=1)


def test_a_replaced_version_is_no_difference_and_a_renewed_run_neither(kit: Kit) -> None:
    logged(kit, value=0.5, id="e")
    logged(kit, value=0.6, id="e")
    logged(kit, value=0.6, id="e", name="told better")
    assert check(kit).differences == ()
    assert check(kit).finished == 1


def test_a_bulk_file_that_was_joined_later_is_no_difference(kit: Kit) -> None:
    from watching import app_report, bulk

    kit.drop("bulk_run_results_20251231_000000.json", bulk("a", "b").encode())
    kit.log_all()
    kit.drop("evaluation_report.json", app_report({"a": "2026-01-01T00:00:00Z"}).encode())
    kit.log_all()
    assert check(kit).differences == ()


def test_people_may_rename_and_tag_runs(kit: Kit) -> None:
    run_id = logged(kit)
    kit.store.rename_run(run_id, "the good one")
    kit.store.set_run_tags(run_id, {Tag.MODE: "other", "reviewed": "yes"})
    assert check(kit).differences == ()


def test_a_deleted_run_and_one_that_is_not_there_are_told(kit: Kit) -> None:
    run_id = logged(kit)
    kit.store.delete_run(run_id)
    assert only(kit).kind is Kind.DELETED
    assert "journal retry" in only(kit).remedy
    kit.store._db.execute("DELETE FROM runs")
    assert only(kit).kind is Kind.MISSING
    assert only(kit).path == str(kit.root / "a.json")


def test_a_known_deletion_is_no_difference_but_its_return_is(kit: Kit) -> None:
    run_id = logged(kit)
    kit.store.delete_run(run_id)
    kit.ingestor.note_deleted([run_id])
    assert check(kit).differences == ()
    change(kit, run_id, active=True)
    assert only(kit).kind is Kind.RESTORED


@pytest.mark.parametrize(
    ("fields", "kind", "what"),
    [
        ({"points": []}, Kind.LACKING, "metric accuracy"),
        ({"tags": {Tag.STATE: "logging"}}, Kind.LACKING, "the tag that says it is complete"),
        ({"status": "RUNNING"}, Kind.LACKING, "the status FINISHED"),
        ({"params": {"seed": None}}, Kind.LACKING, "param seed"),
        ({"params": {"seed": "8"}}, Kind.CHANGED, "param seed is '8', not '7'"),
        ({"tags": {Tag.CONTENT_ID: "0" * 64}}, Kind.CHANGED, "of another report"),
    ],
)
def test_what_a_run_lacks_or_holds_otherwise_is_named(
    kit: Kit, fields: dict[str, object], kind: Kind, what: str
) -> None:
    change(kit, logged(kit, params={"seed": "7"}), **fields)
    found = only(kit)
    assert found.kind is kind
    assert what in found.what


def test_another_value_of_a_metric_is_named(kit: Kit) -> None:
    run_id = logged(kit)
    ((name, at_ms, _),) = kit.store.points(run_id)
    change(kit, run_id, points=[[name, at_ms, 0.7]])
    assert only(kit).kind is Kind.CHANGED
    assert "metric accuracy" in only(kit).what


def test_two_runs_of_one_report_are_told_until_one_is_cleared(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    logged(kit)
    logged(Kit(tmp_path / "other", store=kit.store))
    found = check(kit)
    assert [item.kind for item in found.differences] == [Kind.TWINS]
    assert found.elsewhere == 1
    kit.ingestor.reconcile()
    assert check(kit).differences == ()


def test_a_run_of_this_journal_without_an_entry_is_told_and_of_another_counted(
    kit: Kit, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Kit(tmp_path / "other", store=kit.store)
    run_id = logged(other, "b.json", 0.9)
    assert check(kit) == Audit(runs=1, elsewhere=1)
    kit.store.set_run_tags(run_id, {JOURNAL_TAG: kit.journal.journal_id})
    assert only(kit).kind is Kind.UNKNOWN


def test_a_replaced_run_that_counts_again_is_told(kit: Kit) -> None:
    old = logged(kit, value=0.5, id="e")
    new = logged(kit, value=0.6, id="e")
    kit.store.delete_run_tag(old, Tag.SUPERSEDED_BY)
    kinds = {item.kind for item in check(kit).differences}
    assert kinds == {Kind.REPLACED, Kind.TWINS}
    assert any(new in item.remedy for item in check(kit).differences)


def test_a_run_the_listing_missed_is_asked_for(kit: Kit) -> None:
    logged(kit)
    kit.store.changes = lambda: iter(())  # type: ignore[method-assign]
    assert check(kit).differences == ()


# -- mending -------------------------------------------------------------------------------------


def test_a_run_that_lacks_a_value_is_written_to_again(kit: Kit) -> None:
    run_id = logged(kit, params={"seed": "7"})
    change(kit, run_id, points=[], tags={Tag.STATE: "logging"})
    assert kit.ingestor.mend(str(kit.root / "a.json")) == ""
    assert kit.ingestor.open_count() == 1
    kit.log_all()
    assert kit.only_run().run_id == run_id
    assert kit.only_run().metrics["accuracy"] == 0.5
    assert check(kit).differences == ()
    assert {item.path for item in kit.store.list_artifacts(run_id)} >= {"a.json"}


def test_a_run_that_is_gone_is_logged_again_after_a_retry(kit: Kit) -> None:
    first = logged(kit)
    kit.store.delete_run(first)
    path = kit.root / "a.json"
    assert kit.ingestor.mend(str(path)) == ""
    assert not kit.ingestor.retry(str(path))
    kit.take(path)
    kit.log_all()
    assert kit.only_run().run_id != first


def test_a_run_that_is_as_it_should_be_is_left_alone(kit: Kit) -> None:
    logged(kit)
    kit.store.calls.clear()
    assert kit.ingestor.mend(str(kit.root / "a.json")) == ""
    assert kit.store.calls == ["get_run"]
    assert kit.ingestor.open_count() == 0


def test_other_values_are_left_to_a_person(kit: Kit) -> None:
    run_id = logged(kit, params={"seed": "7"})
    change(kit, run_id, params={"seed": "8"})
    why = kit.ingestor.mend(str(kit.root / "a.json"))
    assert f"run {run_id}: param seed is '8', not '7'" in why
    assert kit.ingestor.open_count() == 0
    row = kit.journal.file(str(kit.root / "a.json"))
    assert row is not None
    assert row.state is FileState.FINISHED


def test_a_store_that_is_down_changes_nothing(kit: Kit) -> None:
    logged(kit)
    kit.store.fault = lambda _: REFUSED
    with pytest.raises(StoreUnreachableError):
        kit.ingestor.mend(str(kit.root / "a.json"))
    kit.store.fault = lambda _: ""
    assert check(kit).differences == ()
