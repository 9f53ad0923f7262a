"""Whether a screen can be drawn here at all; loads nothing of the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import IO

INSTEAD = "evaltui watch DIR"
"""What to run where there is no terminal."""

_NO_SCREEN_TERMS = {"", "dumb", "unknown"}


def refusal(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return in a few words why no screen can be drawn here, or None when it can."""
    for name in ("stdin", "stdout", "stderr"):
        if not _is_terminal(getattr(sys, f"__{name}__")):
            return f"{name} is not a terminal"
    term = environ.get("TERM", "")
    if term in _NO_SCREEN_TERMS:
        return f"TERM={term or '(not set)'} promises no cursor movement"
    return None


def _is_terminal(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and os.isatty(stream.fileno())
    except (OSError, ValueError):
        return False
