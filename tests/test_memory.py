from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaltui import memory

MB = 1_000_000


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    memory._found.cache_clear()
    yield
    memory._found.cache_clear()


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_holes_in_the_heap_are_given_back() -> None:
    if memory._found("malloc_trim") is None or not Path("/proc/self/statm").exists():
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
    memory.keep_large_blocks_apart()
    assert memory._found("malloc_trim") is None


_ARRAYS = """
import sys
from evaltui import memory
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
if "apart" in sys.argv:
    memory.keep_large_blocks_apart()
b"x" * 8_000_000  # freed at once: the C library takes it that more will come
size = 1_000_000
held = [part for _ in range(40) for part in (b"x" * size, b"x" * (size // 500))]
before = resident()
del held[::2]
print(before - resident())
"""


def test_large_blocks_leave_no_holes_where_they_are_kept_apart() -> None:
    if memory._found("mallopt") is None or not Path("/proc/self/statm").exists():
        pytest.skip("only glibc can be asked, and only Linux tells what is resident")

    def freed(*how: str) -> int:
        command = [sys.executable, "-c", _ARRAYS, *how]
        return int(subprocess.run(command, check=True, capture_output=True).stdout)

    assert freed("apart") > 35 * MB
    assert freed() < 5 * MB, "this holds no more: the call is not needed"
