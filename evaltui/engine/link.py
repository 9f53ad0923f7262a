"""Messages between the screen and the engine, and the frames that carry them over a pipe.

A frame is two big-endian 32-bit lengths, a JSON header of the first length, and raw bytes of the
second (the arrays of a page of runs). The screen knows the engine by this module alone.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

import numpy as np

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
from evaltui.domain.table import STATUSES, RunDelta
from evaltui.engine.frames import LENGTHS, frame
from evaltui.late_dataclass import dataclass

MAX_FRAME_BYTES = 256 * 1024 * 1024
"""A longer frame is taken for a broken stream."""


class Verb(StrEnum):
    """What the screen may ask for. Arguments and answers are JSON objects.

    START: `{"settings": …, "cwd": str, "shown": str}`, the settings as `Settings.to_json` gives
        them, the directory that relative paths start from, and the token of the mirror that the
        screen shows, or ""; first request, answered with `{}`.
    REFRESH: `{}`; polls and sweeps now.
    PAUSE: `{"on": bool}`; no polls while on (ingesting goes on).
    DETAIL: `{"run_id": str}`; answered with the fields of `RunDetail`.
    PAGE: `{"run_ids": [run id]}`; where to look at runs in a browser: none for the experiment, one
        for a run, several side by side. Answered with the fields of `WebPage`.
    BASELINE: `{"run_id": str | null}`; sets or clears the shared baseline. Answered with
        `{"run_id": str, "shared": bool, "previous": str, "note": str}`.
    COMPARE: `{"baseline": run id, "candidates": [run id, at most 19], "directions": {metric:
        "higher" | "lower" | "neutral"}?}`; directions of this session win over configuration and
        experiment. Answered with an `evaltui.compare/1` document and `"gone": [run id]`, the
        candidates that are no longer there. `domain.comparison_json.from_document` makes
        `Comparison`s of it: per candidate `metrics` with ci, p_value, p_adjusted, test, n, verdict,
        reason and `detail` (the statistics view), `cases` (null where those of a run are not
        known) with `tallies` per check, `fixed`, `regressed` and `rows`, changed ones first, then
        the outcome of every case (3,000 of one candidate, fewer of each of several); `verdict` and
        `reason` of the run.
    CASE: `{"run_ids": [run id], "case_id": str}`, the id as a row of COMPARE has it. Answered with
        `{"case_id": str, "runs": [{"run_id": str, "cases": [case], "note": str}]}`: a case has
        case_id, group, status, scores, columns, reason, output, details (texts by name),
        duration_s, cost_usd; several where it was repeated, none where the run lacks it.
    DIRECTION: `{"metric": str, "direction": "higher" | "lower" | "neutral" | null}`; sets or clears
        which way a metric gets better, for everybody. Answered with `{"metric": str, "direction":
        str, "shared": bool, "note": str}`; where it is not shared it holds for the session.
    FOLDER: `{"path": str}`; makes the folder that `StoreStatus.missing_folder` names; the reports
        that wait for it go on. Answered with `{"path": str}`.
    WATCH: `{"path": str}`; starts to watch a directory. Answered with `{"path": str}`.
    RETRY: `{"path": str}`; tries a quarantined or waiting file again.
    IGNORE: `{"path": str}`; leaves a file alone until it is retried.
    SURVEY: `{"path": str}`; counts recognised reports below a directory (bounded walk). Answered
        with `{"path": str, "reports": int, "more": bool, "env_file": str}`.
    STOP: `{}`; the engine finishes the report at hand and exits.
    """

    START = "start"
    REFRESH = "refresh"
    PAUSE = "pause"
    DETAIL = "detail"
    PAGE = "page"
    BASELINE = "baseline"
    COMPARE = "compare"
    CASE = "case"
    DIRECTION = "direction"
    FOLDER = "folder"
    WATCH = "watch"
    RETRY = "retry"
    IGNORE = "ignore"
    SURVEY = "survey"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Request:
    """A wish of the screen; `number` comes back in the Reply."""

    number: int
    verb: Verb
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The engine's answer; `error` is "" when it went well."""

    number: int
    payload: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class StoreChanged:
    """The tracking target's status changed."""

    status: StoreStatus


@dataclass(frozen=True, slots=True)
class WatchChanged:
    """The watch's figures changed."""

    status: WatchStatus


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """Files of the watch list that are new or changed, by `file_id`.

    Attributes:
        rows: The changed rows.
        gone: `file_id`s that are no longer listed (forgotten by a newer version of the path).
    """

    rows: tuple[FileRow, ...]
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RunsChanged:
    """A page of runs; `reset` says that everything known before is to be forgotten."""

    delta: RunDelta
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Noticed:
    """A line for the person."""

    notice: Notice


Event = Reply | StoreChanged | WatchChanged | FilesChanged | RunsChanged | Noticed
"""What the engine sends."""


class FrameError(Exception):
    """The stream does not hold a frame where one must be."""


def encode(message: Request | Event) -> bytes:
    """Return the frame of a message."""
    body = b""
    if isinstance(message, RunsChanged):
        fields, body = _pack_delta(message.delta)
        header: dict[str, Any] = {"delta": fields, "reset": message.reset}
    elif isinstance(message, Reply):  # by hand: `asdict` would copy the payload item by item
        header = {name: getattr(message, name) for name in Reply.__dataclass_fields__}
    else:
        header = dataclasses.asdict(message)
    header["kind"] = type(message).__name__
    return frame(header, body)


class FrameReader:
    """Cuts a byte stream into messages; feed it whatever arrives."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Request | Event]:
        """Yield every message that `data` completes.

        Raises:
            FrameError: The stream is not made of frames; it cannot be read any further.
        """
        self._buffer += data
        while True:
            if len(self._buffer) < LENGTHS.size:
                return
            header_size, body_size = LENGTHS.unpack_from(self._buffer)
            end = LENGTHS.size + header_size + body_size
            if end > MAX_FRAME_BYTES:
                raise FrameError(f"frame of {end} bytes")
            if len(self._buffer) < end:
                return
            header = bytes(self._buffer[LENGTHS.size : LENGTHS.size + header_size])
            body = bytes(self._buffer[LENGTHS.size + header_size : end])
            del self._buffer[:end]
            yield decode(header, body)


def decode(header: bytes, body: bytes) -> Request | Event:
    """Return the message of one frame.

    Raises:
        FrameError: The header is not a message of this module.
    """
    try:
        fields = json.loads(header)
        kind = fields.pop("kind")
        return _DECODERS[kind](fields, body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FrameError(f"unreadable frame: {error}") from error


def _pack_delta(delta: RunDelta) -> tuple[dict[str, Any], bytes]:
    arrays = [delta.started_ms, delta.ended_ms, *delta.metrics.values()]
    body = b"".join(np.ascontiguousarray(array, dtype="<f8").tobytes() for array in arrays)
    fields = {
        "run_ids": delta.run_ids,
        "names": delta.names,
        "status": delta.status,
        "metrics": list(delta.metrics),
        "params": {name: list(values) for name, values in delta.params.items()},
        "tags": {name: list(values) for name, values in delta.tags.items()},
        "removed": delta.removed,
        "complete": delta.complete,
        "total": delta.total,
    }
    return fields, body


def _unpack_delta(fields: Mapping[str, Any], body: bytes) -> RunDelta:
    run_ids = tuple(fields["run_ids"])
    names = fields["metrics"]
    arrays = np.frombuffer(body, dtype="<f8").reshape(2 + len(names), len(run_ids))
    texts = [*fields["params"].values(), *fields["tags"].values()]
    for column in (fields["names"], fields["status"], *texts):
        if len(column) != len(run_ids):
            raise ValueError(f"a column of {len(column)} for {len(run_ids)} runs")
    if not all(0 <= code < len(STATUSES) for code in fields["status"]):
        raise ValueError("an unknown run status")
    return RunDelta(
        run_ids=run_ids,
        names=tuple(fields["names"]),
        status=tuple(fields["status"]),
        started_ms=arrays[0],
        ended_ms=arrays[1],
        metrics=dict(zip(names, arrays[2:], strict=True)),
        params=fields["params"],
        tags=fields["tags"],
        removed=tuple(fields["removed"]),
        complete=fields["complete"],
        total=fields["total"],
    )


def _file_row(fields: dict[str, Any]) -> FileRow:
    fields["state"] = FileState(fields["state"])
    fields["role"] = FileRole(fields["role"])
    fields["run_ids"] = tuple(fields["run_ids"])
    return FileRow(**fields)


def _store_status(fields: dict[str, Any]) -> StoreStatus:
    return StoreStatus(**{**fields, "state": StoreState(fields["state"])})


def _watch_status(fields: dict[str, Any]) -> WatchStatus:
    roots = tuple(fields["roots"])
    return WatchStatus(**{**fields, "roots": roots, "role": WatchRole(fields["role"])})


_DECODERS: Mapping[str, Callable[[dict[str, Any], bytes], Request | Event]] = {
    "Request": lambda f, _: Request(f["number"], Verb(f["verb"]), f["args"]),
    "Reply": lambda f, _: Reply(**f),
    "StoreChanged": lambda f, _: StoreChanged(_store_status(f["status"])),
    "WatchChanged": lambda f, _: WatchChanged(_watch_status(f["status"])),
    "FilesChanged": lambda f, _: FilesChanged(
        tuple(_file_row(row) for row in f["rows"]), tuple(f["gone"])
    ),
    "RunsChanged": lambda f, body: RunsChanged(_unpack_delta(f["delta"], body), f["reset"]),
    "Noticed": lambda f, _: Noticed(Notice(**f["notice"])),
}
