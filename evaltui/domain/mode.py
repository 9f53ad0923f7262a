"""Mode names: what the words of reports and people mean."""

from __future__ import annotations

import re

from evaltui.domain.text import clean

MAX_MODE = 80
"""Longest mode in characters."""

_KNOWN = (
    (re.compile(r"mcp(?=[\s(]|$)", re.IGNORECASE), "mcp"),
    (re.compile(r"vanilla[ _-]?sdk(?=[\s(]|$)", re.IGNORECASE), "vanilla_sdk"),
)


def normalise_mode(text: str) -> str:
    """Return the short form of a mode, or "" for a blank one.

    `MCP (TypeScript/tRPC)` is `mcp`, `Vanilla SDK (Streamlit)` is `vanilla_sdk`; other words stay
    as they are, on one line.
    """
    words = " ".join(clean(text, limit=MAX_MODE).split())
    return next((mode for pattern, mode in _KNOWN if pattern.match(words)), words)
