"""A document that comes in pieces of any width is read, or refused, as the same one held whole."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import report_documents as docs
from fuzz_campaign import Damage, sample_folder, seeds
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bounded_json import JSON, Sink

from evaltui.domain.plan import RunPlan
from evaltui.domain.report import Report
from evaltui.errors import ReportError, ReportSyntaxError, ReportTooLargeError
from evaltui.readers import Chunked, bounded_json, preview, read_reports
from evaltui.readers.bounded_json import ROOT, parse, parse_streamed, read_begin
from evaltui.readers.cases import CaseList
from evaltui.readers.document import Pieces, checked, decode
from evaltui.readers.notes import Notes
from evaltui.tracking.mapping import PlanContext, choose_mode, plan_run

DAMAGED = 160
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def in_chunks(data: bytes, width: int) -> Callable[[], Iterator[bytes]]:
    return lambda: (data[at : at + width] for at in range(0, len(data), width))


def chunked(data: bytes, width: int) -> Chunked:
    return Chunked(data[:65_536], len(data), in_chunks(data, width))


def told(error: ReportError) -> tuple[Any, ...]:
    incomplete = isinstance(error, ReportSyntaxError) and error.incomplete
    return type(error), error.message, error.hint, incomplete


def end_of(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ReportError as error:
        return told(error)


def planned(report: Report) -> RunPlan:
    mode, source = choose_mode(report, forced=None)
    context = PlanContext(mode, source, None, None, "ab" * 32, "r.json", "devbox", 1, 2)
    return plan_run(report, context)


def streamed(data: bytes, key: str, width: int | None) -> Any:
    """Return what the sink got, the rest and the notes; or how the document was refused."""

    def read() -> Any:
        sink, notes = Sink(), Notes()
        text: Any
        if width is None:
            text = decode(data)
        else:
            text = Pieces(len(data), checked(in_chunks(data, width), len(data), 1 << 30))
        rest = parse_streamed(text, key, sink, notes)
        return repr(sink.items), repr(rest), notes.lines()  # -0.0 is not 0.0

    return end_of(read)


@given(
    st.dictionaries(st.sampled_from(["apps", "é", "b"]), JSON | st.lists(JSON), max_size=3)
    | st.lists(JSON, max_size=4),
    st.data(),
)
@settings(max_examples=80, deadline=None)
def test_pieces_of_any_width_give_the_same_items_rest_notes_or_refusal(
    value: Any, data: st.DataObject
) -> None:
    text = json.dumps(
        value,
        ensure_ascii=data.draw(st.booleans()),
        indent=data.draw(st.sampled_from([None, 3])),
    ).encode("utf-8", "replace")
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(
            st.sampled_from([text[at:], b"", b"\x00", b"NaN", b"1e999", b'"\\ud8', b"]"])
        )
        text = text[:at] + cut
    key = data.draw(st.sampled_from(["apps", ROOT]))
    whole = streamed(text, key, None)
    for width in (1, 2, 3, data.draw(st.integers(4, 80))):
        assert streamed(text, key, width) == whole


@pytest.mark.parametrize("tail", [b"", b"5", b".5", b"e+5", b"E-12", b"e", b"-", b".", b"x", b"u"])
@pytest.mark.parametrize("word", [b"-1", b"12", b"1.2", b"0", b"tr", b"nul", b"-Infinit", b"NaN"])
def test_a_number_or_word_that_a_window_cuts_is_read_to_its_end(word: bytes, tail: bytes) -> None:
    for document in (b"[%b]", b'{"apps": [%b, 2]}', b'{"apps": %b', b"%b", b"[%b q]"):
        data = document % (word + tail)
        for key in (ROOT, "apps"):
            whole = streamed(data, key, None)
            assert [streamed(data, key, width) for width in (1, 2, 3, 5)] == [whole] * 4


@pytest.mark.parametrize("seed", [7, 20_260_301])
def test_a_damaged_report_in_pieces_becomes_the_same_run_or_the_same_refusal(seed: int) -> None:
    damage, rng = Damage(seeds(sample_folder()), seed), random.Random(seed)
    reports = 0
    for number in range(DAMAGED // 2):
        name, data = damage.make(number)
        source, width = docs.source(name or "x"), rng.choice((2, 17, 1_000))
        whole = end_of(lambda: read_reports(data, source))  # noqa: B023 - called at once
        parts = end_of(
            lambda: read_reports(chunked(data, width), source, keeps_texts=lambda _: True)  # noqa: B023
        )
        short = end_of(lambda: read_reports(chunked(data, width), source))  # noqa: B023
        if not isinstance(whole[0], Report):
            assert parts == short == whole, number
            continue
        reports += 1
        (report,) = whole
        assert replace(parts[0], cases=tuple(parts[0].cases)) == report, number
        assert planned(short[0]) == planned(report), number
    assert reports > 3


def test_every_format_in_pieces_becomes_the_run_that_it_becomes_whole() -> None:
    for data in seeds(sample_folder()):
        source = docs.source()
        whole = end_of(lambda: [planned(item) for item in read_reports(data, source)])  # noqa: B023
        parts = end_of(
            lambda: [planned(item) for item in read_reports(chunked(data, 11), source)]  # noqa: B023
        )
        assert parts == whole


def test_checks_of_one_app_that_were_not_tried_are_told_from_failed_ones_in_pieces() -> None:
    app = docs.k5_app(
        "stock levels",
        "st",
        build_success="vite: cannot resolve ./chart\n" * 50,
        runtime_success="exited with code 1",
        databricks_connectivity="\n  App not running",
        data_returned="APP NOT RUNNING, no request was made" + "." * 400,
        ui_renders="Skipped: no browser",
        deployability="No Dockerfile",
    )
    data = docs.to_bytes(app)
    (whole,) = read_reports(data, docs.source("eval_result.json"))
    (short,) = read_reports(chunked(data, 13), docs.source("eval_result.json"))
    assert planned(short) == planned(whole)
    assert planned(short).tags["evaltui.not_evaluated"] == (
        "databricks_connectivity, data_returned, ui_renders, deployability_pass"
    )
    assert short.metric("build_success_rate") == short.metric("runtime_success_rate") == 0
    assert not any(case.details for case in short.cases)


def test_bytes_that_are_held_but_long_are_read_in_pieces_with_all_their_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = docs.to_bytes(docs.OWN)
    (whole,) = read_reports(data, docs.source())
    monkeypatch.setattr("evaltui.readers.registry.MAX_AT_ONCE", 10)
    monkeypatch.setattr("evaltui.readers.registry.WINDOW_BYTES", 7)
    assert read_reports(data, docs.source()) == (whole,)
    assert any(case.output for case in whole.cases)
    (short,) = read_reports(data, docs.source(), keeps_texts=lambda _: False)
    assert planned(short) == planned(whole)
    assert not any(case.output for case in short.cases)


def test_of_a_file_in_pieces_only_the_cases_asked_for_keep_their_texts() -> None:
    items = [{"id": name, "status": "pass", "output": f"text {name}"} for name in "abc"]
    data = docs.to_bytes({"schema": "evaltui.report/1", "cases": items})
    (report,) = read_reports(
        chunked(data, 9), docs.source(), keeps_texts=lambda case_id: case_id == "b"
    )
    assert [case.output for case in report.cases] == [None, "text b", None]


def test_a_value_longer_than_what_may_be_held_is_refused_and_no_sum_of_shorter_ones() -> None:
    items = [{"id": str(n), "status": "pass", "output": "x" * 300} for n in range(100)]
    data = docs.to_bytes({"schema": "evaltui.report/1", "cases": items})
    (report,) = read_reports(chunked(data, 50), docs.source(), max_whole=1_000)
    assert len(report.cases) == 100
    items[50]["output"] = "x" * 5_000
    data = docs.to_bytes({"schema": "evaltui.report/1", "cases": items})
    with pytest.raises(ReportTooLargeError, match="a value in the file"):
        read_reports(chunked(data, 50), docs.source(), max_whole=1_000)


def test_a_format_that_is_no_list_of_cases_is_refused_above_what_may_be_held() -> None:
    data = docs.to_bytes(docs.k1_app("shop"))
    assert read_reports(chunked(data, 50), docs.source(), max_whole=len(data))
    with pytest.raises(ReportTooLargeError, match="the file has"):
        read_reports(chunked(data, 50), docs.source(), max_whole=len(data) - 1)


def test_what_the_chunks_raise_is_passed_on() -> None:
    def broken() -> Iterator[bytes]:
        yield b'{"schema": "evaltui.report/1", "cases": ['
        raise OSError("gone")

    head = b'{"schema": "evaltui.report/1"}'
    with pytest.raises(OSError, match="gone"):
        read_reports(Chunked(head, 100, broken), docs.source())


def test_the_begin_of_a_document_gives_the_members_before_its_list() -> None:
    text = '{"a": {"n": NaN}, "b": 2, "cases": [{"id": 1}], "c": 3}'
    assert read_begin(text, "cases") == {"a": {"n": None}, "b": 2}
    assert read_begin(text[:24], "cases") == {"a": {"n": None}}
    for nothing in ("", "[1]", "{", "x", '{"cases": ['):
        assert read_begin(nothing, "cases") == {}


def test_packed_cases_are_the_cases_that_were_added() -> None:
    (report,) = read_reports(docs.to_bytes(docs.OWN), docs.source())
    given_cases = [
        replace(report.cases[n % len(report.cases)], case_id=f"{n}", columns={"c": n / 7, "t": "é"})
        for n in range(600)
    ]
    packed = CaseList(packed=True)
    for case in given_cases:
        packed.append(case)
    assert list(packed) == given_cases
    assert [packed[n] for n in (0, 255, 256, 599, -1)] == [
        given_cases[n] for n in (0, 255, 256, 599, -1)
    ]
    assert packed[250:260] == tuple(given_cases[250:260])
    with pytest.raises(IndexError):
        packed[600]


def test_a_long_report_in_pieces_takes_a_small_part_of_its_size() -> None:
    item = {"id": "", "status": "fail", "scores": {"exact": 0, "f1": 0.5}, "output": "x" * 12_000}
    lines = (json.dumps({**item, "id": f"case {n}", "scores": {"f1": n / 9}}) for n in range(500))
    data = ('{"schema": "evaltui.report/1", "cases": [' + ",".join(lines) + "]}").encode()

    def peak(read: Callable[[], Any]) -> int:
        tracemalloc.start()
        try:
            kept = read()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            del kept

    source = docs.source()
    assert peak(lambda: read_reports(chunked(data, 16_384), source)) < len(data) / 5
    assert peak(lambda: read_reports(data, source)) > len(data) / 2


def test_deep_nesting_is_refused_alike_in_pieces() -> None:
    for depth in (62, 63, 900, 50_000):
        data = b'{"apps": [' + b"[" * depth + b"]" * depth + b"]}"
        assert streamed(data, "apps", 1_000) == streamed(data, "apps", None)


def test_a_document_in_pieces_that_is_parsed_whole_has_the_limit_of_its_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = b'{"a": [1, 2, 3]}'
    pieces = Pieces(len(data), in_chunks(data, 3), most=len(data))
    assert parse(pieces, Notes()) == {"a": [1, 2, 3]}
    with pytest.raises(ReportTooLargeError):
        parse(replace(pieces, most=len(data) - 1), Notes())
    monkeypatch.setattr(bounded_json, "MAX_WHOLE", 3)
    with pytest.raises(ReportTooLargeError):
        parse(data.decode(), Notes())


def test_what_the_start_of_a_long_report_tells_is_what_the_whole_of_it_tells() -> None:
    cases = [{"id": f"{n}", "status": "pass", "output": "x" * 500} for n in range(300)]
    metrics = [{"name": "accuracy", "value": 0.5, "direction": "higher"}]
    document = {"schema": "evaltui.report/1", "mode": "mcp", "metrics": metrics, "cases": cases}
    data = docs.to_bytes(document)
    (whole,) = read_reports(data, docs.source())
    found = preview(data[:65_536], docs.source())
    assert found is not None
    assert (found.metrics, found.mode, found.cases) == (whole.metrics, "mcp", ())


def test_a_preview_of_damaged_bytes_is_a_report_or_none() -> None:
    damage = Damage(seeds(sample_folder()), 3)
    found = 0
    for number in range(DAMAGED):
        name, data = damage.make(number)
        found += isinstance(preview(data[:65_536], docs.source(name or "x")), Report)
    assert found > 5


def test_every_format_has_a_preview_of_what_stands_before_its_cases() -> None:
    apps = [docs.k1_app("a", "br"), docs.k1_app("b")]
    for document in (
        docs.k1(apps),
        docs.k2([docs.k2_app("a")]),
        docs.k3([docs.k3_app("a")]),
        docs.k5([docs.k5_app("a")]),
    ):
        found = preview(docs.to_bytes(document), docs.source())
        assert found is not None
        assert found.cases == ()
        assert found.metrics


def test_a_quick_look_passes_over_cases_whose_json_holds_none_of_the_words() -> None:
    items = [{"id": name, "status": "pass", "output": f"text {name}"} for name in "abcab"]
    data = docs.to_bytes({"schema": "evaltui.report/1", "cases": items})
    for width in (1, 9, 10_000):
        (report,) = read_reports(
            chunked(data, width), docs.source(), keeps_texts=lambda _: True, only=('"b"', "text c")
        )
        assert [case.output for case in report.cases] == ["text b", "text c", "text b"]
        assert [case.case_id for case in report.cases] == ["b", "c", "b#2"]
