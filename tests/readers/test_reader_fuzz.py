"""Whatever the bytes are: a Report, or a ReportError. Never another exception."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
import report_documents as docs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaltui.domain.report import Report
from evaltui.errors import ReportError
from evaltui.readers import case_key, companion_names, join_generation, read_reports, recognise

SEEDS: dict[str, Any] = {
    "own": docs.OWN,
    "k1": docs.k1(
        [
            docs.k1_app(
                "a",
                "brtscdu",
                metrics={"appeval_100": 100.0, "eff_units": 12.5, "template_type": "trpc"},
                details={"local_runability": ["✓ a"], "deployability": []},
                generation_metrics={"cost_usd": 0.5, "output_tokens": 10, "turns": 4},
            ),
            docs.stub_app(),
        ],
        generation_metrics={"total_cost_usd": 0.5},
        metrics_summary={"avg_appeval_100": 50.0},
    ),
    "k2": docs.k2([docs.k2_app("a"), docs.k2_error("b")], mode="MCP", type_safety="0/0 (N/A: 2)"),
    "k3": docs.k3([docs.k3_app("a", ui_renders="pass")], ui_renders={"pass": 1, "fail": 0}),
    "k5": docs.k5([docs.k5_app("a", "brl"), docs.k5_app("b", ui_renders="Skipped")]),
    "k4": docs.k1_app("a", "b"),
    "list": [docs.k1_app("a", "b"), docs.k5_app("b")],
    "b5": docs.bulk("b5", [docs.bulk_item("b5", "a"), docs.bulk_item("b5", "b", ok=False)]),
    "b8": [docs.bulk_item("b8", "a")],
    "b9": [docs.bulk_item("b9", "a")],
}
ODD: list[Any] = [None, True, False, 0, -1, 3.5, 1e308, -1e308, 10**400, math.nan, math.inf]
ODD += ["", "N/A", "yes", "3/5", "\ud800", "\x1b[2J\u202e", "x" * 5_000, [], {}, [None], {"a": {}}]
ODD += [[[[[]]]], {"app_name": "z"}, "2026-03-01T02:00:00Z", "0001-01-01T00:00:00+14:00", 10**18]


def read_safely(data: bytes, name: str = "evaluation_report.json") -> Report | None:
    """Read as a program would; anything but a report or a ReportError fails the test."""
    recognise(data[:65_536], name)
    case_key(data)
    neighbours = dict.fromkeys(companion_names(name), data)
    try:
        (report,) = read_reports(data, docs.source(name), neighbours=neighbours)
    except ReportError as error:
        told = error.message
    else:
        check(report)
        check(join_generation(report, report))
        return report
    assert told
    assert "\n" not in told
    return None


def check(report: Report) -> None:
    """Check what every report promises."""
    assert len(report.content_id) == 64
    names = [metric.name for metric in report.metrics]
    assert len(names) == len(set(names))
    assert all(math.isfinite(metric.value) for metric in report.metrics)
    ids = [case.case_id for case in report.cases]
    assert len(ids) == len(set(ids))
    assert all(isinstance(value, str) for value in [*report.params.values(), *report.tags.values()])
    for moment in (report.started_at, report.ended_at):
        assert moment is None or moment.utcoffset() is not None
    for case in report.cases:
        values = [value for value in case.scores.values() if value is not None]
        assert all(math.isfinite(value) for value in values)
    text = repr((report.params, report.tags, report.notes, report.name, ids))
    assert text.encode("utf-8")
    assert report.headline is None or report.headline in names


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a document."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = [place for key, item in inner for place in places(item, (*path, key))]
    return [path, *found]


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return copy.deepcopy(value)
    target = document
    for key in path[:-1]:
        target = target[key]
    if value is _GONE:
        del target[path[-1]]
    else:
        target[path[-1]] = copy.deepcopy(value)
    return document


_GONE = object()


@pytest.mark.parametrize("seed", SEEDS)
def test_each_seed_is_a_report(seed: str) -> None:
    assert read_safely(docs.to_bytes(SEEDS[seed])) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_any_value_anywhere_gives_a_report_or_a_report_error(seed: str) -> None:
    values = [*ODD, _GONE]
    for number, path in enumerate(places(SEEDS[seed])):
        for value in values[number % 4 :: 4]:  # each value meets each kind of place somewhere
            if not path and value is _GONE:
                continue
            document = put(copy.deepcopy(SEEDS[seed]), path, value)
            read_safely(json.dumps(document).encode())


@pytest.mark.parametrize("seed", SEEDS)
def test_every_cut_of_a_report_gives_a_report_or_a_report_error(seed: str) -> None:
    data = docs.to_bytes(SEEDS[seed])
    for end in range(0, len(data), max(1, len(data) // 150)):
        assert read_safely(data[:end]) is None


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_report_error(data: bytes) -> None:
    assert read_safely(data) is None


@given(st.sampled_from(sorted(SEEDS)), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reports_with_flipped_bytes_give_a_report_or_a_report_error(
    seed: str, data: st.DataObject
) -> None:
    text = bytearray(docs.to_bytes(SEEDS[seed]))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    read_safely(bytes(text))


@given(st.sampled_from(sorted(SEEDS)), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reports_with_several_odd_values_give_a_report_or_a_report_error(
    seed: str, data: st.DataObject
) -> None:
    document = copy.deepcopy(SEEDS[seed])
    for _ in range(data.draw(st.integers(1, 4))):
        paths = [path for path in places(document) if path]
        if paths:
            put(document, data.draw(st.sampled_from(paths)), data.draw(st.sampled_from(ODD)))
    read_safely(json.dumps(document).encode())
