"""A page comes back as it was kept, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.list_page import ListPage, decode, encode
from evaltui.domain.text import clean

KEY = "sqlite:/a/mlflow.db\n/Shared/evals"
PAGE = ListPage(
    size=(120, 40),
    room=(118, 14),
    glyphs="block",
    title="Runs 2  by start desc",
    as_of_s=1_795_530_120.5,
    lines=(
        (("head", "      run   tests"),),
        (("cursor", "▌"), ("text", " "), ("quiet", "✓   ünö 評価   "), ("better", "0.98+")),
        (("cursor", " "), ("text", " run-1"), ("worse", "0.12!")),
    ),
)
TEXTS = st.text(max_size=40).map(clean).filter(lambda text: clean(text) == text)


@given(
    st.lists(st.lists(st.tuples(TEXTS, TEXTS), max_size=6).map(tuple), min_size=1, max_size=14),
    TEXTS,
    st.floats(min_value=1, max_value=1e12),
)
def test_a_page_comes_back_as_it_was(
    lines: list[tuple[tuple[str, str], ...]], title: str, as_of_s: float
) -> None:
    page = ListPage((120, 40), (118, 14), "block", title, as_of_s, tuple(lines))
    assert decode(encode(page, KEY), KEY) == page


def test_a_page_of_another_store_or_experiment_is_refused() -> None:
    with pytest.raises(ValueError, match="another"):
        decode(encode(PAGE, KEY), KEY + "-2")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "evaltui.page/2"),
        ("title", "\x1b]0;owned\x07"),
        ("title", 7),
        ("glyphs", None),
        ("size", [120]),
        ("size", [True, 40]),
        ("size", [10_000, 40]),
        ("room", [121, 14]),
        ("room", [0, 14]),
        ("as_of_s", "now"),
        ("as_of_s", -1),
        ("as_of_s", float("nan")),
        ("as_of_s", float("inf")),
        ("lines", []),
        ("lines", {}),
        ("lines", [[["text", "a"]]] * 15),
        ("lines", [[["text", "\x1b[2J"]]]),
        ("lines", [[["text", "a\u202eb"]]]),
        ("lines", [[["text"]]]),
        ("lines", [["text"]]),
        ("lines", ["text"]),
        ("lines", [[["text", "a" * 3_000]]]),
    ],
)
def test_what_is_no_page_of_plain_text_is_refused(field: str, value: Any) -> None:
    fields = json.loads(encode(PAGE, KEY)) | {field: value}
    with pytest.raises(ValueError, match=r".+"):
        decode(json.dumps(fields).encode(), KEY)


@given(st.data())
def test_damage_is_refused_or_harmless(data: st.DataObject) -> None:
    whole = bytearray(encode(PAGE, KEY))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    try:
        page = decode(bytes(whole), KEY)
    except ValueError:
        return
    texts = [page.title, *(text for line in page.lines for piece in line for text in piece)]
    assert all(clean(text) == text for text in texts)


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_cut_page_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(encode(PAGE, KEY)[:cut], KEY)


def test_a_page_suits_the_screen_it_was_drawn_for() -> None:
    assert PAGE.suits((120, 40), "block")
    assert not PAGE.suits((120, 41), "block")
    assert not PAGE.suits((120, 40), "ascii")
