"""Packed texts are a list of texts in less room."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.packed_texts import PackedTexts, repacked
from evaltui.domain.text_column import TextColumn
from evaltui.domain.text_index import TextIndex
from tests.domain.run_strategies import TEXTS


@given(st.lists(TEXTS), st.lists(st.tuples(st.integers(0, 30), TEXTS)), st.lists(TEXTS))
def test_packed_texts_are_what_a_list_would_be(
    texts: list[str], changes: list[tuple[int, str]], more: list[str]
) -> None:
    packed, plain = PackedTexts.of(texts), list(texts)
    for text in more:
        packed.append(text)
        plain.append(text)
    for at, text in changes:
        if at < len(plain):
            packed[at] = plain[at] = text
    assert list(packed) == plain
    assert len(packed) == len(plain)
    assert [packed[at] for at in range(-len(plain), len(plain))] == plain * 2
    assert packed[1:4] == plain[1:4]
    assert list(packed.packed()) == plain
    for beyond in (len(plain), -len(plain) - 1):
        with pytest.raises(IndexError):
            packed[beyond]


@pytest.mark.parametrize("ends", [[2, 1, 3], [1], [1, 4], []])
def test_offsets_that_do_not_fit_the_texts_are_refused(ends: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        PackedTexts(memoryview(b"abc"), np.array(ends, dtype=np.uint32))


@given(st.lists(TEXTS, unique=True), st.lists(TEXTS))
def test_an_index_finds_what_was_there_and_what_came(texts: list[str], more: list[str]) -> None:
    index = TextIndex(PackedTexts.of(texts))
    places = {text: at for at, text in enumerate(texts)}
    for text in more:
        assert index.get(text) == places.get(text)
        if text not in places:
            places[text] = len(places)
            assert index.add(text, places[text]) == places[text]
    asked = [*more, *texts, "other", "grün"] * 4  # few are looked up one by one
    assert index.positions(asked) == [places.get(text) for text in asked]
    assert {text: index.get(text) for text in places} == places


WIDE = st.integers(1, 3).flatmap(
    lambda words: st.lists(st.text("ab", min_size=8 * words, max_size=8 * words), unique=True)
)
"""Texts of one length, as ids are."""


@given(WIDE, st.lists(st.text("ab", max_size=24)))
def test_ids_of_one_length_are_found_as_any_texts_are(ids: list[str], others: list[str]) -> None:
    index = TextIndex(PackedTexts.of(ids))
    places = {text: at for at, text in enumerate(ids)}
    assert [index.get(text) for text in ids] == list(range(len(ids)))
    for asked in (others, [*ids, *others], ids[::-1], ["ü" * 8, "ü" * 4, "a" * 7 + "ü"]):
        expected = [places.get(text) for text in asked]
        assert [index.get(text) for text in asked] == expected
        assert index.positions(asked) == expected
        assert index.positions(asked * 16) == expected * 16


def test_an_index_of_ids_makes_no_text_of_them() -> None:
    count = 20_000
    ids = PackedTexts.of(f"{at:032x}" for at in range(count))
    tracemalloc.start()
    try:
        index = TextIndex(ids)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 13 * count
    assert peak < 60 * count, "a text of 32 letters takes more than that"
    assert index.get(ids[count // 2]) == count // 2


def test_a_column_of_packed_texts_keeps_each_distinct_text_once() -> None:
    codes = np.array([0, 1, -1, 0], dtype=np.int32)
    column = TextColumn.of(codes, PackedTexts.of(["x", "y"]))
    assert [column.get(row) for row in range(4)] == ["x", "y", None, "x"]
    assert [column.code("y"), column.code("new"), column.code("new")] == [1, 2, 2]
    assert [column.find("x"), column.find("new"), column.find("other")] == [0, 2, -1]
    assert list(column.values) == ["x", "y", "new"]


def test_texts_are_packed_again_when_many_have_come_since() -> None:
    few = repacked(["a", "b", "c", "d"], 0.5)
    assert isinstance(few, PackedTexts)
    few.append("e")
    few.append("f")
    assert repacked(few, 0.5) is few
    few.append("g")
    few[0] = "A"
    more = repacked(few, 0.5)
    assert isinstance(more, PackedTexts)
    assert more is not few
    assert list(more) == ["A", "b", "c", "d", "e", "f", "g"]
    assert not more.added
    assert not more.changed
