"""Memory is given back when the screen rests, and not while somebody looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted import batch, link_of, make_app, runs, store, until

from evaltui.domain.recalled import Recalled
from evaltui.domain.table import IntArray
from evaltui.ui import sparing
from evaltui.ui.model import Workbench
from evaltui.ui.sparing import LONGEST_S, REST_S, Sparing
from tests.domain.builders import make_run, make_table, packed_table


class Rest:
    """A clock with timers, a table that counts how often it is let go, and heaps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.let_go: list[float] = []
        self.trimmed: list[float] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        monkeypatch.setattr(sparing, "give_back", lambda: self.trimmed.append(self.now))
        bench = Workbench()
        bench.table = packed_table(
            make_table(make_run("a")), lambda rows: self.let_go.append(self.now)
        )
        self.sparing = Sparing(bench, self._later, monotonic=lambda: self.now)

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self.timers.append((self.now + seconds, work))

    def pass_to(self, now: float) -> None:
        while due := sorted(
            (timer for timer in self.timers if timer[0] <= now), key=lambda t: t[0]
        ):
            self.timers.remove(due[0])
            self.now = due[0][0]
            due[0][1]()
        self.now = now


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> Rest:
    return Rest(monkeypatch)


def test_after_a_look_memory_goes_once(rest: Rest) -> None:
    rest.pass_to(200.0)
    assert rest.let_go == []
    rest.sparing.looked()
    rest.pass_to(200.0 + REST_S / 2)
    assert rest.let_go == []
    rest.pass_to(300.0)
    assert rest.let_go == rest.trimmed == [200.0 + REST_S]
    assert not rest.timers, "nothing wakes the screen while nobody looks"


def test_one_look_after_the_other_puts_it_off_but_not_for_ever(rest: Rest) -> None:
    while rest.now < 100.0 + 2 * LONGEST_S:
        rest.sparing.looked()
        assert len(rest.timers) == 1
        rest.pass_to(rest.now + REST_S / 4)
    assert rest.let_go[0] == 100.0 + LONGEST_S
    rest.pass_to(200.0)
    assert len(rest.let_go) in {2, 3}
    assert rest.let_go == rest.trimmed


async def test_the_list_of_the_last_session_is_let_go_when_the_screen_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sparing, "REST_S", 0.01)
    let_go: list[list[int]] = []

    def note(rows: IntArray) -> None:
        let_go.append(rows.tolist())

    table = packed_table(make_table(*batch()), note)
    app = make_app(recall=lambda: Recalled(table, store().status, "token"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(let_go))
        assert let_go[-1] == [], "no run has changed"
        await until(pilot, link_of(app).started.is_set)
        known = len(let_go)
        await pilot.press("down")
        await until(pilot, lambda: len(let_go) > known)
        link_of(app).say(runs(batch()[3]))
        await until(pilot, lambda: let_go[-1] == [3])
