"""However the screen ends, the terminal is what it was before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pty_session import SCREEN, WAIT_S, PtySession
from waiting import wait_for

if TYPE_CHECKING:
    from conftest import Opened

pytestmark = pytest.mark.system

NEWEST = "eval_mcp_0029"
SETS = {1049: True, 25: False, 7: False, 2004: True, 1000: True, 1006: True}
"""Some of what the screen switches; a test that finds none of it proves nothing."""


def assert_restored(session: PtySession) -> None:
    found = session.examine()
    assert found.violations == []
    assert found.left_on == {}
    assert found.kitty_depth == 0
    assert not found.region
    assert session.attrs == session.attrs_before


def assert_in_screen_mode(session: PtySession) -> None:
    found = session.examine()
    assert SETS.items() <= found.modes.items()
    assert found.kitty_depth == 1
    assert session.attrs != session.attrs_before


def engines_of(session: PtySession) -> list[int]:
    """Return the engine processes that the screen started."""
    folder = Path(f"/proc/{session.process.pid}/task/{session.process.pid}/children")
    return [int(pid) for pid in folder.read_text().split()]


def assert_gone(engines: list[int]) -> None:
    """Wait for the end of processes that were killed: the system takes its time for it."""
    for pid in engines:
        wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists(), f"end of {pid}")  # type: ignore[misc]


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("q", 0),
        ("\x03", 0),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGQUIT, 131),
        (signal.SIGINT, 130),
    ],
)
def test_an_orderly_end_restores_the_terminal(
    screen: Opened, ending: str | signal.Signals, status: int
) -> None:
    session = screen(engine=("serve", "--files", "0"))
    session.until_text(NEWEST)
    assert_in_screen_mode(session)
    engines = engines_of(session)
    assert engines
    if isinstance(ending, str):
        session.send(ending)
    else:
        session.process.send_signal(ending)
    assert session.wait() == status
    assert_restored(session)
    assert_gone(engines)


@pytest.mark.parametrize("engine", ["deaf", "hang", "nonsense", "die"])
def test_quitting_waits_for_no_engine(screen: Opened, engine: str) -> None:
    session = screen(engine=(engine,))
    session.until(lambda: "Runs" in session.text, "the first frame")
    session.send("q")
    assert session.wait() == 0
    assert_restored(session)


def test_a_crash_restores_the_terminal_and_prints_no_locals(screen: Opened) -> None:
    session = screen(BREAK_A_KEY="1")
    session.until_text(NEWEST)
    session.send("r")
    assert session.wait() == 70
    assert_restored(session)
    printed = bytes(session.data)
    assert b"internal error: ZeroDivisionError" in printed
    assert b"canary-in-locals" not in printed
    assert b"Traceback" not in printed
    log = screen.log.read_text()
    assert "a broken key" in log
    assert "canary-in-locals" not in log


def test_suspending_gives_the_terminal_back_and_coming_back_takes_it(screen: Opened) -> None:
    session = screen(engine=("serve", "--files", "0"))
    session.until_text(NEWEST)
    for _ in range(2):
        session.send("\x1a")
        session.wait_stopped()
        session.until_quiet()
        assert_restored(session)
        before = len(session.data)
        session.process.send_signal(signal.SIGCONT)
        session.until(lambda: session.examine().modes.get(1049), "the screen again")
        session.until(lambda before=before: NEWEST.encode() in session.data[before:], "a new frame")
        session.until_quiet()
        assert_in_screen_mode(session)
        assert session.bytes_of("j") > 0
    session.send("q")
    assert session.wait() == 0
    assert_restored(session)


def test_a_bare_continue_leaves_a_screen_that_works_and_can_be_left(screen: Opened) -> None:
    session = screen(engine=("serve", "--files", "0"))
    session.until_text(NEWEST)
    for _ in range(3):
        os.kill(session.process.pid, signal.SIGSTOP)
        session.wait_stopped()
        session.until_quiet()  # what it had sent by then is no new frame
        before = len(session.data)
        session.process.send_signal(signal.SIGCONT)
        session.until(lambda before=before: NEWEST.encode() in session.data[before:], "a new frame")
        session.until_quiet()
        assert_in_screen_mode(session)
    assert session.bytes_of("j") > 0
    session.send("q")
    assert session.wait() == 0
    assert_restored(session)


@pytest.mark.parametrize("told", [True, False])
def test_a_lost_terminal_ends_the_program(screen: Opened, told: bool) -> None:
    """The system sends SIGHUP for a terminal that the program owns; else it has to notice."""
    session = screen(engine=("serve", "--every", "0.05"), owned=told)
    session.until_text(NEWEST)
    engines = engines_of(session)
    session.hang_up()
    assert session.process.wait(WAIT_S) == 129
    assert_gone(engines)


def test_a_second_signal_ends_a_program_that_hangs(screen: Opened) -> None:
    session = screen(HANG_ON_A_KEY="1")
    session.until_text(NEWEST)
    session.send("r")
    session.until(lambda: "hanging" in screen.log.read_text(), "the hang")
    session.process.send_signal(signal.SIGTERM)
    session.process.send_signal(signal.SIGQUIT)  # two of one kind may arrive as one
    assert session.wait() in {128 + signal.SIGTERM, 128 + signal.SIGQUIT}
    assert session.examine().left_on == {}
    assert session.attrs == session.attrs_before


@pytest.mark.parametrize("term", ["dumb", None, "unknown"])
def test_a_terminal_without_cursor_movement_is_refused(screen: Opened, term: str | None) -> None:
    session = screen(TERM=term)
    assert session.wait() == 2
    assert b"evaltui watch DIR" in session.data
    assert b"\x1b" not in session.data
    assert session.attrs == session.attrs_before


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_without_a_terminal_on_every_stream_the_screen_is_refused(
    tmp_path: Path, stream: str
) -> None:
    master, slave = os.openpty()
    try:
        streams: dict[str, int] = {"stdin": slave, "stdout": slave, "stderr": slave}
        streams[stream] = subprocess.DEVNULL if stream == "stdin" else subprocess.PIPE
        done = subprocess.run(
            [sys.executable, SCREEN, "--engine", "serve"],
            env={**os.environ, "TERM": "xterm", "EVALTUI_STATE_DIR": str(tmp_path)},
            timeout=WAIT_S,
            check=False,
            **streams,
        )
        told = done.stderr if stream == "stderr" else os.read(master, 65_536)
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 2
    assert f"{stream} is not a terminal".encode() in told
    assert b"evaltui watch DIR" in told
    assert b"\x1b" not in told
