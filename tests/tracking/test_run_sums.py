"""What a reader remembers of every run."""

from __future__ import annotations

import numpy as np

from evaltui.domain.packed_ids import PackedIds
from evaltui.tracking.run_sums import RunSums, SumArray


def of(*numbers: int) -> SumArray:
    return np.array(numbers, dtype=np.uint64)


def look(**heads: int) -> RunSums:
    """Return what a look finds: runs, and a sum of the row of each."""
    ids = PackedIds.of(list(heads))
    order = ids.order()
    return RunSums(ids[order], of(*heads.values())[order])


def news(sums: RunSums, **digests: int) -> list[str]:
    names = list(digests)
    return [names[at] for at in sums.note_digests(names, of(*digests.values()))]


def changed(later: RunSums, before: RunSums) -> set[str]:
    return set(later.ids[later.go_on_from(before)].texts())


def test_a_digest_is_news_once() -> None:
    sums = look(a=1, b=2)
    assert news(sums, a=5) == ["a"]
    assert news(sums, a=5) == []
    assert news(sums, b=0, a=6) == ["b", "a"]
    assert news(sums, a=6, b=0) == []
    assert news(sums, b=2**64 - 1) == ["b"]


def test_a_later_look_tells_runs_that_are_new_and_rows_that_changed() -> None:
    before = look(a=1, b=2, c=3)
    assert changed(look(a=1, b=7, d=3), before) == {"b", "d"}
    assert changed(look(), before) == set()
    assert changed(look(a=1), look()) == {"a"}


def test_a_later_look_knows_digests_and_tags_of_before() -> None:
    before = look(a=1, b=2)
    news(before, a=5, b=6)
    before.note_tags(["b"], of(9))
    later = look(c=3, b=2)
    later.go_on_from(before)
    assert news(later, b=6, c=5) == ["c"]
    totals = {"b": 9, "c": 9}
    differ = later.tags_differ(0, of(*(totals[name] for name in later.ids.texts())))
    assert later.ids[differ].texts() == ["c"]


def test_only_runs_that_were_told_of_are_gone() -> None:
    before = look(a=1, b=2, c=3)
    news(before, a=5, c=6)
    assert before.gone_at(look(a=1)) == ["c"]
    assert before.gone_at(look(a=1, c=4)) == []
    assert sorted(before.gone_at(look())) == ["a", "c"]


def test_forgotten_rows_differ_and_nothing_else_does() -> None:
    before = look(a=0)
    news(before, a=3)
    before.forget_heads()
    later = look(a=0)
    assert changed(later, before) == {"a"}
    assert news(later, a=3) == []


def test_a_forgotten_run_is_told_of_once_and_new_when_it_is_there_again() -> None:
    before = look(a=1, b=2)
    news(before, a=5)
    assert before.forget(["b", "a"]) == ["a"]
    assert before.forget(["a"]) == []
    assert before.gone_at(look()) == []
    later = look(a=1, b=2)
    assert changed(later, before) == {"a", "b"}
    assert news(later, a=5) == ["a"]


def test_a_run_takes_few_bytes_and_its_id_half_of_what_it_has_characters() -> None:
    ids = PackedIds.of([f"{number:032x}" for number in range(10_000)])
    sums = RunSums(ids, np.arange(10_000, dtype=np.uint64))
    columns = (sums._heads, sums._digests, sums._tags)
    assert sum(column.nbytes for column in columns) + ids.keys.nbytes == 10_000 * (3 * 8 + 16)
