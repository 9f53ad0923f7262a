"""Bytes to reports: one module per format, a registry, bounded JSON.

Formats are recognised by content; names only pair companions with their report. A new format is a
module with `matches` and `read`, and a line in `registry.READERS`.
"""

from evaltui.readers.app_eval_single import case_key
from evaltui.readers.document import MAX_BYTES, Chunked
from evaltui.readers.generation import join_generation, pick_generation
from evaltui.readers.names import companion_names, has_report_name, wants_dot
from evaltui.readers.registry import (
    HEAD_BYTES,
    Recognition,
    preview,
    read_reports,
    recognise,
)

__all__ = [
    "HEAD_BYTES",
    "MAX_BYTES",
    "Chunked",
    "Recognition",
    "case_key",
    "companion_names",
    "has_report_name",
    "join_generation",
    "pick_generation",
    "preview",
    "read_reports",
    "recognise",
    "wants_dot",
]
