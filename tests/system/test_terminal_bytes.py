"""What reaches the terminal: known sequences and harmless text, and no more than is needed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from pty_session import PtySession
from terminal_bytes import examine

from evaltui.ui.widgets.tabs import PANES as TABS

if TYPE_CHECKING:
    from conftest import Opened

pytestmark = pytest.mark.system

NEWEST = "eval_mcp_0029"
PANES = "123456"
PAYLOADS = {
    "clipboard": r"\x1b]52;c;aGFja2Vk\x07",
    "clipboard, unterminated": r"\x1b]52;c;aGFja2Vk",
    "title": r"\x1b]0;owned\x1b\\",
    "link": r"\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clear": r"\x1b[2J\x1b[H",
    "main screen": r"\x1b[?1049l\x1b[?25h",
    "reset": r"\x1bc",
    "question": r"\x1b[6n\x1b[c\x1b[21t",
    "device control": r"\x1bP$q\x22p\x1b\\",
    "c1": r"\x9b2J\x9d52;c;aGFja2Vk\x9c\x90q\x9c",
    "controls": r"\x00\x07\x08\x0b\x0c\x0e\x0f\x7f\r\n\t",
    "bidi": r"\u202e\u2066evil\u2069\u200f\u061c",
    "zero width": r"\u200b\u200d\u2060\ufeff\u00ad\u034f",
    "tags": r"\U000e0041\U000e0042\U000e007f",
    "separators": r"\u2028\u2029\x85",
    "marks": r"Z" + r"\u0316\u0317\u0318\u0319\u031a\u031b\u0320\u0321\u0322\u0323\u0324\u0325",
    "selectors": r"\ufe0f\ufe0e\U000e0100",
    "fillers": r"\u3164\u115f\u1160\uffa0",
    "markup": r"[/b][/][bold red]x[/][link=http://evil.example]y[/link]",
    "action": r"[@click=app.quit]x[/]",
    "wide": r"\u6f22\u5b57\U0001f469\u200d\U0001f4bb\u0e33",
}
ESCAPE_S = 0.4
"""Silence after Escape: a key that follows too soon is taken for Alt and that key."""
REST_S = 1.0
"""Silence after which nothing is still to come: what an answer of the engine brings, or a rest."""
AT_ONCE = 4
"""Payloads in one text; more would be cut off, texts being shown up to a limit."""


def feed_of(payload: str) -> tuple[str, ...]:
    return ("serve", "--runs", "12", "--files", "18", "--payload", payload)


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), AT_ONCE))
def test_hostile_text_in_every_field_of_every_pane_is_only_text(screen: Opened, start: int) -> None:
    payload = "".join(list(PAYLOADS.values())[start : start + AT_ONCE])
    session = screen(engine=feed_of(payload), size=(140, 40))
    session.until_text("eval_mcp_0011")
    for keys in (*PANES, "1", "j", "\r", "l", "l", "l", "\r", "\x1b", "5", "n", "1", "s", "\x1b"):
        session.send(keys)
        session.until_quiet(ESCAPE_S if keys == "\x1b" else 0.1)
    for keys in ("B", "\x1b", "/", "eval", "\r", "?", "\x1b", "b", "u", "c", ":", "\x1b"):
        session.send(keys)
        session.until_quiet(ESCAPE_S if keys == "\x1b" else 0.1)
    for keys in ("\x1b", "g", "c", "S", "\x1b", "m", "j", "\r", "l", "\r", "d", "\x1b", "A", "\r"):
        session.send(keys)
        session.until_quiet(ESCAPE_S if keys == "\x1b" else 0.1)
    session.send("\x1b")
    assert session.process.poll() is None, session.text
    assert session.examine().violations == []
    assert session.examine().modes[1049]  # no text switched the screen back
    session.send("\x03")
    assert session.wait() == 0
    found = session.examine()
    assert found.violations == []
    assert found.left_on == {}


def test_a_copied_hostile_name_goes_to_the_clipboard_encoded(screen: Opened) -> None:
    session = screen(engine=feed_of(PAYLOADS["clipboard"]), size=(140, 40))
    session.until_text("eval_mcp_0011")
    for keys in ("y", "5", "n", "y"):
        session.send(keys)
        session.until_quiet()
    session.until(lambda: session.examine(clipboard=True).clipboards > 1, "the second copy")
    found = session.examine(clipboard=True)
    assert found.violations == []
    assert found.clipboards == 2
    assert b"aGFja2Vk" not in b"".join(
        part for part in bytes(session.data).split(b"\x1b]52;c;")[1:] if part.startswith(b"aGFj")
    )


def test_the_judge_knows_what_is_forbidden() -> None:
    for name, payload in PAYLOADS.items():
        raw = payload.encode().decode("unicode_escape").encode("utf-8", "surrogatepass")
        found = examine(raw)
        seen = bool(found.violations or found.modes)
        assert seen is not (name in {"markup", "action"}), name
    assert examine(b"\x1b[?1049h\x1b[1;31mx\x1b[0m\x1b[5;10H\xc3\xa9\r\n").violations == []
    assert examine(b"\xff").violations
    assert examine(b"\x1b[?1049h\x1b[?25l").left_on == {1049: True, 25: False}


def test_without_colour_no_colour_is_sent(screen: Opened) -> None:
    session = screen(NO_COLOR="1")
    session.until_text(NEWEST)
    for keys in (*PANES, "?", "\x1b", "1", "b"):
        session.send(keys)
        session.until_quiet(ESCAPE_S if keys == "\x1b" else 0.1)
    found = session.examine()
    assert found.colours == 0
    assert found.violations == []


def test_with_colour_colours_are_sent(screen: Opened) -> None:
    session = screen()
    session.until_text(NEWEST)
    assert session.examine().colours > 0


def test_with_ascii_glyphs_every_screen_is_ascii(screen: Opened) -> None:
    session = screen("--glyphs", "ascii", engine=("serve", "--runs", "12"), size=(140, 40))
    session.until_text("eval_mcp_0011")
    for keys in (*PANES, "4", "l", "l", "l", "\r", "\x1b", "2", "S", "\x1b", "m", "\x1b", "d"):
        session.send(keys)
        session.until_quiet(ESCAPE_S if keys == "\x1b" else 0.1)
    for keys in ("\x1b", "5", "n", "w", "\x1b", "1", "s", "\x1b", "B", "\x1b", "/", "eval", "\r"):
        session.send(keys)
        session.until_quiet(ESCAPE_S if keys == "\x1b" else 0.1)
    for keys in ("?", "\x1b", ":", "\x1b", "L", "\x1b", "b", "u", "c", "y", "q"):
        session.send(keys)
        session.until_quiet(ESCAPE_S if keys == "\x1b" else 0.1)
    beyond = sorted({char for char in session.data.decode() if not char.isascii()})
    assert beyond == [], session.text
    session.resize((20, 5))
    session.until_quiet()
    assert session.data.isascii()


def test_the_terminal_tells_its_size_and_no_variable_does(screen: Opened) -> None:
    session = screen(size=(110, 30), COLUMNS="50", LINES="12")
    session.until_text(NEWEST)
    session.until_text("? help")
    lines = session.text.splitlines()
    assert max(map(len, lines)) > 100
    assert "? help" in lines[29]
    session.resize((90, 26))
    session.until(lambda: "? help" in session.text.splitlines()[25], "the footer")


def go_to(session: PtySession, number: str) -> None:
    """Go to a pane, and wait until all of it is there."""
    (label,) = (label for _, label in TABS if label.startswith(number))
    session.send(number)
    session.until_text(f"[{label}]")
    session.until_quiet(REST_S)


def test_nothing_is_sent_while_nothing_changes(screen: Opened) -> None:
    session = screen()
    session.until_text(NEWEST)
    session.until_text(f"{NEWEST} vs ")  # the panes come after the list
    for pane in PANES:
        go_to(session, pane)
        assert session.pump(1.0) == 0, f"pane {pane}"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_held_cursor_key_costs_little(screen: Opened, size: tuple[int, int]) -> None:
    session = screen(engine=("serve", "--runs", "300"), size=size)
    session.until_text("eval_mcp_0299")
    followed = ("eval_mcp_0299 vs ", "B eval_mcp_0299")
    session.until(lambda: any(text in session.text for text in followed), "the panes")
    session.until_quiet(REST_S)
    steps = 8  # stays on the page
    before = len(session.data)
    for _ in range(steps):
        session.send("j")
        session.until_quiet(0.02)
    session.until_quiet()
    assert (len(session.data) - before) / steps <= 1_200


@pytest.mark.parametrize("pane", ["5", "4"])
def test_a_cursor_key_in_a_table_costs_little(screen: Opened, pane: str) -> None:
    session = screen(size=(80, 24))
    session.until_text(NEWEST)
    session.until_text(f"{NEWEST} vs ")
    go_to(session, pane)
    assert session.bytes_of("j") <= 1_200
    assert session.bytes_of("j") <= 1_200
    assert session.bytes_of("k") <= 1_200


def test_any_storm_of_sizes_is_survived(screen: Opened) -> None:
    session = screen(size=(120, 40))
    session.until_text(NEWEST)
    rng = random.Random(7)
    for step in range(120):
        session.resize((rng.randint(1, 200), rng.randint(1, 60)))
        session.pump(0)
        if step % 10 == 0:
            session.send(rng.choice("jk123456s\x1b?\x1b"))
            session.until_quiet(0.05)
    session.resize((80, 24))
    session.until(
        lambda: session.text.splitlines()[-1].startswith(" ? help"), "a screen of the last size"
    )
    session.until_quiet()
    assert session.text.splitlines()[-1].startswith(" ? help"), "the last size is the one drawn for"
    for key in ("\x1b", "\x1b", "\x1b", "1", "1", "g"):  # the first 1 may be taken for Alt+1
        session.send(key)
        session.until_quiet(ESCAPE_S)
    session.until_text(NEWEST)
    session.send("\x03")
    assert session.wait() == 0
    found = session.examine()
    assert found.violations == []
    assert found.left_on == {}


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (39, 30), (200, 3)])
def test_too_small_a_terminal_says_so_and_comes_back(screen: Opened, size: tuple[int, int]) -> None:
    session = screen()
    session.until_text(NEWEST)
    session.resize(size)
    session.until(lambda: NEWEST not in session.text, "another picture")
    if size[0] >= 9:
        session.until(lambda: "too small" in " ".join(session.text.split()), "the two words")
    session.until_quiet()
    assert_readable_at(session, (80, 24))


def assert_readable_at(session: PtySession, size: tuple[int, int]) -> None:
    session.resize(size)
    session.until_text(NEWEST)


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (100, 30), (120, 40), (200, 60)])
def test_every_usable_size_shows_the_newest_run_and_a_way_to_help(
    screen: Opened, size: tuple[int, int]
) -> None:
    session = screen(size=size)
    session.until_text("0029")
    session.until_text("? help")
    session.until_quiet()
    assert all(len(line) <= size[0] for line in session.text.splitlines())
