"""A person gives a file up, and takes that back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ingest_kit import Kit, report
from test_watcher_ingest import Engine
from tiny_store import LOST, REFUSED, TinyStore
from watching import report as watched_report

from evaltui.domain.events import BY_HAND, FileState
from evaltui.errors import StoreUnreachableError
from evaltui.ledger.journal import Journal


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path, TinyStore(new_id="run"))
    yield made
    made.close()


def state(kit: Kit, name: str) -> tuple[FileState, str]:
    row = kit.journal.file(str(kit.root / name))
    assert row is not None
    return row.state, row.reason


def test_a_waiting_report_that_is_given_up_is_not_logged(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    assert kit.ingestor.ignore(str(path)) == ""
    assert state(kit, "a.json") == (FileState.IGNORED, BY_HAND)
    assert kit.ingestor.open_count() == 0
    assert kit.store.all_runs() == []
    assert kit.journal.counts()["ignored"] == 1


def test_a_broken_report_that_is_given_up_is_no_problem_any_more(kit: Kit) -> None:
    path = kit.write("a.json", b'{"schema": "evaltui.report/1", "metrics": 3}')
    assert kit.take(path).state is FileState.QUARANTINED
    assert kit.ingestor.ignore(str(path)) == ""
    assert kit.journal.counts()["failed"] == 0


def test_what_is_in_the_store_is_not_given_up(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    kit.log_all()
    run_id = kit.only_run().run_id
    assert kit.ingestor.ignore(str(path)) == f"it is in the store already, as run {run_id}"
    assert state(kit, "a.json")[0] is FileState.FINISHED
    assert kit.ingestor.ignore("/nowhere") == "the journal does not know it"


def test_a_half_written_run_goes_with_its_report(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    kit.store.fault = lambda call: REFUSED if call == "log_artifacts" else ""
    kit.ingestor.log_due()
    assert len(kit.store.active_runs()) == 1
    kit.store.fault = lambda _: ""
    assert kit.ingestor.ignore(str(path)) == ""
    assert kit.store.active_runs() == []


def test_a_run_whose_create_call_lost_its_answer_goes_too(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    kit.store.fault = lambda call: LOST if call == "create_run" else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    assert len(kit.store.active_runs()) == 1
    assert kit.ingestor.ignore(str(path)) == ""
    assert kit.store.active_runs() == []


def test_without_the_store_a_half_written_report_is_kept(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    kit.store.fault = lambda call: REFUSED if call == "log_artifacts" else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: REFUSED
    with pytest.raises(StoreUnreachableError):
        kit.ingestor.ignore(str(path))
    kit.store.fault = lambda _: ""
    kit.log_all()
    assert kit.only_run().metrics["accuracy"] == 0.5


def test_a_run_of_another_machine_is_left_alone(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Kit(tmp_path / "other", store=kit.store)
    other.drop("a.json", report())
    other.log_all()
    kit.known_runs = lambda _: (kit.only_run().run_id,)
    path = kit.write("a.json", report(name="told better"))
    kit.take(path)
    kit.store.fault = lambda call: REFUSED if call == "set_run_tags" else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    assert kit.ingestor.ignore(str(path)) == ""
    assert len(kit.store.active_runs()) == 1


@pytest.mark.parametrize("better", [{"name": "told better"}, {"params": {"seed": "7"}}])
def test_a_renewal_that_is_given_up_leaves_the_run_and_its_entry(
    kit: Kit, better: dict[str, object]
) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    kit.log_all()
    run_id = kit.only_run().run_id
    path.write_bytes(report(**better))
    kit.take(path)
    assert kit.ingestor.open_count() == 1
    assert kit.ingestor.ignore(str(path)) == ""
    assert kit.ingestor.open_count() == 0
    entry = kit.journal.entry_of_run(run_id)
    assert entry is not None
    assert entry.state is FileState.FINISHED
    assert kit.only_run().run_id == run_id


def test_other_values_that_are_given_up_leave_the_older_run_in_the_account(kit: Kit) -> None:
    path = kit.write("a.json", report(0.5, id="e"))
    kit.take(path)
    kit.log_all()
    run_id = kit.only_run().run_id
    path.write_bytes(report(0.6, id="e"))
    kit.take(path)
    kit.store.fault = lambda call: REFUSED if call == "log_artifacts" else ""
    kit.ingestor.log_due()
    kit.store.fault = lambda _: ""
    assert len(kit.store.active_runs()) == 2
    assert kit.ingestor.ignore(str(path)) == ""
    assert kit.only_run().run_id == run_id
    assert kit.only_run().metrics["accuracy"] == 0.5
    entry = kit.journal.entry_of_run(run_id)
    assert entry is not None
    assert entry.state is FileState.FINISHED


def test_an_older_version_whose_place_was_taken_stays_replaced(kit: Kit) -> None:
    path = kit.write("a.json", report(0.5, id="e"))
    for value in (0.5, 0.6):
        path.write_bytes(report(value, id="e"))
        kit.take(path)
        kit.log_all()
    path.write_bytes(report(0.5, id="e"))
    kit.take(path)
    assert kit.ingestor.open_count() == 1
    assert kit.ingestor.ignore(str(path)) == ""
    assert kit.only_run().metrics["accuracy"] == 0.6


def test_a_copy_that_is_given_up_is_nothing_to_the_first(kit: Kit) -> None:
    kit.drop("a.json", report())
    copy = kit.write("b.json", report())
    kit.take(copy)
    assert kit.ingestor.ignore(str(copy)) == ""
    kit.log_all()
    assert state(kit, "a.json")[0] is FileState.FINISHED
    assert state(kit, "b.json") == (FileState.IGNORED, BY_HAND)
    assert kit.only_run()


def test_a_copy_follows_a_first_that_is_given_up(kit: Kit) -> None:
    first = kit.write("a.json", report())
    kit.take(first)
    kit.drop("b.json", report())
    assert kit.ingestor.ignore(str(first)) == ""
    assert state(kit, "b.json") == (FileState.IGNORED, BY_HAND)
    assert kit.ingestor.open_count() == 0


def test_what_another_process_writes_just_now_is_not_given_up(kit: Kit) -> None:
    path = kit.write("a.json", report())
    kit.take(path)
    other = Journal(kit.journal.directory)
    other._owner = "1:"  # a process that lives
    (entry,) = kit.journal.entries_of(str(path))
    assert other.claim(entry.entry_id)
    assert "another process" in kit.ingestor.ignore(str(path))
    other.release(entry.entry_id)
    assert kit.ingestor.ignore(str(path)) == ""


# -- with the watcher ----------------------------------------------------------------------------


def given_up(engine: Engine, name: str, text: str) -> str:
    path = str(engine.write(name, text))
    engine.run(2)
    assert engine.ingestor.ignore(path) == ""
    engine.watcher.ignore(path)
    return path


def test_a_file_that_was_given_up_is_left_alone_whatever_is_written_to_it(engine: Engine) -> None:
    engine.store.fault = lambda _: REFUSED
    given_up(engine, "r.json", watched_report(1))
    engine.store.fault = lambda _: ""
    engine.write("r.json", watched_report(2))
    engine.run(30)
    assert engine.state("r.json") is FileState.IGNORED
    engine.watcher.close()
    again = Engine(engine.root.parent, engine.store)
    again.write("r.json", watched_report(3))
    again.run(30)
    assert again.state("r.json") is FileState.IGNORED
    assert engine.store.all_runs() == []
    again.close()


def test_a_settling_file_that_is_given_up_is_not_taken(engine: Engine) -> None:
    path = str(engine.write("evaluation_report.json", '{"schema": "evaltui.report/1", "met'))
    engine.run(2)
    assert engine.state("evaluation_report.json") is FileState.SETTLING
    assert engine.ingestor.ignore(path) == ""  # as another process would: the watcher is not told
    engine.write("evaluation_report.json", watched_report(1))
    engine.run(5)
    assert engine.state("evaluation_report.json") is FileState.IGNORED
    assert engine.store.all_runs() == []


def test_a_given_up_file_that_is_renamed_or_gone_stays_given_up(engine: Engine) -> None:
    engine.store.fault = lambda _: REFUSED
    path = Path(given_up(engine, "r.json", watched_report(1)))
    engine.store.fault = lambda _: ""
    path.rename(engine.root / "s.json")
    engine.run(3)
    assert engine.state("s.json") is FileState.IGNORED
    (engine.root / "s.json").unlink()
    engine.run(3)
    engine.write("s.json", watched_report(1))
    engine.run(3)
    assert engine.state("s.json") is FileState.IGNORED
    assert engine.store.all_runs() == []


def test_retry_takes_it_back(engine: Engine) -> None:
    engine.store.fault = lambda _: REFUSED
    path = given_up(engine, "r.json", watched_report(1))
    engine.store.fault = lambda _: ""
    engine.watcher.retry(path)
    engine.ingestor.hurry()
    engine.run(3)
    assert engine.state("r.json") is FileState.FINISHED
    assert len(engine.runs()) == 1


def test_retry_of_a_given_up_file_that_is_gone_leaves_no_line(engine: Engine) -> None:
    engine.store.fault = lambda _: REFUSED
    path = given_up(engine, "r.json", watched_report(1))
    Path(path).unlink()
    engine.run(3)
    engine.watcher.retry(path)
    engine.run(3)
    assert engine.state("r.json") is None


def test_one_retry_logs_a_report_again_whose_run_was_deleted(engine: Engine) -> None:
    path = str(engine.write("r.json", watched_report(1)))
    engine.run(3)
    [run] = engine.runs()
    engine.store.delete_run(run.run_id)
    engine.ingestor.note_deleted([run.run_id])
    assert engine.state("r.json") is FileState.DELETED
    engine.watcher.retry(path)
    engine.run(3)
    [again] = engine.runs()
    assert again.run_id != run.run_id
    assert engine.state("r.json") is FileState.FINISHED
