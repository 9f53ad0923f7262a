"""Keys are read from a terminal that nobody looks at while nothing is typed."""

from __future__ import annotations

import os
import pty
import selectors
import threading
import tty
from collections.abc import Iterator

import pytest
from textual import constants, events
from textual.message import Message
from waiting import wait_for

from evaltui.ui.keyboard import SelectableEvent, read_keys


class _Typed:
    """A terminal, the thread that reads it, and what that has read."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        tty.setraw(self.theirs)
        self.end = SelectableEvent()
        self.read: list[Message] = []
        self.error: OSError | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            read_keys(self.theirs, self.end, self.read.append)
        except OSError as error:
            self.error = error

    def type(self, data: bytes) -> None:
        os.write(self.ours, data)

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.read if isinstance(message, events.Key)]

    def close(self) -> None:
        self.end.set()
        self.thread.join()
        os.close(self.theirs)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Return the seconds of every wait, None for those without an end."""
    found: list[float | None] = []
    select = selectors.SelectSelector.select

    def noted(
        self: selectors.SelectSelector, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        found.append(timeout)
        return select(self, timeout)

    monkeypatch.setattr(selectors.SelectSelector, "select", noted)
    return found


@pytest.fixture
def typed(waits: list[float | None]) -> Iterator[_Typed]:
    made = _Typed()
    wait_for(lambda: waits)
    yield made
    made.close()
    os.close(made.ours)


def test_keys_arrive_and_then_nobody_looks_any_more(
    typed: _Typed, waits: list[float | None]
) -> None:
    assert waits == [None]
    typed.type(b"j")
    wait_for(lambda: len(waits) == 3)
    assert typed.keys == ["j"]
    assert waits == [None, pytest.approx(0.105), None]  # once, for an escape


def test_an_escape_that_nothing_follows_is_the_key(typed: _Typed) -> None:
    typed.type(b"\x1b")
    wait_for(lambda: typed.keys == ["escape"])


def test_a_sequence_that_comes_in_pieces_is_one_key(
    typed: _Typed, waits: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ESCAPE_DELAY", 60.0)
    for number, piece in enumerate((b"\x1b", b"[", b"A")):
        typed.type(piece)
        wait_for(lambda number=number: len(waits) == number + 2)
    assert typed.keys == ["up"]


def test_bytes_that_are_no_text_do_not_end_the_reading(typed: _Typed) -> None:
    typed.type(b"\xff\xfe")
    typed.type("ä".encode()[:1])
    typed.type("ä".encode()[1:])
    typed.type(b"k")
    wait_for(lambda: typed.keys[-1:] == ["k"])
    assert "ä" in [m.character for m in typed.read if isinstance(m, events.Key)]


def test_reading_ends_at_once_when_it_is_told_to(typed: _Typed, waits: list[float | None]) -> None:
    assert waits == [None]
    typed.end.set()
    typed.thread.join()
    assert waits == [None]
    assert typed.error is None


def test_a_terminal_that_hung_up_is_an_error_and_no_endless_reading(waits: object) -> None:
    del waits
    made = _Typed()
    os.close(made.ours)
    made.thread.join()
    assert made.error is not None
    made.close()


def test_an_event_can_be_set_and_cleared_again_and_again() -> None:
    event = SelectableEvent()
    with selectors.SelectSelector() as selector:
        selector.register(event, selectors.EVENT_READ)
        for _ in range(3):
            assert not event.is_set()
            assert not selector.select(0)
            event.set()
            event.set()
            assert event.is_set()
            assert selector.select(0)
            event.clear()
