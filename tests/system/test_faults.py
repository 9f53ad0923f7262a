"""`evaltui watch` against a real server that fails in every way, counted by a second client."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from batch_reports import Audit, BatchReport, audit, make_report
from fault_campaign import Machine, Stage, fault_campaign, open_stage, wait_for_account
from fault_proxy import EVERY_KIND, Fault, Rule, each
from nursery import Life
from stores import quiet_environ
from waiting import wait_for

pytestmark = [pytest.mark.server, pytest.mark.system, pytest.mark.xdist_group("faults")]
CREATE = "runs/create"
PATIENCE_S = 300.0
DAY_S = 86_400


@pytest.fixture(scope="module")
def whole_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(tmp_path_factory.mktemp("faults"), seed=7) as stage:
        yield stage


@pytest.fixture
def stage(whole_stage: Stage, request: pytest.FixtureRequest) -> Iterator[Stage]:
    whole_stage.proxy.log.clear()
    part = whole_stage.part(request.node.name[5:60].replace("[", "-").rstrip("]"))
    yield part
    proxy = part.proxy
    proxy.rules, proxy.token, proxy.before = [], "", None


def feed(machine: Machine, numbers: Sequence[int], *, seed: int = 3) -> list[BatchReport]:
    reports = [make_report(seed, number) for number in numbers]
    for report in reports:
        report.write(machine.reports)
    return reports


def account(stage: Stage, reports: Sequence[BatchReport]) -> Audit:
    return wait_for_account(lambda: audit(stage.runs(), reports), PATIENCE_S)


def lines(life: Life) -> list[dict[str, object]]:
    """What the watch has told about files."""
    text = [line for line in life.text.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in text if line.endswith("}")]


def waiting(life: Life, reason: str) -> Callable[[], bool]:
    """Whether a report was shown to wait, for a reason with these words."""
    return lambda: any(
        line["state"] == "pending" and reason in f"{line['reason']} {line['hint']}"
        for line in lines(life)
    )


# -- the way to the server -----------------------------------------------------------------------


def test_forty_reports_through_every_kind_of_fault_are_there_once_and_whole(stage: Stage) -> None:
    # Every kind hits one create call, and then any request with a chance of one per cent each;
    # a request that hangs costs five seconds, so there are fewer of those.
    on_create = [Rule(fault, path=CREATE, chance=0.7, most=1) for fault in EVERY_KIND]
    quick = [fault for fault in EVERY_KIND if not fault.kind.startswith("hang")]
    hanging = [Rule(fault, chance=0.01, most=2) for fault in EVERY_KIND if fault not in quick]
    figures = fault_campaign(
        stage,
        reports=40,
        seed=11,
        rules=[*on_create, *hanging, *each(quick, 0.01)],
        hurry=100,
        settle_s=PATIENCE_S,
    )
    print(figures)
    assert figures.audit.exact, figures
    assert figures.statuses == [143]
    assert all(rule.fired == 1 for rule in on_create)


def test_a_watch_whose_create_call_hangs_ends_at_once_and_goes_on_later(stage: Stage) -> None:
    stage.proxy.rules = [Rule(Fault("hang", seconds=600), path=CREATE)]
    reports = feed(stage.machine(), range(2))
    life = stage.watch()
    wait_for(lambda: stage.proxy.count(CREATE), "create call")
    assert life.stop() == 143  # its patience is less than the request hangs
    stage.proxy.rules = []
    life = stage.watch()
    assert account(stage, reports).exact
    life.stop()


def test_a_server_that_is_away_makes_reports_wait_visibly(stage: Stage) -> None:
    stage.proxy.rules = [Rule(Fault("refuse"))]
    reports = feed(stage.machine(), range(3))
    life = stage.watch()
    wait_for(waiting(life, "the connection was cut"), "report that waits")
    stage.proxy.rules = []
    assert account(stage, reports).exact
    assert life.stop() == 143
    assert "store live again" in life.text


# -- the credential ------------------------------------------------------------------------------


def test_with_a_wrong_token_nothing_is_lost_until_the_right_one_comes(stage: Stage) -> None:
    stage.proxy.token = "right"
    reports = feed(stage.machine(), range(3))
    life = stage.watch(MLFLOW_TRACKING_TOKEN="wrong")
    wait_for(waiting(life, "credential"), "report that waits for a credential")
    assert life.stop() == 143
    assert not stage.runs()
    life = stage.watch(MLFLOW_TRACKING_TOKEN="right")
    assert account(stage, reports).exact
    assert life.stop() == 143


def test_a_token_that_expires_in_the_middle_of_a_batch_loses_nothing(stage: Stage) -> None:
    machine = stage.machine()
    stage.proxy.token = "first"
    reports = feed(machine, range(3))
    life = stage.watch(MLFLOW_TRACKING_TOKEN="first")
    wait_for(stage.complete, "complete run")
    stage.proxy.token = "second"
    reports += feed(machine, range(3, 8))
    wait_for(waiting(life, "credential"), "report that waits for a credential")
    assert life.stop() == 143
    life = stage.watch(MLFLOW_TRACKING_TOKEN="second")
    assert account(stage, reports).exact
    assert life.stop() == 143


# -- what people do meanwhile --------------------------------------------------------------------


def test_an_experiment_that_is_deleted_and_restored_gets_every_report_once(stage: Stage) -> None:
    machine = stage.machine()
    reports = feed(machine, range(3))
    life = stage.watch()
    assert account(stage, reports).exact
    number = stage.experiment_id()
    stage.post("experiments/delete", experiment_id=number)
    reports += feed(machine, range(3, 6))
    wait_for(waiting(life, "is deleted"), "report that waits for the experiment")
    stage.post("experiments/restore", experiment_id=number)
    assert account(stage, reports).exact
    assert life.stop() == 143


def test_a_run_that_is_deleted_while_it_is_written_is_made_anew(stage: Stage) -> None:
    deleted: list[str] = []

    def delete(_method: str, path: str, body: bytes) -> None:
        if "runs/log-batch" in path and not deleted:
            deleted.append(json.loads(body)["run_id"])
            stage.post("runs/delete", run_id=deleted[0])

    stage.proxy.before = delete
    reports = feed(stage.machine(), range(3))
    life = stage.watch()
    found = account(stage, reports)
    assert found.exact, found
    assert found.deleted == 1
    assert life.stop() == 143


def test_a_finished_run_that_somebody_deletes_is_not_made_again(stage: Stage) -> None:
    machine = stage.machine()
    reports = feed(machine, range(3))
    life = stage.watch()
    assert account(stage, reports).exact
    victim = next(run for run in stage.runs() if run.params["report"] == reports[0].key)
    stage.post("runs/delete", run_id=victim.run_id)
    path = str(machine.reports / f"{reports[0].key}.json")
    wait_for(
        lambda: any(line["path"] == path and line["state"] == "ignored" for line in lines(life)),
        "word that the run was deleted",
    )
    assert life.stop() == 143
    life = stage.watch()
    reports += feed(machine, range(3, 5))
    assert account(stage, reports[1:]).exact
    assert life.stop() == 143
    assert audit(stage.runs(), reports).lost == [reports[0].key]


def test_an_artifact_store_that_is_down_holds_reports_back_until_it_is_up(stage: Stage) -> None:
    stage.proxy.rules = [Rule(Fault("status", 503), method="PUT", path="mlflow-artifacts")]
    reports = feed(stage.machine(), range(3))
    life = stage.watch()
    wait_for(waiting(life, "uploading"), "report that waits for the artifact store")
    assert not stage.complete()
    stage.proxy.rules = []
    assert account(stage, reports).exact
    assert life.stop() == 143


def test_clocks_that_are_days_off_make_no_report_wait_and_none_double(stage: Stage) -> None:
    machine = stage.machine()
    program = Path(__file__).parents[1] / "skewed_evaltui.py"
    reports: list[BatchReport] = []
    for number, days in enumerate((9, -9)):
        stage.proxy.rules = [Rule(Fault("lost_reply"), path=CREATE, most=1)]
        stage.proxy.rules += [Rule(Fault("status", 503, retry_after=200), path="log-batch", most=1)]
        reports += feed(machine, range(3 * number, 3 * number + 3))
        life = subprocess.Popen(
            [sys.executable, str(program), str(days * DAY_S), *machine.argv],
            env=quiet_environ(**stage.environ(machine)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: any(rule.fired for rule in stage.proxy.rules[1:]), "busy answer")
        life.terminate()
        assert life.wait(180) == 143
    stage.proxy.rules = []
    life_now = stage.watch()
    assert account(stage, reports).exact
    assert life_now.stop() == 143


# -- the disk of the state -----------------------------------------------------------------------


def test_a_journal_that_may_not_grow_loses_nothing(stage: Stage) -> None:
    machine = stage.machine()
    reports = feed(machine, range(2))
    life = stage.watch()
    assert account(stage, reports).exact
    _, hard = resource.prlimit(life.pid, resource.RLIMIT_FSIZE)
    size = max(path.stat().st_size for path in machine.state.rglob("journal.db*"))
    resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (size, hard))
    reports += feed(machine, range(2, 40))
    wait_for(lambda: "cannot be written" in life.text, "word that the journal cannot be written")
    assert life.status is None
    resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert account(stage, reports).exact
    assert life.stop() == 143


def fill(path: Path) -> None:
    """Write a file until there is no room for more."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk that a journal fits on, and not much else."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_under_the_journal_stops_the_intake_until_there_is_room(stage: Stage) -> None:
    machine = stage.machine()
    with small_disk(stage.folder / "state-0") as disk:
        reports = feed(machine, range(2))
        life = stage.watch()
        assert account(stage, reports).exact
        filler = disk / "filler"
        fill(filler)
        reports += feed(machine, range(2, 12))
        wait_for(lambda: "cannot be written" in life.text, "word that the disk is full")
        assert life.status is None
        filler.unlink()
        assert account(stage, reports).exact
        assert life.stop() == 143


def test_a_disk_that_became_read_only_is_told_and_nothing_is_lost(stage: Stage) -> None:
    machine = stage.machine()
    with small_disk(stage.folder / "state-0") as disk:
        reports = feed(machine, range(2))
        life = stage.watch()
        assert account(stage, reports).exact
        assert life.stop() == 143
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        reports += feed(machine, range(2, 4))
        life = stage.watch()
        assert life.wait() not in {0, 70, 143}
        assert "Traceback" not in life.text
        assert "EVALTUI_STATE_DIR" in life.text
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        life = stage.watch()
        assert account(stage, reports).exact
        assert life.stop() == 143


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def torn(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(8 * 4096))


@pytest.mark.parametrize("damage", [garbage, half, torn])
def test_a_damaged_journal_doubles_nothing(stage: Stage, damage: Callable[[Path], None]) -> None:
    machine = stage.machine()
    reports = feed(machine, range(4))
    life = stage.watch()
    assert account(stage, reports).exact
    assert life.stop() == 143
    (journal,) = machine.state.rglob("journal.db")
    damage(journal)
    reports += feed(machine, range(4, 6))
    life = stage.watch()
    wait_for(lambda: stage.complete() == 6, "six runs")
    assert life.stop() == 143
    found = audit(stage.runs(), reports)
    assert found.exact, found
    assert len(stage.runs()) == 6
    assert "damaged" in life.text
