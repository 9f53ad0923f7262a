"""Pages of text wrap beside their labels."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.content import Content

from evaltui.ui.screens.text_view import hanging

LABEL = 6


def wrapped(text: str, width: int) -> list[str]:
    return [line.plain for line in hanging(Content(text), width, LABEL)]


def test_what_is_wrapped_stays_right_of_the_label() -> None:
    assert wrapped("test  asks how often the mean gets as far", 20) == [
        "test  asks how often",
        "      the mean gets",
        "      as far",
    ]


def test_a_short_line_stays_as_it_is() -> None:
    assert wrapped("p     .645", 20) == ["p     .645"]


def test_a_word_without_a_place_to_break_is_cut() -> None:
    assert wrapped("name  " + "x" * 20, 20) == ["name  " + "x" * 14, "      " + "x" * 6]


def test_where_the_label_takes_most_of_the_width_the_text_goes_below_it() -> None:
    assert wrapped("name  one two", 8) == ["name", "one two"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab 日e"), max_size=80), st.integers(2, 40))
def test_every_line_fits_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = hanging(Content(text), width, LABEL)
    assert all(line.cell_length <= width for line in lines)
    assert "".join(line.plain for line in lines).replace(" ", "") == text.replace(" ", "")


def test_styles_stay_on_their_words() -> None:
    line = Content.assemble(("name  ", "bold"), ("one two three four", "italic"))
    _, second = hanging(line, 14, LABEL)[:2]
    assert [(span.start, span.end, span.style) for span in second.spans] == [
        (LABEL, len(second.plain), "italic")
    ]


@pytest.mark.parametrize("width", [0, 1])
def test_no_room_at_all_ends(width: int) -> None:
    assert hanging(Content("日日"), width, LABEL)
