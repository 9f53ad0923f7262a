"""Waits for what other threads and processes do; the one place where tests sleep for it."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_S = 0.01
"""How often it is looked: soon noticed, and the processor is left to whom it is waited for."""


def wait_for(
    condition: Callable[[], object], what: str = "what is waited for", *, seconds: float = 180.0
) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: It does not come to hold.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} in {seconds:g} s"
        time.sleep(LOOK_S)
