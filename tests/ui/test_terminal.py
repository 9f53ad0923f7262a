"""Parts of the terminal's safety that need no terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from evaltui.ui import refusal as refusal_module
from evaltui.ui.refusal import refusal
from evaltui.ui.terminal import RESTORE, GuardedFile, restore_by_hand


class Gone(io.StringIO):
    """A file whose terminal went away."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_writing_to_a_lost_terminal_is_told_once_and_never_fails() -> None:
    told: list[str] = []
    file = GuardedFile(Gone(), lambda: told.append("gone"))
    assert file.write("abc") == 3
    assert file.write("def") == 3
    file.flush()
    assert told == ["gone"]


def test_a_closed_file_counts_as_lost() -> None:
    told: list[str] = []
    inner = io.StringIO()
    file = GuardedFile(inner, lambda: told.append("gone"))
    file.write("abc")
    assert inner.getvalue() == "abc"
    inner.close()
    file.write("def")
    assert told == ["gone"]


@pytest.fixture
def on_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal_module, "_is_terminal", lambda _: True)


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "linux", "tmux-256color", "vt100"])
def test_a_usable_terminal_is_not_refused(on_terminals: None, term: str) -> None:
    assert refusal({"TERM": term}) is None


@pytest.mark.parametrize("environ", [{}, {"TERM": ""}, {"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_that_cannot_place_the_cursor_is_refused(
    on_terminals: None, environ: dict[str, str]
) -> None:
    assert "TERM=" in (refusal(environ) or "")


def test_a_closed_stream_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (None, io.StringIO()):
        monkeypatch.setattr(sys, "__stdin__", stream)
        assert refusal({"TERM": "xterm"}) == "stdin is not a terminal"


def test_asking_whether_a_screen_can_be_drawn_loads_nothing_of_it() -> None:
    code = "import sys, evaltui.ui.refusal; print([m for m in sys.modules if 'textual' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_putting_the_terminal_back_by_hand_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda _, data: written.append(data) or len(data))
    monkeypatch.setattr(os, "set_blocking", lambda *_: None)
    restore_by_hand(None)
    assert written == [RESTORE.encode()]
    restore_by_hand([0] * 7)  # descriptor 0 may be no terminal here

    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "write", fail)
    restore_by_hand(None)


def test_putting_back_undoes_every_mode_the_driver_sets() -> None:
    """The driver's own source names the modes; a new one must be added here."""
    import inspect
    import re

    from textual.drivers.linux_driver import LinuxDriver

    source = inspect.getsource(LinuxDriver)
    lines = [line for line in source.splitlines() if not line.strip().startswith("#")]
    switched = set(re.findall(r"\\x1b\[\?(\d+)h", "\n".join(lines)))
    undone = set(re.findall(r"\x1b\[\?(\d+)[hl]", RESTORE))
    assert switched
    assert switched <= undone
