"""The formats evaltui reads, in the order they are recognised."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evaltui.domain.events import FileRole
from evaltui.domain.report import Report, Source
from evaltui.errors import ReportSyntaxError, UnknownFormatError
from evaltui.readers import (
    app_eval_k1,
    app_eval_k2,
    app_eval_k3,
    app_eval_k5,
    app_eval_single,
    bulk_run,
    evaltui_report,
)
from evaltui.readers.bounded_json import MAX_BYTES, decode, parse
from evaltui.readers.head import Head, look
from evaltui.readers.names import has_report_name, is_companion_name
from evaltui.readers.notes import Notes

HEAD_BYTES = 65_536
"""How much of a file is looked at to recognise it."""

NO_NEIGHBOURS: Mapping[str, bytes] = MappingProxyType({})

_TRAJECTORY = "app_trajectory"
_TRAJECTORY_KEYS = ("role", "tool_calls", "timestamp")


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file is by its start.

    Attributes:
        format: Format id, "" when no reader knows it.
        role: What the file is for.
        slow: Whether the file may be complete text at any moment while it grows (YAML, JSON
            lines), so that it has to rest longer before it is taken.
    """

    format: str = ""
    role: FileRole = FileRole.UNKNOWN
    slow: bool = False


@dataclass(frozen=True, slots=True)
class JsonReader:
    """A format that is one JSON document.

    Attributes:
        matches: Whether the start of a file is of this format.
        read: Reads the text of a file, its companions at hand; raises only ReportError.
    """

    format: str
    role: FileRole
    matches: Callable[[Head], bool]
    read: Callable[[str, Source, Mapping[str, bytes], Notes], Report]


READERS = (
    JsonReader(evaltui_report.FORMAT, FileRole.REPORT, evaltui_report.matches, evaltui_report.read),
    JsonReader(app_eval_k1.FORMAT, FileRole.REPORT, app_eval_k1.matches, app_eval_k1.read),
    JsonReader(app_eval_k2.FORMAT, FileRole.REPORT, app_eval_k2.matches, app_eval_k2.read),
    JsonReader(app_eval_k3.FORMAT, FileRole.REPORT, app_eval_k3.matches, app_eval_k3.read),
    JsonReader(app_eval_k5.FORMAT, FileRole.REPORT, app_eval_k5.matches, app_eval_k5.read),
    JsonReader(
        app_eval_single.FORMAT, FileRole.CASE, app_eval_single.matches, app_eval_single.read
    ),
    JsonReader(
        app_eval_single.LIST_FORMAT,
        FileRole.REPORT,
        app_eval_single.matches_list,
        app_eval_single.read_list,
    ),
    JsonReader(bulk_run.FORMAT, FileRole.GENERATION, bulk_run.matches, bulk_run.read),
)
"""First match wins."""


def recognise(head: bytes, name: str) -> Recognition:
    """Return what a file is; never raises.

    Args:
        head: Its first bytes, HEAD_BYTES of them or all.
        name: Its file name: companions of a report are known by theirs.
    """
    if is_companion_name(name):
        is_log = name.endswith(".jsonl")
        return Recognition(_TRAJECTORY if is_log else "", FileRole.COMPANION, slow=is_log)
    shape = look(head[:HEAD_BYTES])
    reader = _reader_of(shape)
    if reader is not None:
        return Recognition(reader.format, reader.role)
    if _is_trajectory(shape, head):
        return Recognition(_TRAJECTORY, FileRole.COMPANION, slow=True)
    return Recognition()


def read_reports(
    data: bytes,
    source: Source,
    *,
    neighbours: Mapping[str, bytes] = NO_NEIGHBOURS,
    max_bytes: int = MAX_BYTES,
) -> tuple[Report, ...]:
    """Return the reports that a file holds, at least one.

    Args:
        data: The whole file.
        source: Where it came from.
        neighbours: Companions in the same directory by name (see `companion_names`).
        max_bytes: Largest file that is read.

    Raises:
        UnknownFormatError: No reader knows the content.
        ReportSyntaxError: The text is broken; `incomplete` when it just ends too early.
        ReportSchemaError: A value is not what the format says.
        ReportTooLargeError: The file is larger than `max_bytes`.
    """
    reader = _reader_of(look(data[:HEAD_BYTES]))
    if reader is None:
        raise _unknown(data, source.path.name, max_bytes)
    notes = Notes()
    text = decode(data, max_bytes=max_bytes)
    return (reader.read(text, source, neighbours, notes),)


def _reader_of(shape: Head) -> JsonReader | None:
    if not shape.root:
        return None
    return next((reader for reader in READERS if reader.matches(shape)), None)


def _unknown(data: bytes, name: str, max_bytes: int) -> UnknownFormatError:
    """Return the error for a file that no reader knows.

    Raises:
        ReportSyntaxError: It has a report's name and is no whole JSON document.
    """
    if has_report_name(name):
        try:
            parse(decode(data, max_bytes=max_bytes), Notes())
        except ReportSyntaxError as error:
            if error.incomplete or _JSON_START.match(data):
                raise
    return UnknownFormatError(
        "no known report: its content is of no format that evaltui reads",
        hint='write {"schema": "evaltui.report/1", …} or see the README for the formats',
    )


def _is_trajectory(shape: Head, head: bytes) -> bool:
    """Return whether a file is JSON lines of an agent's messages."""
    first = head[:HEAD_BYTES].lstrip().splitlines()[:1]
    return shape.has(*_TRAJECTORY_KEYS) and bool(first) and _ONE_OBJECT.match(first[0]) is not None


_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")
_ONE_OBJECT = re.compile(rb"\{.*\}\s*\Z", re.DOTALL)
