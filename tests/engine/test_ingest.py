from __future__ import annotations

from pathlib import Path

import pytest
from ingest_kit import Kit, report
from tiny_store import TinyStore

from evaltui.domain.events import FileRole, FileState
from evaltui.domain.report import ModeSource
from evaltui.domain.run import LOCAL_PREFIX, RunStatus, Tag
from evaltui.errors import StoreAuthError, StoreRejectedError, StoreUnreachableError


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def row(kit: Kit, path: Path | str) -> tuple[FileState, tuple[str, ...], str]:
    found = kit.journal.file(str(kit.root / path))
    assert found is not None
    return found.state, found.run_ids, found.reason


def test_a_report_becomes_one_complete_run_with_all_its_plan_says(kit: Kit) -> None:
    taken = kit.drop("a.json", report(0.75, params={"backend": "x"}, name="first"))
    assert (taken.state, taken.role, taken.run_ids) == (FileState.PARSED, FileRole.REPORT, ())
    (logged,) = kit.ingestor.log_due(limit=5)
    assert (logged.state, logged.path) == (FileState.FINISHED, taken.path)
    run = kit.only_run()
    assert logged.run_ids == (run.run_id,)
    assert run.metrics == {"accuracy": 0.75}
    assert (run.params["backend"], run.params["mode"]) == ("x", "manual")
    assert (run.name, run.status) == ("first", RunStatus.FINISHED)
    assert (run.started_ms, run.ended_ms) == (1_772_366_400_000, 1_772_366_400_000)
    assert run.tags[Tag.STATE] == "complete"
    assert run.tags[Tag.CONTENT_ID] == taken.content_ids[0]
    assert (
        kit.store.artifacts(run.run_id)["a.json"]
        == report(0.75, params={"backend": "x"}, name="first").decode()
    )
    assert row(kit, "a.json") == (FileState.FINISHED, (run.run_id,), "")


def test_taking_a_file_asks_nothing_of_the_store(kit: Kit) -> None:
    kit.drop("a.json", report())
    assert kit.store.calls == []


def test_logging_without_doubt_makes_one_create_call_and_does_not_search(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.log_all()
    assert kit.store.calls.count("create_run") == 1
    assert kit.store.calls.count("log_values") == 1
    assert kit.store.calls.count("find_runs") == 0


def test_nothing_is_left_to_do_after_a_report_is_finished(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.log_all()
    assert kit.ingestor.open_count() == 0
    assert kit.ingestor.next_due() is None
    assert kit.ingestor.log_due(limit=5) == []
    assert kit.ingestor.local_runs() == []


def test_the_newest_evaluation_is_logged_first(kit: Kit) -> None:
    for day in (3, 9, 5):
        kit.drop(f"{day}.json", report(day / 10, started_at=f"2026-03-0{day}T00:00:00Z"))
    names = [Path(outcome.path).name for outcome in kit.ingestor.log_due(limit=3)]
    assert names == ["9.json", "5.json", "3.json"]


def test_an_unfinished_report_is_a_local_run_with_its_values(kit: Kit) -> None:
    taken = kit.drop("a.json", report(0.25, name="early"))
    (run,) = kit.ingestor.local_runs()
    assert run.run_id.startswith(LOCAL_PREFIX)
    assert (run.name, run.status, run.metrics) == ("early", RunStatus.PENDING, {"accuracy": 0.25})
    assert run.tags[Tag.CONTENT_ID] == taken.content_ids[0]


def test_a_copy_under_another_name_is_already_logged(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.log_all()
    run_id = kit.only_run().run_id
    copied = kit.drop("b.json", report())
    assert (copied.state, copied.run_ids) == (FileState.DUPLICATE, (run_id,))
    assert copied.reason == f"already logged as run {run_id}"
    assert row(kit, "b.json")[:2] == (FileState.DUPLICATE, (run_id,))
    assert row(kit, "a.json")[:2] == (FileState.FINISHED, (run_id,))
    assert kit.ingestor.open_count() == 0


def test_a_copy_that_is_met_before_the_first_is_logged_follows_it(kit: Kit) -> None:
    kit.drop("a.json", report())
    copied = kit.drop("b.json", report())
    assert (copied.state, copied.run_ids) == (FileState.PARSED, ())
    assert copied.reason == f"the same report as {kit.root / 'a.json'}"
    kit.log_all()
    assert row(kit, "b.json")[:2] == (FileState.DUPLICATE, (kit.only_run().run_id,))


def test_the_same_file_read_again_is_already_logged_and_stays_finished(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    kit.log_all()
    run_id = kit.only_run().run_id
    again = kit.take(path)
    assert (again.state, again.run_ids) == (FileState.DUPLICATE, (run_id,))
    assert row(kit, "a.json")[:2] == (FileState.FINISHED, (run_id,))


def test_identical_content_on_purpose_becomes_a_second_run(kit: Kit) -> None:
    path = kit.write("a.json", report())
    first = kit.take(path)
    kit.log_all()
    second = kit.take(path, as_new=True, named=True)
    kit.log_all()
    assert len(kit.counting()) == 2
    assert second.content_ids[0].startswith(f"{first.content_ids[0]}:")


def test_a_broken_report_is_quarantined_with_where_and_what_to_do(kit: Kit) -> None:
    broken = kit.drop("a.json", b'{"schema": "evaltui.report/1",\n "metrics": [}]}')
    assert broken.state is FileState.QUARANTINED
    assert "line 2" in broken.reason
    assert row(kit, "a.json") == (FileState.QUARANTINED, (), broken.reason)
    kit.drop("a.json", report())
    kit.log_all()
    assert row(kit, "a.json")[0] is FileState.FINISHED


def test_a_cut_report_settles_until_the_caller_gives_it_up(kit: Kit) -> None:
    path = kit.write("a.json", report()[:-20])
    taken = kit.take(path)
    assert (taken.state, taken.role) == (FileState.SETTLING, FileRole.REPORT)
    assert row(kit, "a.json")[0] is FileState.SETTLING
    rows = {stamp.path: stamp for stamp, _, _ in kit.journal.stamps()}
    kit.ingestor.quarantine(rows[path], root=str(kit.root), reason="truncated?", hint="wait")
    assert row(kit, "a.json") == (FileState.QUARANTINED, (), "truncated?")


def test_what_no_reader_knows_is_ignored_without_a_line(kit: Kit) -> None:
    ignored = kit.drop("notes.json", b'{"hello": 1}')
    assert (ignored.state, ignored.listed, ignored.reason) == (FileState.IGNORED, False, "")
    assert kit.journal.rows_since(0) == []
    assert kit.journal.counts()["ignored"] == 1


@pytest.mark.parametrize(("name", "named"), [("evaluation_report.json", False), ("x.json", True)])
def test_what_bears_a_reports_name_or_was_named_is_listed_with_its_reason(
    kit: Kit, name: str, named: bool
) -> None:
    ignored = kit.drop(name, b'{"hello": 1}', named=named)
    assert (ignored.state, ignored.listed) == (FileState.IGNORED, True)
    assert "not a report" in ignored.reason
    assert [found.path for found in kit.journal.rows_since(0)] == [str(kit.root / name)]


SINGLE = (
    b'{"app_name": "shop", "timestamp": "2026-01-02T03:04:05Z",'
    b' "metrics": {"build_success": true}, "issues": []}'
)


def test_a_per_app_file_is_no_run_by_itself(kit: Kit) -> None:
    taken = kit.drop("shop_eval.json", SINGLE)
    assert (taken.state, taken.role, taken.listed) == (FileState.IGNORED, FileRole.CASE, False)
    assert kit.ingestor.open_count() == 0


def test_a_per_app_file_that_is_named_becomes_a_run_of_one_case(kit: Kit) -> None:
    kit.drop("shop_eval.json", SINGLE, named=True)
    kit.log_all()
    assert kit.only_run().params["total_apps"] == "1"
    assert kit.journal.counts()["logged"] == 1


def test_the_forced_mode_and_model_are_those_of_the_run(tmp_path: Path) -> None:
    kit = Kit(tmp_path, model="big-1")
    kit.drop("a.json", report(mode="vanilla_sdk"), mode=("mcp", ModeSource.ARGUMENT))
    kit.log_all()
    run = kit.only_run()
    assert (run.tags[Tag.MODE], run.params["mode"]) == ("mcp", "mcp")
    assert run.params["model_version"] == "big-1"


def test_a_read_only_ingest_keeps_reports_and_says_why(tmp_path: Path) -> None:
    kit = Kit(tmp_path, read_only=True)
    taken = kit.drop("a.json", report())
    assert (taken.state, taken.reason) == (
        FileState.PARSED, "read-only: nothing is written to the store",
    )  # fmt: skip
    assert kit.ingestor.log_due(limit=5) == []
    assert kit.ingestor.next_due() is None
    assert kit.ingestor.reconcile() == ()
    assert kit.store.calls == []
    writing = Kit(tmp_path, journal_dir=tmp_path / "journal", store=kit.store)
    writing.log_all()
    assert row(kit, "a.json") == (FileState.FINISHED, (kit.only_run().run_id,), "")


def test_only_limits_logging_to_what_was_asked_for_and_does_not_wait(kit: Kit) -> None:
    first = kit.drop("a.json", report(0.1))
    kit.drop("b.json", report(0.2))
    kit.store.fault = lambda call: "refused" if call == "create_run" else ""
    kit.ingestor.log_due(limit=5)
    kit.store.fault = lambda _: ""
    assert kit.ingestor.log_due(limit=5) == []
    (logged,) = kit.ingestor.log_due(limit=5, only=first.content_ids)
    assert (logged.path, logged.state) == (first.path, FileState.FINISHED)


def test_a_report_too_large_to_be_kept_is_uploaded_from_its_path(tmp_path: Path) -> None:
    kit = Kit(tmp_path, max_spool_bytes=10)
    kit.drop("a.json", report())
    kit.log_all()
    assert kit.store.artifacts(kit.only_run().run_id)["a.json"] == report().decode()


def test_a_large_report_that_changed_meanwhile_is_not_uploaded(tmp_path: Path) -> None:
    kit = Kit(tmp_path, max_spool_bytes=10)
    path = kit.write("a.json", report())
    kit.take(path)
    path.write_bytes(report(0.9))
    kit.log_all()
    assert "a.json" not in kit.store.artifacts(kit.only_run().run_id)


def test_a_report_that_was_read_is_logged_although_its_file_is_gone(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    path.unlink()
    kit.log_all()
    assert kit.store.artifacts(kit.only_run().run_id)["a.json"] == report().decode()


def test_a_file_name_that_is_no_utf8_is_logged_and_found_again(kit: Kit) -> None:
    name = b"r\xff.json".decode("utf-8", "surrogateescape")
    kit.drop(name, report())
    kit.log_all()
    found = kit.journal.file(str(kit.root / name))
    assert found is not None
    assert (found.path, found.state) == (str(kit.root / name), FileState.FINISHED)


# -- failures of the store -----------------------------------------------------------------------


def test_an_unreachable_store_postpones_and_stops_the_batch(kit: Kit) -> None:
    kit.drop("a.json", report(0.1))
    kit.drop("b.json", report(0.2))
    kit.store.fault = lambda _: "refused"
    (failed,) = kit.ingestor.log_due(limit=10)
    assert (failed.state, failed.reason) == (FileState.PARSED, "connection refused")
    assert failed.retry_at_s is not None
    assert failed.retry_at_s > kit.clock.now
    due = kit.ingestor.next_due()
    assert due is not None
    assert due > kit.clock.now
    assert kit.ingestor.log_due(limit=10) == []
    kit.store.fault = lambda _: ""
    kit.clock.now += 120
    assert len(kit.ingestor.log_due(limit=10)) == 2


def test_what_waits_is_due_at_once_after_a_hurry(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.store.fault = lambda _: "refused"
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    kit.ingestor.hurry()
    assert [outcome.state for outcome in kit.ingestor.log_due()] == [FileState.FINISHED]


def test_the_time_a_server_asks_for_is_kept_up_to_five_minutes(kit: Kit) -> None:
    kit.drop("a.json", report())

    def busy(_name: str) -> object:
        raise StoreUnreachableError("429", retry_after_s=4000.0)

    kit.store.ensure_experiment = busy  # type: ignore[method-assign,assignment]
    kit.ingestor.log_due()
    assert kit.ingestor.next_due() == kit.clock.now + 300.0


def test_after_seven_days_a_person_must_act(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.store.fault = lambda _: "refused"
    kit.clock.now += 7 * 24 * 3600 + 1
    (waiting,) = kit.ingestor.log_due()
    assert waiting.state is FileState.PARSED  # a machine that slept has not tried for seven days
    for _ in range(10):
        kit.clock.now += 100
        (given_up,) = kit.ingestor.log_due()
    assert given_up.state is FileState.QUARANTINED
    assert "7 days" in given_up.reason
    kit.store.fault = lambda _: ""
    assert kit.ingestor.retry(given_up.path)
    kit.log_all()
    assert row(kit, "a.json")[0] is FileState.FINISHED


def test_a_clock_that_is_set_back_makes_no_report_wait_for_it(kit: Kit) -> None:
    kit.clock.now += 30 * 24 * 3600
    kit.drop("a.json", report())
    faults = ["refused"]
    kit.store.fault = lambda _: faults.pop() if faults else ""
    kit.ingestor.log_due()
    kit.clock.now -= 30 * 24 * 3600
    due = kit.ingestor.next_due()
    assert due is not None
    assert due <= kit.clock.now
    (logged,) = kit.ingestor.log_due()
    assert logged.state is FileState.FINISHED


def test_a_refused_credential_keeps_every_report_waiting(kit: Kit) -> None:
    kit.drop("a.json", report(0.1))
    kit.drop("b.json", report(0.2))

    def refuse(_name: str) -> object:
        raise StoreAuthError("401: the token is not accepted", hint="set DATABRICKS_TOKEN")

    good, kit.store.ensure_experiment = kit.store.ensure_experiment, refuse  # type: ignore[method-assign,assignment]
    (told,) = kit.ingestor.log_due(limit=5)
    assert (told.state, told.hint) == (FileState.PARSED, "set DATABRICKS_TOKEN")
    kit.store.ensure_experiment = good  # type: ignore[method-assign]
    kit.log_all()
    assert len(kit.counting()) == 2


def test_a_deleted_experiment_quarantines_nobody(kit: Kit) -> None:
    kit.drop("a.json", report())

    def deleted(_name: str) -> object:
        raise StoreRejectedError("the experiment is deleted", hint="restore it")

    kit.store.ensure_experiment = deleted  # type: ignore[method-assign,assignment]
    (told,) = kit.ingestor.log_due(limit=5)
    assert (told.state, told.reason) == (FileState.PARSED, "the experiment is deleted")


def test_a_value_the_store_refuses_quarantines_that_report_only(kit: Kit) -> None:
    kit.drop("bad.json", report(0.1, started_at="2026-03-02T00:00:00Z", params={"bad": "1"}))
    kit.drop("good.json", report(0.2))
    log_values = kit.store.log_values

    def refuse(run_id: str, plan: object) -> None:
        if "bad" in plan.params:  # type: ignore[attr-defined]
            raise StoreRejectedError("param bad: not allowed")
        log_values(run_id, plan)  # type: ignore[arg-type]

    kit.store.log_values = refuse  # type: ignore[method-assign]
    outcomes = {Path(found.path).name: found for found in kit.ingestor.log_due(limit=5)}
    assert outcomes["bad.json"].state is FileState.QUARANTINED
    assert outcomes["bad.json"].reason == "param bad: not allowed"
    assert outcomes["good.json"].state is FileState.FINISHED
    kit.store.log_values = log_values  # type: ignore[method-assign]
    assert kit.ingestor.retry(str(kit.root / "bad.json"))
    kit.log_all()
    assert len(kit.counting()) == 2
    assert kit.store.calls.count("create_run") == 2


def test_a_store_that_never_shows_what_was_written_is_told_in_the_end(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.store.fault = lambda call: "empty" if call == "log_values" else ""
    for _ in range(6):
        kit.ingestor.hurry()
        kit.ingestor.log_due()
    state, run_ids, reason = row(kit, "a.json")
    assert state is FileState.QUARANTINED
    assert "does not show metric accuracy" in reason
    assert len(run_ids) == 1


def test_a_finished_run_that_somebody_deleted_is_not_made_again(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    kit.log_all()
    run_id = kit.only_run().run_id
    kit.store.delete_run(run_id)
    kit.ingestor.note_deleted([run_id])
    assert row(kit, "a.json")[0] is FileState.DELETED
    assert kit.take(path).state is FileState.DELETED
    assert kit.ingestor.open_count() == 0
    assert not kit.ingestor.retry(str(path))
    kit.take(path)
    kit.log_all()
    assert kit.only_run().run_id != run_id


def test_an_unfinished_run_that_somebody_deleted_is_made_again(kit: Kit) -> None:
    kit.drop("a.json", report())
    kit.store.fault = lambda call: "refused" if call == "log_artifacts" else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    (half,) = kit.store.active_runs()
    kit.store.delete_run(half.run_id)
    kit.log_all()
    assert kit.only_run().run_id != half.run_id


def test_another_machines_run_is_adopted_and_not_written_again(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Kit(tmp_path / "other", store=kit.store)
    other.drop("a.json", report())
    other.log_all()
    (run,) = kit.store.active_runs()
    kit.known_runs = lambda _: (run.run_id,)
    kit.drop("b.json", report())
    kit.log_all()
    assert kit.only_run().run_id == run.run_id
    assert kit.store.points(run.run_id) == [["accuracy", 1_772_366_400_000, 0.5]]
    assert row(kit, "b.json")[:2] == (FileState.FINISHED, (run.run_id,))


def test_a_one_shot_command_searches_before_it_creates(tmp_path: Path) -> None:
    store = TinyStore(new_id="run")
    watcher = Kit(tmp_path, store=store)
    watcher.drop("a.json", report())
    watcher.log_all()
    command = Kit(tmp_path, store=store, journal_dir=tmp_path / "other", search_first=True)
    command.take(command.root / "a.json", named=True)
    command.log_all()
    assert len(store.all_runs()) == 1


def test_after_the_journal_was_lost_runs_are_found_in_the_store(tmp_path: Path) -> None:
    store = TinyStore(new_id="run")
    first = Kit(tmp_path, store=store)
    first.drop("a.json", report())
    first.log_all()
    second = Kit(tmp_path, store=store, journal_dir=tmp_path / "new", new_journal=True)
    second.take(second.root / "a.json")
    second.log_all()
    assert len(store.all_runs()) == 1


# -- companions ----------------------------------------------------------------------------------


def companion_kit(kit: Kit) -> str:
    kit.drop("evaluation_report.json", report())
    kit.log_all()
    return kit.only_run().run_id


def test_a_companion_that_comes_later_is_attached_once(kit: Kit) -> None:
    run_id = companion_kit(kit)
    taken = kit.drop("EVALUATION_REPORT.md", b"# one\n")
    assert taken.role is FileRole.COMPANION
    assert kit.ingestor.open_count() == 1
    kit.log_all()
    assert kit.store.artifacts(run_id)["EVALUATION_REPORT.md"] == "# one\n"
    kit.drop("EVALUATION_REPORT.md", b"# two\n")
    assert kit.ingestor.open_count() == 0
    assert len(kit.store.all_runs()) == 1


def test_a_companion_that_was_there_is_not_attached_again(kit: Kit) -> None:
    path = kit.write("EVALUATION_REPORT.md", b"# one\n")
    run_id = companion_kit(kit)
    assert kit.store.artifacts(run_id)["EVALUATION_REPORT.md"] == "# one\n"
    kit.take(path)
    assert kit.ingestor.open_count() == 0


def test_a_companion_of_the_run_before_is_replaced_by_the_new_one(kit: Kit) -> None:
    kit.write("EVALUATION_REPORT.md", b"# of the run before\n")
    run_id = companion_kit(kit)
    kit.drop("EVALUATION_REPORT.md", b"# of this run\n")
    kit.log_all()
    assert kit.store.artifacts(run_id)["EVALUATION_REPORT.md"] == "# of this run\n"


def test_a_companion_that_comes_before_its_report_is_logged_waits_for_it(kit: Kit) -> None:
    kit.drop("evaluation_report.json", report())
    kit.drop("EVALUATION_REPORT.md", b"# one\n")
    kit.log_all()
    assert "EVALUATION_REPORT.md" in kit.store.artifacts(kit.only_run().run_id)


def test_a_companion_after_ten_minutes_is_left_alone(kit: Kit) -> None:
    companion_kit(kit)
    kit.clock.now += 601
    kit.drop("EVALUATION_REPORT.md", b"# late\n")
    assert kit.ingestor.open_count() == 0


def test_a_companion_is_tried_again_when_the_store_fails(kit: Kit) -> None:
    run_id = companion_kit(kit)
    kit.store.fault = lambda call: "lost" if call == "log_artifacts" else ""
    kit.drop("evaluation_report.csv", b"a,b\n")
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    kit.log_all()
    assert kit.store.artifacts(run_id)["evaluation_report.csv"] == "a,b\n"


def test_a_companion_beside_no_report_is_ignored(kit: Kit) -> None:
    taken = kit.drop("EVALUATION_REPORT.md", b"# one\n")
    assert (taken.state, taken.role) == (FileState.IGNORED, FileRole.COMPANION)
    assert not kit.ingestor.attach_companion(str(kit.root / "x.json"), "x.md", b"")
