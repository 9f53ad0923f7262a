"""Ids in arrays come back as they came, whatever they are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.packed_ids import PackedIds

HEX = st.text("0123456789abcdef", min_size=32, max_size=32)
ODD = st.one_of(
    st.text(max_size=40),
    HEX.map(str.upper),
    HEX.map(lambda text: text[:30]),
    HEX.map(lambda text: f"{text[:14]}  {text[14:30]}"),  # blanks between digits are none
)
IDS = st.lists(st.one_of(HEX, ODD), unique=True)
BLOCKS = st.lists(IDS, max_size=4)


@given(BLOCKS)
def test_ids_come_back_in_their_order(blocks: list[list[str]]) -> None:
    packed = PackedIds.of(*blocks)
    expected = [run_id for block in blocks for run_id in block]
    assert len(packed) == len(expected)
    assert packed.texts() == expected
    assert packed[1:3].texts() == expected[1:3]
    assert packed[np.arange(len(expected)) % 2 == 1].texts() == expected[1::2]


@given(IDS, IDS)
def test_each_id_is_found_where_it_stands_and_no_other_is(
    known: list[str], asked: list[str]
) -> None:
    packed = PackedIds.of(known)
    ordered = packed[packed.order()]
    texts = ordered.texts()
    wanted = [*asked, *known[::2]]
    places = ordered.find(PackedIds.of(wanted)).tolist()
    assert places == [texts.index(text) if text in texts else -1 for text in wanted]
    there = ordered.among(PackedIds.of(wanted)).tolist()
    assert there == [text in wanted for text in texts]


def test_zeros_at_the_end_of_an_id_count() -> None:
    ids = ["0" * 32, "1" + "0" * 31, "10" * 16, "f" * 32]
    packed = PackedIds.of(ids)
    assert packed.texts() == ids
    assert packed.find(PackedIds.of(ids[::-1])).tolist() == [3, 2, 1, 0]


def test_nothing_is_found_among_no_ids() -> None:
    none = PackedIds()
    assert none.texts() == []
    assert none.find(PackedIds.of(["a"])).tolist() == [-1]
    assert PackedIds.of(["a"]).find(none).tolist() == []
    assert PackedIds.of().texts() == []


def test_an_id_of_mlflow_takes_16_bytes() -> None:
    packed = PackedIds.of([f"{number:032x}" for number in range(100)])
    assert packed.keys.nbytes == 1_600
    assert not packed.others
