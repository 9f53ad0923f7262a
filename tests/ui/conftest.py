"""The same time zone, terminal and patience for every test of the screen, on any machine."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import textual.app
import textual.pilot
from loop_rest import loop_rests

from evaltui.ui.widgets import footer


@pytest.fixture(autouse=True)
def _one_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("TMUX", "COLORFGBG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", loop_rests)
    # a word that goes by itself would be gone before a slow machine has looked at it
    monkeypatch.setattr(footer, "FLASH_S", dict.fromkeys(footer.FLASH_S, 3_600.0))
    yield
    monkeypatch.undo()
    time.tzset()
