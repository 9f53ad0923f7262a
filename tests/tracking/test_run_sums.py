"""What a reader remembers of every run."""

from __future__ import annotations

import sys

from evaltui.tracking.run_sums import RunSums


def test_a_digest_is_news_once() -> None:
    sums = RunSums()
    assert sums.differs("a", -5)
    assert not sums.differs("a", -5)
    assert sums.differs("a", 6)
    assert sums.differs("b", 0)
    assert not sums.differs("b", 0)


def test_heads_and_tags_are_told_apart_from_digests() -> None:
    sums = RunSums()
    assert sums.head_differs("a", 7)
    assert sums.tags_differ("a", 7)
    sums.note_heads([("a", 7)])
    assert not sums.head_differs("a", 7)
    assert sums.tags_differ("a", 7)
    sums.note_tags(["a"], [2**64 - 1])
    assert not sums.tags_differ("a", 2**64 - 1)
    assert not sums.forget("a")  # its digest was never known
    assert sums.differs("a", 7)


def test_forgotten_heads_differ_and_nothing_else_does() -> None:
    sums = RunSums()
    sums.note_heads([("a", 0)])
    sums.differs("a", 3)
    sums.forget_heads()
    assert sums.head_differs("a", 0)
    assert not sums.differs("a", 3)


def test_the_place_of_a_forgotten_run_is_used_again_and_empty() -> None:
    sums = RunSums()
    for number in range(1_000):
        run_id = str(number)
        sums.note_heads([(run_id, 1)])
        sums.note_tags([run_id], [1])
        assert sums.differs(run_id, 1)
        assert sums.forget(run_id)
        assert not sums.forget(run_id)
    assert len(sums) == 0
    assert sums.places == 1
    assert sums.differs("new", 1)
    assert sums.head_differs("new", 1)
    assert sums.tags_differ("new", 1)


def test_a_run_takes_few_bytes_besides_its_id() -> None:
    sums = RunSums()
    for number in range(10_000):
        sums.differs(f"{number:032x}", number)
    columns = (sums._heads, sums._digests, sums._tags)
    kept = sys.getsizeof(sums._places) + sum(map(sys.getsizeof, columns))
    kept += sum(map(sys.getsizeof, sums._places.values()))
    assert kept / 10_000 < 100
