"""Packed texts are a list of texts in less room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.packed_texts import PackedTexts
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
            index.add(text, places[text])
    assert {text: index.get(text) for text in places} == places


def test_a_column_of_packed_texts_keeps_each_distinct_text_once() -> None:
    codes = np.array([0, 1, -1, 0], dtype=np.int32)
    column = TextColumn.of(codes, PackedTexts.of(["x", "y"]))
    assert [column.get(row) for row in range(4)] == ["x", "y", None, "x"]
    assert [column.code("y"), column.code("new"), column.code("new")] == [1, 2, 2]
    assert [column.find("x"), column.find("new"), column.find("other")] == [0, 2, -1]
    assert list(column.values) == ["x", "y", "new"]
