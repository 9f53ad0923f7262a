"""What is found in texts that lie end to end is what is in each of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain import text_bytes
from evaltui.domain.text_bytes import TextBytes, decoded, encoded

TEXTS = st.lists(st.text(st.sampled_from("abAZé\U0001f3c3\udc80\ud83c\n"), max_size=6), max_size=12)
WORDS = st.text(st.sampled_from("abé\U0001f3c3\udc80"), min_size=1, max_size=4)


@given(TEXTS)
def test_texts_come_back_one_by_one(texts: list[str]) -> None:
    packed = TextBytes.of(texts)
    assert list(packed) == texts
    assert len(packed) == len(texts)
    assert [decoded(encoded(text)) for text in texts] == texts
    starts, ends = packed.starts.tolist(), packed.ends.tolist()
    assert [end - start for start, end in zip(starts, ends, strict=True)] == [
        len(encoded(text)) for text in texts
    ]


@given(TEXTS, WORDS)
def test_a_word_is_found_inside_texts_and_never_across_two(texts: list[str], word: str) -> None:
    packed = TextBytes.of(texts)
    with_word = packed.rows_with(encoded(word)).tolist()
    assert with_word == sorted(with_word)
    assert set(with_word) == {row for row, text in enumerate(texts) if word in text}
    begin_so = [row for row, text in enumerate(texts) if text.startswith(word)]
    assert packed.rows_from(encoded(word)).tolist() == begin_so


@given(TEXTS)
def test_folded_texts_are_what_each_is_casefolded(texts: list[str]) -> None:
    folded = TextBytes.of(texts).folded()
    assert list(folded) == [text.casefold() for text in texts]
    assert folded.folded() is folded or not all(text.isascii() for text in texts)


@given(texts=TEXTS)
def test_however_many_are_packed_at_a_time_the_bytes_are_the_same(texts: list[str]) -> None:
    whole = TextBytes.of(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_bytes, "_AT_ONCE", 2)
        again = TextBytes.of(iter(texts))
    assert again.data.tobytes() == whole.data.tobytes()
    assert again.ends.tolist() == whole.ends.tolist()


def test_more_than_an_offset_can_tell_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_bytes, "_MOST_BYTES", 3)
    assert list(TextBytes.of(["abc"])) == ["abc"]
    with pytest.raises(ValueError, match="4 GB"):
        TextBytes.of(["ab", "cd"])
