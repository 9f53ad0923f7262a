from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from evaltui.domain.stamp import FileStamp
from evaltui.engine.backlog import BacklogRule, Candidate, CandidateQueue, WorkRate
from evaltui.errors import ConfigError

NOW_S = 1_762_000_000.0


def stamp(name: str, mtime_s: float) -> FileStamp:
    return FileStamp(Path("/w") / name, 1, int(mtime_s * 1e9), 1, 1, 1)


def test_log_leaves_nothing_out_and_skip_everything() -> None:
    for mtime_s in (0, NOW_S, NOW_S + 1e6):
        assert not BacklogRule.parse("log", NOW_S).leaves_out(stamp("a", mtime_s))
        assert BacklogRule.parse("skip", NOW_S).leaves_out(stamp("a", mtime_s))


@pytest.mark.parametrize(
    ("text", "age_s"), [("90s", 90), ("5m", 300), ("2h", 7_200), ("3d", 259_200), ("1w", 604_800)]
)
def test_an_age_counts_back_from_now(text: str, age_s: float) -> None:
    rule = BacklogRule.parse(f"since={text}", NOW_S)
    assert rule.leaves_out(stamp("a", NOW_S - age_s - 1))
    assert not rule.leaves_out(stamp("a", NOW_S - age_s + 1))


def test_a_date_is_the_start_of_the_local_day() -> None:
    midnight = datetime(2026, 11, 1).astimezone().timestamp()
    rule = BacklogRule.parse("since=2026-11-01", NOW_S)
    assert rule.oldest_s == midnight
    assert BacklogRule.parse("since=2026-11-01T12:00:00+00:00", NOW_S).oldest_s == 1_793_534_400


@pytest.mark.parametrize("text", ["", "all", "since=", "since=2026-13-01", "2d", "since=2x"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not allowed"):
        BacklogRule.parse(text, NOW_S)


def order(queue: CandidateQueue) -> list[str]:
    found: list[str] = []
    while (candidate := queue.first()) is not None:
        found.append(candidate.stamp.path.name)
        queue.drop(candidate.stamp.path)
    return found


def test_new_comes_before_old_and_late_last_each_newest_first() -> None:
    queue = CandidateQueue()
    for name, mtime_s, old, late in [
        ("bulk", 900, True, True),
        ("old1", 100, True, False),
        ("old2", 200, True, False),
        ("new1", 50, False, False),
        ("new2", 60, False, False),
        ("bulk2", 950, False, True),
    ]:
        queue.put(Candidate(stamp(name, mtime_s), old=old, late=late))
    assert (len(queue), queue.old) == (6, 3)
    assert order(queue) == ["new2", "new1", "old2", "old1", "bulk2", "bulk"]
    assert (len(queue), queue.old) == (0, 0)


def test_a_newer_version_takes_the_place_of_an_older_one() -> None:
    queue = CandidateQueue()
    queue.put(Candidate(stamp("a", 1), old=True))
    queue.put(Candidate(stamp("a", 2)))
    assert (len(queue), queue.old) == (1, 0)
    first = queue.first()
    assert first is not None
    assert first.stamp == stamp("a", 2)
    assert order(queue) == ["a"]


def test_what_is_dropped_never_comes() -> None:
    queue = CandidateQueue()
    queue.put(Candidate(stamp("a", 2)))
    queue.put(Candidate(stamp("b", 1)))
    queue.drop(Path("/w/a"))
    queue.drop(Path("/w/never"))
    assert [c.stamp.path.name for c in queue] == ["b"]
    assert order(queue) == ["b"]


def test_the_rate_is_what_was_done_over_the_last_half_minute() -> None:
    rate = WorkRate()
    for second in range(100):
        rate.note(1_000 - 5 * second if second < 50 else 800 - second, float(second))
    assert rate.per_second() == pytest.approx(1.0)


def test_there_is_no_rate_before_two_seconds_or_without_progress() -> None:
    rate = WorkRate()
    assert rate.per_second() is None
    rate.note(10, 0.0)
    rate.note(9, 1.0)
    assert rate.per_second() is None
    rate.note(8, 4.0)
    assert rate.per_second() == 0.5
    rate.note(50, 5.0)  # more came
    assert rate.per_second() is None
    rate.note(50, 9.0)
    assert rate.per_second() is None
    rate.note(0, 10.0)
    assert rate.per_second() is None
