from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaltui import memory

MB = 1_000_000


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    memory._trim.cache_clear()
    yield
    memory._trim.cache_clear()


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_holes_in_the_heap_are_given_back() -> None:
    if memory._trim() is None or not Path("/proc/self/statm").exists():
        pytest.skip("only glibc can be asked, and only Linux tells what is resident")
    held = [bytes(2_000) for _ in range(50_000)]
    pins = held[::500]  # what stays keeps the heap from shrinking by itself
    del held
    before = resident()
    memory.give_back()
    assert before - resident() > 50 * MB
    assert len(pins) == 100


def test_without_such_a_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    memory.give_back()
    assert memory._trim() is None
