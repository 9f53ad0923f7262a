"""Files beside a report that say more about it: its Markdown, `run_metadata.json` and others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, tzinfo
from typing import Any

from evaltui.errors import ReportError
from evaltui.late_dataclass import dataclass
from evaltui.readers import bounded_json, shape
from evaltui.readers.apps import MAX_NAME
from evaltui.readers.document import decode
from evaltui.readers.notes import Notes
from evaltui.readers.times import read_time, zone_between

RUN_METADATA = "run_metadata.json"
RUN_SUMMARY = "run_summary.json"
GENERATION_METRICS = "generation_metrics.json"
MAX_COMPANION_BYTES = 1_000_000

COMPANION_PARAM = "run_metadata."
"""Start of the names of params that a companion gives: another companion, same evaluation."""

_GENERATED = re.compile(r"^\*\*Generated:\*\*[ \t]*(\S[^\r\n]{0,60})", re.MULTILINE)
_FLAT = ("environment", "parameters")
_LEFT_OUT = frozenset({"mode", "timestamp", "date_human", *_FLAT})
_MODES_OF_NAMES = (
    (re.compile(r"mcp[_-]report\b", re.IGNORECASE), "mcp"),
    (re.compile(r"vanilla[_-]report\b", re.IGNORECASE), "vanilla_sdk"),
)


@dataclass(slots=True)
class RunMetadata:
    """What the evaluation scripts wrote about a whole run.

    Attributes:
        params: Texts by name.
        mode: Mode as it stands there, or None.
        written_at: When it was written, aware UTC, or None.
        zone: Zone of the machine that wrote it, or None when the file does not tell.
    """

    params: dict[str, str] = field(default_factory=dict)
    mode: str | None = None
    written_at: datetime | None = None
    zone: tzinfo | None = None


def run_metadata(neighbours: Mapping[str, bytes], notes: Notes) -> RunMetadata:
    """Read `run_metadata.json` (or `run_summary.json`) of the report's directory.

    A file that cannot be read is noted and left out.
    """
    for name in (RUN_METADATA, RUN_SUMMARY):
        document = read_companion(neighbours, name, notes)
        if document:
            return _metadata(document, name, notes)
    return RunMetadata()


def read_companion(neighbours: Mapping[str, bytes], name: str, notes: Notes) -> dict[str, Any]:
    """Return the object in a companion, empty when there is none or it is broken (noted)."""
    data = neighbours.get(name)
    if data is None:
        return {}
    try:
        text = decode(data, max_bytes=MAX_COMPANION_BYTES)
        return shape.as_object(bounded_json.parse(text, Notes()), "")
    except ReportError as error:
        notes.add(f"{name}: left out, {error.message}")
        return {}


def generated_at(
    markdown: bytes | None, notes: Notes, *, zone: tzinfo | None = None
) -> datetime | None:
    """Return the time in the `**Generated:**` line of a report's Markdown, or None."""
    if markdown is None:
        return None
    line = _GENERATED.search(markdown[:MAX_COMPANION_BYTES].decode("utf-8", errors="replace"))
    return None if line is None else read_time(line[1].strip(), "the Markdown", notes, zone=zone)


def mode_of_name(name: str) -> str | None:
    """Return the mode that a report's file name stands for (`mcp_report.json`), or None."""
    return next((mode for pattern, mode in _MODES_OF_NAMES if pattern.match(name)), None)


def _metadata(document: dict[str, Any], name: str, notes: Notes) -> RunMetadata:
    flat = {key: value for key, value in document.items() if key not in _LEFT_OUT}
    for part in _FLAT:
        inner = document.get(part)
        flat |= inner if isinstance(inner, dict) else {}
    params = {
        shape.cut(f"{COMPANION_PARAM}{key}", MAX_NAME): text
        for key, value in flat.items()
        if (text := shape.plain(value, limit=MAX_NAME))
    }
    mode = document.get("mode")
    return RunMetadata(
        params=params,
        mode=mode if isinstance(mode, str) and mode.strip() else None,
        written_at=read_time(document.get("timestamp"), name, notes),
        zone=zone_between(document.get("date_human"), document.get("timestamp")),
    )
