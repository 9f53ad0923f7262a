"""The watcher with real clocks, real file events and real processes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import watchfiles
from watching import NotingIngestor, app_report, report

from evaltui.domain.events import FileState, WatchRole
from evaltui.engine import vantage
from evaltui.engine.outcome import Outcome
from evaltui.engine.roots import WatchRoot
from evaltui.engine.watcher import Watcher, WatchSettings
from evaltui.ledger.journal import Journal
from evaltui.mounts import network_type


class Live:
    """A watcher that is driven as the engine drives it."""

    def __init__(self, base: Path, *roots: Path, events: str = "auto") -> None:
        self.root = base / "in"
        self.root.mkdir(exist_ok=True)
        self.journal = Journal(base / "state")
        self.ingestor = NotingIngestor(self.journal)
        self.watcher = Watcher(
            [WatchRoot(path, None, None) for path in roots or (self.root,)],
            self.journal,
            self.ingestor,
            settings=WatchSettings(events=events),
        )
        self.outcomes: list[Outcome] = []

    def turn(self) -> None:
        self.outcomes += self.watcher.step()
        self.watcher.wait(0.2)

    def run_until(self, condition: Callable[[], object], within_s: float = 90.0) -> None:
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, f"it did not happen; {self.watcher.status()}"
            self.turn()

    def has_taken(self, *names: str) -> bool:
        return sorted(self.ingestor.taken) == sorted(names)

    def hears(self) -> bool:
        return self.watcher.status().events == "events" and self.watcher.idle

    def close(self) -> None:
        self.watcher.close()
        self.journal.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    made = Live(tmp_path)
    made.run_until(made.hears)
    yield made
    made.close()


def test_a_report_written_in_pieces_is_taken_once(live: Live) -> None:
    text = app_report({f"app{n}": "t" for n in range(60)})
    with (live.root / "evaluation_report.json").open("w") as file:
        for start in range(0, len(text), 700):
            file.write(text[start : start + 700])
            file.flush()
            live.turn()
    live.run_until(lambda: live.has_taken("evaluation_report.json"))
    assert live.ingestor.files[0].file.data.decode() == text


def test_events_bring_a_report_long_before_the_next_scan(live: Live) -> None:
    live.watcher._schedule.interval_s = 3_600
    (live.root / "deep/er").mkdir(parents=True)
    (live.root / "deep/er/r.json").write_text(report(1))
    live.run_until(lambda: live.has_taken("r.json"))


def test_reports_moved_in_with_their_folder_are_taken(live: Live, tmp_path: Path) -> None:
    live.watcher._schedule.interval_s = 3_600
    away = tmp_path / "away/run1"
    away.mkdir(parents=True)
    for number in range(5):
        (away / f"{number}.json").write_text(report(number))
    away.rename(live.root / "run1")
    live.run_until(lambda: len(live.ingestor.taken) == 5)


def test_what_events_miss_a_scan_finds(live: Live) -> None:
    live.watcher._vantage.events.disarm("deaf")
    live.watcher._schedule.interval_s = 0.5
    (live.root / "r.json").write_text(report(1))
    live.run_until(lambda: live.has_taken("r.json"))
    assert "polling" in live.watcher.status().events


def test_a_root_deleted_and_made_again_is_heard_again(live: Live) -> None:
    (live.root / "r.json").write_text(report(1))
    live.run_until(lambda: live.has_taken("r.json"))
    shutil.rmtree(live.root)
    live.run_until(lambda: "not there yet" in live.watcher.status().events)
    live.root.mkdir()
    live.run_until(live.hears)
    live.watcher._schedule.interval_s = 3_600
    (live.root / "s.json").write_text(report(2))
    live.run_until(lambda: live.has_taken("r.json", "s.json"))


def test_a_burst_of_thousands_is_taken_whole(live: Live) -> None:
    for number in range(3_000):
        (live.root / f"{number}.json").write_text(report(number))
    live.run_until(lambda: len(live.ingestor.taken) >= 3_000, within_s=300)
    assert len(set(live.ingestor.taken)) == 3_000


def test_atomic_replacement_over_and_over_ends_with_the_last(live: Live) -> None:
    path = live.root / "r.json"
    for number in range(20):
        part = live.root / ".r.json.part"
        part.write_text(report(number))
        part.replace(path)
        live.turn()
    last = report(19).encode()
    live.run_until(lambda: live.ingestor.files and live.ingestor.files[-1].file.data == last)
    live.run_until(lambda: live.watcher.idle)
    assert live.ingestor.files[-1].file.data == last


def test_a_used_up_watch_limit_is_said_and_scans_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(*_: object, **__: object) -> object:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr(watchfiles, "watch", watch)
    live = Live(tmp_path)
    try:
        live.run_until(
            lambda: live.watcher.status().events == "polling every 1 s (inotify limit reached)"
        )
        (live.root / "r.json").write_text(report(1))
        live.run_until(lambda: live.has_taken("r.json"))
    finally:
        live.close()


def test_a_network_file_system_is_polled_by_our_own_choice_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = (
        "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        f"30 22 0:30 / {tmp_path} rw,relatime shared:2 - nfs4 server:/x rw\n"
    )
    monkeypatch.setattr(vantage, "network_type", partial(network_type, mountinfo=mounts))
    live = Live(tmp_path)
    try:
        live.run_until(
            lambda: live.watcher.status().events == "polling every 1 s (network file system nfs4)"
        )
        (live.root / "r.json").write_text(report(1))
        live.run_until(lambda: live.has_taken("r.json"))
        live.run_until(lambda: not [t for t in threading.enumerate() if t.name == "file-events"])
    finally:
        live.close()


def test_a_loop_of_links_and_a_fifo_stop_nothing(live: Live) -> None:
    (live.root / "loop").symlink_to(".")
    os.mkfifo(live.root / "evaluation_report.json")
    (live.root / "r.json").write_text(report(1))
    live.run_until(lambda: live.has_taken("r.json"))
    live.run_until(lambda: live.watcher.idle)


_OTHER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_watcher_real import Live
live = Live(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    live.turn()
    if live.ingestor.files:
        print(live.ingestor.taken.pop(), flush=True)
        live.ingestor.files.clear()
"""


def test_a_killed_watcher_is_followed_by_the_one_that_looked_on(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    command = [sys.executable, "-c", _OTHER, str(tmp_path), str(Path(__file__).parent)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "ready\n"
        (tmp_path / "in/r.json").write_text(report(1))
        assert other.stdout.readline() == "r.json\n"
        live = Live(tmp_path)
        try:
            live.run_until(lambda: live.watcher.status().role is WatchRole.VIEWER)
            assert live.watcher.status().watcher_pid == other.pid
            row = live.journal.file(str(tmp_path / "in/r.json"))
            assert row is not None
            assert row.state is FileState.PARSED
            other.send_signal(signal.SIGKILL)
            other.wait()
            (tmp_path / "in/s.json").write_text(report(2))
            live.run_until(lambda: live.has_taken("s.json"))
            assert live.watcher.status().role is WatchRole.WATCHER
        finally:
            live.close()
    finally:
        other.kill()
        other.wait()


def _race(base: Path, name: str, results: multiprocessing.Queue[tuple[str, str]]) -> None:
    live = Live(base)
    end = time.monotonic() + 180
    while time.monotonic() < end and live.journal.counts()["pending"] < 20:
        live.turn()
    live.run_until(lambda: live.watcher.idle or live.watcher.status().role is WatchRole.VIEWER)
    for taken in live.ingestor.taken:
        results.put((name, taken))
    results.put((name, ""))


def test_of_two_processes_one_takes_every_report(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[str, str]] = context.Queue()
    others = [context.Process(target=_race, args=(tmp_path, n, results)) for n in ("a", "b")]
    for other in others:
        other.start()
    for number in range(20):
        (tmp_path / f"in/{number}.json").write_text(report(number))
    taken: list[str] = []
    ends = 0
    while ends < 2:
        _, name = results.get(timeout=300)
        ends += not name
        taken += [name] if name else []
    for other in others:
        other.join()
    assert sorted(taken) == sorted(f"{n}.json" for n in range(20))


def test_a_process_that_watches_ends_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from test_watcher_real import Live\n"
        "live = Live(Path(sys.argv[1])); live.run_until(live.hears); live.close()\n"
    )
    (tmp_path / "in").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)],
        timeout=180,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_polling_alone_finds_everything(tmp_path: Path) -> None:
    live = Live(tmp_path, events="off")
    try:
        live.turn()
        (live.root / "r.json").write_text(report(1))
        live.run_until(lambda: live.has_taken("r.json"))
        assert live.watcher.status().events == "polling every 1 s (events are switched off)"
    finally:
        live.close()
