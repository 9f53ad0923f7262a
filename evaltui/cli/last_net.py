"""The last net for errors of a process: whatever happens becomes one line and an exit code."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from evaltui.errors import EvaltuiError, ExitCode

Tell = Callable[[str, str | None], None]
"""Tells of an error: its message, and what to do about it."""


def run_in_net(work: Callable[[], int], tell: Tell) -> int:
    """Do the work of a process.

    Args:
        work: Returns the exit code.
        tell: Called with what went wrong. A traceback goes to the log alone: locals and tokens
            never reach the terminal.

    Returns:
        The exit code; 70 after a fault of the program's own.
    """
    try:
        return work()
    except EvaltuiError as error:
        tell(error.message, error.hint)
        return error.exit_code
    except Exception as error:
        logging.getLogger("evaltui").critical("internal error", exc_info=error)
        tell(f"internal error: {type(error).__name__}: {error}", _where())
        return ExitCode.INTERNAL


def _where() -> str | None:
    files = [
        handler.baseFilename
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.FileHandler)
    ]
    return f"details: {Path(files[0])}" if files else None
