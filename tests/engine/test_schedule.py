from __future__ import annotations

import pytest

from evaltui.engine.schedule import ScanSchedule


class Clocks:
    def __init__(self) -> None:
        self.mono = 50.0
        self.wall = 1_700_000_000.0

    def run(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def schedule(clocks: Clocks) -> ScanSchedule:
    return ScanSchedule(lambda: clocks.mono, lambda: clocks.wall)


def test_the_first_scan_is_due_at_once(schedule: ScanSchedule, clocks: Clocks) -> None:
    assert schedule.due()
    assert schedule.next_at == clocks.mono


@pytest.mark.parametrize(
    ("cost", "interval"),
    [
        ((0.01, 500, True), 5.0),
        ((0.01, 500, False), 1.0),
        ((0.1, 9_999, False), 1.0),
        ((2.0, 9_000, False), 10.0),  # a slow network: a fifth of the time at most
        ((0.05, 20_000, True), 5.0),
        ((0.4, 100_000, True), 20.0),
        ((0.4, 100_000, False), 20.0),
        ((60.0, 9_000_000, True), 300.0),
    ],
)
def test_the_interval_follows_from_events_number_of_files_and_cost(
    schedule: ScanSchedule, clocks: Clocks, cost: tuple[float, int, bool], interval: float
) -> None:
    seconds, files, events = cost
    schedule.done(seconds=seconds, files=files, events=events)
    assert not schedule.due()
    clocks.run(interval - 0.01)
    assert not schedule.due()
    clocks.run(0.02)
    assert schedule.due()


def test_a_wish_makes_a_scan_due_once(schedule: ScanSchedule) -> None:
    schedule.done(seconds=0.01, files=1, events=True)
    schedule.request()
    assert schedule.due()
    schedule.done(seconds=0.01, files=1, events=True)
    assert not schedule.due()


def test_a_sleep_of_the_machine_makes_a_scan_due(schedule: ScanSchedule, clocks: Clocks) -> None:
    schedule.done(seconds=0.01, files=1, events=True)
    assert not schedule.due()
    clocks.wall += 3_600  # the monotonic clock stands still meanwhile
    assert schedule.due()
    schedule.done(seconds=0.01, files=1, events=True)
    assert not schedule.due()


def test_a_stopped_process_scans_when_it_goes_on(schedule: ScanSchedule, clocks: Clocks) -> None:
    schedule.done(seconds=0.01, files=1, events=True)
    clocks.run(60)
    assert schedule.due()


def test_a_clock_that_is_corrected_a_little_changes_nothing(
    schedule: ScanSchedule, clocks: Clocks
) -> None:
    schedule.done(seconds=0.01, files=1, events=True)
    clocks.wall -= 1.5
    assert not schedule.due()
