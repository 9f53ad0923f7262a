"""The lean display in a real terminal: the same picture as Textual's own, for a fraction."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import pytest
from pty_session import WAIT_S, PtySession
from strict_terminal import Look, look

if TYPE_CHECKING:
    from conftest import Opened

pytestmark = pytest.mark.system

NEWEST = "0029"
ODD = r"\u6f22\u5b57e\u0301"
WALL = b"\r\n\x1b[41mBroadcast message\x1b[5;3H\xe6\xbc\xa2\xe5\xad\x97 going down\x1b[1;32m"


def picture(session: PtySession) -> list[list[Look]]:
    """Return what can be seen of every cell."""
    session.pump(0)
    session._draw()
    screen = session.screen
    return [[look(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)]


def spoil(session: PtySession) -> None:
    """Let the terminal show what another program writes to it."""
    session.pump(0)
    session._draw()
    session._stream.feed(WALL)
    assert "going down" in session.text


def until_mended(session: PtySession) -> None:
    """Wait until what another program wrote is gone; spoiled alike, two terminals agree too."""
    session.until(lambda: "going down" not in session.text, "a whole screen")


def assert_come_to_agree(lean: PtySession, textual: PtySession) -> None:
    end = time.monotonic() + WAIT_S
    while True:
        for session in (lean, textual):
            session.until_quiet(0.1)
        if picture(lean) == picture(textual):
            return
        assert time.monotonic() < end, f"{lean.text}\n\n{textual.text}"


@pytest.mark.parametrize("flags", [("--theme", "dark"), ("--theme", "light", "--glyphs", "ascii")])
def test_both_displays_leave_the_same_terminal(screen: Opened, flags: tuple[str, ...]) -> None:
    engine = ("serve", "--runs", "30", "--files", "4", "--payload", ODD)
    pair = [
        screen("--display", name, *flags, engine=engine, size=(100, 30))
        for name in ("lean", "textual")
    ]

    def both_show(*keys: str) -> None:
        for key in keys:
            for session in pair:
                session.send(key)
        assert_come_to_agree(pair[0], pair[1])

    for session in pair:
        session.until_text(NEWEST)
    both_show()
    both_show("j", "j", "\x1b[6~", "G", "k", "g")
    for size in ((64, 20), (100, 30), (99, 30), (100, 30)):
        for session in pair:
            session.resize(size)
        # Where the view stands may tell of the way it came: moving puts both right.
        both_show("2" if size[0] == 64 else "1", "j", "g")
    both_show("?")
    for session in pair:
        spoil(session)
        session.send("\x0c")
        until_mended(session)
    both_show()
    both_show("\x1b")
    for session in pair:
        session.send("\x1a")
        session.wait_stopped()
        spoil(session)
        session.process.send_signal(signal.SIGCONT)
        until_mended(session)
        session.until_text(NEWEST)
    both_show("j", "g")
    lean, textual = (len(session.data) for session in pair)
    assert lean * 3 < textual
    for session in pair:
        session.send("\x03")
        assert session.wait() == 0
        assert session.examine().violations == []


def cursor(session: PtySession) -> int:
    """Return the number of the run under the cursor."""
    found = re.search(r"▌.* eval_mcp_(\d+)", session.text)
    assert found is not None, session.text
    return int(found[1])


def until_followed(session: PtySession) -> int:
    """Wait until all panes show the run under the cursor; return its number."""
    session.until(lambda: f"B eval_mcp_{cursor(session):04d}" in session.text, "the panes")
    session.until_quiet()
    return cursor(session)


def frames_after(session: PtySession, keys: str, runs: int | None = None) -> list[bytes]:
    """Type keys at once, and return what was drawn for them, frame by frame.

    Args:
        session: The screen.
        keys: What is typed.
        runs: By how many runs the cursor goes down; None is any number.
    """
    number, before = until_followed(session), len(session.data)
    session.send(keys)
    if runs is None:
        session.until(lambda: cursor(session) != number, "a move")
    else:
        session.until(lambda: cursor(session) == number - runs, f"{runs} runs on")
    until_followed(session)
    return [part + b"\x1b[0m" for part in bytes(session.data[before:]).split(b"\x1b[0m")]


def test_a_cursor_key_costs_the_list_little_and_the_panes_follow(screen: Opened) -> None:
    session = screen(engine=("serve", "--runs", "300"), size=(120, 40))
    session.until_text("0299")
    frames = frames_after(session, "jjjjjj", 6)
    moves = [frame for frame in frames if "▌".encode() in frame]
    assert moves
    # Where the machine is slow, the panes come with a key: one of six is alone.
    assert min(map(len, moves)) <= 80


def test_a_line_that_comes_into_view_moves_the_others(screen: Opened) -> None:
    session = screen(engine=("serve", "--runs", "300"), size=(120, 40))
    session.until_text("0299")
    frames = frames_after(session, "\x1b[6~")
    assert sum(map(len, frames)) <= 10_000
    for _ in range(14):
        frames = frames_after(session, "j", 1)
    moves = [frame for frame in frames if b"\x1b[r" in frame]
    assert moves
    assert max(map(len, moves)) <= 800


@pytest.mark.parametrize("runs", [22, 410])
def test_ten_sparklines_that_change_cost_at_most_a_kilobyte(screen: Opened, runs: int) -> None:
    engine = ("serve", "--runs", str(runs), "--every", "0.4", "--noisy", "10")
    session = screen(engine=engine, size=(120, 40))
    session.until_text("eval_mcp")
    session.send("3")
    session.until(lambda: shown(session) > 0, "the trends")
    begun = shown(session)  # the rest of the screen may still be on its way
    session.until(lambda: shown(session) >= begun + 2, "two new runs in them")
    first, before = shown(session), len(session.data)
    session.until(lambda: shown(session) >= first + 6, "new runs in the trends")
    assert "noise_09_rate" in session.text
    assert (len(session.data) - before) / (shown(session) - first) <= 1_000


def shown(session: PtySession) -> int:
    """Return how many runs the trends are of, 0 while there are none."""
    found = re.search(r"Trends mode mcp, (\d+) runs", session.text)
    return int(found[1]) if found else 0


def test_the_first_screen_is_small(screen: Opened) -> None:
    session = screen(engine=("serve", "--runs", "300"), size=(120, 40))
    session.until_text("0299")
    session.until_quiet()
    assert len(session.data) <= 15_000


def test_motion_blinking_and_animations_are_never_asked_for(screen: Opened) -> None:
    session = screen(size=(120, 40))
    session.until_text(NEWEST)
    session.until_quiet()
    found = session.examine()
    assert found.modes[1000], "clicks and the wheel"
    assert found.modes[1002], "motion while a button is held"
    assert 1003 not in found.modes, "any motion"
    session.send(
        "\x1b[<35;20;10M"
    )  # the pointer moves, for a terminal that reports it all the same
    session.until_quiet()
    before = len(session.data)
    session.send("/eval")  # an input, whose cursor would blink every half second
    session.until(lambda: "/eval" in session.text, "the filter")
    session.until_quiet(1.2)  # what blinks is never silent for so long
    assert len(session.data) > before
    assert b"\x1b[5m" not in session.data
    assert b"\x1b[?25h" not in session.data


def test_without_the_mouse_no_mode_of_it_is_set(screen: Opened) -> None:
    session = screen("--no-mouse")
    session.until_text(NEWEST)
    session.until_quiet()
    assert not {1000, 1002, 1003, 1006, 1015, 1016} & session.examine().modes.keys()
