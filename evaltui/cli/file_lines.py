"""One line per file: what became of it, as text for people and as JSON lines for programs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from evaltui.domain.events import PENDING_STATES, FileState
from evaltui.domain.text import clean
from evaltui.engine.outcome import Outcome
from evaltui.errors import ExitCode
from evaltui.log import redact

_LINE_LIMIT = 1_000

_WORDS = {
    FileState.FINISHED: "logged",
    FileState.DUPLICATE: "duplicate",
    FileState.SUPERSEDED: "logged",
    FileState.QUARANTINED: "quarantined",
    FileState.IGNORED: "ignored",
    FileState.VANISHED: "ignored",
    FileState.DELETED: "ignored",
}


def add_format_option(parser: argparse.ArgumentParser) -> None:
    """Add `--format table|json`."""
    parser.add_argument(
        "--format",
        choices=("table", "json"),
        default="table",
        help="json: one object per line, schema evaltui.file/1 (default: table)",
    )


def state_word(state: FileState) -> str:
    """Return the state in the words of scripts.

    Returns:
        logged, duplicate, quarantined, pending or ignored.
    """
    return "pending" if state in PENDING_STATES else _WORDS[state]


def file_line(outcome: Outcome, form: str) -> str:
    """Return the line of one file.

    Args:
        outcome: What became of the file; its texts are foreign.
        form: `table` or `json`.
    """
    word = state_word(outcome.state)
    if form == "json":
        return json.dumps(
            {
                "schema": "evaltui.file/1",
                "path": outcome.path,
                "state": word,
                "run_ids": list(outcome.run_ids),
                "format": outcome.format or None,
                "reason": redact(outcome.reason) or None,
                "hint": redact(outcome.hint) or None,
            },
            ensure_ascii=True,
        )
    parts = [f"{word:<11} {clean(outcome.path, limit=_LINE_LIMIT)}"]
    if outcome.run_ids:
        parts.append(f"run {clean(', '.join(outcome.run_ids), limit=_LINE_LIMIT)}")
    parts += [
        clean(redact(text), limit=_LINE_LIMIT) for text in (outcome.reason, outcome.hint) if text
    ]
    return "  ".join(parts)


def exit_code(outcomes: Iterable[Outcome], *, named: bool) -> ExitCode:
    """Return STORE when one was left pending, REPORT when one was quarantined, else OK.

    Args:
        outcomes: The last word on each file.
        named: The files were named one by one, so an ignored one is a failure too.
    """
    words = {state_word(outcome.state) for outcome in outcomes}
    if "pending" in words:
        return ExitCode.STORE
    if "quarantined" in words or (named and "ignored" in words):
        return ExitCode.REPORT
    return ExitCode.OK
