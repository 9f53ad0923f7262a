"""Exactly once, whatever the store answers."""

from __future__ import annotations

import random
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_kit import Kit, report
from tiny_store import EMPTY, HALF, LATE, LOST, REFUSED, TinyStore

from evaltui.domain.run import Tag
from evaltui.errors import StoreUnreachableError

CALLS = (
    "ensure_experiment", "create_run", "log_values", "log_artifacts", "set_run_tags", "finish_run",
    "get_run", "list_artifacts",
)  # fmt: skip


def check_exactly_once(kit: Kit, values: dict[str, float]) -> None:
    """One counting run per report, complete, with exactly its points and artifacts."""
    runs = kit.counting()
    assert sorted(run.metrics["accuracy"] for run in runs) == sorted(values.values())
    assert len({run.tags[Tag.CONTENT_ID] for run in runs}) == len(runs)
    by_value = {value: name for name, value in values.items()}
    for run in runs:
        name = by_value[run.metrics["accuracy"]]
        assert run.tags[Tag.STATE] == "complete"
        assert run.status.value == "FINISHED"
        assert kit.store.points(run.run_id) == [["accuracy", 1_772_366_400_000, values[name]]]
        assert kit.store.artifacts(run.run_id)[name] == report(values[name]).decode()
        found = kit.journal.file(str(kit.root / name))
        assert found is not None
        assert found.run_ids == (run.run_id,)


@pytest.mark.parametrize("kind", [REFUSED, LOST, EMPTY, HALF])
@pytest.mark.parametrize("call", CALLS)
def test_one_fault_of_any_kind_in_any_call_leaves_one_complete_run(
    tmp_path: Path, call: str, kind: str
) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    left = [call]

    def fault(name: str) -> str:
        if name in left or (kind == HALF and name == f"{call}?" and left):
            if not name.endswith("?"):
                left.remove(name)
            return kind
        return ""

    kit.store.fault = fault
    kit.log_all()
    check_exactly_once(kit, {"a.json": 0.5})
    assert len(kit.store.active_runs()) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_create_whose_answer_is_lost_is_found_again_and_not_repeated(
    tmp_path: Path, times: int
) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    faults = iter(["lost"] * times)
    kit.store.fault = lambda call: next(faults, "") if call == "create_run" else ""
    kit.log_all()
    assert len(kit.store.all_runs()) == 1


def test_a_search_that_fails_does_not_forget_that_a_run_may_exist(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    plan = {"create_run": ["lost"], "find_runs": ["refused", "refused"]}
    kit.store.fault = lambda call: plan[call].pop(0) if plan.get(call) else ""
    kit.log_all()
    assert len(kit.store.all_runs()) == 1


def test_a_search_that_shows_nothing_makes_a_twin_that_reconciling_clears(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    plan = {"create_run": ["lost"], "find_runs": ["empty"]}
    kit.store.fault = lambda call: plan[call].pop(0) if plan.get(call) else ""
    kit.log_all()
    assert len(kit.store.active_runs()) == 2
    (cleared,) = kit.ingestor.reconcile()
    check_exactly_once(kit, {"a.json": 0.5})
    (twin,) = [run for run in kit.store.all_runs() if run.run_id == cleared]
    assert not twin.active
    assert twin.tags[Tag.DUPLICATE_OF] == kit.only_run().run_id


def test_a_create_that_lands_after_everything_is_cleared_as_well(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    kinds = iter([LATE])
    kit.store.fault = lambda call: next(kinds, "") if call == "create_run" else ""
    kit.log_all()
    kit.store.do_late_work()
    assert len(kit.store.active_runs()) == 2
    assert len(kit.ingestor.reconcile()) == 1
    check_exactly_once(kit, {"a.json": 0.5})


def test_a_twin_that_was_marked_but_not_deleted_is_deleted_the_next_time(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    plan = {"create_run": ["lost"], "find_runs": ["empty"], "delete_run": ["refused"]}
    kit.store.fault = lambda call: plan[call].pop(0) if plan.get(call) else ""
    kit.log_all()
    assert kit.ingestor.reconcile() == ()
    assert len(kit.ingestor.reconcile()) == 1
    check_exactly_once(kit, {"a.json": 0.5})


def test_twins_that_were_unfinished_when_they_were_seen_are_cleared_later(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    plan = {"create_run": ["lost"], "find_runs": ["empty"], "log_values": ["refused"]}
    kit.store.fault = lambda call: plan[call].pop(0) if plan.get(call) else ""
    kit.ingestor.log_due()
    kit.ingestor.hurry()
    kit.ingestor.log_due()
    content_id = kit.store.active_runs()[0].tags["evaltui.content_id"]
    assert kit.ingestor.clear_twins([content_id]) == ()
    kit.log_all()
    assert len(kit.store.active_runs()) == 2
    assert len(kit.ingestor.clear_twins([content_id])) == 1
    check_exactly_once(kit, {"a.json": 0.5})


def test_nothing_is_cleared_by_a_listing_that_is_not_true_any_more(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    plan = {"create_run": ["lost"], "find_runs": ["empty"]}
    kit.store.fault = lambda call: plan[call].pop(0) if plan.get(call) else ""
    kit.log_all()
    listing = kit.store.active_runs()
    kit.ingestor.reconcile()
    assert kit.ingestor.reconcile(listing) == ()


def test_one_empty_answer_is_not_taken_for_a_deleted_run(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    answers = iter(["empty"])
    kit.store.fault = lambda call: next(answers, "") if call == "get_run" else ""
    kit.log_all()
    assert len(kit.store.all_runs()) == 1


def test_a_store_that_is_down_for_hours_loses_and_doubles_nothing(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    values = {f"{number}.json": number / 10 for number in range(10)}
    kit.store.fault = lambda _: REFUSED
    for name, value in values.items():
        kit.drop(name, report(value))
        kit.ingestor.log_due(limit=3)
        kit.clock.now += 600
    assert kit.store.all_runs() == []
    kit.store.fault = lambda _: ""
    kit.log_all(hurry=False)
    check_exactly_once(kit, values)


def test_an_hour_without_a_store_costs_few_tries_and_says_when_the_next_one_is(
    tmp_path: Path,
) -> None:
    kit = Kit(tmp_path)
    values = {f"{number}.json": number / 10 for number in range(30)}
    for name, value in values.items():
        kit.drop(name, report(value))
    tries: list[float] = []

    def down(_: str) -> str:
        tries.append(kit.clock.now)
        return REFUSED

    kit.store.fault = down
    end = kit.clock.now + 3_600
    while kit.clock.now < end:
        due = kit.ingestor.next_due()
        assert due is not None
        kit.clock.now = max(due, kit.clock.now)
        for tried in kit.ingestor.log_due(limit=10):
            shown = kit.ingestor.outcome(tried.path)
            assert shown is not None
            assert shown.reason
            assert shown.retry_at_s is not None
            assert kit.clock.now < shown.retry_at_s <= kit.clock.now + 60
    assert len(tries) <= 250  # one report at a time, whoever waits: on average every 33 s
    assert max(after - before for before, after in pairwise(tries)) <= 60
    kit.store.fault = lambda _: ""
    kit.log_all(hurry=False, rounds=3 + len(values) // 10)
    check_exactly_once(kit, values)


def test_a_restart_after_any_fault_goes_on_where_the_journal_stands(tmp_path: Path) -> None:
    for number, call in enumerate(CALLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        kit = Kit(folder)
        kit.drop("a.json", report(0.5))
        kit.store.fault = lambda name, call=call: LOST if name == call else ""  # type: ignore[misc]
        kit.ingestor.log_due()
        kit.journal.close()
        again = Kit(folder, store=kit.store)
        again.store.fault = lambda _: ""
        assert again.ingestor.recover() == 1
        again.log_all()
        check_exactly_once(again, {"a.json": 0.5})


def test_the_store_is_left_alone_longer_after_each_failure(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    kit.store.fault = lambda _: REFUSED
    waits = []
    for _ in range(12):
        due = kit.ingestor.next_due()
        assert due is not None
        kit.clock.now = max(kit.clock.now, due)
        assert kit.ingestor.log_due()
        later = kit.ingestor.next_due()
        assert later is not None
        waits.append(later - kit.clock.now)
    assert all(0 < wait <= 60 for wait in waits)
    assert max(waits[6:]) > max(waits[:2])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32 - 1),
    rate=st.sampled_from([0.05, 0.2, 0.5]),
    reports=st.integers(1, 4),
    restarts=st.booleans(),
)
def test_random_faults_and_restarts_leave_one_complete_run_per_report(
    seed: int, rate: float, reports: int, restarts: bool
) -> None:
    rng = random.Random(seed)
    kinds = [REFUSED, LOST, EMPTY, HALF, LATE]

    def fault(call: str) -> str:
        return rng.choice(kinds) if rng.random() < rate else ""

    with tempfile.TemporaryDirectory() as folder:
        kit = Kit(Path(folder), store=TinyStore(fault=fault))
        values = {f"{number}.json": (number + 1) / 10 for number in range(reports)}
        for name, value in values.items():
            kit.drop(name, report(value))
        for turn in range(600):
            if not kit.ingestor.open_count():
                break
            if turn == 400:
                kit.store.fault = lambda _: ""  # the storm is over
            kit.ingestor.hurry()
            kit.ingestor.log_due(limit=2)
            kit.clock.now += 100
            if rng.random() < 0.2:
                kit.store.do_late_work()
            if restarts and rng.random() < 0.2:
                kit.journal.close()
                kit = Kit(Path(folder), store=kit.store)
                kit.clock.now += turn * 100
                kit.ingestor.recover()
        kit.store.fault = lambda _: ""
        for name in values:  # what was given up for a store that never kept its word
            if kit.ingestor.retry(str(kit.root / name)):
                kit.log_all()
        kit.store.do_late_work()
        kit.ingestor.reconcile()
        kit.clock.now += 1000
        kit.ingestor.reconcile()
        check_exactly_once(kit, values)
        assert len(kit.store.active_runs()) == reports
        kit.journal.close()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_two_machines_with_journals_of_their_own_agree_in_the_end(seed: int) -> None:
    rng = random.Random(seed)
    kinds = [REFUSED, LOST, LATE]

    def fault(call: str) -> str:
        return rng.choice(kinds) if rng.random() < 0.15 else ""

    with tempfile.TemporaryDirectory() as folder:
        store = TinyStore(fault=fault)
        kits = []
        for name in ("one", "two"):
            (Path(folder) / name).mkdir()
            kit = Kit(Path(folder) / name, store=store)
            kit.drop("a.json", report(0.5))
            kits.append(kit)
        for _ in range(400):
            kit = rng.choice(kits)
            kit.ingestor.hurry()
            kit.ingestor.log_due()
            kit.clock.now += 100
            if rng.random() < 0.3:
                gone = [run.run_id for run in store.all_runs() if not run.active]
                kit.ingestor.reconcile()
                kit.ingestor.note_deleted(gone)
            if not any(kit.ingestor.open_count() for kit in kits):
                break
        store.fault = lambda _: ""
        store.do_late_work()
        for kit in kits:
            kit.log_all()
            kit.ingestor.reconcile()
            kit.clock.now += 1000
        for kit in (*kits, *kits):
            kit.ingestor.reconcile()
            kit.ingestor.note_deleted([run.run_id for run in store.all_runs() if not run.active])
        for kit in kits:
            check_exactly_once(kit, {"a.json": 0.5})
            kit.journal.close()
        assert len(store.active_runs()) == 1


def test_an_unfinished_twin_of_another_machine_has_five_minutes(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("a.json", report(0.5))
    kit.log_all()
    (run,) = kit.store.active_runs()
    (tmp_path / "other").mkdir()
    other = Kit(tmp_path / "other", store=kit.store)
    other.drop("a.json", report(0.5))
    other.store.fault = lambda call: REFUSED if call == "log_values" else ""
    other.ingestor.log_due()
    kit.store.fault = lambda _: ""
    assert kit.ingestor.reconcile() == ()
    kit.clock.now += 299
    assert kit.ingestor.reconcile() == ()
    kit.clock.now += 2
    assert len(kit.ingestor.reconcile()) == 1
    other.log_all()
    assert kit.only_run().run_id == run.run_id


def test_reconciling_ends_quietly_when_the_store_fails(tmp_path: Path) -> None:
    kit = Kit(tmp_path)

    def fail() -> object:
        raise StoreUnreachableError("down")

    kit.store.changes = fail  # type: ignore[method-assign,assignment]
    assert kit.ingestor.reconcile() == ()
