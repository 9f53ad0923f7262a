"""What makes two files the same evaluation: a digest of the format and its identity fields."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> bytes:
    """Return a value as JSON bytes that are equal for equal values."""
    return _CANONICAL.encode(value).encode("ascii")


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_id(format_id: str, fields: Mapping[str, Any]) -> str:
    """Return the identity of an evaluation, 64 hex digits.

    Args:
        format_id: Format of the file.
        fields: The format's identity fields; no path, no time of logging.
    """
    return hashlib.sha256(canonical({"format": format_id, "identity": dict(fields)})).hexdigest()
