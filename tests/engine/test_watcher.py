from __future__ import annotations

import math
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from watching import Watched, bulk, report

from evaltui.domain.events import FileState, WatchRole
from evaltui.engine.roots import WatchRoot
from evaltui.engine.watcher import MAX_OPEN, Watcher
from evaltui.errors import ConfigError, JournalError


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


def test_a_report_is_shown_at_once_and_taken_after_200_ms(watched: Watched) -> None:
    watcher = watched.watch()
    watched.run(watcher)
    watched.write("r.json")
    watched.mono.now += 1.0  # the next scan without events
    assert watched.run(watcher) == []
    assert watched.state("r.json") is FileState.SETTLING
    assert watcher.status().pending == 1
    assert not watcher.idle
    assert watched.run(watcher, 0.1) == []
    [outcome] = watched.run(watcher, 0.2)
    assert (outcome.state, Path(outcome.path).name) == (FileState.PARSED, "r.json")
    assert watcher.idle
    assert watched.run(watcher, 5) == []
    assert watched.ingestor.taken == ["r.json"]


def test_what_is_handed_over_is_one_version_with_its_root(watched: Watched) -> None:
    path = watched.write("sub/r.json")
    watched.run(watched.watch(), 0.5)
    [file] = watched.ingestor.files
    assert file.file.data == path.read_bytes()
    assert file.file.stamp.path == path
    assert (file.root, file.mode) == (str(watched.root), None)


def test_an_old_file_is_not_waited_for(watched: Watched) -> None:
    watched.write("r.json")
    watched.wall.now += 3_600
    assert [o.state for o in watched.run(watched.watch())] == [FileState.PARSED]


def test_a_rewritten_report_is_taken_again(watched: Watched) -> None:
    watcher = watched.watch()
    watched.write("r.json", report(1))
    watched.run(watcher, 0.5)
    watched.write("r.json", report(22))
    watched.run(watcher, 1.5)
    assert watched.ingestor.taken == ["r.json", "r.json"]


def test_modes_come_from_the_root_then_the_setting_and_count_as_arguments(
    watched: Watched,
) -> None:
    watched.write("mcp/r.json")
    watched.write("s.json")
    watcher = watched.watch(
        WatchRoot(watched.root, None, None),
        WatchRoot(watched.root / "mcp", None, "mcp"),
        mode="agent",
    )
    watched.run(watcher, 0.5)
    modes = {f.file.stamp.path.name: f.mode for f in watched.ingestor.files}
    assert {name: mode and mode[0] for name, mode in modes.items()} == {
        "r.json": "mcp",
        "s.json": "agent",
    }
    assert {mode and mode[1].value for mode in modes.values()} == {"argument"}


def test_nothing_is_read_again_after_a_restart(watched: Watched) -> None:
    watched.write("r.json")
    watched.write("notes.txt", "no report")
    first = watched.watch()
    watched.run(first, 0.5)
    first.close()
    watched.write("s.json", report(2))
    second = watched.watch()
    watched.run(second, 1.5)
    assert watched.ingestor.taken == ["r.json", "s.json"]
    assert second.status().ignored == 1


def test_what_a_watcher_left_unsettled_is_taken_by_the_next(watched: Watched) -> None:
    watched.write("r.json")
    first = watched.watch()
    watched.run(first)
    first.close()
    assert watched.state("r.json") is FileState.SETTLING
    second = watched.watch(backlog="skip")  # seen before: not part of what was there already
    watched.run(second, 0.5)
    assert watched.ingestor.taken == ["r.json"]


def test_a_file_changed_while_nobody_watched_is_read_again(watched: Watched) -> None:
    watched.write("r.json", report(1))
    first = watched.watch()
    watched.run(first, 0.5)
    first.close()
    watched.write("r.json", report(22))
    watched.run(watched.watch(), 1.0)
    assert watched.ingestor.taken == ["r.json", "r.json"]


# -- backlog -------------------------------------------------------------------------------------


def test_a_backlog_is_taken_newest_first_and_bulk_files_last(watched: Watched) -> None:
    for number, name in enumerate(["a.json", "b.json", "c.json"]):
        path = watched.write(name, report(number))
        os.utime(path, (1_000 + number, 1_000 + number))
    newest = watched.write("bulk_run_results_20260101_000000.json", bulk("x", "y"))
    os.utime(newest, (9_000, 9_000))
    watched.wall.now += 3_600
    watched.run(watched.watch())
    assert watched.ingestor.taken == ["c.json", "b.json", "a.json", newest.name]


def test_a_skipped_backlog_is_counted_and_what_comes_later_is_taken(watched: Watched) -> None:
    watched.write("old.json", report(1))
    watched.write("older.json", report(2))
    watched.write("notes.txt", "no report")
    watched.wall.now += 3_600
    watcher = watched.watch(backlog="skip")
    watched.run(watcher)
    status = watcher.status()
    assert (status.backlog_skipped, status.ignored, status.pending) == (2, 1, 0)
    watched.wall.now = time.time()
    watched.write("new.json", report(3))
    watched.run(watcher, 1.5)
    assert watched.ingestor.taken == ["new.json"]
    watcher.close()
    again = watched.watch()  # left out stays left out until it changes
    watched.run(again, 1.0)
    assert watched.ingestor.taken == ["new.json"]
    watched.write("old.json", report(44))
    watched.run(again, 1.5)
    assert watched.ingestor.taken == ["new.json", "old.json"]
    assert again.status().backlog_skipped == 1


def test_a_left_out_report_can_be_asked_for(watched: Watched) -> None:
    path = watched.write("old.json")
    watched.wall.now += 3_600
    watcher = watched.watch(backlog="skip")
    watched.run(watcher)
    watcher.retry(str(path))
    watched.run(watcher)
    assert watched.ingestor.taken == ["old.json"]
    assert watcher.status().backlog_skipped == 0


def test_since_leaves_out_what_is_older(watched: Watched) -> None:
    for name, age_s in (("new.json", 3_600), ("old.json", 3 * 86_400)):
        path = watched.write(name, report(age_s))
        os.utime(path, (watched.wall.now - age_s, watched.wall.now - age_s))
    watched.run(watched.watch(backlog="since=2d"), 0.5)
    assert watched.ingestor.taken == ["new.json"]


def test_a_root_that_appears_later_has_no_backlog(watched: Watched) -> None:
    shutil.rmtree(watched.root)
    watcher = watched.watch(backlog="skip")
    watched.run(watcher, 1.0)
    assert f"{watched.root} is not there yet" in watcher.status().events
    assert watcher.idle
    watched.write("r.json")
    watched.run(watcher, 2.0)
    assert watched.ingestor.taken == ["r.json"]
    assert "not there yet" not in watcher.status().events


def test_a_backlog_says_what_is_left_and_how_fast_it_goes(watched: Watched) -> None:
    for number in range(20):
        watched.write(f"{number}.json", report(number))
    watched.wall.now += 3_600
    watcher = watched.watch()
    watched.ingestor.open = 20
    watched.run(watcher)
    assert watcher.status().backlog == 20
    for left in (15, 10):
        watched.mono.now += 5
        watched.ingestor.open = left
        watched.run(watcher)
    status = watcher.status()
    assert (status.backlog, status.backlog_rate) == (10, 1.0)
    watched.ingestor.open = 0
    watched.run(watcher)
    assert (watcher.status().backlog, watcher.status().backlog_rate) == (0, None)


def test_a_full_journal_stops_the_backlog_but_not_what_is_new(watched: Watched) -> None:
    for number in range(3):
        watched.write(f"old{number}.json", report(number))
    watched.wall.now += 3_600
    watched.ingestor.open = MAX_OPEN
    watcher = watched.watch()
    watched.run(watcher)
    assert watched.ingestor.taken == []
    assert watcher.idle  # nothing to do here; the ingestor has work
    watched.wall.now = time.time()
    watched.write("new.json", report(9))
    watched.run(watcher, 1.5)
    assert watched.ingestor.taken == ["new.json"]
    watched.ingestor.open = 0
    watched.run(watcher, 0.5)
    assert len(watched.ingestor.taken) == 4


def test_a_long_backlog_is_worked_off_in_slices(watched: Watched) -> None:
    for number in range(30):
        watched.write(f"{number}.json", report(number))
    watched.wall.now += 3_600
    watcher = watched.watch()
    take = watched.ingestor.take

    def slow_take(file: object) -> object:
        watched.mono.now += 0.02
        return take(file)  # type: ignore[arg-type]

    watched.ingestor.take = slow_take  # type: ignore[method-assign, assignment]
    steps: list[int] = []
    while not watcher.idle:
        steps.append(len(watcher.step()))
    assert sum(steps) == 30
    assert max(steps) == 3
    assert watcher.status().backlog == 0


# -- roles ---------------------------------------------------------------------------------------


def test_a_second_watcher_looks_on_and_takes_over(watched: Watched) -> None:
    first, second = watched.watch(), watched.watch(backlog="skip")
    watched.run(first)
    watched.run(second)
    assert first.status().role is WatchRole.WATCHER
    status = second.status()
    assert (status.role, status.watcher_pid) == (WatchRole.VIEWER, os.getpid())
    watched.write("r.json")
    watched.run(second, 3.0)
    assert watched.ingestor.taken == []
    watched.run(first)
    watched.run(first, 0.3)
    assert watched.ingestor.taken == ["r.json"]
    assert second.status().pending == 1  # the other's rows count here too
    first.close()
    watched.write("s.json", report(5))
    watched.run(second, 2.0)
    assert second.status().role is WatchRole.WATCHER
    assert watched.ingestor.taken == ["r.json", "s.json"]


def test_two_roots_may_have_two_roles(watched: Watched) -> None:
    a, b = watched.root / "a", watched.root / "b"
    for path in (a, b):
        path.mkdir()
    other = watched.watch(WatchRoot(a, None, None))
    watched.run(other)
    both = watched.watch(WatchRoot(a, None, None), WatchRoot(b, None, None))
    watched.write("a/r.json", report(1))
    watched.write("b/s.json", report(2))
    watched.run(both, 1.0)
    assert watched.ingestor.taken == ["s.json"]
    status = both.status()
    assert (status.role, status.watcher_pid) == (WatchRole.WATCHER, None)
    assert f"{a} is watched by pid {os.getpid()}" in status.events


def test_an_inner_root_that_another_watches_is_left_to_it(watched: Watched) -> None:
    inner = watched.root / "mcp"
    inner.mkdir()
    other = watched.watch(WatchRoot(inner, None, "mcp"))
    watched.run(other)
    outer = watched.watch(WatchRoot(watched.root, None, None), WatchRoot(inner, None, "mcp"))
    watched.write("mcp/r.json", report(1))
    watched.write("s.json", report(2))
    watched.run(outer, 1.0)
    assert watched.ingestor.taken == ["s.json"]
    other.close()
    watched.run(outer, 2.0)
    assert watched.ingestor.taken == ["s.json", "r.json"]
    assert watched.ingestor.files[1].mode is not None


def test_nothing_watched_is_no_role(watched: Watched) -> None:
    watcher = Watcher((), watched.journal, watched.ingestor)
    assert watcher.step() == []
    assert watcher.status().role is WatchRole.NONE
    assert watcher.idle
    watcher.close()


def test_a_root_can_be_added_with_its_own_backlog(watched: Watched) -> None:
    other = watched.base / "other"
    other.mkdir()
    (other / "s.json").write_text(report(2))
    watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    watcher.add_root(WatchRoot(other, None, None))
    assert not watcher.idle
    watched.run(watcher, 0.5)
    assert watched.ingestor.taken == ["r.json", "s.json"]
    assert watcher.status().roots == (str(watched.root), str(other))


def test_a_root_added_with_another_mode_is_refused(watched: Watched) -> None:
    watcher = watched.watch(WatchRoot(watched.root, None, "mcp"))
    with pytest.raises(ConfigError, match="two modes"):
        watcher.add_root(WatchRoot(watched.root, None, "agent"))


# -- roots that come and go ----------------------------------------------------------------------


def test_a_root_deleted_and_made_again_goes_on(watched: Watched) -> None:
    watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    shutil.rmtree(watched.root)
    watched.run(watcher, 2.0)
    watched.write("s.json", report(2))
    watched.run(watcher, 2.0)
    assert watched.ingestor.taken == ["r.json", "s.json"]
    assert watched.state("r.json") is FileState.PARSED  # it was read in time


def test_a_root_that_was_away_for_a_while_is_not_read_again(watched: Watched) -> None:
    watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    watched.root.rename(watched.base / "away")
    watched.run(watcher, 2.0)
    (watched.base / "away").rename(watched.root)
    watched.run(watcher, 3.0)
    assert watched.ingestor.taken == ["r.json"]


# -- waiting and faults --------------------------------------------------------------------------


def test_a_wait_ends_with_a_wake_from_another_thread(watched: Watched) -> None:
    watcher = watched.watch()
    watched.run(watcher)
    began = time.monotonic()
    threading.Timer(0.05, watcher.wake).start()
    watcher.wait(30.0)  # the scan is due in a second of a clock that stands
    assert time.monotonic() - began < 25


@pytest.mark.parametrize(("there", "waits"), [(True, 5), (False, 1)])
def test_a_wait_goes_on_after_a_look_at_roots_that_are_there(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, there: bool, waits: int
) -> None:
    watcher = watched.watch()
    watched.run(watcher)
    watcher._schedule.interval_s = 5.0
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        watched.mono.now += seconds
        return False

    monkeypatch.setattr(watcher._woken, "wait", wait)
    if not there:
        watched.root.rename(watched.base / "away")
    watcher.wait(60.0)
    assert waited == pytest.approx([1.0] * waits)


def test_without_a_directory_nothing_is_due(watched: Watched) -> None:
    watcher = Watcher((), watched.journal, watched.ingestor, monotonic=watched.mono)
    watcher.step()
    assert watcher._next_at() == math.inf
    watcher.close()


def test_there_is_no_wait_while_there_is_work(watched: Watched) -> None:
    watcher = watched.watch()
    began = time.monotonic()
    watcher.wait(30.0)
    assert time.monotonic() - began < 25
    watched.run(watcher)


def test_after_a_failing_journal_the_next_step_goes_on(watched: Watched) -> None:
    watched.write("r.json", report(1))
    watched.write("s.json", report(2))
    watched.wall.now += 3_600
    watcher = watched.watch()
    watched.ingestor.fail_with = [JournalError("disk full")] * 2
    for _ in range(2):
        with pytest.raises(JournalError):
            watcher.step()
    watched.run(watcher, 1.0)
    assert sorted(watched.ingestor.taken) == ["r.json", "s.json"]


def test_a_failing_journal_loses_no_rename(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = watched.write("r.json", report(1))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    path.rename(watched.root / "s.json")

    def full(*_: object) -> bool:
        raise JournalError("disk full")

    monkeypatch.setattr(watched.journal, "rename", full)
    watched.mono.now += 1
    with pytest.raises(JournalError):
        watcher.step()
    monkeypatch.undo()
    watched.run(watcher, 1.5)
    assert watched.ingestor.taken == ["r.json", "s.json"]


def test_retry_asks_the_ingestor_first(watched: Watched) -> None:
    path = str(watched.write("r.json"))
    watcher = watched.watch()
    watched.run(watcher, 0.5)
    watched.ingestor.retries.add(path)
    watcher.retry(path)
    watched.run(watcher, 0.5)
    assert watched.ingestor.retried == [path]
    assert watched.ingestor.taken == ["r.json"]
    watcher.retry(str(watched.root / "none.json"))
    watched.run(watcher, 0.5)
    assert watched.ingestor.taken == ["r.json"]


def test_a_closed_watcher_has_given_its_roots_back(watched: Watched) -> None:
    first = watched.watch()
    watched.run(first)
    first.close()
    second = watched.watch()
    watched.run(second)
    assert second.status().role is WatchRole.WATCHER
