"""Calls that come once, after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from textual.widget import Widget

_NEXT_S = 1e-6


def call_after(widget: Widget, delay_s: float, call: Callable[[], object]) -> asyncio.TimerHandle:
    """Have a widget or screen call something between its messages, once, after a while.

    Textual's `set_timer` lets a timer of a few milliseconds never come when the thread is displaced
    as the timer begins, and who waits for it would wait for ever.

    Args:
        widget: Who calls; when it is being taken apart by then, nothing is called.
        delay_s: Seconds, at least 0.
        call: What is called.

    Returns:
        What cancels it.
    """
    loop = asyncio.get_running_loop()
    return loop.call_later(delay_s, widget.call_next, partial(_call_if_there, widget, call))


def is_there(widget: Widget) -> bool:
    """Return whether a widget is on a screen, and neither it nor its parts are being taken away.

    Callbacks still come in meanwhile; Textual marks what it takes before it takes the first part.
    """
    return widget.is_attached and not widget._pruning  # noqa: SLF001 - it has no public name


async def let_others() -> None:
    """Give way to what is due on the event loop by now; `sleep(0)` would go first."""
    await asyncio.sleep(_NEXT_S)


def call_behind_others(call: Callable[[], object], delay_s: float = 0.0) -> asyncio.TimerHandle:
    """Call something after a while, once what is due on the event loop by then had its turn.

    Who sleeps until then needs two turns of the loop to go on; a call by itself needs one.

    Args:
        call: What is called.
        delay_s: Seconds, at least 0.

    Returns:
        What cancels it.
    """
    loop = asyncio.get_running_loop()
    return loop.call_later(delay_s, loop.call_soon, call)


def _call_if_there(widget: Widget, call: Callable[[], object]) -> None:
    if is_there(widget):
        call()
