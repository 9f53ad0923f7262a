"""What evaltui did, as its log tells it."""

from __future__ import annotations

import os

from textual.content import Content

from evaltui.domain.text import clean, clean_lines
from evaltui.errors import ConfigError
from evaltui.log import log_path
from evaltui.settings import Settings

TAIL_BYTES = 64 * 1024
"""How much of the end of the log is shown."""


def end_of_log(settings: Settings) -> tuple[str, list[Content]]:
    """Return a title and the end of the log, newest line last; reads the disk."""
    try:
        path = log_path(settings)
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            data = file.read(TAIL_BYTES)
    except (OSError, ConfigError) as error:
        return "Log", [Content(f"the log cannot be read: {clean(error)}")]
    text = data.decode("utf-8", "replace")
    if size > TAIL_BYTES:
        text = text.partition("\n")[2]  # the first line is cut
    if not text.strip():
        return f"Log {path}", [Content("nothing is in it yet")]
    lines = [Content(line) for line in clean_lines(text.rstrip("\n"), limit=TAIL_BYTES)]
    return f"Log {path}", lines
