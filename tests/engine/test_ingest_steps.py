"""Single steps and the decisions behind them."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from ingest_kit import Kit, report
from tiny_store import TinyStore

from evaltui.domain.events import FileState
from evaltui.domain.plan import ArtifactFile, RunPlan
from evaltui.domain.report import ModeSource
from evaltui.domain.run import ArtifactInfo, Run, RunStatus, Tag
from evaltui.engine.steps import compare
from evaltui.engine.steps.backoff import delay_s

PLAN = RunPlan(
    "c", "name", 1000, 1500, 1500, RunStatus.FINISHED, {Tag.CONTENT_ID: "c"}, {"team": "red"},
    {"mode": "mcp", "backend": "x"}, {"accuracy": 0.5}, (ArtifactFile("a.json", data=b"12345"),),
)  # fmt: skip


def run(run_id: str = "r1", *, complete: bool = True, **fields: object) -> Run:
    tags = {"team": "red", Tag.CONTENT_ID: "c", Tag.STATE: "complete" if complete else "logging"}
    found = Run(
        run_id,
        "1",
        "name",
        RunStatus.FINISHED if complete else RunStatus.RUNNING,
        1000,
        1500,
        {"accuracy": 0.5},
        {"mode": "mcp", "backend": "x"},
        tags,
    )
    return replace(found, **fields)  # type: ignore[arg-type]


# -- comparing -----------------------------------------------------------------------------------


def test_a_run_that_holds_everything_lacks_nothing() -> None:
    assert compare.missing_values(run(), PLAN) is None
    assert compare.missing_end(run(), PLAN) is None
    assert compare.missing_artifacts([ArtifactInfo("a.json", False, 5)], PLAN) is None
    assert compare.missing_artifacts([ArtifactInfo("a.json", False, None)], PLAN) is None


@pytest.mark.parametrize(
    ("held", "what"),
    [
        (run(metrics={}), "metric accuracy"),
        (run(metrics={"accuracy": 0.51}), "metric accuracy"),
        (run(params={"mode": "mcp"}), "param backend"),
        (run(params={"mode": "mcp", "backend": "y"}), "param backend"),
        (run(tags={}), "tag team"),
        (run(name="other"), "its name"),
    ],
)
def test_a_value_that_is_missing_or_other_is_named_and_written_again(held: Run, what: str) -> None:
    missing = compare.missing_values(held, PLAN)
    assert missing is not None
    assert (missing.what, missing.back_to) == (what, FileState.CREATED)


@pytest.mark.parametrize(
    "held",
    [
        run(complete=False),
        run(status=RunStatus.RUNNING),
        run(ended_ms=None),
        run(status=RunStatus.FAILED),
    ],
)
def test_a_run_without_its_end_is_ended_again(held: Run) -> None:
    missing = compare.missing_end(held, PLAN)
    assert missing is not None
    assert missing.back_to is FileState.ARTIFACTS


@pytest.mark.parametrize(
    "held", [[], [ArtifactInfo("a.json", True)], [ArtifactInfo("a.json", False, 4)]]
)
def test_an_artifact_that_is_missing_or_cut_is_uploaded_again(held: list[ArtifactInfo]) -> None:
    missing = compare.missing_artifacts(held, PLAN)
    assert missing is not None
    assert (missing.what, missing.back_to) == ("artifact a.json", FileState.LOGGED)


def test_a_float_that_lost_its_last_digits_on_the_way_is_the_same() -> None:
    assert compare.missing_values(run(metrics={"accuracy": 0.5 + 1e-12}), PLAN) is None


def test_complete_runs_win_over_unfinished_ones_and_then_the_smallest_id() -> None:
    runs = [run("a", complete=False), run("c"), run("b")]
    found = compare.choose(runs, PLAN, journal_id="j")
    assert found.winner is not None
    assert found.winner.run_id == "b"
    assert (found.older, found.twins) == ((), ())


def test_only_twins_of_this_journal_are_to_be_cleared() -> None:
    ours = {**run().tags, compare.JOURNAL_TAG: "j"}
    found = compare.choose([run("a"), run("b", tags=ours), run("c")], PLAN, journal_id="j")
    assert [twin.run_id for twin in found.twins] == ["b"]


def test_runs_out_of_the_account_are_not_chosen() -> None:
    aside = [
        run("a", active=False),
        run("b", tags={**run().tags, Tag.SUPERSEDED_BY: "x"}),
        run("c", tags={**run().tags, Tag.DUPLICATE_OF: "x"}),
    ]
    assert compare.choose(aside, PLAN, journal_id="j").winner is None


def test_a_complete_run_with_other_values_is_an_older_version() -> None:
    found = compare.choose([run(metrics={"accuracy": 0.4})], PLAN, journal_id="j")
    assert found.winner is None
    assert [older.run_id for older in found.older] == ["r1"]


def test_an_unfinished_run_with_other_values_is_neither() -> None:
    found = compare.choose([run(metrics={"accuracy": 0.4}, complete=False)], PLAN, journal_id="j")
    assert (found.winner, found.older) == (None, ())


def test_a_plan_settles_on_the_start_and_the_mode_that_a_run_has() -> None:
    plan = compare.settled(PLAN, run(started_ms=900, params={"mode": "manual"}))
    assert (plan.started_ms, plan.ended_ms, plan.metric_ms) == (900, 1400, 1400)
    assert plan.params == {"mode": "manual", "backend": "x"}
    assert compare.settled(PLAN, run(started_ms=None)).started_ms == 1000


# -- waiting -------------------------------------------------------------------------------------


def test_the_wait_grows_to_a_minute_and_is_never_nothing() -> None:
    rng = random.Random(1)
    for attempts in range(1, 40):
        waits = [delay_s(attempts, None, rng) for _ in range(200)]
        limit = min(60.0, 2.0**attempts)
        assert all(0.1 * limit <= wait <= limit for wait in waits)
        assert max(waits) - min(waits) > 0.5 * limit


def test_what_the_server_asks_for_is_the_least_wait_up_to_five_minutes() -> None:
    rng = random.Random(1)
    assert delay_s(1, 120.0, rng) == 120.0
    assert delay_s(1, 1e9, rng) == 300.0
    assert delay_s(9, -5.0, rng) > 0


# -- single steps --------------------------------------------------------------------------------


def kits(tmp_path: Path) -> tuple[Kit, Kit]:
    """Two machines on one store."""
    store = TinyStore(new_id="run")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    return Kit(tmp_path / "one", store=store), Kit(tmp_path / "two", store=store)


def test_an_unfinished_run_of_another_machine_is_completed_without_double_points(
    tmp_path: Path,
) -> None:
    one, two = kits(tmp_path)
    bare = report(0.5, started_at=None)  # each machine takes its own file's time
    one.drop("a.json", bare)
    one.store.fault = lambda call: "refused" if call == "log_artifacts" else ""
    one.ingestor.log_due()
    one.store.fault = lambda _: ""
    (half,) = one.store.active_runs()
    two.known_runs = lambda _: (half.run_id,)
    two.drop("a.json", bare)
    two.log_all()
    one.log_all()
    assert len(one.store.all_runs()) == 1
    assert len(one.store.points(half.run_id)) == 1
    assert one.only_run().tags[Tag.STATE] == "complete"


def test_adopting_a_run_with_a_mode_of_less_trust_gives_it_the_better_one(tmp_path: Path) -> None:
    one, two = kits(tmp_path)
    one.drop("a.json", report())
    one.log_all()
    logged = one.only_run()
    two.known_runs = lambda _: (logged.run_id,)
    two.drop("a.json", report(), mode=("mcp", ModeSource.ARGUMENT))
    two.log_all()
    run_now = one.only_run()
    assert run_now.run_id == logged.run_id
    assert run_now.tags[Tag.MODE] == "mcp"
    assert run_now.name.startswith("eval_mcp_")
    assert run_now.params["mode"] == "manual"


def test_adopting_a_run_with_a_mode_of_more_trust_leaves_it_as_it_is(tmp_path: Path) -> None:
    one, two = kits(tmp_path)
    one.drop("a.json", report(), mode=("mcp", ModeSource.ARGUMENT))
    one.log_all()
    logged = one.only_run()
    two.known_runs = lambda _: (logged.run_id,)
    two.drop("a.json", report())
    two.log_all()
    assert one.only_run() == logged
    assert two.store.calls.count("log_values") == 1


@pytest.mark.parametrize("finished", [True, False])
def test_a_copy_of_another_name_on_another_machine_adds_no_second_report(
    tmp_path: Path, *, finished: bool
) -> None:
    one, two = kits(tmp_path)
    one.drop("a.json", report())
    if finished:
        one.log_all()
    else:
        one.store.fault = lambda call: "refused" if call == "log_artifacts" else ""
        one.ingestor.log_due()
        one.store.fault = lambda _: ""
    (run,) = one.store.active_runs()
    two.known_runs = lambda _: (run.run_id,)
    two.drop("b.json", report())
    two.log_all()
    one.log_all()
    assert one.store.artifacts(one.only_run().run_id).keys() == {"a.json"}


def test_complete_twins_of_two_machines_leave_the_smallest_id_and_both_journals_know_it(
    tmp_path: Path,
) -> None:
    one, two = kits(tmp_path)
    for kit in (one, two):
        kit.drop("a.json", report())
        kit.log_all()
    assert one.ingestor.reconcile() == ("run0001",)
    two.ingestor.note_deleted(["run0001"])
    for kit in (one, two):
        found = kit.journal.file(str(kit.root / "a.json"))
        assert found is not None
        assert (found.state, found.run_ids) == (FileState.FINISHED, ("run0000",))


def test_the_machine_that_clears_its_own_run_follows_the_one_that_stays(tmp_path: Path) -> None:
    one, two = kits(tmp_path)
    for kit in (one, two):
        kit.drop("a.json", report())
        kit.log_all()
    assert two.ingestor.reconcile() == ("run0001",)
    found = two.journal.file(str(two.root / "a.json"))
    assert found is not None
    assert found.run_ids == ("run0000",)


def test_complete_runs_of_one_content_with_other_values_are_no_twins(tmp_path: Path) -> None:
    one, two = kits(tmp_path)
    one.drop("a.json", report(0.5, id="e1"))
    two.drop("a.json", report(0.6, id="e1"))
    one.log_all()
    two.log_all()
    assert one.ingestor.reconcile() == ()
    assert len(one.store.active_runs()) == 2


@pytest.mark.parametrize(
    "step", ["intent", "create_sent", "created", "values_sent", "logged", "completed", "verified"]
)
def test_what_was_put_in_the_place_of_an_entry_at_work_is_what_gets_logged(
    tmp_path: Path, step: str
) -> None:
    done: list[str] = []

    def rewrite(name: str) -> None:
        if name == step and not done:
            done.append(name)
            kit.drop("a.json", report(0.75, id="e1"))

    kit = Kit(tmp_path, crash_at=rewrite)
    kit.drop("a.json", report(0.5, id="e1"))
    kit.log_all()
    kit.ingestor.reconcile()
    kit.clock.now += 1000
    kit.ingestor.reconcile()
    assert done == [step]
    assert kit.only_run().metrics == {"accuracy": 0.75}
    found = kit.journal.file(str(kit.root / "a.json"))
    assert found is not None
    assert found.run_ids == (kit.only_run().run_id,)


def test_what_a_killed_process_left_half_copied_is_cleared_away(tmp_path: Path) -> None:
    def leave(name: str) -> None:
        if name == "artifacts_sent":
            (run,) = kit.store.active_runs()
            kit.store.log_artifacts(
                run.run_id, [ArtifactFile("d/.artifact.uploading.x1", data=b"ha")]
            )

    kit = Kit(tmp_path, crash_at=leave)
    kit.drop("a.json", report(0.5))
    kit.log_all()
    assert kit.store.artifacts(kit.only_run().run_id).keys() == {"a.json"}


def test_a_companion_of_a_run_that_was_deleted_is_given_up(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("evaluation_report.json", report())
    kit.log_all()
    kit.store.delete_run(kit.only_run().run_id)
    kit.drop("EVALUATION_REPORT.md", b"# md")
    kit.log_all()
    assert kit.ingestor.open_count() == 0
    assert kit.store.active_runs() == []


def test_a_companion_waits_as_long_as_its_report(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.drop("evaluation_report.json", report())
    kit.drop("EVALUATION_REPORT.md", b"# md")
    kit.store.fault = lambda call: "refused" if call == "create_run" else ""
    kit.ingestor.log_due(limit=5)
    assert kit.ingestor.open_count() == 2
    kit.store.fault = lambda _: ""
    kit.log_all()
    assert "EVALUATION_REPORT.md" in kit.store.artifacts(kit.only_run().run_id)


def test_a_finished_report_whose_file_vanished_is_still_known_by_its_content(
    tmp_path: Path,
) -> None:
    kit = Kit(tmp_path)
    path = kit.write("a.json", report())
    kit.take(path)
    kit.log_all()
    path.unlink()
    kit.journal.forget(str(path))
    copied = kit.drop("b.json", report())
    assert (copied.state, copied.run_ids) == (FileState.DUPLICATE, (kit.only_run().run_id,))


def test_closing_closes_the_reader_and_it_opens_again(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    kit.ingestor.close()
    kit.drop("a.json", report())
    kit.log_all()
    kit.ingestor.close()
    assert kit.store.closed == 1
    kit.drop("b.json", report(0.9))
    kit.log_all()
    assert len(kit.counting()) == 2
