"""Garbage is collected when the screen rests, and seldom while somebody waits."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from evaltui.ui.collecting import begin, collect


class Knot:
    """Something that only a collection finds."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leave the collector of this process as it was."""
    before = gc.get_threshold()
    gc.disable()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)
    gc.enable()


def test_what_was_there_before_is_not_walked_through_again() -> None:
    gc.unfreeze()
    young, middle, _ = gc.get_threshold()
    knot = Knot()
    begin()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[:2] == (young, middle)
    assert gc.get_threshold()[2] > 10
    seen = weakref.ref(knot)
    del knot
    gc.collect()
    assert seen() is not None


def test_a_rest_collects_what_is_due_and_then_nothing_is() -> None:
    begin()
    gc.collect(1)  # as the interpreter does after a while
    seen = weakref.ref(Knot())
    assert seen() is not None
    assert collect(stays=False)
    assert seen() is None
    assert not collect(stays=False)


def test_what_the_first_rest_leaves_stays() -> None:
    begin()
    gc.collect(1)
    frozen, panes = gc.get_freeze_count(), [Knot() for _ in range(100)]
    assert collect(stays=True)
    assert gc.get_freeze_count() >= frozen + len(panes)


def test_nothing_is_collected_while_the_screen_is_made() -> None:
    assert not gc.isenabled()
    seen = weakref.ref(Knot())
    assert not collect(stays=True)
    assert seen() is not None
