"""Bounded JSON: what is harmless passes, everything else is a ReportError with its place."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltui.errors import ReportError, ReportSyntaxError, ReportTooLargeError
from evaltui.readers import bounded_json
from evaltui.readers.bounded_json import ROOT, parse, parse_streamed
from evaltui.readers.document import decode
from evaltui.readers.notes import Notes

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


class Sink:
    def __init__(self) -> None:
        self.items: list[Any] = []

    def begin(self) -> None:
        self.items.clear()

    def add(self, index: int, item: Any) -> None:
        assert index == len(self.items)
        self.items.append(item)


def parsed(text: str) -> tuple[Any, tuple[str, ...]]:
    notes = Notes()
    return parse(text, notes), notes.lines()


def refused(text: str) -> ReportSyntaxError:
    with pytest.raises(ReportSyntaxError) as caught:
        parsed(text)
    return caught.value


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_plain_json_comes_back_unchanged(value: Any) -> None:
    assert parsed(json.dumps(value))[0] == value
    assert parsed(json.dumps(value, ensure_ascii=False))[0] == value


@given(st.dictionaries(st.text(max_size=4), JSON, min_size=1, max_size=4), st.data())
@settings(max_examples=200, deadline=None)
def test_every_document_cut_short_is_told_as_incomplete(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, indent=data.draw(st.sampled_from([None, 2])))
    cut = data.draw(st.integers(0, len(text) - 1))
    sink = Sink()
    key = data.draw(st.sampled_from([ROOT, *value]))
    if not text[:cut].strip():
        with pytest.raises(ReportSyntaxError) as caught:
            decode(text[:cut].encode())
    else:
        with pytest.raises(ReportSyntaxError) as caught:
            parse_streamed(text[:cut], key, sink, Notes())
    assert caught.value.incomplete, caught.value.message


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_value_or_a_report_error(data: bytes) -> None:
    try:
        parse(decode(data), Notes())
    except ReportError:
        pass
    else:
        assert data.strip()


@pytest.mark.parametrize("literal", ["tru", "fals", "n", "NaN"[:2], "-Infin", "12.", "1e", "1e-"])
def test_a_literal_cut_in_its_middle_is_incomplete(literal: str) -> None:
    assert refused(f'{{"a": {literal}').incomplete


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"a": 1,}', "line 1"),
        ("{'a': 1}", "column 2"),
        ('{"a" 1}', "delimiter"),
        ('{"a": tru}', "line 1"),
        ('{"a": "tab\there"}', "control character"),
        ('{"a": "\\x"}', "escape"),
        ("[1 2]", "line 1"),
    ],
)
def test_broken_json_is_refused_with_its_place_and_is_not_incomplete(text: str, where: str) -> None:
    error = refused(text)
    assert not error.incomplete
    assert where in error.message


def test_a_second_document_in_the_file_is_refused_by_its_line() -> None:
    error = refused('{"a": 1}\n{"a": 2}')
    assert "line 2" in error.message
    assert not error.incomplete


def test_numbers_that_are_none_become_missing_with_their_place() -> None:
    digits = "9" * 5000
    value, notes = parsed(
        f'{{"a": [NaN, 1], "b": {{"x/y": 1e999}}, "c": -Infinity, "d": {digits}}}'
    )
    assert value == {"a": [None, 1], "b": {"x/y": None}, "c": None, "d": None}
    assert any(note.startswith("/a/0: nan") for note in notes)
    assert any(note.startswith("/b/x~1y: inf") for note in notes)
    assert any(note.startswith("/c: -inf") for note in notes)
    assert any(note.startswith("/d: inf") for note in notes)


def test_of_a_repeated_key_the_last_one_counts_and_is_noted_with_its_place() -> None:
    value, notes = parsed('{"a": {"k": 1, "k": 2}, "b": 3, "b": 4}')
    assert value == {"a": {"k": 2}, "b": 4}
    assert type(value["a"]) is dict
    assert "/a/k: key given twice, the last one counts" in notes
    assert "/b: key given twice, the last one counts" in notes


def test_half_a_character_becomes_the_replacement_character() -> None:
    value, notes = parsed(r'{"a": "x\ud800y", "\udc00": 1, "ok": "\ud83d\ude00"}')
    assert value == {"a": "x\ufffdy", "\ufffd": 1, "ok": "😀"}
    assert json.dumps(value).encode()
    assert any("/a" in note for note in notes)


def test_nesting_is_bounded_at_64_levels_and_deeper_never_crashes() -> None:
    fits = "[" * 64 + "]" * 64
    assert parsed(fits)[0]
    for depth in (65, 900, 100_000):
        error = refused("[" * depth + "]" * depth)
        assert "nested deeper than 64 levels" in error.message
        refused('{"a": ' * depth + "1" + "}" * depth)


def test_a_streamed_list_has_the_same_bound_on_nesting() -> None:
    def streamed(depth: int) -> Any:
        sink = Sink()
        parse_streamed(f'{{"apps": [{"[" * depth}{"]" * depth}]}}', "apps", sink, Notes())
        return sink.items

    assert streamed(62)
    with pytest.raises(ReportSyntaxError, match="nested deeper"):
        streamed(63)


def test_a_streamed_list_goes_to_the_sink_and_the_rest_comes_back() -> None:
    sink = Sink()
    rest = parse_streamed('{"s": {"n": 2}, "apps": [{"a": 1}, 2], "z": 3}', "apps", sink, Notes())
    assert sink.items == [{"a": 1}, 2]
    assert rest == {"s": {"n": 2}, "apps": [], "z": 3}


def test_of_a_list_given_twice_the_last_one_counts() -> None:
    sink, notes = Sink(), Notes()
    parse_streamed('{"apps": [1, 2], "apps": [3]}', "apps", sink, notes)
    assert sink.items == [3]
    assert notes.lines() == ("/apps: key given twice, the last one counts",)


def test_a_root_list_is_streamed_and_anything_else_comes_back_whole() -> None:
    sink = Sink()
    assert parse_streamed("[1, [2]]", ROOT, sink, Notes()) == []
    assert sink.items == [1, [2]]
    assert parse_streamed('{"apps": 5}', "apps", sink, Notes()) == {"apps": 5}
    assert parse_streamed("7", "apps", sink, Notes()) == 7


def test_a_place_inside_a_streamed_list_is_told_from_the_top() -> None:
    notes = Notes()
    parse_streamed('{"apps": [{}, {"m": NaN}]}', "apps", Sink(), notes)
    assert notes.lines() == ("/apps/1/m: nan is no number, taken as missing",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
def test_other_unicode_encodings_are_refused_by_byte_and_name(encoding: str) -> None:
    with pytest.raises(ReportSyntaxError, match=r"not UTF-8 at byte \d") as caught:
        decode('{"a": 1}'.encode(encoding))
    assert "UTF-16" in caught.value.message
    assert not caught.value.incomplete


def test_latin_1_is_refused_with_the_byte() -> None:
    with pytest.raises(ReportSyntaxError, match="not UTF-8 at byte 7"):
        decode('{"a": "é"}'.encode("latin-1"))


def test_a_byte_order_mark_is_tolerated_and_a_character_cut_at_the_end_is_incomplete() -> None:
    assert decode(b"\xef\xbb\xbf{}") == "{}"
    with pytest.raises(ReportSyntaxError) as caught:
        decode('{"a": "é'.encode()[:-1])
    assert caught.value.incomplete


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\xef\xbb\xbf", b"\x00" * 40, b'{"a"\x00\x00'])
def test_an_empty_or_preallocated_file_is_incomplete(data: bytes) -> None:
    with pytest.raises(ReportSyntaxError) as caught:
        decode(data)
    assert caught.value.incomplete


def test_nul_bytes_in_the_middle_are_refused_with_their_place() -> None:
    with pytest.raises(ReportSyntaxError, match="NUL byte at byte 5") as caught:
        decode(b'{"a":\x00\x001}')
    assert not caught.value.incomplete


def test_a_file_over_the_limit_is_refused_in_megabytes() -> None:
    with pytest.raises(ReportTooLargeError, match=r"2\.0 MB, the limit is 1\.0 MB"):
        decode(b" " * 2_000_000, max_bytes=1_000_000)


def test_a_document_that_cannot_be_streamed_has_a_limit_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_json, "MAX_WHOLE", 100)
    text = json.dumps({"apps": ["x" * 50] * 4})
    with pytest.raises(ReportTooLargeError):
        parse(text, Notes())
    sink = Sink()
    parse_streamed(text, "apps", sink, Notes())
    assert len(sink.items) == 4


def test_many_notes_are_bounded_and_counted() -> None:
    _, notes = parsed(json.dumps([float("nan")] * 500))
    assert len(notes) == 41
    assert notes[-1] == "… and 460 more notes"


def test_streaming_holds_one_item_at_a_time() -> None:
    item = json.dumps({"name": "x" * 100, "values": list(range(200))})
    text = '{"apps": [' + ", ".join([item] * 2_000) + "]}"

    class Count:
        seen = 0

        def begin(self) -> None:
            self.seen = 0

        def add(self, index: int, item: Any) -> None:
            self.seen += 1

    def peak(run: Any) -> int:
        tracemalloc.start()
        try:
            run()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    count = Count()
    streamed = peak(lambda: parse_streamed(text, "apps", count, Notes()))
    whole = peak(lambda: parse(text, Notes()))
    assert count.seen == 2_000
    assert streamed < whole / 20
