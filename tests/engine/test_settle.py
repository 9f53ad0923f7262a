from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evaltui.domain.stamp import FileStamp
from evaltui.engine.settle import QUIET_S, SLOW_QUIET_S, SettleQueue

PATH = Path("/w/report.json")
STAMP = FileStamp(PATH, 10, 1, 1, 7, 1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def queue(patience_s: float = 600.0) -> tuple[SettleQueue, Clock]:
    clock = Clock()
    return SettleQueue(clock, patience_s=patience_s), clock


def test_a_version_is_due_after_its_quiet_time_and_not_before() -> None:
    settle, clock = queue()
    settle.put(STAMP, wait_s=QUIET_S)
    assert settle.due() == []
    clock.now += QUIET_S - 0.01
    assert settle.due() == []
    clock.now += 0.02
    assert settle.due() == [STAMP]
    assert settle.due() == [STAMP]  # it stays until it was taken
    settle.drop(PATH)
    assert settle.due() == []


def test_what_was_put_in_place_whole_is_due_at_once() -> None:
    settle, _ = queue()
    settle.put(STAMP, wait_s=0.0)
    assert settle.due() == [STAMP]


def test_time_it_was_quiet_before_counts() -> None:
    settle, clock = queue()
    settle.put(STAMP, wait_s=SLOW_QUIET_S, quiet_s=0.6)
    clock.now += 0.4
    assert settle.due() == [STAMP]


def test_a_change_begins_the_wait_anew_and_keeps_its_length() -> None:
    settle, clock = queue()
    settle.put(STAMP, wait_s=SLOW_QUIET_S)
    clock.now += 0.9
    newer = replace(STAMP, size=20)
    assert settle.changed(newer)
    clock.now += 0.9
    assert settle.due() == []
    clock.now += 0.1
    assert settle.due() == [newer]
    assert settle.get(PATH) == newer


def test_the_same_version_again_changes_nothing() -> None:
    settle, clock = queue()
    settle.put(STAMP, wait_s=QUIET_S)
    clock.now += QUIET_S
    settle.put(STAMP, wait_s=QUIET_S)
    assert settle.due() == [STAMP]


def test_a_change_of_what_is_not_waited_for_is_not_taken() -> None:
    settle, _ = queue()
    assert not settle.changed(STAMP)
    assert PATH not in settle


def test_an_incomplete_file_is_tried_at_1_2_4_up_to_30_s_for_five_minutes() -> None:
    settle, clock = queue()
    settle.put(STAMP, wait_s=0.0)
    waits: list[float] = []
    while (wait := settle.incomplete(PATH)) is not None:
        waits.append(wait)
        clock.now += wait
    assert waits[:6] == [1, 2, 4, 8, 16, 30]
    assert max(waits) == 30
    assert clock.now - 1_000 == 300
    assert PATH not in settle


def test_a_change_gives_an_incomplete_file_another_five_minutes() -> None:
    settle, clock = queue()
    settle.put(STAMP, wait_s=0.0)
    clock.now += 299
    settle.changed(replace(STAMP, size=11))
    clock.now += 299
    assert settle.incomplete(PATH) == 1
    clock.now += 1
    assert settle.incomplete(PATH) is None


def test_a_file_cut_long_ago_is_given_up_at_the_first_look() -> None:
    settle, _ = queue()
    settle.put(STAMP, wait_s=QUIET_S, quiet_s=86_400)
    assert settle.due() == [STAMP]
    assert settle.incomplete(PATH) is None


def test_an_unreadable_file_is_given_ten_minutes_however_old_it_is() -> None:
    settle, clock = queue()
    settle.put(STAMP, wait_s=0.0, quiet_s=86_400)
    while (wait := settle.unreadable(PATH)) is not None:
        clock.now += wait
    assert clock.now - 1_000 == 600


def test_patience_can_be_shorter() -> None:
    settle, clock = queue(patience_s=5)
    settle.put(STAMP, wait_s=0.0)
    while (wait := settle.incomplete(PATH)) is not None:
        clock.now += wait
    assert clock.now - 1_000 == 5


def test_the_look_for_changes_comes_every_quarter_second_only_while_something_settles() -> None:
    settle, clock = queue()
    assert not settle.restat_due()
    assert settle.next_due() is None
    settle.put(STAMP, wait_s=5.0)
    assert not settle.restat_due()
    assert settle.next_due() == clock.now + 0.25
    clock.now += 0.25
    assert settle.restat_due()
    assert not settle.restat_due()
    clock.now += 0.25
    assert settle.restat_due()
    settle.drop(PATH)
    clock.now += 0.25
    assert not settle.restat_due()


def test_what_has_waited_longest_is_due_first() -> None:
    settle, clock = queue()
    other = replace(STAMP, path=Path("/w/b.json"))
    settle.put(other, wait_s=0.2)
    clock.now += 0.1
    settle.put(STAMP, wait_s=0.2)
    clock.now += 1
    assert settle.due() == [other, STAMP]
    assert (len(settle), list(settle)) == (2, [other.path, PATH])


def test_what_stays_incomplete_for_seconds_is_stuck_until_it_changes() -> None:
    settle, clock = queue()
    assert settle.stuck
    settle.put(STAMP, wait_s=0.0)
    for wait in (1.0, 2.0, 4.0):
        assert not settle.stuck
        assert settle.incomplete(PATH) == wait
        clock.now += wait
    assert settle.stuck
    settle.changed(replace(STAMP, size=11))
    assert not settle.stuck
