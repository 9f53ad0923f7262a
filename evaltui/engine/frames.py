"""Frames on the pipes between screen and engine: two lengths, a JSON header, raw bytes.

Apart from the messages, which need numpy: the first request is sent before that is imported.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

LENGTHS = struct.Struct(">II")
"""Length of the header and of the bytes behind it."""


def frame(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Return a frame."""
    text = json.dumps(header, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return LENGTHS.pack(len(text), len(body)) + text + body
