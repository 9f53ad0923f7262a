"""Tables in every format, hostile text included."""

from __future__ import annotations

import csv
import io

import pytest

from evaltui.cli.output import (
    Column,
    Table,
    instant,
    number_text,
    to_csv,
    to_markdown,
    to_plain,
)

TABLE = Table(
    (Column("name"), Column("score", right=True)),
    (("=cmd|' /C calc'!A0", 0.5), ("-5 é\x1b[31m\u202e\n|[x](y)", None), ("long" * 60, -2.0)),
)


def test_plain_text_is_aligned_and_cuts_nothing() -> None:
    lines = to_plain(TABLE).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert "long" * 60 in lines[3]
    assert lines[2].endswith("·")


def test_a_title_that_says_all_has_no_headings_below_it() -> None:
    table = Table((Column("case"), Column("change")), (), title="cases: 5 paired, 5 same")
    assert to_plain(table) == "cases: 5 paired, 5 same"
    assert to_markdown(table) == "**cases: 5 paired, 5 same**"
    assert to_plain(Table((Column("run"),), ())) == "run"


def test_no_format_lets_control_characters_through() -> None:
    for text in (to_plain(TABLE), to_csv(TABLE), to_markdown(TABLE)):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_csv_disarms_formulas_and_keeps_numbers() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(TABLE))))
    assert rows[1] == ["'=cmd|' /C calc'!A0", "0.5"]
    assert rows[2][0].startswith("'-5")
    assert rows[2][1] == ""
    assert rows[3][1] == "-2.0"


def test_markdown_escapes_cell_borders_and_links() -> None:
    line = to_markdown(TABLE).splitlines()[3]
    assert r"\|\[x\](y)" in line


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        (3.0, None, "3"),
        (0.12345678, None, "0.1235"),
        (0.00001234, None, "1.23e-05"),
        (100, None, "100"),
        (0.5, 3, "0.500"),
        (1e300, None, "1" + "0" * 300 + ".0000"),
    ],
)
def test_numbers_are_written_for_people(value: float, precision: int | None, text: str) -> None:
    if value == 1e300:
        assert float(number_text(value, precision)) == value
    else:
        assert number_text(value, precision) == text


def test_instants_are_iso_and_impossible_ones_missing() -> None:
    assert instant(0) == "1970-01-01T00:00:00.000Z"
    assert instant(None) is None
    assert instant(10**18) is None
