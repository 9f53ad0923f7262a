from __future__ import annotations

import io
import json
import time
import unicodedata

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.text import MAX_LENGTH, clean, clean_lines

PAYLOADS = {
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\",
    "clear screen": "\x1b[2J",
    "leave the alternate screen": "\x1b[?1049l",
    "reset": "\x1bc",
    "ask for the cursor": "\x1b[6n",
    "ask for the title": "\x1b[21t",
    "device control": "\x1bP$qm\x1b\\",
    "8-bit control sequence": "\x9b2J",
    "8-bit operating system command": "\x9d0;owned\x9c",
    "unterminated command": "\x1b]0;swallows the rest",
    "nul": "\x00",
    "shift out": "\x0e\x0f",
    "bell": "\x07",
    "backspaces": "good\x08\x08\x08\x08evil",
    "vertical tab and form feed": "\x0b\x0c",
    "carriage return": "good\revil",
    "bidi override": "\u202egnp.exe",
    "bidi isolate": "\u2066x\u2069",
    "zero width": "a\u200bb\u200cc\u200dd",
    "tag characters": "\U000e0041\U000e0042",
    "line separator": "a\u2028b\u2029c",
    "byte order mark": "\ufeffx",
    "next line": "a\x85b",
    "surrogate": "a\ud800b\udfffc",
    "delete": "\x7f",
    "combining grapheme joiner": "a\u034fb",
    "hangul filler": "a\u3164b\u115fc",
}


def is_harmless(text: str) -> bool:
    """Say whether a terminal draws `text` and does nothing else."""
    return not any(
        unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
        or (unicodedata.category(char) == "Cf")
        or 0xFE00 <= ord(char) <= 0xFE0F
        or 0xE0000 <= ord(char) <= 0xE0FFF
        for char in text
    )


def actions_of(text: str) -> list[str]:
    """Return what a terminal does with `text` besides drawing it."""
    log = io.StringIO()
    pyte.Stream(pyte.DebugScreen(to=log), strict=False).feed(text)
    calls = [json.loads(line)[0] for line in log.getvalue().splitlines()]
    return [name for name in calls if name != "draw"]


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_hostile_text_is_drawn_and_nothing_else(payload: str) -> None:
    cleaned = clean(f"run {payload} name")
    assert is_harmless(cleaned)
    assert actions_of(cleaned) == []
    assert cleaned.startswith("run ")
    assert cleaned.endswith(" name")


def test_the_terminal_of_these_tests_notices_what_a_raw_payload_does() -> None:
    assert actions_of(PAYLOADS["clear screen"])
    assert actions_of(PAYLOADS["reset"])


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=400))
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    cleaned = clean(text)
    assert is_harmless(cleaned)
    assert len(cleaned) <= MAX_LENGTH
    assert actions_of(cleaned) == []
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean(cleaned) == cleaned


@given(st.text(alphabet="\x1b[]()#;:?0123456789 mJKHhlcnPX^_\\\x07\x9b\x9d\x90\t\r\n", max_size=80))
def test_no_mixture_of_control_sequences_comes_through_in_lines(text: str) -> None:
    for line in clean_lines(text):
        assert is_harmless(line)
        assert actions_of(line) == []


@given(st.text(max_size=100), st.integers(min_value=1, max_value=50))
def test_a_text_is_never_longer_than_the_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit=limit)) <= limit


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("eval_mcp_2025-11-03", "[/b] [red]", "Käse 数据 ✓ ⭐ é", "a{}%$\\"):
        assert clean(text) == text


def test_tabs_and_line_breaks_become_one_space() -> None:
    assert clean("a\t\r\n\nb") == "a b"


def test_a_long_text_ends_in_an_ellipsis() -> None:
    assert clean("x" * 10, limit=4) == "xxx…"
    assert clean("xxxx", limit=4) == "xxxx"
    assert clean("xx", limit=1) == "…"


def test_a_text_that_shrinks_by_cleaning_still_says_that_it_was_cut() -> None:
    assert clean("\n" * 10_000 + "end", limit=10) == " …"


def test_at_most_four_marks_stand_on_a_character() -> None:
    assert clean("a" + "\u0301" * 20 + "b") == "a" + "\u0301" * 4 + "b"
    assert clean("a" + "\u20dd" * 20) == "a" + "\u20dd" * 4  # an enclosing mark
    assert clean("ก" + "\u0e34" * 20) == "ก" + "\u0e34" * 4  # a vowel without combining class


def test_a_mark_cannot_reach_out_of_the_text_to_its_left() -> None:
    assert clean("\u0301abc") == "\ufffdabc"


def test_emoji_keep_their_picture_without_the_selector() -> None:
    assert clean("⚠\ufe0f Tests failed") == "⚠ Tests failed"


def test_anything_can_be_cleaned() -> None:
    assert clean(None) == "None"
    assert clean(ValueError("bad\x1b[2J")) == "bad\ufffd[2J"
    assert clean(b"\x1b") == "b'\\x1b'"


def test_lines_lose_their_colours_and_keep_their_columns() -> None:
    assert clean_lines("\x1b[31;1mFAIL\x1b[0m\r\na\tb") == ["FAIL", "a   b"]


def test_lines_are_bounded_in_number_and_width() -> None:
    lines = clean_lines("x" * 50 + "\n" + "y\n" * 100, limit=60, width=20)
    assert lines[0] == "x" * 19 + "…"
    assert len(lines) <= 10


def test_a_name_costs_microseconds() -> None:
    plain, foreign = "eval_mcp_2025-11-03T09:07:13Z", "auswertung_größe_✓_2025-11-03"
    for text, bound_s in ((plain, 20e-6), (foreign, 200e-6)):
        best = min(_seconds_per_call(text) for _ in range(5))
        assert best < bound_s


def test_a_huge_text_costs_no_more_than_what_is_shown() -> None:
    started = time.perf_counter()
    clean("\u0301" * 10_000_000)
    assert time.perf_counter() - started < 1.0


def _seconds_per_call(text: str, calls: int = 200) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        clean(text)
    return (time.perf_counter() - started) / calls
