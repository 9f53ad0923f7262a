from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

import evaltui.ui
from evaltui.domain.plain import plain
from evaltui.ui.plain_text import PlainText


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("asking the store …", "asking the store.."),
        ("eval_…_0029", "eval_~_0029"),
        ("j ↓ · k ↑", "j v - k ^"),
        ("pass → fail", "pass > fail"),
        ("Käse 漢", "Käse 漢"),
    ],
)
def test_signs_become_ascii_of_the_same_width_and_letters_stay(text: str, expected: str) -> None:
    assert plain(text) == expected
    assert cell_len(plain(text)) == cell_len(text)


def test_every_sign_that_stands_in_the_screen_has_its_ascii() -> None:
    sources = Path(evaltui.ui.__file__).parent.rglob("*.py")
    signs = {char for path in sources for char in path.read_text() if not char.isascii()}
    drawn_by_glyphs = set("⣀⣤⣶⣿")
    assert {char for char in signs - drawn_by_glyphs if not plain(char).isascii()} == set()


def test_styles_and_controls_of_a_line_are_kept() -> None:
    segments = [Segment("a"), Segment("→", None), Segment("", None, [])]
    assert PlainText().apply(segments, Color(0, 0, 0)) == [
        Segment("a"),
        Segment(">", None),
        Segment("", None, []),
    ]
