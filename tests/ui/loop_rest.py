"""Waits until an event loop has nothing to do, however seldom its process gets the processor."""

from __future__ import annotations

import asyncio
from asyncio.base_events import BaseEventLoop

LOOK_S = 0.02
"""Between two looks, and what is due within it counts as to do: a frame waits 17 ms at most."""

_LOOKS = 50
"""Looks after which it is taken for one that never rests."""


async def loop_rests(min_sleep: float = 0.0, max_sleep: float = 0.0) -> None:
    """Wait as Textual's `wait_for_idle` does, whose place this takes under a pilot.

    That one takes a process for idle that computed for less than 1 ms in 20 ms. On a busy machine
    this is also one that others did not let compute, and the key just pressed is still on its way.

    Args:
        min_sleep: Not used: it is looked after `LOOK_S` at the earliest.
        max_sleep: Not used: looks are counted, not seconds.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, BaseEventLoop)
    for _ in range(_LOOKS):
        await asyncio.sleep(LOOK_S)
        if not _has_work(loop):
            return


def _has_work(loop: BaseEventLoop) -> bool:
    """Whether calls wait for their turn or are due soon; there is no public way to ask."""
    soon = loop.time() + LOOK_S
    timers = loop._scheduled  # type: ignore[attr-defined]
    return bool(loop._ready) or any(  # type: ignore[attr-defined]
        timer.when() <= soon and not timer.cancelled() for timer in timers
    )
