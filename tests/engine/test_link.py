from __future__ import annotations

import json
import struct
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltui.domain.events import (
    FileRole,
    FileRow,
    FileState,
    Notice,
    StoreState,
    StoreStatus,
    WatchRole,
    WatchStatus,
)
from evaltui.domain.run import Run, RunStatus
from evaltui.domain.table import RunDelta, RunTable
from evaltui.engine.link import (
    MAX_FRAME_BYTES,
    Event,
    FilesChanged,
    FrameError,
    FrameReader,
    Noticed,
    Reply,
    Request,
    RunsChanged,
    StoreChanged,
    Verb,
    WatchChanged,
    encode,
)

HOSTILE = "Grüße \x1b[2J \ud800 \u2028 \x00"
MESSAGES: list[Request | Event] = [
    Request(1, Verb.DETAIL, {"run_id": HOSTILE}),
    Reply(1, {"nested": [1, None, {"a": HOSTILE}]}, error="bad", hint="try"),
    StoreChanged(StoreStatus("sqlite", "default", "exp", state=StoreState.OFFLINE, since_s=1.5)),
    WatchChanged(WatchStatus(("/a", "/b"), WatchRole.VIEWER, watcher_pid=7, backlog_rate=None)),
    FilesChanged(
        (FileRow(1, 2, HOSTILE, FileState.QUARANTINED, run_ids=("x",), role=FileRole.REPORT),),
        gone=(3, 4),
    ),
    Noticed(Notice("error", HOSTILE, "hint")),
]
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
RUNS = st.builds(
    Run,
    run_id=TEXTS,
    experiment_id=st.just(""),
    name=TEXTS,
    status=st.sampled_from(RunStatus),
    started_ms=st.none() | st.integers(0, 2**44),
    ended_ms=st.none() | st.integers(0, 2**44),
    metrics=st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    params=st.dictionaries(TEXTS, TEXTS, max_size=3),
    tags=st.dictionaries(TEXTS, TEXTS, max_size=3),
)


def frame(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">II", len(header), len(body)) + header + body


def decoded(data: bytes) -> list[Request | Event]:
    return list(FrameReader().feed(data))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent(message: Request | Event) -> None:
    assert decoded(encode(message)) == [message]


@given(st.lists(RUNS, max_size=5, unique_by=lambda run: run.run_id), st.booleans())
def test_a_page_of_runs_arrives_as_it_was_sent(runs: list[Run], reset: bool) -> None:
    delta = RunDelta.from_runs(runs, removed=["gone"], complete=False, total=9)
    (message,) = decoded(encode(RunsChanged(delta, reset)))
    assert isinstance(message, RunsChanged)
    assert message.reset is reset
    there, back = RunTable(), RunTable()
    assert there.apply(delta).tolist() == back.apply(message.delta).tolist()
    assert [back.run(row) for row in range(back.size)] == runs
    assert (back.complete, back.total) == (there.complete, there.total) == (False, 9)
    assert message.delta.removed == ("gone",)


def test_every_field_of_a_page_goes_over_the_link() -> None:
    sent = {"run_ids", "names", "status", "started_ms", "ended_ms", "metrics", "params", "tags"}
    sent |= {"removed", "complete", "total"}
    assert {item.name for item in fields(RunDelta)} == sent


def test_values_go_over_bit_by_bit() -> None:
    values = np.array([0.1, -0.0, np.nan, 1e-320, 1.7976931348623157e308])
    delta = RunDelta(
        run_ids=tuple("abcde"),
        names=("",) * 5,
        status=(0,) * 5,
        started_ms=np.zeros(5),
        ended_ms=np.zeros(5),
        metrics={"m": values[:]},
    )
    (message,) = decoded(encode(RunsChanged(delta)))
    assert isinstance(message, RunsChanged)
    assert message.delta.metrics["m"].tobytes() == values.tobytes()


@given(st.lists(st.integers(1, 40), max_size=200))
def test_a_stream_may_arrive_in_any_pieces(sizes: list[int]) -> None:
    data = b"".join(encode(message) for message in MESSAGES)
    reader = FrameReader()
    found: list[Request | Event] = []
    start = 0
    for size in sizes:
        found += reader.feed(data[start : start + size])
        start += size
    found += reader.feed(data[start:])
    assert found == MESSAGES


def test_a_frame_that_is_cut_off_waits_for_the_rest() -> None:
    data = encode(MESSAGES[0])
    for end in range(len(data)):
        assert decoded(data[:end]) == []


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b"{}",
        b'{"kind": "Nothing"}',
        b'{"kind": ["Reply"]}',
        b'{"kind": "Reply"}',
        b'{"kind": "Reply", "number": 1, "more": 2}',
        b'{"kind": "Request", "number": 1, "verb": "explode", "args": {}}',
        b'{"kind": "FilesChanged", "rows": [1], "gone": []}',
        b'{"kind": "RunsChanged", "delta": {}, "reset": false}',
        b"\xff\xfe",
        b"[" * 200_000,
    ],
)
def test_a_frame_that_is_no_message_is_refused(header: bytes) -> None:
    with pytest.raises(FrameError):
        decoded(frame(header))


def test_arrays_that_do_not_fit_the_page_are_refused() -> None:
    data = encode(RunsChanged(RunDelta.from_runs([])))
    with pytest.raises(FrameError):
        decoded(frame(data[8:], b"12345678"))


def test_columns_that_are_shorter_than_the_page_are_refused() -> None:
    run = Run("r", "", "n", RunStatus.FINISHED, 1, 2, params={"p": "x"})
    data = encode(RunsChanged(RunDelta.from_runs([run])))
    header_size, _ = struct.unpack(">II", data[:8])
    header, body = json.loads(data[8 : 8 + header_size]), data[8 + header_size :]
    for name, value in (("names", []), ("status", [0, 0]), ("params", {"p": []}), ("status", [99])):
        broken = {**header, "delta": {**header["delta"], name: value}}
        with pytest.raises(FrameError):
            decoded(frame(json.dumps(broken).encode(), body))


def test_a_length_that_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(FrameError, match="bytes"):
        decoded(struct.pack(">II", MAX_FRAME_BYTES, 1))


@given(st.binary(max_size=300))
def test_any_bytes_give_messages_or_an_error(data: bytes) -> None:
    reader = FrameReader()
    try:
        found = list(reader.feed(data))
    except FrameError:
        return
    assert all(isinstance(message, Request | Event) for message in found)


@given(st.data())
def test_one_wrong_byte_gives_messages_or_an_error(data: st.DataObject) -> None:
    run = Run("r", "", "n", RunStatus.FINISHED, 1, 2, {"m": 1.0}, {"p": "x"}, {"t": "y"})
    stream = bytearray(
        b"".join(encode(m) for m in (*MESSAGES, RunsChanged(RunDelta.from_runs([run]))))
    )
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at] = data.draw(st.integers(0, 255))
    table = RunTable()
    try:
        for message in FrameReader().feed(bytes(stream)):
            if isinstance(message, RunsChanged):
                table.apply(message.delta)
    except FrameError:
        return
