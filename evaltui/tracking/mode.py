"""The mode of a run: who has the last word, and what the words of old reports mean."""

from __future__ import annotations

import re

from evaltui.domain.report import ModeSource, Report
from evaltui.domain.text import clean

DEFAULT_MODE = "manual"
MAX_MODE = 80

_KNOWN = (
    (re.compile(r"mcp(?=[\s(]|$)", re.IGNORECASE), "mcp"),
    (re.compile(r"vanilla[ _-]?sdk(?=[\s(]|$)", re.IGNORECASE), "vanilla_sdk"),
)


def choose_mode(
    report: Report, *, forced: tuple[str, ModeSource] | None = None
) -> tuple[str, ModeSource]:
    """Return the mode of a report's run and where it comes from.

    Args:
        report: The report; its own statement counts when nothing is forced.
        forced: Mode from a flag, argument, environment or watched directory, or None. A blank one
            counts as none.
    """
    if forced is not None and (mode := normalise_mode(forced[0])):
        return mode, forced[1]
    if report.mode and (mode := normalise_mode(report.mode)):
        return mode, report.mode_source
    return DEFAULT_MODE, ModeSource.DEFAULT


def normalise_mode(text: str) -> str:
    """Return the short form of a mode, or "" for a blank one.

    `MCP (TypeScript/tRPC)` is `mcp`, `Vanilla SDK (Streamlit)` is `vanilla_sdk`; other words stay
    as they are, on one line.
    """
    words = clean(text, limit=MAX_MODE).strip()
    return next((mode for pattern, mode in _KNOWN if pattern.match(words)), words)
