"""Runs the screen as a program: from its start to its exit code and its last words."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

os.environ.setdefault("TEXTUAL_FPS", "120")  # read when Textual is imported: a new screen, and a
# change soon after another, wait for up to one frame

from evaltui.errors import ExitCode
from evaltui.settings import Settings
from evaltui.ui import app as screen
from evaltui.ui.app import real_link
from evaltui.ui.engine_spawn import FEW_THREADS, EarlyEngine
from evaltui.ui.terminal import TerminalDriver

if TYPE_CHECKING:
    from evaltui.domain.list_page import ListPage
    from evaltui.ui.page_keeper import Shelf


def run_app(
    settings: Settings,
    *,
    command: Sequence[str] | None = None,
    finish: bool = True,
    recall: screen.Recall = screen.nothing,
    shelf: Shelf | None = None,
    page: ListPage | None = None,
    early: EarlyEngine | None = None,
) -> int:
    """Run the screen until it is left.

    Args:
        settings: The settings.
        command: Program to start instead of the engine, or None.
        finish: At the end the engine may finish the report at hand behind our back.
        recall: Opens what was known before, to be shown until the store answers.
        shelf: Where the first page of the list lies between two sessions, or None.
        page: What lay there.
        early: An engine that was started already, which is taken or killed; None: there is none.

    Returns:
        The exit code: 0, 70 after a crash, 128 + n after signal n.

    Raises:
        ConfigError: The configured keys name a binding that does not exist.
    """
    for name, value in FEW_THREADS.items():
        os.environ.setdefault(name, value)

    app = screen.EvaltuiApp(
        settings,
        make_link=real_link(command),
        driver_class=TerminalDriver,
        finish=finish,
        recall=recall,
        shelf=shelf,
        page=page,
        early=early,
    )
    try:
        app.run(mouse=settings.mouse)
    finally:
        if app.conductor is not None:
            app.conductor.link.kill()
        app.drop_engine()
    words = _last_words(app)
    if words:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(words + "\n")
            sys.stderr.flush()
    return int(ExitCode.INTERNAL) if app.crash is not None else (app.return_code or 0)


def _last_words(app: screen.EvaltuiApp) -> str:
    """Return what is printed after the screen is gone, or ""."""
    if app.crash is not None:
        return f"evaltui: internal error: {type(app.crash).__name__}; the log has the details"
    if app.conductor is None:
        return ""
    from evaltui.ui.words import farewell  # noqa: PLC0415 - loaded with the conductor

    left = app.conductor.link.left_pid
    return farewell(app.conductor.session.bench.watch, finishing=left)
