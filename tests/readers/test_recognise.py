"""Files are known by their first 64 KiB, never by their name; companions by their name."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
import report_documents as docs
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltui.domain.events import FileRole
from evaltui.errors import ReportSyntaxError, UnknownFormatError
from evaltui.readers import (
    HEAD_BYTES,
    case_key,
    companion_names,
    has_report_name,
    read_reports,
    recognise,
    wants_dot,
)
from evaltui.readers.head import look

APPS = [docs.k1_app("a", "br"), docs.k1_app("b")]
KNOWN: list[tuple[Any, str, FileRole]] = [
    (docs.OWN, "evaltui_report", FileRole.REPORT),
    (docs.k1(APPS), "app_eval_k1", FileRole.REPORT),
    (docs.k2([docs.k2_app("a")]), "app_eval_k2", FileRole.REPORT),
    (docs.k3([docs.k3_app("a")]), "app_eval_k3", FileRole.REPORT),
    (docs.k5([docs.k5_app("a")]), "app_eval_k5", FileRole.REPORT),
    (docs.k1_app("a"), "app_eval_single", FileRole.CASE),
    (docs.k5_app("a"), "app_eval_single", FileRole.CASE),
    (APPS, "app_eval_list", FileRole.REPORT),
    (
        {"bulk_run_metadata": {}, "eval_timestamp": "x", "results": APPS},
        "app_eval_list",
        FileRole.REPORT,
    ),
    *(
        (docs.bulk(variant, [docs.bulk_item(variant, "a")]), "app_bulk_run", FileRole.GENERATION)
        for variant in ("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9")
    ),
]

STRANGERS: list[Any] = [
    {},
    [],
    7,
    {"results": {"arc_easy": {"acc": 0.5}}, "versions": {}},
    {"results": {"results": [], "timestamp": None}},
    {"total_apps": 3, "metrics_summary": {"build": 1}},
    {"summary": {"total_apps": 3}},
    {"summary": {"total_apps": 3, "metrics_summary": {}}},
    {"schema": "other/1", "metrics": []},
    {"app_name": "a", "metrics": 5, "issues": []},
    [{"success": True}],
    {"evaluation_report": docs.k1(APPS)},
    {"cost_usd": 1.0, "input_tokens": 5, "output_tokens": 6, "turns": 7},
]


@pytest.mark.parametrize(("document", "format_id", "role"), KNOWN)
def test_every_format_is_known_by_content_whatever_its_name(
    document: Any, format_id: str, role: FileRole
) -> None:
    for indent in (None, 2):
        found = recognise(json.dumps(document, indent=indent).encode(), "anything.txt")
        assert (found.format, found.role, found.slow) == (format_id, role, False)


@pytest.mark.parametrize("document", STRANGERS)
def test_a_report_name_makes_no_report_of_strange_content(document: Any) -> None:
    assert recognise(docs.to_bytes(document), "evaluation_report.json").format == ""
    with pytest.raises(UnknownFormatError, match="no known report"):
        read_reports(docs.to_bytes(document), docs.source())


def test_a_large_report_is_known_by_its_first_64_kib() -> None:
    data = docs.to_bytes(docs.k1([docs.k1_app(f"app-{number}") for number in range(400)]))
    assert len(data) > 2 * HEAD_BYTES
    assert recognise(data[:HEAD_BYTES], "x.json").format == "app_eval_k1"


def test_evaltuis_own_report_comes_first_and_may_name_its_schema_anywhere_at_the_top() -> None:
    mixed = {**docs.k1(APPS), "schema": "evaltui.report/1"}
    assert recognise(docs.to_bytes(mixed), "x").format == "evaltui_report"
    nested = {"inner": {"schema": "evaltui.report/1"}}
    assert recognise(docs.to_bytes(nested), "x").format == ""


@pytest.mark.parametrize(
    "name",
    [
        "EVALUATION_REPORT.md",
        "EVALUATION_REPORT_20251103_100713.md",
        "evaluation_report.csv",
        "MCP_REPORT.md",
        "run_metadata.json",
        "run_summary.json",
        "generation_metrics.json",
        "trajectory.jsonl",
    ],
)
def test_companions_are_known_by_name(name: str) -> None:
    assert recognise(b"anything", name).role is FileRole.COMPANION


def test_an_agents_trajectory_is_a_companion_that_needs_rest() -> None:
    line: dict[str, Any] = {
        "role": "assistant",
        "content": None,
        "tool_calls": [],
        "timestamp": "2025-01-01",
    }
    found = recognise(docs.to_bytes(line) + b"\n" + docs.to_bytes(line) + b"\n", "log.jsonl")
    assert (found.format, found.role, found.slow) == ("app_trajectory", FileRole.COMPANION, True)


@given(st.binary(max_size=400) | st.text(alphabet='{}[]",:\\ a1', max_size=200).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_recognising_never_raises(data: bytes) -> None:
    assert recognise(data, "evaluation_report.json").role in set(FileRole)


def test_recognising_a_hostile_head_takes_no_time_to_speak_of() -> None:
    for unit in (b"[", b'{"a":', b'"', b"\\", b'"\\', b"{}", b'[{"k":[', b"\xff"):
        data = unit * (HEAD_BYTES // len(unit))
        assert recognise(data, "x.json").role is FileRole.UNKNOWN


def test_the_head_shows_keys_in_order_and_paths_through_lists() -> None:
    head = look(
        b'\xef\xbb\xbf {"b": 1, "a\\"b": [{"c": "t", "d": {"e": [2]}}], "s": "text", "cut": "te'
    )
    assert head.keys == ("b", 'a\\"b', "s", "cut")
    assert head.kinds['a\\"b[].c'] == '"'
    assert head.kinds['a\\"b[].d.e'] == "["
    assert head.texts == {"s": "text"}


def test_a_report_that_is_cut_before_it_can_be_known_is_incomplete_by_its_name() -> None:
    cut = docs.to_bytes(docs.k1(APPS))[:20]
    with pytest.raises(ReportSyntaxError) as caught:
        read_reports(cut, docs.source("evaluation_report.json"))
    assert caught.value.incomplete
    with pytest.raises(UnknownFormatError):
        read_reports(cut, docs.source("data.json"))


@pytest.mark.parametrize("data", [b"", b"\x00" * 99, b'{"summary": nope}'])
def test_a_broken_file_with_a_report_name_says_what_is_broken(data: bytes) -> None:
    with pytest.raises(ReportSyntaxError):
        read_reports(data, docs.source())


def test_text_with_a_report_name_is_no_report() -> None:
    with pytest.raises(UnknownFormatError):
        read_reports(b"hello", docs.source())


def test_a_report_has_the_companions_that_were_written_with_it() -> None:
    assert companion_names("evaluation_report.json") == (
        "EVALUATION_REPORT.md",
        "evaluation_report.csv",
        "run_metadata.json",
        "run_summary.json",
        "generation_metrics.json",
    )
    assert companion_names("vanilla_report.json")[:1] == ("VANILLA_REPORT.md",)
    assert companion_names("other.json") == ()


def test_a_renamed_report_keeps_its_own_companions_only() -> None:
    assert companion_names("evaluation_report_20251103_100713.json") == (
        "EVALUATION_REPORT_20251103_100713.md",
        "evaluation_report_20251103_100713.csv",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("evaluation_report.json", True),
        ("evaluation_report_20251103_100713.json", True),
        ("mcp_report.json", True),
        ("eval_result.json", True),
        ("eval_results_1762160400.json", True),
        ("churn_eval.json", True),
        ("bulk_run_results_litellm_20251103_100000.json", True),
        ("local_bulk_results_20260106_100000.json", True),
        ("report.json", False),
        ("evaluation_report.json.tmp", False),
        ("package.json", False),
    ],
)
def test_usual_report_names_are_known(name: str, expected: bool) -> None:
    assert has_report_name(name) is expected


def test_no_format_so_far_has_names_with_a_leading_dot() -> None:
    assert not wants_dot(".evaluation_report.json")


def test_a_per_app_file_has_a_key_to_join_it_with_its_report() -> None:
    app = docs.k5_app("churn")
    assert case_key(docs.to_bytes(app)) == ("churn", "2026-03-02T23:56:12.181904+00:00")
    del app["timestamp"]
    assert case_key(docs.to_bytes(app)) == ("churn", "")
    for other in (b"", b"{", b"[]", docs.to_bytes(docs.k1(APPS)), b'{"app_name": 1}'):
        assert case_key(other) is None


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"bb":'])
def test_deep_nesting_costs_no_more_than_the_text(opening: str) -> None:
    head = (opening * 65_536).encode()[:65_536]
    tracemalloc.start()
    recognise(head, "evaluation_report.json")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("text", ['{"summary": {}}', " [1]"])
def test_a_report_in_another_encoding_is_told_as_that(encoding: str, text: str) -> None:
    with pytest.raises(ReportSyntaxError, match="UTF-16 or UTF-32"):
        read_reports(text.encode(encoding), docs.source("evaluation_report.json"))
