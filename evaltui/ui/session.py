"""What the parts of the screen share: state, signs, clock, and the way to ask the engine."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from evaltui.engine.link import Reply, Verb
from evaltui.late_dataclass import dataclass
from evaltui.settings import Settings
from evaltui.ui.glyphs import BLOCK, Glyphs
from evaltui.ui.model import Workbench
from evaltui.ui.words import EngineTrouble, Survey

Ask = Callable[[Verb, Mapping[str, Any], str], Awaitable[Reply | None]]
"""Asks the engine: verb, arguments, slot; None when it is not there or was asked anew."""


async def nobody(verb: Verb, args: Mapping[str, Any], slot: str) -> Reply | None:
    """Answer nothing, as an engine that is not there."""
    del verb, args, slot
    return None


def working_directory() -> str:
    """Return the current directory, or "/" when it was deleted under us."""
    try:
        return str(Path.cwd())
    except OSError:
        return "/"


@dataclass(slots=True)
class Session:
    """One run of the screen.

    Attributes:
        settings: The settings.
        bench: The state of the screen.
        glyphs: Signs to draw with.
        keymap: Configured keys by binding id.
        clock: Epoch seconds of now.
        cwd: The directory the program was started in.
        ask: Asks the engine.
        trouble: Why there is no engine, or None.
        survey: What lies below `cwd`, or None before it was looked at.
    """

    settings: Settings
    bench: Workbench = field(default_factory=Workbench)
    glyphs: Glyphs = BLOCK
    keymap: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    cwd: str = field(default_factory=working_directory)
    ask: Ask = nobody
    trouble: EngineTrouble | None = None
    survey: Survey | None = None

    @property
    def offered(self) -> str:
        """Directory that may be offered for a watch; "" while one is wanted and not told of yet."""
        return "" if self.settings.watch and self.bench.watch is None else self.cwd
