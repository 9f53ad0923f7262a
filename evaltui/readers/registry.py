"""The formats evaltui reads, in the order they are recognised."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from evaltui.domain.events import FileRole
from evaltui.domain.report import Report, Source
from evaltui.errors import ReportError, ReportSyntaxError, UnknownFormatError
from evaltui.late_dataclass import dataclass
from evaltui.readers import (
    app_eval_k1,
    app_eval_k2,
    app_eval_k3,
    app_eval_k5,
    app_eval_single,
    bulk_run,
    evaltui_report,
)
from evaltui.readers.bounded_json import parse, read_begin
from evaltui.readers.document import (
    MAX_BYTES,
    MAX_WHOLE,
    Chunked,
    Pieces,
    Text,
    checked,
    decode,
)
from evaltui.readers.head import Head, look
from evaltui.readers.names import has_report_name, is_companion_name
from evaltui.readers.notes import Notes

HEAD_BYTES = 65_536
"""How much of a file is looked at to recognise it."""

_FIRST_LOOK = 4_096  # most reports are known by so much, at a tenth of the work

WINDOW_BYTES = 1024 * 1024
"""How much of a document in pieces is looked at at once; more where one value is longer."""

MAX_AT_ONCE = 8_000_000
"""Longest document whose text is held whole, in bytes."""

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
class Start:
    """What a format is recognised by.

    Attributes:
        head: The first bytes of the file: zip, XML, YAML and JSON lines are told by them.
        name: Its file name, for the few formats that are told by nothing else.
        json: The shape of the head if it is JSON.
    """

    head: bytes
    name: str
    json: Head


KeepsTexts = Callable[[str], bool]
"""Says of a case, by its id as the file gives it, whether its texts are wanted."""


@dataclass(frozen=True, slots=True)
class File:
    """What a format is read from.

    Attributes:
        data: The bytes, or the way to them.
        neighbours: Companions in the same directory by name.
        max_bytes: Largest file that is read.
        max_whole: Largest file, or value in one, that is held whole, in bytes.
        keeps_texts: Whether outputs and details of a case are wanted of a long file; None: of one
            that is held.
        only: See Pieces.
    """

    data: bytes | Chunked
    source: Source
    neighbours: Mapping[str, bytes]
    max_bytes: int
    max_whole: int
    keeps_texts: KeepsTexts | None
    only: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """One format.

    Attributes:
        matches: Whether the start of a file is of this format; never raises.
        read: Returns the reports of a file, at least one; raises only ReportError.
        slow: See `Recognition`.
        preview: Returns what the start of a file tells of its report, or None; never raises.
        early: A match stands whatever follows, so that the first part of the head is enough.
    """

    format: str
    role: FileRole
    matches: Callable[[Start], bool]
    read: Callable[[File], tuple[Report, ...]]
    slow: bool = False
    preview: Callable[[bytes, Source], Report | None] = lambda _head, _source: None
    early: bool = False


ReadDocument = Callable[[Text, Source, Mapping[str, bytes], Notes], Report]
"""Reads the text of a JSON document, with its source, companions and a place for notes."""


def _json_reader(
    format_id: str,
    role: FileRole,
    matches: Callable[[Head], bool],
    read: ReadDocument,
    *,
    cases: str = "",
    early: bool = False,
) -> Reader:
    """Return the reader of a format that is one JSON document with one report.

    Args:
        format_id: Format id.
        role: What such a file is for.
        matches: Whether the shape of its start is of this format.
        read: Reads it.
        cases: Name of its long list, what stands before which tells of the report; "": there is
            none.
        early: See Reader.
    """

    def read_file(file: File) -> tuple[Report, ...]:
        return (read(_text_of(file), file.source, file.neighbours, Notes()),)

    def preview(head: bytes, source: Source) -> Report | None:
        if not cases:
            return None
        try:
            text, _ = codecs.utf_8_decode(head, "strict", False)
            begin = json.dumps(read_begin(text.removeprefix("\ufeff"), cases))
            return read(begin, source, NO_NEIGHBOURS, Notes())
        except (UnicodeDecodeError, ReportError):
            return None

    return Reader(
        format_id,
        role,
        lambda start: matches(start.json),
        read_file,
        preview=preview,
        early=early,
    )


READERS = (
    _json_reader(
        evaltui_report.FORMAT,
        FileRole.REPORT,
        evaltui_report.matches,
        evaltui_report.read,
        cases="cases",
        early=True,
    ),
    _json_reader(
        app_eval_k1.FORMAT,
        FileRole.REPORT,
        app_eval_k1.matches,
        app_eval_k1.read,
        cases="apps",
        early=True,
    ),
    _json_reader(
        app_eval_k2.FORMAT, FileRole.REPORT, app_eval_k2.matches, app_eval_k2.read, cases="apps"
    ),
    _json_reader(
        app_eval_k3.FORMAT, FileRole.REPORT, app_eval_k3.matches, app_eval_k3.read, cases="apps"
    ),
    _json_reader(
        app_eval_k5.FORMAT, FileRole.REPORT, app_eval_k5.matches, app_eval_k5.read, cases="per_app"
    ),
    _json_reader(
        app_eval_single.FORMAT, FileRole.CASE, app_eval_single.matches, app_eval_single.read
    ),
    _json_reader(
        app_eval_single.LIST_FORMAT,
        FileRole.REPORT,
        app_eval_single.matches_list,
        app_eval_single.read_list,
    ),
    _json_reader(bulk_run.FORMAT, FileRole.GENERATION, bulk_run.matches, bulk_run.read),
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
    reader = _reader_of(head, name)
    if reader is not None:
        return Recognition(reader.format, reader.role, reader.slow)
    if _is_trajectory(_start(head, name)):
        return Recognition(_TRAJECTORY, FileRole.COMPANION, slow=True)
    return Recognition()


def preview(head: bytes, source: Source) -> Report | None:
    """Return what the start of a report tells of it, before the rest is read; never raises.

    Its metrics are those the file states itself. It has no cases, and its identity means nothing.

    Args:
        head: Its first bytes, HEAD_BYTES of them or all.
        source: Where it lies.

    Returns:
        The report as far as it is known; None where the format tells nothing before its cases.
    """
    reader = _reader_of(head, source.path.name)
    return None if reader is None else reader.preview(head, source)


def read_reports(
    data: bytes | Chunked,
    source: Source,
    *,
    neighbours: Mapping[str, bytes] = NO_NEIGHBOURS,
    max_bytes: int = MAX_BYTES,
    max_whole: int = MAX_WHOLE,
    keeps_texts: KeepsTexts | None = None,
    only: tuple[str, ...] = (),
) -> tuple[Report, ...]:
    """Return the reports that a file holds, at least one.

    Args:
        data: The whole file, or the way to it.
        source: Where it came from.
        neighbours: Companions in the same directory by name (see `companion_names`).
        max_bytes: Largest file that is read.
        max_whole: Largest value in it that is held whole, in bytes; of formats that are no list of
            cases the whole file.
        keeps_texts: Of which cases of a long file (MAX_AT_ONCE) outputs and details are wanted;
            its cases are kept packed then. None: of all in a file that is held, else of none.
        only: Of a file that is not held, cases are passed over unless their JSON holds one of
            these texts: a quick look at some of them, whose report has another identity.

    Raises:
        UnknownFormatError: No reader knows the content.
        ReportSyntaxError: The text is broken; `incomplete` when it just ends too early.
        ReportSchemaError: A value is not what the format says.
        ReportTooLargeError: The file is larger than `max_bytes`, or a value than `max_whole`.
    """
    file = File(data, source, neighbours, max_bytes, max_whole, keeps_texts, only)
    reader = _reader_of(_head_of(data), source.path.name)
    if reader is None:
        raise _unknown(file)
    return reader.read(file)


def _start(data: bytes, name: str) -> Start:
    head = data[:HEAD_BYTES]
    return Start(head, name, look(head))


def _reader_of(data: bytes, name: str) -> Reader | None:
    if len(data) > _FIRST_LOOK:
        reader = _match(_start(data[:_FIRST_LOOK], name))
        if reader is not None and reader.early:
            return reader
    return _match(_start(data, name))


def _match(start: Start) -> Reader | None:
    return next((reader for reader in READERS if reader.matches(start)), None)


def _text_of(file: File) -> Text:
    """Return the text of a file, in pieces when it is long.

    Raises:
        ReportTooLargeError: The file is larger than it may be.
        ReportSyntaxError: It is empty, holds NUL bytes or is not UTF-8.
    """
    data = file.data
    if isinstance(data, Chunked):
        chunks = checked(data.chunks, data.size, file.max_bytes)
        keeps = file.keeps_texts or (lambda _: False)
        return Pieces(data.size, chunks, file.max_whole, keeps, lean=True, only=file.only)
    if len(data) <= MAX_AT_ONCE:
        return decode(data, max_bytes=file.max_bytes)
    chunks = checked(lambda: _windows(data), len(data), file.max_bytes)
    if file.keeps_texts is None:
        return Pieces(len(data), chunks, file.max_whole)
    return Pieces(len(data), chunks, file.max_whole, file.keeps_texts, lean=True)


def _windows(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), WINDOW_BYTES):
        yield data[start : start + WINDOW_BYTES]


def _head_of(data: bytes | Chunked) -> bytes:
    return data.head if isinstance(data, Chunked) else data[:HEAD_BYTES]


def _unknown(file: File) -> UnknownFormatError:
    """Return the error for a file that no reader knows.

    Raises:
        ReportSyntaxError: It has a report's name and is no whole JSON document.
        ReportTooLargeError: It has, and is too large to be looked into.
    """
    if has_report_name(file.source.path.name):
        try:
            parse(_text_of(file), Notes())
        except ReportSyntaxError as error:
            if error.incomplete or _begins_as_json(_head_of(file.data)):
                raise
    return UnknownFormatError(
        "no known report: its content is of no format that evaltui reads",
        hint='write {"schema": "evaltui.report/1", …} or see the README for the formats',
    )


def _begins_as_json(data: bytes) -> bool:
    """Return whether a file begins as a JSON document does, in whatever encoding."""
    begin = data[:_BEGIN_BYTES].translate(None, _MARKS).lstrip()
    return begin.startswith((b"{", b"["))


def _is_trajectory(start: Start) -> bool:
    """Return whether a file is JSON lines of an agent's messages."""
    first = start.head.lstrip().splitlines()[:1]
    is_line = bool(first) and _ONE_OBJECT.match(first[0]) is not None
    return is_line and start.json.has(*_TRAJECTORY_KEYS)


_BEGIN_BYTES = 64
_MARKS = b"\x00\xff\xfe\xef\xbb\xbf"  # of UTF-16, UTF-32, and byte order marks
_ONE_OBJECT = re.compile(rb"\{.*\}\s*\Z", re.DOTALL)
