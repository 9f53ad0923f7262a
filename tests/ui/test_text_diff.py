"""Two texts against each other: what differs, and never more work than is bearable."""

from __future__ import annotations

import unicodedata

from evaltui.ui.text_diff import MOST_LINES, text_diff


def _shown(before: str, after: str) -> list[str]:
    return [f"{line.sign}{line.text}" for line in text_diff(before, after)]


def test_equal_texts_have_no_difference() -> None:
    assert text_diff("a\nb", "a\nb") == []
    assert text_diff("", "") == []


def test_a_changed_line_stands_among_its_neighbours() -> None:
    before = "\n".join(f"line {at}" for at in range(20))
    after = before.replace("line 10", "line ten")
    assert _shown(before, after) == [
        "@7 equal lines",
        *(" line 7", " line 8", " line 9"),
        "-line 10",
        "+line ten",
        *(" line 11", " line 12", " line 13"),
        "@6 equal lines",
    ]


def test_two_changes_far_apart_have_a_gap_between_them() -> None:
    before = "\n".join(f"line {at}" for at in range(40))
    after = before.replace("line 5\n", "five\n").replace("line 30\n", "thirty\n")
    shown = _shown(before, after)
    assert [line for line in shown if line[0] in "-+"] == [
        "-line 5",
        "+five",
        "-line 30",
        "+thirty",
    ]
    assert "@18 equal lines" in shown


def test_a_text_that_only_one_run_has_is_new_or_gone() -> None:
    assert _shown("", "new\nlines") == ["+new", "+lines"]
    assert _shown("old", "") == ["-old"]


def test_what_is_compared_is_bounded_and_says_so() -> None:
    before = "\n".join(f"a {at}" for at in range(5_000))
    after = "\n".join(f"b {at}" for at in range(5_000))
    shown = text_diff(before, after)
    assert len(shown) == 2 * MOST_LINES + 1
    assert shown[-1].text == f"only {MOST_LINES} lines from the first change on compared"


def test_no_control_character_comes_through() -> None:
    lines = text_diff("\x1b[31mred\x07\n\u202eback", "\x9b2J\nzero\u200bwidth\r\n")
    assert lines
    for line in lines:
        assert not any(unicodedata.category(char) in {"Cc", "Cf"} for char in line.text)
