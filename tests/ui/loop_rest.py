"""Waits until an event loop has nothing to do, however seldom its process gets the processor."""

from __future__ import annotations

import asyncio
from asyncio.base_events import BaseEventLoop

LOOK_S = 0.02
"""Between two looks, and what is due within it counts as to do: a frame waits 17 ms at most."""

_LOOKS = 500
_TICKS = 50
"""Looks that saw nothing but what is due soon, after which it is taken for a clock that ticks."""


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
    ticks = 0
    for _ in range(_LOOKS):
        await asyncio.sleep(LOOK_S)
        if loop._ready:  # type: ignore[attr-defined]  # there is no public way to ask
            continue
        ticks += 1
        if ticks == _TICKS or not _is_due_soon(loop):
            return


def _is_due_soon(loop: BaseEventLoop) -> bool:
    soon = loop.time() + LOOK_S
    timers = loop._scheduled  # type: ignore[attr-defined]
    return any(timer.when() <= soon and not timer.cancelled() for timer in timers)
